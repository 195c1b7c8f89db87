"""What kernels a machine could start: Jupyter's kernelspecs, found without Jupyter.

In the usual places of the system and of the person, and in conda's environments. The first of a
name counts, as with Jupyter: the person's own before the system's.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SYSTEM = ("/usr/local/share/jupyter", "/usr/share/jupyter", "/opt/conda/share/jupyter")
_MOST = 200


def found() -> dict[str, dict[str, Any]]:
    """By name, what a launcher has to know of each."""
    known: dict[str, dict[str, Any]] = {}
    for name, place, spec in _all():
        known.setdefault(
            name,
            {
                "display_name": str(spec.get("display_name", name)),
                "language": str(spec.get("language", "")),
                "interrupt_mode": "message"
                if spec.get("interrupt_mode") == "message"
                else "signal",
                "metadata": _small(spec.get("metadata")),
                "place": str(place),
            },
        )
    return known


def named(name: str) -> tuple[dict[str, Any], Path] | None:
    """The one of that name, and its directory."""
    for each, place, spec in _all():
        if each == name:
            return spec, place
    return None


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
    for environment in sorted(_conda_environments()):
        yield f"conda-{environment.name}-", environment / "share/jupyter"


def _conda_environments() -> set[Path]:
    roots = [Path.home() / each for each in ("miniconda3", "miniforge3", "anaconda3", "mambaforge")]
    roots += [Path("/opt/conda"), Path("/opt/miniconda3"), Path("/opt/miniforge3")]
    found = {each for root in roots[:4] if (each := root).is_dir()}
    for root in [*roots, Path.home() / ".conda"]:
        try:
            found |= {each for each in (root / "envs").iterdir() if each.is_dir()}
        except OSError:
            continue
    try:
        lines = (Path.home() / ".conda/environments.txt").read_text().split("\n")
    except OSError:
        return found
    return found | {Path(line) for line in lines if line.startswith("/") and Path(line).is_dir()}


def _read(place: Path) -> dict[str, Any] | None:
    try:
        spec = json.loads((place / "kernel.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    argv = spec.get("argv") if isinstance(spec, dict) else None
    if not isinstance(argv, list) or not argv or not all(isinstance(each, str) for each in argv):
        return None
    return dict(spec)
