"""The demonstration's machines, without a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.machines import QEMU, SANDBOXES, Keeper, MachinesRefused


@pytest.mark.parametrize(("there", "asked"), [(SANDBOXES, QEMU), (QEMU, SANDBOXES)])
def test_a_demonstration_keeps_its_kind_of_machines(tmp_path: Path, there: str, asked: str) -> None:
    (tmp_path / there).mkdir()
    with pytest.raises(MachinesRefused, match=f"has {there}: give it another --directory"):
        Keeper(tmp_path, asked).prepare(tmp_path / "log")
    assert not (tmp_path / "log").exists()
