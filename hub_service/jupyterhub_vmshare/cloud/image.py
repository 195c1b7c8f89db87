"""Images: a small Debian, made by mmdebstrap of the packages this host can get.

What an image of a kind has beside that, and in which form, its adapter says.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from jupyterhub_vmshare.cloud.keeper.messages import IMAGE

BASE: Final = (
    "at", "ca-certificates", "cron", "git", "iproute2", "less", "login", "nano", "netbase",
    "openssh-server", "passwd", "procps", "python3", "rsync", "sshfs", "sudo", "tmux",
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


ABOUT: Final = "image.json"
"""What an image says of itself."""
_LONGEST: Final = 200


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
    with _new_version(state, wanted.name) as (made, place):
        make(wanted, made, log)
        about = {
            "name": wanted.name,
            "description": wanted.description or "A small Debian",
            "disk_gib": disk_gib,
        }
        (made / ABOUT).write_text(json.dumps(about))
    return place


def add(made: Path, state: Path, files: Sequence[str]) -> Path:
    """Take an image that was built elsewhere, such as by somebody who is not root.

    Args:
        made: The directory that `build` made there.
        state: The keeper's state directory.
        files: What an image of this kind is made of, its disk first.
    """
    about = _said_of(made, files)
    if about is None:
        raise CannotBuild(f"{made} is no image that 'image build' has made here or elsewhere.")
    with _new_version(state, str(about["name"])) as (copy, place):
        for each in files:
            words = ["cp", "--sparse=always", "--no-dereference", "--", f"{made / each}"]
            if subprocess.run([*words, f"{copy / each}"], check=False).returncode != 0:
                raise CannotBuild(f"{each} could not be copied: cp's words are above.")
            if not stat.S_ISREG((copy / each).lstat().st_mode):
                raise CannotBuild(f"{each} was exchanged while it was copied.")
        (copy / ABOUT).write_text(json.dumps(about))
    return place


def _said_of(made: Path, files: Sequence[str]) -> dict[str, str | int] | None:
    """What is believed of an image's words about itself; None: it is none."""
    try:
        told = json.loads((made / ABOUT).read_text())
        name, said, gib = (told[each] for each in ("name", "description", "disk_gib"))
        found = [(made / each).lstat() for each in files]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_one = (
        isinstance(name, str)
        and re.fullmatch(IMAGE, name) is not None
        and isinstance(said, str)
        and isinstance(gib, int)
        and gib > 0
        and all(stat.S_ISREG(each.st_mode) for each in found)
        and found[0].st_size == gib << 30
    )
    return {"name": name, "description": said[:_LONGEST], "disk_gib": gib} if is_one else None


@contextmanager
def _new_version(state: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Where a version is made, and where it lies afterwards if all went well."""
    images = state / "images"
    images.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = images / name / datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    with tempfile.TemporaryDirectory(dir=images, prefix=".new-") as beside:
        made = Path(beside) / "made"
        made.mkdir()
        yield made, place
        place.parent.mkdir(exist_ok=True)
        made.rename(place)
    _remove_unused(state, name)


def recipe(wanted: ImageWanted, *besides: str) -> list[str]:
    """What mmdebstrap is told of every image, wherever it comes from and goes to.

    Args:
        wanted: What it should be.
        besides: Packages that its kind needs.
    """
    packages = [*BASE, *besides, *(wanted.packages or SCIENCE)]
    return [
        # Without root in a user namespace, where the files can belong to whom they should.
        "--mode=root" if os.geteuid() == 0 else "--mode=unshare",
        "--variant=apt",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        *(f"--customize-hook={step}" for step in _LAST_STEPS),
    ]


def debian(told: list[str], target: Path, log: TextIO) -> None:
    """Have mmdebstrap make this host's own release of Debian: a directory, or a ``.tar``."""
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
