"""The cards of machines in notebooks: live, with buttons for what one may do."""

from __future__ import annotations

import threading
from html import unescape
from typing import Any

import pytest

from jupyter_vmshare.widgets.cardshelf import card_of
from jupyter_vmshare.widgets.connect import VMShare
from jupyter_vmshare.widgets.machinecard import MachineCard
from jupyter_vmshare.widgets.machinewords import coming_up, state_name
from jupyter_vmshare.widgets.progress import shown_bar
from jupyterhub_vmshare.api.contract.grants import NewUse, Profile
from jupyterhub_vmshare.api.contract.machines import MachineState, MachineView
from jupyterhub_vmshare.cloud.port import CloudRefused
from tests.client.conftest import Real
from tests.client.machine_rows import MACHINE
from tests.client.test_machines import cloud_of
from tests.client.waiting import until

THREAD = "vmshare-machines"


def made(vm: VMShare, name: str = "gpu-box") -> Any:
    return vm.machines.create(name, size="Small", image="Debian", drive_gib=0)


def card(vm: VMShare, box: Any) -> MachineCard:
    return card_of(box.view, vm.client)


def shown(card: MachineCard) -> str:
    return unescape(card._facts.value)


def said(card: MachineCard) -> str:
    return unescape(card._status.value)


def offered(card: MachineCard) -> list[str]:
    buttons = card._buttons.values()
    return [b.description for b in buttons if b.layout.display != "none" and not b.disabled]


def follows(name: str = THREAD) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


@pytest.mark.scenario("V1")
def test_it_shows_the_steps_and_then_that_it_runs(real: Real) -> None:
    vm, cloud = real.notebook("ana"), cloud_of(real)
    cloud.delays["create_machine"] = 60
    box = card(vm, made(vm))
    until(lambda: "Prepare its disk ●" in shown(box).replace('<span aria-hidden="true">', ""))
    assert "Prepare its disk" in said(box)
    assert 'role="status"' in said(box)
    cloud.advance(61)
    until(lambda: "Running" in said(box))
    assert "Prepare its disk" not in shown(box)
    assert offered(box) == ["Stop", "Reboot"]
    vm.close()


@pytest.mark.scenario("V3")
def test_its_buttons_do_what_they_say(real: Real) -> None:
    vm = real.notebook("ana")
    box = card(vm, made(vm).wait())
    box._buttons["stop"].click()
    until(lambda: offered(box) == ["Start"])
    assert vm.machines["gpu-box"].wait().state == "stopped"
    box._buttons["start"].click()
    until(lambda: "Running" in said(box) and offered(box) == ["Stop", "Reboot"])
    box._buttons["reboot"].click()
    until(lambda: "reboot_machine" in [order for order, _ in cloud_of(real).orders])
    assert all(box.view.name in button.tooltip for button in box._buttons.values())
    vm.close()


def test_what_failed_says_why_and_can_be_tried_again(real: Real) -> None:
    vm = real.notebook("ana")
    cloud_of(real).refuse_next("create_machine", CloudRefused("This image is broken."))
    box = card(vm, made(vm))
    until(lambda: offered(box) == ["Try again"])
    assert "This image is broken." in said(box)
    assert "This image is broken." in shown(box)
    box._buttons["start"].click()
    until(lambda: "Running" in said(box))
    assert "broken" not in said(box) + shown(box)
    vm.close()


@pytest.mark.scenario("V10")
def test_others_see_what_happens_and_what_they_may(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    box = made(ana).wait()
    ana.client.invite_users(box.id, [NewUse(receiver="ben", profile=Profile.FILES)])
    theirs = card(ben, ben.invitations["gpu-box"].accept())
    until(lambda: "Running" in said(theirs))
    assert offered(theirs) == []
    ana.machines["gpu-box"].change("ben", profile="everything")
    until(lambda: offered(theirs) == ["Stop", "Reboot"])
    box.stop()
    until(lambda: "Stopped" in said(theirs))
    ana.machines["gpu-box"].revoke("ben")
    until(lambda: "not have this machine any more" in said(theirs))
    assert offered(theirs) == []
    assert "Owner" not in shown(theirs)
    ana.close()
    ben.close()


def test_a_press_that_is_refused_says_why(real: Real) -> None:
    vm = real.notebook("ana")
    box = card(vm, made(vm).wait())
    cloud_of(real).delays["stop_machine"] = 60
    until(lambda: "Running" in said(box))
    vm.machines["gpu-box"].stop()
    box._ask(box, "reboot")  # as a press that came too late
    until(lambda: "gpu-box is" in said(box))
    vm.close()


def test_one_stream_for_all_cards_ends_with_the_last_of_them(real: Real) -> None:
    vm, streams = real.notebook("ana"), real.service.service.rooms.streams
    first, second = made(vm), made(vm, "cpu-box")
    one, again, other = card(vm, first), card(vm, first), card(vm, second)
    assert one is again
    until(lambda: streams.count("ana") == 1)
    one.close()
    until(lambda: "Running" in said(other))
    assert (streams.count("ana"), follows()) == (1, True)
    other.close()
    until(lambda: streams.count("ana") == 0)
    until(lambda: not follows())
    later = card(vm, first)
    assert later is not one
    until(lambda: streams.count("ana") == 1)
    vm.close()
    until(lambda: streams.count("ana") == 0 and not follows())


def test_every_state_has_words_of_its_own() -> None:
    views = [MachineView.model_validate({**MACHINE, "state": state}) for state in MachineState]
    names = [state_name(view) for view in views]
    assert len(set(names)) == len(MachineState)
    assert not {str(state) for state in MachineState} & set(names)


STEPS = [
    pytest.param("making", None, ["now", "next", "next"], id="asked for"),
    pytest.param("making", "create", ["done", "now", "next"], id="being made"),
    pytest.param("starting", "start", ["now"], id="starting"),
    pytest.param("running", None, [], id="up"),
    pytest.param("stopping", "stop", [], id="on its way down"),
]


@pytest.mark.parametrize(("state", "step", "hows"), STEPS)
def test_the_steps_are_the_panels(state: str, step: str | None, hows: list[str]) -> None:
    told = {**MACHINE, "state": state, "desired": "running", "step": step}
    view = MachineView.model_validate(told)
    steps = [one.how for one in coming_up(view)]
    assert steps == [*hows, *(["done"] if hows else [])]  # the drive that is on it already


def test_outside_a_notebook_there_is_no_bar() -> None:
    with shown_bar("gpu-box", True, lambda act, *args: act(*args)) as bar:
        assert bar is None
