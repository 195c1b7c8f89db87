"""Images: a small Debian, made by mmdebstrap of the packages this host can get.

What an image of a kind has beside that, and in which form, its adapter says.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from jupyterhub_vmshare.cloud.keeper.messages import IMAGE

BASE: Final = (
    "at", "ca-certificates", "cron", "git", "iproute2", "less", "login", "nano", "netbase",
    "openssh-server", "passwd", "procps", "python3", "rsync", "sudo", "tmux",
)  # fmt: skip
"""What every image has; the machine's side and the tests rely on it."""
SCIENCE: Final = ("python3-ipykernel", "python3-venv")
"""What one has besides when nothing else is said: for kernels on machines."""
_LEFT_OUT: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
# Keys and identities are a machine's own, and nobody has an address in here.
_LAST_STEPS: Final = (
    'rm -f "$1"/etc/ssh/ssh_host_*',
    'rm -f "$1"/etc/resolv.conf "$1"/etc/hostname',
    ': > "$1"/etc/machine-id',
    'printf "127.0.0.1\\tlocalhost\\n::1\\tlocalhost\\n" > "$1"/etc/hosts',
    'mkdir -p "$1"/etc/vmshare "$1"/srv/drives',
)


class CannotBuild(Exception):
    """No image was made; the text says what to do."""


@dataclass(frozen=True, slots=True)
class ImageWanted:
    """An image to be made. No ``packages`` means what scientists need at least."""

    name: str
    description: str
    packages: tuple[str, ...] = ()


Make = Callable[[ImageWanted, Path, TextIO], None]
"""Makes what an image is, in a directory that is there and empty."""


def build(wanted: ImageWanted, state: Path, log: TextIO, make: Make, *, disk_gib: int = 1) -> Path:
    """Make an image; new machines begin with it from then on.

    What earlier machines began with stays as long as one of them has it.

    Args:
        wanted: What it should be.
        state: The keeper's state directory.
        log: Where the words of mmdebstrap go.
        make: What the adapter makes of it.
        disk_gib: The smallest system disk that it fits on.
    """
    if not re.fullmatch(IMAGE, wanted.name):
        raise CannotBuild("An image's name has small letters, digits, dots and hyphens only.")
    if shutil.which("mmdebstrap") is None:
        raise CannotBuild("Please install mmdebstrap (apt-get install mmdebstrap).")
    images = state / "images"
    images.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=images, prefix=".new-") as beside:
        made = Path(beside) / "made"
        made.mkdir()
        make(wanted, made, log)
        about = {
            "name": wanted.name,
            "description": wanted.description or "A small Debian",
            "disk_gib": disk_gib,
        }
        (made / "image.json").write_text(json.dumps(about))
        place = images / wanted.name / datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        place.parent.mkdir(exist_ok=True)
        made.rename(place)
    _remove_unused(state, wanted.name)
    return place


def recipe(wanted: ImageWanted, *besides: str) -> list[str]:
    """What mmdebstrap is told of every image, wherever it comes from and goes to.

    Args:
        wanted: What it should be.
        besides: Packages that its kind needs.
    """
    packages = [*BASE, *besides, *(wanted.packages or SCIENCE)]
    return [
        "--mode=root",
        "--variant=apt",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        *(f"--customize-hook={step}" for step in _LAST_STEPS),
    ]


def debian(told: list[str], target: Path, log: TextIO) -> None:
    """Have mmdebstrap make this host's own release of Debian."""
    suite = _suite()
    command = ["mmdebstrap", *told, suite, str(target), *_sources(suite)]
    print(shlex.join(command), file=log, flush=True)
    if subprocess.run(command, stdin=subprocess.DEVNULL, stderr=log, check=False).returncode != 0:
        raise CannotBuild("mmdebstrap did not manage: its words are above.")


def _suite() -> str:
    """This host's own release."""
    told = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=([a-z]+)$", told, re.MULTILINE)
    if found is None or not re.search(r"^ID=debian$", told, re.MULTILINE):
        raise CannotBuild("Images are made on a host that runs Debian itself.")
    return found[1]


def _sources(suite: str) -> Iterator[str]:
    """Where this host gets packages of its release from; not other people's repositories."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    found = False
    for place in places:
        if place.suffix in (".list", ".sources") and place.exists():
            words = {word for line in _lines(place) for word in line.split()}
            if words & {suite, f"{suite}-security", f"{suite}-updates"}:
                found = True
                yield str(place)
    if not found:
        raise CannotBuild(f"This host's apt knows no source of Debian {suite}.")


def _lines(place: Path) -> Iterator[str]:
    return (line for line in place.read_text().splitlines() if not line.startswith("#"))


def _remove_unused(state: Path, name: str) -> None:
    """Remove the versions of an image that no machine and no snapshot has, but the newest."""
    used = set()
    for record in state.glob("*/*/record.json"):
        used.add(json.loads(record.read_text()).get("image"))
    for place in sorted((state / "images" / name).iterdir())[:-1]:
        if f"{name}/{place.name}" not in used:
            shutil.rmtree(place, ignore_errors=True)
