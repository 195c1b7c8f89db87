"""What to tell a person when the rule of a cell does not hold."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.policy.model import Thing
from jupyterhub_vmshare.policy.phrases import Voice, capital, doing, noun
from jupyterhub_vmshare.words import ThingKind

_TICK: Final = "{their} grant on this {noun} comes without the tick “{rule}”; {owner} can set it."
_ON_PAGES: Final = "{doing} is for those whom the site lets; a hub admin can grant it."

LAST_ADMINISTRATOR: Final = "Somebody else has to become an administrator of the project first."
"""For whatever would leave a project without one."""

_FAILED: Final[dict[str, str]] = {
    "personal": "This {noun} belongs to {owner}: it is left by leaving that project.",
    "cloneable": "{owner} does not let this {noun} be copied as a whole.",
    "leaver": (
        "{doing} by a hub admin is for things whose owner has left, and never to the same admin."
    ),
    "same_team": (
        "Giver, receiver and the owner ({owner}) of this {noun} must share one team; they do not."
    ),
    "own_grant": "{they_did} not give this grant, nor one that it flows from.",
    "not_last_owner": (
        "{they_are} the only owner of this {noun}: hand it over first, or make somebody a co-owner."
    ),
    "not_last_administrator": LAST_ADMINISTRATOR,
    "self": "{they_may} ask that about {themself} only.",
    "administers": "{doing} is for things of a project that {they} administer.",
    "holds": "{doing} is for those who can see the people of the thing; {they} can not.",
    "allowed": _ON_PAGES,
    "team_mates": "People are listed to those who share a team with them.",
    "as_invitation": "This {noun} shows among invitations.",
    "owned": "This {noun} is there for its owner alone now.",
    "owned_or_invited": "This {noun} is there for its owner alone now.",
    "workshop_admin": "That is for things of a workshop's participants.",
    "members_may_create": "The project's setting “members may create machines” is off.",
    "granted": "{owner} has not granted access.",
    "volume_owner": "That is for the owner of the drive.",
    "machine_granted": "{they} need Use or more on that machine.",
    "may_view_workshops": "The project's setting “members may view workshops” is off.",
    "opened": "{owner} has not opened it to the project.",
    "members_see_each_other": "The project's setting “members see each other” is off.",
    "both_confirm": "An owner of the thing and an administrator of the project have to confirm.",
    **dict.fromkeys(("power", "invite", "terminal", "files", "upload", "download", "apps"), _TICK),
}


def rule_failed(
    rule: str, thing: Thing | None, kind: ThingKind | None, action: str, voice: Voice
) -> str:
    """The sentence of one rule."""
    owner = voice.name(thing.owner) if thing is not None else "its owner"
    text = _FAILED[rule].format(
        noun=noun(kind),
        owner=owner,
        rule=rule,
        doing=doing(kind, action),
        they=voice.them,
        their=voice.their,
        themself="yourself" if voice.is_direct else "themself",
        they_did=voice.does("did", "did"),
        they_are=voice.does("are", "is"),
        they_may=voice.does("may", "may"),
    )
    return text if _begins_with_name(_FAILED[rule], owner, voice) else capital(text)


def _begins_with_name(template: str, owner: str, voice: Voice) -> bool:
    if template.startswith("{owner}"):
        return owner not in ("you", "its owner")
    return (template.startswith("{they") and not voice.is_direct) or (
        template.startswith("{their}") and not voice.is_direct
    )
