"""As what a folder is mounted: the level, the grant that gives it, and until when.

``decide`` says whether; this says at which level, from the very sources that made it say so. A
level that a member has not accepted yet counts for lists, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jupyterhub_vmshare.policy.circumstances import Source, settle
from jupyterhub_vmshare.policy.model import NOBODY, OWNERSHIP, Holding, Person, Thing
from jupyterhub_vmshare.policy.sources import level_of, sources
from jupyterhub_vmshare.policy.weighing import is_allowed
from jupyterhub_vmshare.words import LEVELS, ThingKind

_LEVELS: Final = LEVELS[ThingKind.FOLDER]


@dataclass(frozen=True, slots=True)
class MountRight:
    """What a person has of a folder in their sessions.

    ``until`` is when the level drops, to a weaker one or to nothing: access ends at that moment,
    and whoever keeps the list sends what is left.
    """

    level: str
    holding: Holding
    until: datetime | None


def is_direct(level: str, *, fast: bool, limited: bool) -> bool:
    """Whether a folder is mounted past the guard at this level.

    Nothing that is promised goes with it: a read-only bind gives what View gives, and a bind that
    can be written to what Edit+Delete gives, but for the counting of what is written, which a
    limit rests on. What *Edit* promises, no bind can hold.

    Args:
        level: Of the person, in their sessions.
        fast: The owner chose so.
        limited: The owner may have so many bytes and no more.
    """
    return fast and (level == _LEVELS[0] or (level == _LEVELS[-1] and not limited))


def mount_right(person: Person, thing: Thing, at: datetime) -> MountRight | None:
    """The strongest right to mount, or None where ``decide`` says no to ``mount_read_only``."""
    source = _strongest(person, thing, at)
    if source is None:
        return None
    until = next((date for date in _dates(thing, at) if _drops(person, thing, source, date)), None)
    return MountRight(_level(person, thing, source), source.holding or OWNERSHIP, until)


def _strongest(person: Person, thing: Thing, at: datetime) -> Source | None:
    held = sources(person, thing, at)  # the strongest first
    return next((source for source in held if _opens(person, thing, source)), None)


def _opens(person: Person, thing: Thing, source: Source, action: str = "mount_read_only") -> bool:
    if thing.kind is not ThingKind.FOLDER:
        return False
    return is_allowed(thing.kind, action, (source,), settle(person, thing, NOBODY))


def _level(person: Person, thing: Thing, source: Source) -> str:
    if not _opens(person, thing, source, "mount_read_write"):
        return _LEVELS[0]
    return level_of(ThingKind.FOLDER, source.column) or _LEVELS[-1]  # an owner may do it all


def _dates(thing: Thing, at: datetime) -> list[datetime]:
    return sorted({h.ends_at for h in thing.holdings if h.ends_at is not None and h.ends_at > at})


def _drops(person: Person, thing: Thing, now: Source, date: datetime) -> bool:
    """Whether the level is a weaker one at that date."""
    then = _strongest(person, thing, date)
    if then is None:
        return True
    levels = [_LEVELS.index(_level(person, thing, source)) for source in (now, then)]
    return levels[1] < levels[0]
