"""How a command reaches the service, and how it shows what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.connect import VMShare, connect
from jupyterhub_vmshare.api.contract.grants import InSessions

Asked = argparse.Namespace
DONE: Final = 0
FAILED: Final = 1
_OPEN: Final = "Open this in your browser, at the hub; no program can confirm it for you:"


class Share:
    """`connect()` for the length of one command."""

    def __enter__(self) -> VMShare:
        self._share = connect()
        return self._share

    def __exit__(self, *_error: object) -> None:
        self._share.close()


def show(asked: Asked, told: Any, shown: object) -> int:
    """Print an answer, as JSON where that was asked for; the exit code for done."""
    print(json.dumps(plain(told)) if asked.json else str(shown))
    return DONE


def show_page(asked: Asked, page: str) -> int:
    """Print where a page of the hub is; the exit code for done."""
    return show(asked, {"page": page}, f"{_OPEN}\n{page}")


def plain(told: Any) -> Any:
    """What JSON can hold of an answer."""
    if isinstance(told, BaseModel):
        return told.model_dump(mode="json")
    return [plain(each) for each in told] if isinstance(told, list) else told


def reached(told: InSessions, names: Mapping[str, str] | None = None) -> list[str]:
    """What a change reached in running sessions and on machines, in sentences.

    ``names``: of the machines, by id, where the change was about several.
    """
    said = [told.in_sessions] if told.in_sessions else []
    for link in told.links:
        where = (names or {}).get(link.machine_id, "it")
        if link.confirmed:
            cut, ended = _count(link.channels, "connection"), _count(link.processes, "program")
            said.append(f"{link.person} is off {where}: {cut} cut, {ended} ended.")
        else:
            said.append(
                f"{link.person} is being taken off {where}: the machine has not confirmed it yet."
            )
    return said


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def progress(asked: Asked) -> Callable[[int, int | None], None] | None:
    """A line that is written over, for people only."""
    if asked.json or not sys.stderr.isatty():
        return None

    def tell(done: int, size: int | None) -> None:
        of = f" of {cards.size(size)}" if size is not None else ""
        end = "\n" if size is not None and done >= size else ""
        print(f"\r\x1b[K{cards.size(done)}{of}", end=end, file=sys.stderr, flush=True)

    return tell


def receiver(text: str, level: str) -> tuple[str, str]:
    """A name and its level, from ``NAME=LEVEL``, or from a name for which ``level`` stands."""
    name, _, own = text.partition("=")
    return name, own or level
