"""Shells that stay on a machine when nobody looks at them: sessions of tmux, on a server of ours.

A name is ours and checked, and goes to the machine as one word of a command; nothing that a person
or a machine says becomes shell text.
"""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jupyter_vmshare.reach.failures import CommandFailed
from jupyter_vmshare.reach.link import Link
from jupyter_vmshare.reach.running import run
from jupyter_vmshare.shell.here import Size

NAME: Final = re.compile(r"t[0-9a-f]{6}")
NO_TMUX: Final = (
    "A terminal can't keep running there: tmux is not on the machine. This one is a plain one."
)
_TMUX: Final = ("tmux", "-L", "vmshare")
_NOT_FOUND: Final = 127
_TOLD: Final = "#{session_name} #{session_created} #{session_attached} #{pane_current_command}"
# Without the other screen, what scrolls away is in the scrollback of the terminal here.
_LIKE_A_PLAIN_ONE: Final = "xterm*:smcup@:rmcup@:Tc"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """One of them."""

    name: str
    since: datetime
    is_in_use: bool
    """Whether somebody looks at it now."""
    runs: str
    """The program in the foreground, as the machine calls it."""


async def kept_on(link: Link) -> list[Kept] | None:
    """Those of the person on a machine, the oldest first; None where tmux is not there.

    Raises what `run` raises.
    """
    done = await run(link, [*_TMUX, "list-sessions", "-F", _TOLD])
    if done.exit_status == _NOT_FOUND:
        return None
    return sorted(_read(done.stdout) if done.ok else [], key=lambda kept: kept.since)


def _read(told: str) -> list[Kept]:
    found = []
    for line in told.splitlines():
        name, since, in_use, *runs = [*line.split(" ", 3), "", "", ""][:4]
        if NAME.fullmatch(name) and since.isdecimal():
            at = datetime.fromtimestamp(min(int(since), 1 << 40), UTC)
            found.append(Kept(name, at, in_use not in ("", "0"), "".join(runs)[:100]))
    return found


async def make(link: Link, size: Size, *, is_first: bool) -> str:
    """A new one; its name. Raises `CommandFailed`, and what `run` raises."""
    columns, rows, *_ = size
    begin = ["start-server"]
    if is_first:
        begin += [";", "set-option", "-as", "terminal-overrides", f",{_LIKE_A_PLAIN_ONE}"]
        begin += [";", "set-option", "-g", "default-terminal", "tmux-256color"]
    for _ in range(_TRIES):
        name = f"t{secrets.token_hex(3)}"
        new = [";", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", name]
        plain = [";", "set-option", "-t", name, "status", "off"]
        stays = [";", "set-option", "-t", name, "destroy-unattached", "off"]
        done = await run(link, [*_TMUX, *begin, *new, *plain, *stays])
        if done.ok:
            return name
    raise CommandFailed(
        f"tmux on the machine does not begin a session: {done.stderr.strip()[-300:]}"
    )


def attaching(name: str) -> str:
    """The command that shows it; whoever looks at it already does not any more.

    Raises:
        ValueError: It is no name of ours.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no terminal that keeps running: --list names them.")
    return f"exec {shlex.join([*_TMUX, '-u', 'attach-session', '-d', '-t', f'={name}'])}"
