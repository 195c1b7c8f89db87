"""What kernels a machine could start: Jupyter's kernelspecs, found without Jupyter.

In the usual places of the system and of the person, and in environments: conda's (mamba's,
micromamba's), where its installers put them and where its own list says, and Python's, where the
tools put them that keep several. The first of a name counts, as with Jupyter: the person's own
before the system's.
"""

import base64
import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SYSTEM = ("/usr/local/share/jupyter", "/usr/share/jupyter", "/opt/conda/share/jupyter")
_AT_HOME = ("miniconda3", "miniforge3", "anaconda3", "mambaforge", "micromamba", ".conda")
_ROOTS = ("conda", "miniconda3", "miniforge3", "anaconda3", "mambaforge", "micromamba")
_VENVS = (".virtualenvs", ".local/share/virtualenvs")
_MOST = 200
LONGEST_LOGO = 20_000
"""Bytes: Jupyter's own have two thousand."""


def found() -> dict[str, dict[str, Any]]:
    """By name, what a launcher has to know of each."""
    known: dict[str, dict[str, Any]] = {}
    for name, place, spec in _all():
        if name in known:
            continue
        title = str(spec.get("display_name", name))
        environment = environment_of(place)
        if environment is not None and name != place.name:
            title = f"{title.removesuffix(' (ipykernel)')} [{environment.name}]"
        known[name] = {
            "display_name": title,
            "language": str(spec.get("language", "")),
            "interrupt_mode": "message" if spec.get("interrupt_mode") == "message" else "signal",
            "metadata": _small(spec.get("metadata")),
            "place": str(place),
            "logo": _logo(place),
        }
    return known


def named(name: str) -> tuple[dict[str, Any], Path] | None:
    """The one of that name, and its directory."""
    for each, place, spec in _all():
        if each == name:
            return spec, place
    return None


def environment_of(place: Path) -> Path | None:
    """The environment that a kernelspec's directory is in, of conda's kind or of Python's."""
    found = place.parents[3] if len(place.parents) > 3 else None
    is_one = found is not None and (
        (found / "conda-meta").is_dir() or (found / "pyvenv.cfg").is_file()
    )
    return found if is_one else None


def _logo(place: Path) -> str | None:
    """The picture for its card, where it has one of a picture's size, in base64."""
    try:
        with (place / "logo-64x64.png").open("rb") as file:
            found = file.read(LONGEST_LOGO + 1)
    except OSError:
        return None
    return base64.b64encode(found).decode() if len(found) <= LONGEST_LOGO else None


def _small(metadata: object) -> dict[str, Any]:
    """What of a spec's metadata is passed on: whether it debugs."""
    debugger = isinstance(metadata, dict) and metadata.get("debugger") is True
    return {"debugger": True} if debugger else {}


def _all() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    count = 0
    for prefix, base in _places():
        try:
            places = sorted((base / "kernels").iterdir())
        except OSError:
            continue
        for place in places:
            name = f"{prefix}{place.name}"
            spec = _read(place) if _NAME.fullmatch(name) else None
            if spec is not None and count < _MOST:
                count += 1
                yield name, place, spec


def _places() -> Iterator[tuple[str, Path]]:
    """Data directories of Jupyter, and what goes before the names of the kernels in them."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    yield "", Path(data) / "jupyter"
    for each in os.environ.get("JUPYTER_PATH", "").split(os.pathsep):
        if each:
            yield "", Path(each)
    for each in _SYSTEM:
        yield "", Path(each)
    for kind, environments in (("conda", _of_conda()), ("venv", _of_python())):
        for environment in sorted(environments):
            yield f"{kind}-{environment.name}-", environment / "share/jupyter"


def _of_conda() -> set[Path]:
    home, opt = Path.home(), Path("/opt")
    roots = [home / each for each in _AT_HOME] + [opt / each for each in _ROOTS]
    roots.append(home / ".local/share/mamba")
    found = {each for each in roots if (each / "conda-meta").is_dir()}
    for root in roots:
        found |= _directories(root / "envs")
    with contextlib.suppress(OSError, ValueError):
        lines = (home / ".conda/environments.txt").read_text("utf-8").split("\n")
        found |= {Path(line) for line in lines if line.startswith("/") and Path(line).is_dir()}
    return found - {opt / "conda"}  # whose data directory is one of the system's


def _of_python() -> set[Path]:
    home = Path.home()
    found = {home / each for each in (".venv", "venv")}
    for each in _VENVS:
        found |= _directories(home / each)
    return {each for each in found if (each / "pyvenv.cfg").is_file()}


def _directories(place: Path) -> set[Path]:
    try:
        return {each for each in place.iterdir() if each.is_dir()}
    except OSError:
        return set()


def _read(place: Path) -> dict[str, Any] | None:
    try:
        spec = json.loads((place / "kernel.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    argv = spec.get("argv") if isinstance(spec, dict) else None
    if not isinstance(argv, list) or not argv or not all(isinstance(each, str) for each in argv):
        return None
    return dict(spec)
