"""A relay in a network of its own, whose cables can be made to swallow all that goes over them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

_NETWORKS = itertools.count()


def ip(*words: str) -> str:
    """A command of iproute2; what it wrote."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass
class Cable:
    """A switch on this machine with an address of its own, and what is plugged into it."""

    name: str
    net: str

    @property
    def here(self) -> str:
        """This machine's address on it."""
        return f"{self.net}.1"

    @property
    def there(self) -> str:
        """The relay's address on it."""
        return f"{self.net}.2"

    def swallow(self) -> None:
        """What is sent over it is gone, both ways; nobody is told."""
        ip("link", "set", f"{self.name}o", "nomaster")

    def heal(self) -> None:
        """It works again."""
        ip("link", "set", f"{self.name}o", "master", self.name)


@dataclass
class Network:
    """The relay's, and a cable to each of those that it speaks with."""

    name: str
    cables: dict[str, Cable] = field(default_factory=dict)

    @property
    def inside(self) -> tuple[str, ...]:
        """What starts a program there."""
        return ("ip", "netns", "exec", self.name)

    def plug(self, number: int, *ends: str) -> None:
        """A cable for each of these."""
        for i, end in enumerate(ends):
            cable = Cable(f"{self.name}{i}", f"198.19.{(number * 8 + i) % 250}")
            outer, inner = f"{cable.name}o", f"{cable.name}i"
            ip("link", "add", cable.name, "type", "bridge")
            self.cables[end] = cable
            ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.name)
            ip("link", "set", outer, "master", cable.name, "up")
            ip("addr", "add", f"{cable.here}/24", "dev", cable.name)
            ip("link", "set", cable.name, "up")
            ip("-n", self.name, "addr", "add", f"{cable.there}/24", "dev", inner)
            ip("-n", self.name, "link", "set", inner, "up")
            self._know_each_other(cable, inner)

    def _know_each_other(self, cable: Cable, inner: str) -> None:
        """For ever: else a cable that swallows would be told of as a host that is not there."""
        near = _address_of(ip("link", "show", "dev", cable.name))
        far = _address_of(ip("-n", self.name, "link", "show", "dev", inner))
        known = ("nud", "permanent", "dev")
        ip("neigh", "replace", cable.there, "lladdr", far, *known, cable.name)
        ip("-n", self.name, "neigh", "replace", cable.here, "lladdr", near, *known, inner)


def _address_of(shown: str) -> str:
    words = shown.split()
    return words[words.index("link/ether") + 1]


@contextlib.contextmanager
def network(*ends: str) -> Iterator[Network]:
    """A network with a cable to each of these. Raises `OSError` where none can be made."""
    number = os.getpid() * 3 + next(_NETWORKS)
    made = Network(f"vmw{number % 1_000_000}")
    try:
        ip("netns", "add", made.name)
    except subprocess.CalledProcessError as error:
        raise OSError(error.stderr) from None
    try:
        ip("-n", made.name, "link", "set", "lo", "up")
        made.plug(number, *ends)
        yield made
    finally:
        for cable in made.cables.values():
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("link", "delete", cable.name)
                ip("link", "delete", f"{cable.name}o")
        ip("netns", "delete", made.name)


def why_no_network() -> str | None:
    """What is missing for one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "A network of its own needs root and iproute2."
    return None
