"""The pictures of machines' kernels: taken as far as they are some, else those of local ones."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from jupyter_vmshare.kernels.logos import LONGEST, png_of
from jupyter_vmshare.kernels.specs import MachineKernels, kernel_name, offer_those_of_machines
from jupyterhub_vmshare.relay.machine.vmshare_kernels.kernelspecs import LONGEST_LOGO
from tests.client.machine_rows import MACHINE
from tests.kernels.local import LocalMachine

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"
ID = str(MACHINE["id"])


def told(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(told(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), id="an SVG"),
        pytest.param(told(b"<html><script>alert(1)</script>"), id="a page"),
        pytest.param(told(PNG + b"x" * LONGEST_LOGO), id="too long"),
        pytest.param("no base64!", id="not as it is sent"),
        pytest.param(7, id="a number"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_no_small_png_is_not_taken(said: object) -> None:
    assert png_of(said) is None
    assert png_of(told(PNG)) == told(PNG)
    assert LONGEST == LONGEST_LOGO


def test_a_machine_says_which_picture_a_kernel_has(box: LocalMachine) -> None:
    place = box.home / ".local/share/jupyter/kernels/stubborn"
    (place / "logo-64x64.png").write_bytes(PNG)
    try:
        found = json.loads(box.run("list"))["specs"]
        assert found["stubborn"]["logo"] == told(PNG)
        (place / "logo-64x64.png").write_bytes(PNG + b"x" * LONGEST_LOGO)
        assert json.loads(box.run("list"))["specs"]["stubborn"]["logo"] is None
    finally:
        (place / "logo-64x64.png").unlink()


def offered(tmp_path: Path, logo: str | None, language: str) -> Path:
    """Where Jupyter looks for the picture of a machine's kernel."""
    spec: dict[str, Any] = {
        "display_name": "Some kernel",
        "language": language,
        "interrupt_mode": "signal",
        "metadata": {},
        "logo": logo,
    }
    kept = tmp_path / "kernels.json"
    kept.write_text(json.dumps({"machines": [MACHINE], "specs": {ID: {"some": spec}}}))
    kernels = MachineKernels(kept, "http://127.0.0.1:9/")
    manager = KernelSpecManager()
    offer_those_of_machines(manager, kernels)
    name = kernel_name(ID, "some")
    place = manager.get_kernel_spec(name).resource_dir
    assert manager.find_kernel_specs()[name] == place
    kernels.stop()
    return Path(place)


def test_its_own_picture_is_shown(tmp_path: Path) -> None:
    place = offered(tmp_path, told(PNG), "R")
    assert [each.name for each in place.iterdir()] == ["logo-64x64.png"]
    assert (place / "logo-64x64.png").read_bytes() == PNG


def test_without_one_it_is_that_of_a_local_kernel_of_the_language(tmp_path: Path) -> None:
    local = Path(KernelSpecManager().get_kernel_spec("python3").resource_dir)
    assert list(local.glob("logo-*"))
    assert offered(tmp_path, None, "python") == local
    assert not offered(tmp_path, told(b"<svg/>"), "R").exists()
