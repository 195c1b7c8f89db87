"""`jupyter vmshare`, through the product's own service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.cli import main, parser
from jupyter_vmshare.shared_dir import BECAUSE_VARIABLE, DIRECTORY_VARIABLE
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import handing
from tests.client.conftest import Real
from tests.client.terminal import Terminal
from tests.client.test_mounted import FOLDER, mount, session
from tests.fakes.vmshare import FakeVMShare, Scripted


@pytest.fixture
def ana(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ana", monkeypatch, capsys)


@pytest.fixture
def ben(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ben", monkeypatch, capsys)


@pytest.mark.scenario("F2")
@pytest.mark.scenario("F3")
@pytest.mark.scenario("F4")
@pytest.mark.scenario("F18")
def test_a_day_at_the_terminal(ana: Terminal, ben: Terminal, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("hello\n")
    assert ana.json("create tests")["name"] == "tests"
    assert ana(f"put tests {tmp_path}/hello.txt")[0] == 0
    code, out, _ = ana("share tests ben dan=edit nobody-here --level view")
    assert code == 1, "one of three was not invited"
    assert "nobody-here" in out
    assert [grant["level"] for grant in ana.json("people tests")] == ["view", "edit"]

    assert "tests" in ben("invitations")[1]
    assert ben.json("accept tests")["level"] == "view"
    assert [entry["name"] for entry in ben.json("files tests")] == ["hello.txt"]
    assert ben(f"get tests hello.txt {tmp_path}/copy.txt")[0] == 0
    assert (tmp_path / "copy.txt").read_text() == "hello\n"

    code, out, err = ben(f"put tests {tmp_path}/hello.txt other.txt")
    assert (code, out) == (1, "")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    code, out, _ = ben("why delete_file tests")
    assert code == 0
    assert "ben may not delete_file." in out
    assert ben.json("why read_file tests")["allowed"]

    assert "ben" in ana("revoke tests ben")[1]
    assert ben("files tests") == (1, "", "You have no folder 'tests'.\n")
    assert ben.json("folders") == []


def test_quota_at_the_terminal(ana: Terminal, tmp_path: Path) -> None:
    ana("create tests")
    (tmp_path / "a").write_bytes(b"x" * 2000)
    ana(f"put tests {tmp_path}/a")
    assert ana.json("quota")["bytes"] == {"used": 2000, "limit": None, "left": None}
    assert "Files: 2.0 KiB, no limit" in ana("quota")[1]


@pytest.mark.scenario("F13")
def test_the_trash_at_the_terminal(ana: Terminal) -> None:
    ana("create tests")
    assert ana("trash tests") == (0, "In the trash.\n", "")
    assert ana.json("folders") == []
    assert [folder["label"] for folder in ana.json("folders --trash")] == ["tests"]
    assert ana.json("restore tests --as again")["label"] == "again"
    assert [folder["label"] for folder in ana.json("folders")] == ["again"]


def test_sharing_at_a_glance_at_the_terminal(ana: Terminal, ben: Terminal) -> None:
    for name in ("reef", "bay"):
        ana(f"create {name}")
        ana(f"share {name} ben cleo")
    assert len(ana.json("shares")) == 4
    assert {one["thing_label"] for one in ben.json("shares --received")} == {"reef", "bay"}
    assert ana("change-shares --with ben")[2].startswith("Say what is to change")
    assert ana("change-shares --level edit")[2].startswith("Say which")
    code, out, _ = ana("change-shares --with ben --level edit --until 2099-01-02")
    assert (code, sorted(out.splitlines())) == (
        0,
        ["bay with ben: changed", "reef with ben: changed"],
    )
    [changed] = ana.json("shares --with ben --folder reef")
    assert changed["level"] == "edit"
    assert changed["ends_at"].startswith("2099-01-0")
    assert ana("change-shares --with ben --no-end")[0] == 0
    assert {one["ends_at"] for one in ana.json("shares")} == {None}
    assert ana(f"revoke-shares {changed['id']}") == (0, "reef with ben: taken away\n", "")
    assert ana(f"revoke-shares {changed['id']}")[2].startswith("You share nothing of the id")
    assert ana("revoke-shares --with cleo")[0] == 0
    assert [one["thing_label"] for one in ana.json("shares")] == ["bay"]


def test_copies_at_the_terminal(ana: Terminal, ben: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2000)
    ana("create tests")
    ana(f"put tests {tmp_path}/a")
    ana("share tests ben")
    ben("accept tests")
    code, out, err = ben("clone tests mine")
    assert (code, out) == (1, "")
    assert err == "ana does not let this folder be copied as a whole.\n"
    assert ana("settings tests --cloneable") == (0, "Others may copy it.\n", "")
    assert ben("clone tests mine") == (0, "1 files, 2.0 KiB: mine.\n", "")
    assert [entry["name"] for entry in ben.json("files mine")] == ["a"]
    assert ana.json("settings tests --not-cloneable")["cloneable"] is False


@pytest.mark.parametrize(
    ("how", "names"),
    [
        pytest.param("", "abc", id="by name"),
        pytest.param("-r", "cba", id="the last name first"),
        pytest.param("--sort size", "bca", id="the largest first"),
        pytest.param("--sort size --reverse", "acb", id="the smallest first"),
    ],
)
def test_files_are_sorted_as_ls_does(ana: Terminal, tmp_path: Path, how: str, names: str) -> None:
    ana("create tests")
    for name, size in (("a", 1), ("b", 3), ("c", 2)):
        (tmp_path / name).write_text("x" * size)
        ana(f"put tests {tmp_path}/{name}")
    made = ana.json("snapshot tests")
    for listed in (f"files tests {how}", f"snapshot-files tests {made['id']} {how}"):
        assert [entry["name"] for entry in ana.json(listed)] == list(names)


def test_snapshots_at_the_terminal(ana: Terminal, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    ana("create tests")
    ana(f"put tests {tmp_path}/a")
    made = ana.json("snapshot tests")
    ana(f"put tests {tmp_path}/b a --overwrite")
    assert [one["id"] for one in ana.json("snapshots tests")] == [made["id"]]
    assert [entry["name"] for entry in ana.json(f"snapshot-files tests {made['id']}")] == ["a"]
    assert ana(f"restore-file tests {made['id']} a")[0] == 1
    assert ana(f"restore-file tests {made['id']} a --as old") == (0, "Back at old.\n", "")
    ana(f"get tests old {tmp_path}/old")
    assert (tmp_path / "old").read_text() == "a"
    assert ana("snapshot-every tests 6 --keep 2")[1] == "Every 6 hours; 2 are kept.\n"
    assert ana("snapshot-every tests 0")[1] == "None by themselves.\n"
    assert ana(f"delete-snapshot tests {made['id']}") == (0, "Deleted.\n", "")


def test_decline_and_leave(ana: Terminal, ben: Terminal) -> None:
    ana("create one")
    ana("create two")
    ana("share one ben --until 2027-01-01")
    ana("share two ben")
    assert ben.json("invitations")[1]["ends_at"].startswith(("2027-01-01", "2027-01-02"))
    assert ben("decline one")[0] == 0
    ben("accept two --as mine")
    assert [folder["label"] for folder in ben.json("folders --shared-with-me")] == ["mine"]
    assert ben.json("folders --mine") == []
    assert ben("leave mine")[0] == 0
    assert ana.json("people two") == []
    ana("share two ben cleo")
    assert len(ana.json("revoke two --all")["ended"]) == 2


@pytest.mark.scenario("F15")
def test_a_team_is_given_a_folder(ana: Terminal, ben: Terminal) -> None:
    ana("create tests")
    assert "genomics" in ana("teams")[1]
    assert ana("share tests genomics --team --level edit")[0] == 0
    assert "genomics (team)" in ana("people tests")[1]
    assert [folder["level"] for folder in ben.json("folders")] == ["edit"]
    assert "genomics" in ben("invitations")[1]
    assert ben.json("accept tests")["level"] == "edit"
    code, out, _ = ana("share tests imaging --team")
    assert (code, "You are in no team called 'imaging'" in out) == (1, True)


@pytest.mark.scenario("F14")
def test_a_folder_is_taken_over_or_not(ana: Terminal, ben: Terminal, real: Real) -> None:
    def offer(folder: str) -> None:
        async def made() -> None:
            async with real.service.service.db.write() as tx:
                wanted = handing.Offer("ben", keep=True)
                await handing.offer(tx, Person("ana"), folder, wanted)

        real.loop.run(made())

    one, two, three = (ana.json(f"create {name}")["id"] for name in ("one", "two", "three"))
    for folder in (one, two, three):
        offer(folder)
    assert {each["thing_name"] for each in ben.json("hand-overs")} == {"one", "two", "three"}
    ben("create two")
    assert ben.json("take-over one")["level"] == "owner"
    assert "Take another name" in ben("take-over two")[2]
    assert ben.json("take-over two --as second")["name"] == "second"
    assert ana("refuse-hand-over three --cancel")[0] == 0
    assert ben("refuse-hand-over three") == (
        1,
        "",
        "Nothing called 'three' is being handed over to you, or by you.\n",
    )
    assert {folder["level"] for folder in ana.json("folders --shared-with-me")} == {"edit_delete"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("files nothing", 1, id="no such folder"),
        pytest.param("accept nothing", 1, id="no such invitation"),
        pytest.param("revoke tests", 1, id="from whom"),
        pytest.param("put tests /does/not/exist", 1, id="no such local file"),
        pytest.param("share tests ben --until Friday", 1, id="no date"),
        pytest.param("share tests ben --level owner", 1, id="no level"),
        pytest.param("create " + "n" * 1001, 1, id="far too long a name"),
    ],
)
def test_a_mistake_is_one_sentence(ana: Terminal, line: str, code: int) -> None:
    ana("create tests")
    found, out, err = ana(line)
    assert (found, out) == (code, "") or line.startswith("share")
    assert err.count("\n") == 1 or "level" in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize("line", ["", "nonsense", "share tests", "folders --mine --shared-with-me"])
def test_a_command_line_that_makes_no_sense(line: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2


def test_every_command_has_help_and_json() -> None:
    actions = next(a for a in parser()._actions if hasattr(a, "choices") and a.choices)
    commands = dict(actions.choices or {})
    assert set(commands) >= {
        "folders", "invitations", "share", "accept", "decline", "leave", "revoke", "why", "files",
        "get", "put", "doctor", "mount", "unmount", "teams", "hand-overs", "take-over",
    }  # fmt: skip
    for command in commands.values():
        assert command.description
        assert "--json" in command.format_help()


def test_without_a_hub(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("VMSHARE_SERVICE_URL", "VMSHARE_TOKEN", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(["folders"]) == 3
    assert "VMSHARE_TOKEN" in capsys.readouterr().err
    assert main(["doctor", "--json"]) == 1
    findings = {f["what"]: f["verdict"] for f in json.loads(capsys.readouterr().out)}
    assert findings == {"hub": "warning", "token": "failed", "configuration": "failed"}


def health(status: str = "ok", version: str = "0.1.0") -> Scripted:
    told = {"status": status, "version": version, "database": "ok", "hub": "ok"}
    return Scripted.json(told, 200 if status == "ok" else 503)


ME = {
    "name": "ana", "hub_admin": False, "teams": [], "actions": [],
    "credential": {"kind": "kernel", "server": "ana/"},
}  # fmt: skip
SHARED = {**ME, "credential": {"kind": "kernel", "read_only": True, "because": "It is shared."}}


@pytest.mark.parametrize(
    ("told", "me", "finding", "verdict"),
    [
        pytest.param(health(), Scripted.json(ME), "credential", "ok", id="all is well"),
        pytest.param(health("unavailable"), Scripted.json(ME), "service", "warning", id="not well"),
        pytest.param(health(version="0.2.0"), Scripted.json(ME), "version", "warning",
                     id="another version"),
        pytest.param(health(), Scripted.json(SHARED), "credential", "warning", id="read-only"),
        pytest.param(health(), Scripted.problem(401, "not-signed-in", "No."), "credential",
                     "failed", id="the token is wrong"),
        pytest.param(Scripted(503, b"<html>"), Scripted.json(ME), "service", "failed",
                     id="a proxy's page"),
        pytest.param(Scripted(404, b"<html>"), Scripted.json(ME), "service", "failed",
                     id="nothing there"),
        pytest.param(
            Scripted(200, health().body, {"Date": "Fri, 27 Nov 2020 12:00:00 GMT"}),
            Scripted.json(ME), "clock", "warning", id="another time",
        ),
    ],
)  # fmt: skip
def test_the_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, told: Scripted, me: Scripted, finding: str,
    verdict: str,
) -> None:  # fmt: skip
    with FakeVMShare() as fake:
        monkeypatch.setenv("VMSHARE_SERVICE_URL", fake.url)
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "ana-token")
        monkeypatch.setenv("JUPYTERHUB_USER", "ana")
        fake.answer("GET", "/health", told)
        fake.answer("GET", "/me", me)
        fake.answer("GET", "/sessions", Scripted.json({"items": [session()], "next": None}))
        monkeypatch.setenv(DIRECTORY_VARIABLE, "/home/ana/shared")
        code = main(["doctor", "--json"])
        findings = {f["what"]: f for f in json.loads(capsys.readouterr().out)}
        assert findings[finding]["verdict"] == verdict
        assert code == (1 if verdict == "failed" else 0)
        others = {what for what, f in findings.items() if f["verdict"] != "ok"}
        assert others <= {finding}
        main(["doctor"])
        shown = capsys.readouterr().out
        assert findings[finding]["sentence"] in shown
        assert "ana-token" not in shown


@pytest.mark.scenario("M8")
@pytest.mark.parametrize(
    ("sessions", "environ", "verdict", "told"),
    [
        pytest.param([session(mount())], {}, "ok", "1 folders are mounted, below /home/ana/shared",
                     id="all is well"),
        pytest.param([session(available=False, because="There is no /dev/fuse on this node.")], {},
                     "warning", "There is no /dev/fuse", id="the node can not"),
        pytest.param([], {}, "warning", "restart your server", id="an unknown session"),
        pytest.param([session()], {BECAUSE_VARIABLE: "It started without."}, "warning",
                     "It started without.", id="this session started without"),
        pytest.param([session(mount(state="failed", because="The tree is gone."))], {}, "warning",
                     "tests: The tree is gone.", id="one folder failed"),
    ],
)  # fmt: skip
def test_the_doctor_says_whether_mounts_work(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, sessions: list[Any], environ: dict[str, str],
    verdict: str, told: str,
) -> None:  # fmt: skip
    with FakeVMShare() as fake:
        env = {
            "VMSHARE_SERVICE_URL": fake.url,
            "JUPYTERHUB_API_TOKEN": "ana-token",
            DIRECTORY_VARIABLE: "/home/ana/shared",
        }
        for name, value in {**env, **environ}.items():
            monkeypatch.setenv(name, value)
        fake.answer("GET", "/health", health())
        fake.answer("GET", "/me", Scripted.json(ME))
        fake.answer("GET", "/sessions", Scripted.json({"items": sessions, "next": None}))
        main(["doctor", "--json"])
        findings = {f["what"]: f for f in json.loads(capsys.readouterr().out)}
    assert findings["mounts"]["verdict"] == verdict
    assert told in findings["mounts"]["sentence"]


def test_mounting_waits_and_prints_the_path(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    (tmp_path / "tests").mkdir()
    with FakeVMShare() as fake:
        for name, value in {
            "VMSHARE_SERVICE_URL": fake.url,
            "JUPYTERHUB_API_TOKEN": "ana-token",
            DIRECTORY_VARIABLE: str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        choice = {"folder_id": FOLDER["id"], "wanted": True, "sessions": [session()]}
        answers = [session(mount(state=s)) for s in ("waiting", "mounted")]
        fake.answer("GET", "/me", Scripted.json(ME))
        fake.answer("GET", "/folders", Scripted.json({"items": [FOLDER], "next": None}))
        fake.answer("PUT", f"/folders/{FOLDER['id']}/mount", Scripted.json(choice))
        told = [Scripted.json({"items": [each], "next": None}) for each in (session(), *answers)]
        fake.answer("GET", "/sessions", *told)
        assert main(["mount", "tests"]) == 0
        assert capsys.readouterr().out == f"Mounted at {tmp_path}/tests.\n"
        assert main(["folders"]) == 0
        assert f"{tmp_path}/tests" in capsys.readouterr().out
        assert fake.came("DELETE", f"/folders/{FOLDER['id']}/mount") == []


def test_fast_mounts_at_the_terminal(ana: Terminal, ben: Terminal) -> None:
    ana("create tests")
    ana("share tests ben")
    ben("accept tests")
    code, out, _ = ana("settings tests --fast")
    assert (code, "ends with the session" in out) == (0, True)
    assert "fast" in ben("folders")[1] or ben.json("folders")[0]["fast"] is True
    assert ben("settings tests --fast")[2].startswith("You have View")
    assert ana("holders tests") == (0, "Nobody holds anything that was taken away.\n", "")
    assert ana("end-sessions tests") == (0, "No session was to be stopped.\n", "")
    assert ana.json("settings tests --not-fast")["fast"] is False
    ana("trash tests")
    assert ana.json("holders tests") == []
