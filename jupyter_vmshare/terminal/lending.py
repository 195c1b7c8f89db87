"""Verbs of ``jupyter vmshare machines …`` and ``drives …`` on who has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_vmshare.terminal.showing import (
    DONE,
    FAILED,
    Asked,
    Share,
    reached,
    receiver,
    show,
    show_page,
)
from jupyter_vmshare.widgets.moments import KEEP
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.grants import Cut


def add_to(add: Callable[..., Any], what: str) -> None:
    """Add the verbs for a ``machine`` or a ``drive``."""
    shared = add("share", share, what)
    shared.add_argument(
        "receivers", nargs="+", metavar="NAME[=LEVEL]", help="whom, with a level of their own"
    )
    add("people", people, what).add_argument(
        "--each", action="store_true", help="every person with all that they have it by"
    )
    changed = add("change", change, what)
    changed.add_argument("name", help="whose")
    _level(shared, what, is_new=True)
    _level(changed, what, is_new=False)
    revoked = add("revoke", revoke, what)
    revoked.add_argument("name", nargs="?", help="from whom")
    revoked.add_argument("--all", action="store_true", help="from everybody but co-owners")
    revoked.add_argument("--yes", action="store_true", help="also what they gave on from it")
    for one in (changed, revoked):
        one.add_argument("--from", dest="giver", help="given by whom, where several did")
    add("leave", leave, what)
    add("hand-over", hand_over, what)
    add("co-own", co_own, what)
    add("delete-for-ever", delete_for_ever, what)


def _level(parser: Any, what: str, *, is_new: bool) -> None:
    levels = ("use", "manage") if what == "machine" else ("attach_read", "attach_write")
    help_ = f"{levels[0]} (default) or {levels[1]}" if is_new else " or ".join(levels)
    parser.add_argument("--level", default=levels[0] if is_new else None, help=help_)
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--until", help="when it ends: 2026-11-27 or 2026-11-27T18:00")
    if is_new:
        parser.add_argument("--team", action="store_true", help="the names are teams of yours")
    else:
        ends.add_argument("--for-ever", action="store_true", help="it has no end date any more")
    if what == "machine":
        ticked = parser.add_mutually_exclusive_group()
        ticked.add_argument("--profile", help="standard, everything, files, reading or programs")
        ticked.add_argument(
            "--ticks", help="terminal,files,upload,download,apps,invite,power: those of it"
        )


def share(asked: Asked) -> int:
    """Invite people to it, or give it to teams."""
    levels = dict(receiver(text, asked.level) for text in asked.receivers)
    with Share() as found:
        told = thing(asked, found).share(
            levels, until=asked.until, teams=asked.team, **_ticks(asked)
        )
    show(asked, list(told), told)
    return FAILED if told.failed else DONE


def people(asked: Asked) -> int:
    """List who has it."""
    with Share() as found:
        access = thing(asked, found).people
    told: Table[Any] = access.people if asked.each else access
    return show(asked, list(told), told)


def change(asked: Asked) -> int:
    """Change what somebody has of it, or until when."""
    until = None if asked.for_ever else asked.until or KEEP
    with Share() as found:
        it = thing(asked, found)
        told = it.change(asked.name, asked.level, until, giver=asked.giver, **_ticks(asked))
        access = it.people
    return show(asked, told, access)


def revoke(asked: Asked) -> int:
    """Take it away from somebody, or from everybody; says before what else would end."""
    if bool(asked.name) == asked.all:
        raise ValueError("Say from whom, or --all.")
    with Share() as found:
        it = thing(asked, found)
        if asked.all:
            return _tell_cut(asked, it.stop_sharing())
        ending = it.lineage(asked.name, asked.giver)
        if len(ending) > 1 and not asked.yes:
            show(asked, list(ending), f"{ending}\n\nAll of this would end. Say --yes if it is to.")
            return FAILED
        return _tell_cut(asked, it.revoke(asked.name, asked.giver))


def leave(asked: Asked) -> int:
    """Give it up; a machine's owner leaves it to a co-owner."""
    with Share() as found:
        cut = thing(asked, found).leave()
    if cut.offered_to is not None:
        return show(asked, cut, f"{cut.offered_to} was asked to take it over. It is yours until.")
    return show(asked, cut, " ".join(["Left.", *reached(cut), cut.cannot_undo]))


def hand_over(asked: Asked) -> int:
    """Say where you offer it to somebody: a page of the hub."""
    with Share() as found:
        return show_page(asked, thing(asked, found).hand_over_page)


def co_own(asked: Asked) -> int:
    """Say where you make somebody a co-owner: a page of the hub."""
    with Share() as found:
        return show_page(asked, thing(asked, found).co_own_page)


def delete_for_ever(asked: Asked) -> int:
    """Say where you delete it for ever: a page of the hub. A machine's drives stay."""
    with Share() as found:
        return show_page(asked, thing(asked, found).deletion_page)


def thing(asked: Asked, found: Any) -> Any:
    """The machine or the drive that was named."""
    return (
        found.machines.get(asked.machine) if "machine" in asked else found.drives.get(asked.drive)
    )


def _ticks(asked: Asked) -> dict[str, Any]:
    """Ticks and profile, where they were said: drives have none."""
    if "ticks" not in asked:
        return {}
    ticks = None
    if asked.ticks is not None:
        ticks = [one.strip() for one in asked.ticks.split(",") if one.strip()]
    return {"ticks": ticks, "profile": asked.profile}


def _tell_cut(asked: Asked, cut: Cut) -> int:
    ended = ", ".join(dict.fromkeys(grant.receiver.name for grant in cut.ended)) or "nobody"
    told = [f"Revoked from {ended}.", *reached(cut), cut.cannot_undo]
    return show(asked, cut, " ".join(told))
