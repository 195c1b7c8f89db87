"""What the panel can do, `jupyter vmshare` can, too; through the product's own service."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.widgets import glance
from tests.client.conftest import Real
from tests.client.terminal import Terminal
from tests.folders.test_clones import home


@pytest.fixture
def ana(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ana", monkeypatch, capsys)


@pytest.fixture
def ben(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ben", monkeypatch, capsys)


def test_names_at_the_terminal(ana: Terminal, ben: Terminal) -> None:
    ana("create tests")
    assert ana.json("rename tests results")["name"] == "results"
    ana("share results ben")
    ben("accept results")
    assert ben.json("alias results hers")["label"] == "hers"
    assert [folder["label"] for folder in ana.json("folders")] == ["results"]
    assert ben.json("alias hers")["label"] == "results"
    code, out, err = ben("rename results mine")
    assert (code, out) == (1, "")
    assert err.endswith(".\n")
    assert [one["name"] for one in ana.json("find-people be")] == ["ben"]
    assert ana.json("find-people nobody-here") == []


def test_directories_and_what_is_known_of_a_file(ana: Terminal, tmp_path: Path) -> None:
    survey = tmp_path / "survey"
    (survey / "deep").mkdir(parents=True)
    (survey / "a.csv").write_text("a")
    (survey / "deep" / "b.csv").write_text("bb")
    (survey / "link").symlink_to("a.csv")
    ana("create tests")
    assert ana("mkdir tests data data/raw") == (0, "Made: data\nMade: data/raw\n", "")
    told = ana.json(f"put -r tests {survey} data/survey")
    assert [one["path"] for one in told] == [
        *("data/survey", "data/survey/a.csv", "data/survey/deep", "data/survey/deep/b.csv")
    ]
    code, out, _ = ana(f"put -r tests {survey} data/survey")
    assert code == 1
    assert out.count("is there already") == 2 or out.count("already") == 2
    assert ana(f"put -r tests {survey} data/survey --overwrite")[0] == 0
    assert ana(f"put -r tests {survey} /")[0] == 0
    assert [one["name"] for one in ana.json("files tests")] == ["data", "deep", "a.csv"]
    found = ana.json("stat tests data/survey/deep/b.csv")
    assert (found["size"], found["path"]) == (2, "data/survey/deep/b.csv")
    assert "Size: 2 B (2 bytes)" in ana("stat tests data/survey/deep/b.csv")[1]


def test_who_changed_it(ana: Terminal, ben: Terminal, real: Real, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    folder = ana.json("create tests")["id"]
    ana("share tests ben=edit")
    ben("accept tests")
    ben(f"put tests {tmp_path}/a")
    told: list[Any] = []
    deadline = time.monotonic() + 30
    while not told and time.monotonic() < deadline:
        happened = json_lines(ana("events --folder tests --json")[1])
        told = [one for one in happened if one["type"] == "files.changed"]
    # The service's clock is the test's; the disk's is not.
    at = datetime.fromisoformat(told[0]["at"]).timestamp()
    file = home(real.service, folder) / "files" / "a"
    os.utime(file, (at, at))
    assert ana.json("stat tests a")["changed_by"] == "ben"
    assert "By: ben" in ana("stat tests a")[1]
    os.utime(file, (at - 60, at - 60))
    assert ana.json("stat tests a")["changed_by"] is None
    assert "By: not known" in ana("stat tests a")[1]


def json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_happened_at_the_terminal(ana: Terminal, ben: Terminal) -> None:
    ana("create one")
    ana("create two")
    ana("share one ben")
    deadline = time.monotonic() + 30
    told: list[Any] = []
    while len(told) < 2 and time.monotonic() < deadline:
        told = json_lines(ana("events --folder one --json")[1])
    assert [one["type"] for one in told] == ["folder.created", "grant.invited"]
    assert "folder.created one by ana" in ana("events --limit 1 --folder one")[1] or (
        "grant.invited one by ana" in ana("events --limit 1 --folder one")[1]
    )
    assert ben.json("sessions") == []


def test_where_the_hub_asks_by_itself(
    ana: Terminal, real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_HUB_URL", "https://hub.example.org/hub/")
    folder = ana.json("create tests")["id"]
    path = f"{real.service.service.settings.prefix}confirm"
    page = f"https://hub.example.org{path}/hand-over/{folder}"
    assert ana.json("hand-over tests") == {"page": page}
    assert page in ana("hand-over tests")[1]
    assert ana("delete-for-ever tests")[0] == 1, "it is not in the trash"
    ana("trash tests")
    monkeypatch.delenv("JUPYTERHUB_PUBLIC_HUB_URL")
    assert ana.json("delete-for-ever tests")["page"] == f"{path}/delete-folder/{folder}"


@pytest.mark.scenario("F15")
def test_what_a_team_has_can_be_declined_and_accepted_later(ana: Terminal, ben: Terminal) -> None:
    ana("create tests")
    ana("share tests genomics --team --level edit")
    ana("share tests ben --level view")
    one = {person["name"]: person for person in ana.json("people tests --each")}
    assert (one["ben"]["level"], len(one["ben"]["sources"])) == ("edit", 2)
    assert "Edit from ana through genomics (no answer)" in ana("people tests --each")[1]
    ana("revoke tests ben")
    assert ben("decline tests")[0] == 0
    assert ben.json("invitations") == ben.json("folders") == []
    assert [each["thing_name"] for each in ben.json("invitations --declined")] == ["tests"]
    assert ben.json("accept tests")["level"] == "edit"


def test_what_is_kept_can_be_looked_at(ana: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("then")
    ana("create tests")
    ana(f"put tests {tmp_path}/a")
    made = ana.json("snapshot tests")["id"]
    (tmp_path / "a").write_text("now")
    ana(f"put tests {tmp_path}/a --overwrite")
    assert ana(f"snapshot-get tests {made} a {tmp_path}")[0] == 1, "there is an a already"
    assert ana(f"snapshot-get tests {made} a {tmp_path}/old")[0] == 0
    assert (tmp_path / "old").read_text() == "then"
    assert ana("snapshot-every tests")[1] == "None by themselves.\n"
    ana("snapshot-every tests 12 --keep 3")
    assert ana("snapshot-every tests")[1] == "Every 12 hours; 3 are kept.\n"
    copy = ana.json("clone tests copy")["id"]
    assert [one["id"] for one in ana.json("copies")] == [copy]
    assert ana(f"copies --give-up {copy}") == (0, "Given up.\n", "")
    assert ana.json("copies") == []
    assert [one["label"] for one in ana.json("folders")] == ["copy", "tests"]


def test_a_notebook_does_with_many_what_the_panel_does(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    for name in ("reef", "bay"):
        ana.folders.create(name).share({"ben": "view", "cleo": "view"})
    assert len(ana.shares()) == 4
    mine = ana.shares(who="ben")
    assert {one.thing_label for one in mine} == {"reef", "bay"}
    told = ana.change_shares(mine, "Edit", "2099-01-02")
    assert [one.problem for one in told.results] == [None, None]
    assert {(one.level, one.ends_at is None) for one in ben.shares(received=True)} == {
        ("edit", False)
    }
    stale = ana.change_shares(mine, "view")
    assert {one.problem.code for one in stale.results if one.problem} == {"changed-meanwhile"}
    assert ana.revoke_shares(ana.shares("reef")).sessions_cut == 0
    assert [one.thing_label for one in ana.shares(who="ben")] == ["bay"]
    assert ana.change_shares([]).results == []


def test_more_than_fit_in_one_request(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "AT_ONCE", 2)
    ana = real.notebook("ana")
    ana.folders.create("reef").share({"ben": "view", "cleo": "view", "dan": "view"})
    told = ana.change_shares(ana.shares(), "edit", None)
    assert [one.problem for one in told.results] == [None] * 3
    assert {one.level for one in ana.shares()} == {"edit"}
    assert len(ana.revoke_shares(ana.shares()).results) == 3
