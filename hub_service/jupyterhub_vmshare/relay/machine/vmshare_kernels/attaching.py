"""The short-lived half: hands its own stdin and stdout to a supervisor, and waits until it is done.

What goes over the channel is no business of this process, so there is no hop.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import kernelspecs, launching, places
from .places import Refused

_MOST = 1 << 20
GONE = 3


def main(words: list[str]) -> None:
    """One of the three."""
    os.umask(0o077)
    try:
        match words:
            case ["new", kernel, session, seconds, size]:
                order, place = ordered(int(size)), places.of(kernel)
                attach(place, begin(place, float(seconds), order), session)
            case ["attach", kernel, session]:
                place = places.of(kernel)
                attach(place, places.connection(place), session)
            case ["list"]:
                print(json.dumps({"kernels": kernels(), "specs": kernelspecs.found()}))
            case _:
                sys.exit("Say: new KERNEL SESSION SECONDS SIZE | attach KERNEL SESSION | list")
    except Refused as refused:
        say(str(refused))
    except OSError as error:
        say(f"The machine could not keep a kernel: {error.strerror}.")


def ordered(size: int) -> dict[str, Any]:
    """The order to start a kernel, in so many bytes of JSON before anything else on stdin.

    With it the kernel boots while its supervisor does; and no key is in a list of processes.
    """
    told = b""
    while len(told) < min(size, _MOST) and (piece := os.read(0, min(size, _MOST) - len(told))):
        told += piece
    try:
        order = json.loads(told)
    except ValueError:
        order = None
    if not isinstance(order, dict):
        raise Refused("The order to start a kernel did not arrive.")
    return order


def say(sentence: str) -> None:
    """To the other end, instead of a supervisor."""
    hello(refused=sentence)
    sys.exit(GONE)


def hello(**told: Any) -> None:
    """What the other end gets where there is no supervisor to greet it."""
    from .stream import packed_hello  # who starts kernels does without

    os.write(1, packed_hello(**told))


def attach(place: Path, supervisor: socket.socket | None, session: str) -> None:
    """Its stdin and stdout are the supervisor's, until that lets go."""
    if supervisor is None:
        hello(gone=True, boot=places.boot(), because=places.why(place))
        sys.exit(GONE)
    socket.send_fds(supervisor, [session.encode()], [0, 1])
    # sshd takes the end of this process for the end of the channel.
    supervisor.recv(1)


def begin(place: Path, seconds: float, order: dict[str, Any]) -> socket.socket | None:
    """The supervisor of a kernel: the one that is there, or a new one, which starts it."""
    there = places.connection(place)
    if there is not None:
        return there
    for _ in places.living():  # what a reboot has left, this one's as well
        pass
    place.mkdir(mode=0o700)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(places.door(place)))
    door.listen(8)
    if os.fork() == 0:
        try:
            _leave(door)
            begun = _launched(place, order)
            # Here, since this process does without, and the kernel boots meanwhile.
            from .supervisor import supervise

            supervise(place, door, seconds, begun)
        finally:
            os._exit(0)
    door.close()
    return places.connection(place)


def _launched(place: Path, order: dict[str, Any]) -> "launching.Launched | str":
    """The kernel, or why there is none."""
    try:
        return launching.launch(place, order)
    except (Refused, ValueError) as refused:
        return str(refused)
    except OSError as error:
        return f"The machine could not start a kernel: {error.strerror}."


def _leave(door: socket.socket) -> None:
    """Be nobody's child, and hold nothing of the channel."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork() != 0:
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(nothing, each)
    os.closerange(3, door.fileno())
    os.closerange(door.fileno() + 1, 4096)
    os.chdir("/")


def kernels() -> list[dict[str, object]]:
    """Those that run under this account."""
    found = []
    for place in places.living():
        try:
            about = json.loads((place / "about.json").read_text())
        except (OSError, ValueError):
            about = {}
        found.append({**about, "kernel_id": place.name})
    return found
