"""Sharing machines and drives from a notebook and a terminal, through the product's own service."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_vmshare.client.errors import NotFound, VMShareError
from jupyter_vmshare.terminal.showing import reached
from jupyter_vmshare.widgets.glance import together
from jupyterhub_vmshare.api.contract.glance import ManyResults
from jupyterhub_vmshare.api.contract.grants import InSessions
from tests.client.conftest import Real
from tests.client.terminal import Terminal
from tests.client.waiting import until

CONFIRM = "/services/vmshare/confirm"
LINK = {
    **{"person": "ben", "machine_id": "mch_1", "confirmed": True},
    **{"channels": 1, "processes": 3, "remaining": 0},
}


@pytest.fixture
def at(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """``at("ana")``: her terminal."""
    return lambda name: Terminal(real, name, monkeypatch, capsys)


def held(grants: Any) -> list[tuple[str, str, str | None]]:
    """Of grants of a notebook, who, at which level, and what is ticked."""
    return [(one.receiver.name, one.level, one.profile) for one in grants]


def shown(grants: Any) -> list[tuple[str, str, str | None]]:
    """The same of a command's answer."""
    return [(one["receiver"]["name"], one["level"], one["profile"]) for one in grants]


@pytest.mark.scenario("V2")
@pytest.mark.scenario("V3")
@pytest.mark.scenario("V6")
def test_a_machine_is_shared_and_given_on_in_notebooks(real: Real) -> None:
    ana, ben, cleo = (real.notebook(name) for name in ("ana", "ben", "cleo"))
    box = ana.machines.create("gpu-box", size="Small", image="Debian", drive_gib=0)
    told = box.share({"ben": "use", "cleo": "manage", "dan": "use"}, until="2030-01-01")
    assert held(told.granted) == [("ben", "use", "standard"), ("cleo", "manage", "everything")]
    assert "must share one team" in told.failed["dan"]
    for vm in (ben, cleo):
        vm.invitations["gpu-box"].accept()
    with pytest.raises(VMShareError, match="must share one team"):
        ben.machines["gpu-box"].share("dan")
    ben.machines["gpu-box"].share("cleo", profile="files", until="2029-01-01")
    with pytest.raises(ValueError, match="from ana and ben: say whose"):
        box.revoke("cleo")
    assert held(box.lineage("ben")) == [("ben", "use", "standard"), ("cleo", "use", "files")]
    changed = box.change("cleo", ticks=["files"], until=None, giver="ben")
    assert (changed.ticks, changed.profile, changed.ends_at) == (["files"], "custom", None)
    assert "Use (files)" in repr(box.people)
    assert "cleo" in [one.name for one in box.people.people]
    ended = box.revoke("ben").ended
    assert [(one.receiver.name, one.ended_why) for one in ended] == [
        ("ben", "revoked"),
        ("cleo", "giver_lost"),
    ]
    with pytest.raises(NotFound, match="ben holds nothing"):
        box.change("ben", "manage")
    cleo.machines["gpu-box"].leave()
    assert list(box.people) == []


@pytest.mark.scenario("V5")
def test_what_the_hub_asks_by_itself_is_a_link(real: Real, at: Any) -> None:
    vm, ana = real.notebook("ana"), at("ana")
    box = vm.machines.create("gpu-box", size="Small", image="Debian", drive_gib=1)
    drive = vm.drives["gpu-box drive"]
    for thing in (box, drive):
        with pytest.raises(ValueError, match=f"{CONFIRM}/co-own/{thing.id}"):
            thing.share("ben", "co_own")
    for what, thing, name in (("machine", box, "gpu-box"), ("drive", drive, drive.id)):
        for verb in ("co-own", "hand-over", "delete-for-ever"):
            page = verb.replace("delete-for-ever", f"delete-{what}")
            told = ana.json(f"{what}s {verb} {name}")["page"]
            assert told == f"{CONFIRM}/{page}/{thing.id}"
    assert box.deletion_page.endswith(f"/delete-machine/{box.id}")


@pytest.mark.scenario("V2")
@pytest.mark.scenario("V7")
@pytest.mark.scenario("V8")
def test_a_machine_is_shared_at_the_terminal(real: Real, at: Any) -> None:
    ana, ben, cleo = at("ana"), at("ben"), at("cleo")
    ana("machines create gpu-box --size Small --image Debian --drive 0 --share ben cleo=manage")
    assert shown(ana.json("machines people gpu-box")) == [
        ("ben", "use", "standard"),
        ("cleo", "manage", "everything"),
    ]
    for member in (ben, cleo):
        member("accept gpu-box")
    assert ana("machines share gpu-box dan")[0] == 1
    ben("machines share gpu-box cleo --ticks files,download")
    assert ana.json("machines people gpu-box --each")[1]["name"] == "cleo"
    code, out, _ = ana("machines revoke gpu-box ben")
    assert (code, "cleo" in out, "Say --yes" in out) == (1, True, True)
    assert len(ana.json("machines people gpu-box")) == 3, "nothing has ended"
    raised = ana.json("machines change gpu-box ben --level manage --profile reading")
    assert (raised["level"], raised["profile"]) == ("manage", "reading")
    assert ana("machines revoke gpu-box cleo --from ana")[1].startswith("Revoked from cleo.")
    assert ana("machines revoke gpu-box ben --yes")[1].startswith("Revoked from ben, cleo.")
    ana("machines share gpu-box genomics --team --until 2030-01-01")
    assert [one["state"] for one in ana.json("machines people gpu-box")] == ["active"]
    assert ana.json("machines change gpu-box genomics --for-ever")["ends_at"] is None
    ben("accept gpu-box")
    assert ben("machines leave gpu-box")[0] == 0
    assert ana("machines revoke gpu-box --all")[1].startswith("Revoked from genomics.")
    assert ana("machines revoke gpu-box") == (1, "", "Say from whom, or --all.\n")


def test_sharing_at_a_glance_and_what_happened_know_machines_and_drives(at: Any) -> None:
    ana, ben = at("ana"), at("ben")
    ana("machines create gpu-box --size Small --image Debian --drive 0")
    ana("drives create data 1")
    ana("machines share gpu-box ben cleo")
    ana("drives share data ben cleo")
    shares = ana.json("shares --machine gpu-box")
    assert sorted(shown(shares)) == [("ben", "use", "standard"), ("cleo", "use", "standard")]
    assert {one["thing_label"] for one in ben.json("shares --received")} == {"gpu-box", "data"}
    code, out, _ = ana("change-shares --with ben --machine gpu-box --level manage")
    assert (code, out) == (0, "gpu-box with ben: changed\n")
    assert ana("change-shares --with ben --level edit")[0] == 1, "no level of theirs"
    code, out, _ = ana("revoke-shares --with cleo")
    assert (code, sorted(out.splitlines())) == (
        0,
        ["data with cleo: taken away", "gpu-box with cleo: taken away"],
    )

    def told_of(which: str) -> list[str]:
        lines = ana(f"events --{which} --json")[1].splitlines()
        return [json.loads(line)["type"] for line in lines]

    until(lambda: told_of("machine gpu-box").count("grant.invited") == 2)
    assert told_of("machine gpu-box")[0] == "machine.created"
    until(lambda: told_of("drive data").count("grant.invited") == 2)
    assert told_of("drive data")[0] == "drive.created"


@pytest.mark.parametrize(
    ("told", "sentences"),
    [
        pytest.param({}, [], id="nothing was in use"),
        pytest.param({"in_sessions": "Cut."}, ["Cut."], id="in sessions"),
        pytest.param(
            {"links": [LINK]}, ["ben is off it: 1 connection cut, 3 programs ended."], id="a link"
        ),
        pytest.param(
            {"links": [{**LINK, "machine_id": "mch_2", "confirmed": False}]},
            ["ben is being taken off big-box: the machine has not confirmed it yet."],
            id="a link that is not confirmed, of a machine among several",
        ),
    ],
)
def test_what_a_change_reached_is_said(told: dict[str, Any], sentences: list[str]) -> None:
    assert reached(InSessions.model_validate(told), {"mch_2": "big-box"}) == sentences


@pytest.mark.scenario("V13")
def test_a_drive_is_shared_at_the_terminal_and_in_a_notebook(real: Real, at: Any) -> None:
    ana, ben, vm = at("ana"), at("ben"), real.notebook("ana")
    ana("drives create data 1")
    assert shown(g["grant"] for g in ana.json("drives share data ben cleo=attach_write")) == [
        ("ben", "attach_read", None),
        ("cleo", "attach_write", None),
    ]
    assert ben.json("accept data")["name"] == "data"
    assert "Attach to write" in ana("drives people data")[1]
    assert ana.json("drives change data ben --level attach_write")["level"] == "attach_write"
    data = vm.drives["data"]
    assert data.change("ben", "attach_read").level == "attach_read"
    assert [one.receiver.name for one in data.lineage("ben")] == ["ben"]
    assert ben("drives leave data")[0] == 0
    assert ana("drives revoke data cleo")[1].startswith("Revoked from cleo.")
    data.share("ben", "attach_write", until="2030-01-01")
    assert [one.receiver.name for one in data.stop_sharing().ended] == ["ben"]


@pytest.mark.scenario("V5")
def test_a_drive_goes_from_one_machine_to_another(real: Real, at: Any) -> None:
    ana = at("ana")
    first = ana.json("machines create first --size Small --image Debian --drive 1")
    ana("machines create second --size Small --image Debian --drive 0")
    drive = first["drives"][0]["drive_id"]
    vm = real.notebook("ana")
    told = ana.json(f"machines move-drive first {drive} second")
    assert told["name"] == "first"
    until(lambda: [one.machine_name for one in vm.drives[drive].view.machines] == ["second"])
    second = vm.machines["second"]
    until(lambda: vm.machines["second"].view.drives[0].state.value == "attached")
    second.refresh()
    second.use_drive_elsewhere("first drive", vm.machines["first"])
    until(lambda: [one.machine_name for one in vm.drives[drive].view.machines] == ["first"])


def test_the_same_awaited(real: Real) -> None:
    async def awaited() -> tuple[list[str], str]:
        vm = real.awaited("ana")
        box = await vm.machines.create(
            "gpu-box", size="small", image="debian", drive_gib=0, share=["ben"]
        )
        await box.share("cleo", "manage")
        names = [one.receiver.name for one in await box.people]
        why = await vm.why("delete", box)
        await vm.close()
        return names, why.why.rule

    assert asyncio.run(awaited()) == (["ben", "cleo"], "table.delete")


def test_what_many_requests_reached_is_told_together() -> None:
    session = {"session_id": "ses_1", "server_name": "", "person": "cleo", "processes": 1}
    holder = {"folder_id": "fld_1", **session}
    each = [
        ManyResults.model_validate({"results": [], "links": [LINK], "in_sessions": "Cut."}),
        ManyResults.model_validate({"results": [], "holders": [holder], "in_sessions": "Cut."}),
    ]
    told = together(each)
    assert [link.person for link in told.links] == ["ben"]
    assert [one.person for one in told.holders] == ["cleo"]
    assert told.in_sessions == "Cut."
