"""A folder on a machine, as terminals and notebooks choose it."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_vmshare.client import Conflict
from tests.client.conftest import Real
from tests.client.terminal import Terminal


def test_at_a_terminal_it_is_said_who_can_read_it_before(
    real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    ana = Terminal(real, "ana", monkeypatch, capsys)
    vm = real.notebook("ana")
    box = vm.machines.create("gpu-box", size="small", image="debian", drive_gib=0)
    box.wait()
    vm.folders.create("tests")
    code, out, err = ana("show-on-machine tests gpu-box")
    assert (code, err) == (1, "")
    assert out.startswith("ana is root on gpu-box: whatever you may read")
    assert out.endswith("Say --yes if it is to be shown there.\n")
    assert ana.json("shown-on-machines") == []
    code, out, err = ana("show-on-machine tests gpu-box --yes")
    assert (code, err) == (0, "")
    assert "tests is mounted on gpu-box" in out
    [one] = ana.json("shown-on-machines")
    assert (one["folder_name"], one["machine_name"], one["readers"]) == (
        "tests",
        "gpu-box",
        ["ana"],
    )
    assert "gpu-box" in ana("shown-on-machines")[1]
    assert ana("hide-from-machine tests gpu-box")[0] == 0
    assert "You show no folder" in ana("shown-on-machines")[1]
    folder = vm.folders["tests"]
    with pytest.raises(Conflict, match="ana is root on gpu-box"):
        folder.show_on(box)
    assert folder.show_on(box, acknowledged=True).shown
    assert folder.readers_on(box).readers == ["ana"]
    folder.hide_from(box)
    assert not folder.readers_on(box).shown
    vm.close()
