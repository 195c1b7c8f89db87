"""What happens, and where folders are just now, at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from jupyter_vmshare.terminal.showing import DONE, Asked, Share, plain, show
from jupyter_vmshare.widgets import cards, moments
from jupyter_vmshare.widgets.connect import VMShare
from jupyterhub_vmshare.api.contract.events import EventView


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    happened = verb("events", events)
    about = happened.add_mutually_exclusive_group()
    about.add_argument("--folder", help="only of this folder: its label or id")
    about.add_argument("--machine", help="only of this machine: its name or id")
    about.add_argument("--drive", help="only of this drive: its name or id")
    happened.add_argument("--limit", type=int, default=50, help="how many of the past (50)")
    happened.add_argument("--follow", action="store_true", help="then what happens, until Ctrl-C")
    verb("sessions", sessions)


def events(asked: Asked) -> int:
    """Say what happened, the newest last; with --json, an event a line."""
    with Share() as share:
        thing = _thing(asked, share)
        page = share.client.events_page(limit=max(1, min(asked.limit, 200)), thing=thing)
        _tell(asked, reversed(page.items))
        if asked.follow:
            coming = share.events(page.position)
            _tell(asked, (one for one in coming if thing in {None, one.thing_id}))
    return DONE


def _thing(asked: Asked, share: VMShare) -> str | None:
    if asked.machine:
        return share.machines.get(asked.machine).id
    if asked.drive:
        return share.drives.get(asked.drive).id
    return share.folders.get(asked.folder).id if asked.folder else None


def sessions(asked: Asked) -> int:
    """List your running servers, with the folders in each of them."""
    with Share() as share:
        found = share.sessions
    return show(asked, list(found), found)


def _tell(asked: Asked, happened: Iterable[EventView]) -> None:
    for event in happened:
        print(json.dumps(plain(event)) if asked.json else _line(event), flush=True)


def _line(event: EventView) -> str:
    more = ", ".join(f"{name}: {value}" for name, value in event.data.items() if value is not None)
    about = f" {event.thing_name}" if event.thing_name else ""
    by = f" by {event.actor}" if event.actor else ""
    text = f"{moments.shown(event.at)}  {event.type}{about}{by}"
    return cards.visible(f"{text} ({more})" if more else text)
