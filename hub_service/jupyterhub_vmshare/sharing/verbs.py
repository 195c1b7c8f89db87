"""What the verbs of sharing are called in the permission table of each kind of thing."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.words import ID_PREFIX, LEVELS, ThingKind

_INVITE: Final = {"use": "invite_user", "manage": "invite_manager", "co_own": "invite_co_owner"}
_OF_MACHINES: Final = {
    "change_level": "change_grant",
    "revoke": "revoke_grant",
    "stop_sharing": "stop_sharing_with_all",
}
_OF_OTHERS: Final = {"stop_sharing": "revoke"}
_KINDS: Final = {prefix: kind for kind, prefix in ID_PREFIX.items()}


def inviting(kind: ThingKind, level: str | None = None) -> str:
    """Inviting at a level; at the weakest, unless told otherwise."""
    level = LEVELS[kind][0] if level is None else level
    return _INVITE[level] if kind is ThingKind.MACHINE else "invite"


def verb(kind: ThingKind, name: str) -> str:
    """``change_level``, ``revoke`` or ``stop_sharing``, as the table calls it."""
    names = _OF_MACHINES if kind is ThingKind.MACHINE else _OF_OTHERS
    return names.get(name, name)


def in_one_team(kind: ThingKind) -> bool:
    """Whether giver, receiver and owner must share one team (``if:same_team`` in its table)."""
    return kind is not ThingKind.FOLDER


def kind_of(thing_id: str) -> ThingKind:
    """The kind that an id's prefix tells."""
    return _KINDS[thing_id[:3]]
