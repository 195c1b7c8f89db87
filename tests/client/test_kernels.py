"""``jupyter vmshare kernels`` of machines that can't be asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.conftest import Real
from tests.client.terminal import Terminal


@pytest.mark.scenario("V1")
def test_of_a_machine_that_is_off_it_is_said_who_starts_it(
    real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    ana = Terminal(real, "ana", monkeypatch, capsys)
    assert ana.json("kernels") == []
    vm = real.notebook("ana")
    box = vm.machines.create("gpu-box", size="small", image="debian", drive_gib=0)
    box.wait()
    box.stop()
    box.wait()
    vm.close()
    [one] = ana.json("kernels gpu-box")
    assert (one["machine"], one["name"]) == ("gpu-box", None)
    assert one["because"].startswith("It is off. A notebook")
    assert "gpu-box (ana)" in ana("kernels")[1]
    code, out, err = ana("kernels nothing-here")
    assert (code, out) == (1, "")
    assert "no machine called" in err
