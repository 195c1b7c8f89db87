"""Sharing at a glance at the terminal: everything that is shared, and changes of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jupyter_vmshare.terminal.showing import DONE, FAILED, Asked, Share, reached, show
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.connect import VMShare
from jupyter_vmshare.widgets.glance import SharesTable
from jupyter_vmshare.widgets.moments import KEEP
from jupyterhub_vmshare.api.contract.glance import ManyResults, ShareView


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    listed = verb("shares", shares)
    listed.add_argument("--received", action="store_true", help="what is shared with you")
    _which(listed)
    changed = verb("change-shares", change_shares)
    changed.add_argument(
        "--level",
        help="view, edit, edit_delete; machines: use, manage; drives: attach_read, attach_write",
    )
    end = changed.add_mutually_exclusive_group()
    end.add_argument("--until", help="when they end: 2026-11-27 or 2026-11-27T18:00")
    end.add_argument("--no-end", action="store_true", help="take the end dates away")
    _which(changed)
    _which(verb("revoke-shares", revoke_shares))


def _which(parser: Any) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="as shares lists them")
    things = ("--folder", "--machine", "--drive")
    parser.add_argument(*things, dest="thing", metavar="NAME", help="of this one: its name or id")
    parser.add_argument("--with", dest="receiver", metavar="NAME", help="with this person or team")


def shares(asked: Asked) -> int:
    """List everything that you share, or that is shared with you."""
    with Share() as share:
        found = share.shares(asked.thing, asked.receiver, received=asked.received)
    listed = SharesTable(_named(asked, found))
    return show(asked, list(listed), listed)


def change_shares(asked: Asked) -> int:
    """Change the level or the end date of many shares of yours."""
    if asked.level is None and asked.until is None and not asked.no_end:
        raise ValueError("Say what is to change: --level, --until or --no-end.")
    until = None if asked.no_end else asked.until or KEEP
    with Share() as share:
        chosen = _chosen(asked, share)
        told = share.change_shares(chosen, asked.level, until)
    return _tell(asked, chosen, told, "changed")


def revoke_shares(asked: Asked) -> int:
    """Take many shares of yours away; what is not answered yet is cancelled."""
    with Share() as share:
        chosen = _chosen(asked, share)
        told = share.revoke_shares(chosen)
    return _tell(asked, chosen, told, "taken away")


def _chosen(asked: Asked, share: VMShare) -> list[ShareView]:
    """Those that were named. All of them is nothing that one says by leaving everything out."""
    if not (asked.ids or asked.thing or asked.receiver):
        raise ValueError("Say which: their ids, --folder, --machine, --drive or --with.")
    chosen = _named(asked, share.shares(asked.thing, asked.receiver))
    missing = set(asked.ids) - {one.id for one in chosen}
    if missing:
        raise LookupError(f"You share nothing of the id {', '.join(sorted(missing))}.")
    if not chosen:
        raise LookupError("You share nothing like that.")
    return chosen


def _named(asked: Asked, found: Sequence[ShareView]) -> list[ShareView]:
    """Those of the ids that were named; all of them where none was."""
    return [one for one in found if not asked.ids or one.id in asked.ids]


def _tell(asked: Asked, chosen: Sequence[ShareView], told: ManyResults, done: str) -> int:
    """A line for each, and what was cut in running sessions."""
    names = {one.id: f"{one.thing_label} with {one.receiver.name}" for one in chosen}
    lines = [
        f"{names[one.grant_id]}: {one.problem.detail if one.problem else done}"
        for one in told.results
    ]
    lines += reached(told, {one.thing_id: one.thing_label for one in chosen})
    for folder_id in sorted({holder.folder_id for holder in told.holders}):
        lines.append(f"jupyter vmshare end-sessions {folder_id} ends the sessions that hold it.")
    show(asked, told, "\n".join(cards.visible(line) for line in lines))
    return FAILED if any(one.problem for one in told.results) else DONE
