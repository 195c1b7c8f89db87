"""Ticks: what a machine's grant lets its receiver do there, as far as the level leaves it open.

Profiles are names for some choices of them. Whatever is no profile is called custom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from jupyterhub_vmshare.errors import BadInput, Forbidden
from jupyterhub_vmshare.words import ThingKind

TICKS: Final = ("terminal", "files", "upload", "download", "apps", "invite", "power")
"""In the order in which they are shown."""

_ALL_BUT_POWER: Final = TICKS[:-1]

PROFILES: Final[Mapping[str, tuple[str, ...]]] = {
    "standard": _ALL_BUT_POWER,
    "everything": TICKS,
    "files": ("files", "upload", "download"),
    "reading": ("files", "download"),
    "programs": ("apps",),
}
CUSTOM: Final = "custom"


def first(kind: ThingKind, level: str) -> tuple[str, ...] | None:
    """What a new grant of this level has unless its giver says otherwise; None: it has no ticks."""
    if kind is not ThingKind.MACHINE or level == "co_own":
        return None
    return TICKS if level == "manage" else _ALL_BUT_POWER


def chosen(kind: ThingKind, level: str, ticks: Collection[str] | None) -> tuple[str, ...] | None:
    """The ticks as they are kept. Raises ``BadInput`` for what has none."""
    usual = first(kind, level)
    if ticks is None:
        return usual
    if usual is None:
        what = "co-owner" if kind is ThingKind.MACHINE else f"{kind.value}'s grant"
        raise BadInput(f"A {what} has no ticks: the level says it all.")
    unknown = sorted(set(ticks) - set(TICKS))
    if unknown:
        raise BadInput(f"The ticks are {', '.join(TICKS)}; {unknown[0]!r} is none.")
    return tuple(tick for tick in TICKS if tick in ticks)


def demand_within(ticks: Collection[str] | None, mine: Collection[str]) -> None:
    """Raise ``Forbidden`` for ticks that a giver, who is no owner, does not have themself."""
    missing = [tick for tick in ticks or () if tick not in mine]
    if missing:
        raise Forbidden(
            f"You can pass on what you have yourself, and you do not have {', '.join(missing)}. "
            "Clear that, or ask an owner.",
            rule="if.own_ticks",
        )


def profile_of(ticks: Collection[str] | None) -> str | None:
    """The name of a choice of ticks; None where there are none to choose."""
    if ticks is None:
        return None
    names = (name for name, those in PROFILES.items() if set(those) == set(ticks))
    return next(names, CUSTOM)
