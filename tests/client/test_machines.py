"""Machines and drives from a notebook and a terminal, through the product's own service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyter_vmshare.client.errors import NotFound, VMShareError
from jupyter_vmshare.widgets.machines import MachineFailed
from jupyterhub_vmshare.api.contract.grants import NewGrant, NewUse, Profile
from jupyterhub_vmshare.cloud.port import CloudRefused
from tests.client.conftest import Real
from tests.client.terminal import Terminal
from tests.client.waiting import until
from tests.fakes.cloud import FakeCloud


@pytest.fixture
def ana(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ana", monkeypatch, capsys)


def cloud_of(real: Real) -> FakeCloud:
    found = real.service.service.settings.cloud
    assert isinstance(found, FakeCloud)
    return found


@pytest.mark.scenario("V1")
@pytest.mark.scenario("V13")
def test_machines_in_a_notebook(real: Real) -> None:
    vm = real.notebook("ana")
    assert [image.name for image in vm.machines.offer().images] == ["Debian", "Science"]
    box = vm.machines.create("gpu-box", size="Small", image="Debian", drive_gib=0).wait()
    assert (box.state, vm.machines["gpu-box"].id) == ("running", box.id)
    vm.machines["gpu-box"].stop()
    assert box.wait().state == "stopped"
    box.start()
    assert box.wait().state == "running"
    drive = vm.drives.create("data", 5)
    drive.attach(box)
    until(lambda: [d.state.value for d in vm.machines["gpu-box"].view.drives] == ["attached"])
    assert "on gpu-box" in repr(vm.drives["data"])
    assert "gpu-box" in vm.machines._repr_html_()
    with pytest.raises(NotFound, match="There is: Small, Large"):
        box.resize("Huge")
    with pytest.raises(KeyError, match="You have no machine 'other'"):
        vm.machines["other"]
    with pytest.raises(ValueError, match="one of the two"):
        vm.machines.create("x", size="Small")
    vm.close()


@pytest.mark.scenario("V2")
def test_an_invitation_to_a_machine_is_accepted(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    box = ana.machines.create("gpu-box", size="Small", image="Debian", drive_gib=0)
    ana.client.invite_users(box.id, [NewUse(receiver="ben", profile=Profile.FILES)])
    mine = ben.invitations["gpu-box"].accept()
    assert (mine.id, mine.owner, ben.machines["gpu-box"].id) == (box.id, "ana", box.id)
    [grant] = ana.client.people_of(box.id).grants
    assert (grant.profile, ana.client.lineage(grant.id).grants) == ("files", [grant])
    drive = ana.drives.create("data", 1)
    ana.client.invite(drive.id, [NewGrant(receiver="ben", level="attach_read")])
    assert ben.invitations["data"].accept().id == ben.drives["data"].id
    ben.client.leave(box.id)
    assert list(ben.machines) == []


def test_what_failed_is_raised(real: Real) -> None:
    vm = real.notebook("ana")
    cloud_of(real).refuse_next("create_machine", CloudRefused("This image is broken."))
    box = vm.machines.create("gpu-box", size="Small", image="Debian", drive_gib=0)
    with pytest.raises(MachineFailed, match="This image is broken"):
        box.wait()
    assert isinstance(MachineFailed("x"), VMShareError)
    vm.close()


def test_the_same_awaited(real: Real) -> None:
    async def awaited() -> tuple[str, list[str]]:
        vm = real.awaited("ana")
        box = await vm.machines.create("gpu-box", size="small", image="debian", drive_gib=1)
        await box.wait()
        names = [machine.name async for machine in vm.machines]
        drives = [drive.name async for drive in vm.drives]
        await vm.close()
        return box.state, names + drives

    assert asyncio.run(awaited()) == ("running", ["gpu-box", "gpu-box drive"])


@pytest.mark.scenario("V12")
@pytest.mark.scenario("V13")
def test_machines_at_the_terminal(ana: Terminal, real: Real) -> None:
    assert ana.json("machines") == []
    assert "Debian" in ana("machines offer")[1]
    made = ana.json("machines create gpu-box --size Small --image Debian --drive 3")
    assert (made["state"], made["drives"][0]["drive_name"]) == ("running", "gpu-box drive")
    assert ana.json("machines stop gpu-box")["state"] == "stopped"
    assert ana.json("machines start gpu-box")["state"] == "running"
    assert ana.json("machines resize gpu-box Large")["size"] == "large"
    assert ana.json("machines reboot gpu-box --hard")["state"] == "running"
    assert "booted" in ana("machines console gpu-box")[1]
    assert ana.json("machines idle gpu-box 90")["idle_minutes"] == 90
    ana("machines snapshot gpu-box tools")
    until(lambda: [s["state"] for s in ana.json("machines snapshots")] == ["ready"])
    assert ana.json("machines rebuild gpu-box --snapshot tools")["made_from"] == "tools"
    assert ana.json("machines rename gpu-box cpu-box")["name"] == "cpu-box"
    assert ana.json("drives create data 5")["size_gib"] == 5
    until(lambda: {d["state"] for d in ana.json("drives")} == {"ready"})
    ana("drives attach data cpu-box")
    until(lambda: len(ana.json("machines show cpu-box")["drives"]) == 2)
    box, data = ana.json("machines show cpu-box")["id"], ana.json("drives")[0]["id"]
    pages = "/services/vmshare/confirm/"
    assert ana.json("machines delete-for-ever cpu-box")["page"] == f"{pages}delete-machine/{box}"
    assert ana.json("drives delete-for-ever data")["page"] == f"{pages}delete-drive/{data}"
    assert ana("machines start other") == (1, "", "You have no machine 'other'.\n")


def test_a_site_without_a_cloud_says_so(
    real: Real, ana: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = real.service.service.machines
    monkeypatch.setattr(room.offers, "cloud", None)
    sentence = "This site offers no machines"
    assert ana("machines offer")[1].startswith(sentence)
    code, out, err = ana("drives create data 5")
    assert (code, out) == (1, "")
    assert err.startswith(sentence)
