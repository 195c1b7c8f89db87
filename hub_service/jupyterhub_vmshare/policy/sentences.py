"""`because`: a sentence for a scientist, naming the level, the grant, and who can help."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.policy.circumstances import Source
from jupyterhub_vmshare.policy.model import LEVEL_COLUMN, Holding, Thing
from jupyterhub_vmshare.policy.phrases import Voice, capital, doing, level_name, moment, noun
from jupyterhub_vmshare.policy.sources import GROUPS, level_of
from jupyterhub_vmshare.policy.weighing import cell_of
from jupyterhub_vmshare.words import LEVELS, EndedWhy, GrantState, ThingKind, ThingState


def standing(source: Source, thing: Thing, voice: Voice) -> str:
    """What the person holds, as the beginning of a sentence: "You have View on this folder"."""
    holding, what = source.holding, f"this {noun(thing.kind)}"
    if source.column == "owner" and thing.personal:
        return f"{voice.begins('own', 'owns')} {what}"
    if source.column in ("owner", "project_admin", "admin_others"):
        return f"{voice.begins('administer', 'administers')} the project of {what}"
    if source.column == "member_others":
        return f"{voice.begins('are', 'is')} in the project of {what}"
    if source.column == "hub_admin":
        return f"{voice.begins('are', 'is')} a hub admin, which opens nobody's {noun(thing.kind)}"
    if holding is None or source.column == "stranger":
        return f"{voice.begins('hold', 'holds')} nothing on {what}"
    if source.column == "invited" and holding.via == "hand_over":
        return f"{voice.begins('are', 'is')} asked to take over {what}"
    if source.column == "invited":
        at_level = f"{what} at {level_name(holding.level)}{_through(holding)}"
        return f"{voice.begins('are', 'is')} invited to {at_level}"
    return f"{voice.begins('have', 'has')} {_level(source, thing)} on {what}{_through(holding)}"


def allowed(source: Source, thing: Thing, voice: Voice) -> str:
    """Why the answer is yes: "ana gave you Edit+Delete until 27 Nov 2026 18:00 UTC."."""
    holding = source.holding
    if holding is None or holding.via in ("ownership", "project_role"):
        return f"{standing(source, thing, voice)}."
    if source.column == "hub_admin":
        return f"{voice.begins('are', 'is')} a hub admin."
    if holding.via == "project_override":
        return f"An administrator set {voice.their} level on this {noun(thing.kind)}: " + (
            f"{_level(source, thing)}{_until(holding)}."
        )
    if holding.via == "hand_over":
        return f"{voice.first(holding.giver)} offered {voice.them} this {noun(thing.kind)}."
    if source.column == "invited":
        return f"{voice.first(holding.giver)} invited {_received(holding, voice)} to this " + (
            f"{noun(thing.kind)} at {level_name(holding.level)}."
        )
    lowered = level_of(thing.kind, source.column) if thing.kind else None
    cap = "" if lowered in (None, holding.level) else _capped_to(lowered)
    gave = f"{voice.first(holding.giver)} gave {_received(holding, voice)}"
    return f"{gave} {level_name(holding.level)}{_until(holding)}{_membership(holding, voice)}{cap}."


def needs_level(source: Source, thing: Thing, action: str, voice: Voice) -> str:
    """A higher level would do: names what is held, what is needed, and who can raise it."""
    needed = level_name(weakest_level(thing.kind, action))
    return (
        f"{standing(source, thing, voice)}; {doing(thing.kind, action)} needs {needed}. "
        f"{_keeper(thing, voice)} can raise {voice.their} level."
    )


def not_for(source: Source, thing: Thing, action: str, voice: Voice) -> str:
    """No level would do."""
    held, what = standing(source, thing, voice), doing(thing.kind, action)
    if action in ("accept", "decline", "accept_or_decline"):
        return f"{voice.begins('have', 'has')} no open invitation to this {noun(thing.kind)}."
    if source.column == "owner":
        return f"{held}; {what} is for the people it is shared with."
    if not cell_of(thing.kind, action, "owner").opens:
        return f"{held}; {what} is not for {voice.them}."
    keeper = f"its owner, {voice.name(thing.owner)}" if thing.personal else "its administrators"
    return f"{held}; {what} is for {keeper}."


def waits(holding: Holding, thing: Thing, action: str, voice: Voice) -> str:
    """An invitation, or a team's grant, would allow it once the person says yes."""
    level, then = level_name(holding.level), f"{doing(thing.kind, action)} waits for that"
    if action == "leave":
        then = "there is nothing to leave, only to decline"
    if holding.via == "hand_over":
        return (
            f"{voice.begins('have', 'has')} not answered {_whose(holding, voice)} offer to hand "
            f"this {noun(thing.kind)} over yet: {then}."
        )
    if holding.state is GrantState.PENDING:
        return (
            f"{voice.begins('have', 'has')} not accepted {_whose(holding, voice)} invitation to "
            f"this {noun(thing.kind)} ({level}) yet: {then}."
        )
    grant = f"the level {level} that {holding.receiver or 'a team'} has on this {noun(thing.kind)}"
    if holding.answer == "declined":
        return f"{voice.begins('declined', 'declined')} {grant}, and may still accept it."
    return f"{voice.begins('have', 'has')} not accepted {grant} yet: {then}."


def overridden(cap: Holding, thing: Thing, action: str, voice: Voice) -> str:
    """A grant would allow it, and an administrator's override for this member caps it."""
    return (
        f"An administrator of the project set {voice.their} level on this {noun(thing.kind)} to "
        f"{level_name(cap.level)}, and {doing(thing.kind, action)} needs "
        f"{level_name(weakest_level(thing.kind, action))}."
    )


_ENDED: Final[dict[EndedWhy, str]] = {
    EndedWhy.DECLINED: "{their} invitation{grant} was declined on {when}",
    EndedWhy.CANCELLED: "{their} invitation{grant} was taken back on {when}",
    EndedWhy.REVOKED: "{their} access{grant} was ended on {when}",
    EndedWhy.LEFT: "{they_left} this {noun}{grant} on {when}",
    EndedWhy.EXPIRED: "{their} access{grant} ended on {when}",
    EndedWhy.SUPERSEDED: "{their} access{grant} was replaced by another grant on {when}",
    EndedWhy.TEAM_LEFT: "{their} access{grant} ended on {when}, when the team was left",
    EndedWhy.GIVER_LOST: "{their} access{grant} ended on {when}, when its giver lost theirs",
    EndedWhy.HANDED_OVER: "{their} access{grant} ended on {when}, when the {noun} changed hands",
    EndedWhy.THING_DELETED: "{their} access{grant} ended on {when}, when the {noun} was deleted",
}

_MEMBER_NO_MORE: Final = "{their} access{grant} ended on {when}, with {their_own} membership"
_TEAM_OR_PROJECT: Final = (
    "{their} access{grant} ended on {when}, when the team or the project was left"
)
_UNANSWERED: Final = "{their} invitation{grant} ended unanswered on {when}"


def has_ended(holding: Holding, thing: Thing, voice: Voice) -> str:
    """Which grant is over, when it ended, and how."""
    why = holding.ended_why or EndedWhy.EXPIRED
    over = holding.ends_at if why is EndedWhy.EXPIRED else holding.ended_at
    unanswered = holding.state is GrantState.PENDING
    of_project = holding.via in ("project_grant", "project_override")
    left = _ENDED[why]
    if why is EndedWhy.TEAM_LEFT and thing.project is not None:
        left = _MEMBER_NO_MORE if of_project else _TEAM_OR_PROJECT
    text = (_UNANSWERED if unanswered else left).format(
        their=voice.their_first,
        their_own="your" if voice.is_direct else "their",
        they_left=voice.begins("left", "left"),
        noun=noun(thing.kind),
        grant=_named(holding, voice),
        when=moment(over or holding.ended_at or holding.ends_at),
    )
    return f"{text}."


def give_again(thing: Thing, voice: Voice) -> str:
    """Who can mend that a grant is over."""
    return f"{_keeper(thing, voice)} can give it again."


def hidden(thing: Thing, voice: Voice) -> str:
    """Says nothing about whether there is such a thing."""
    return f"There is no such {noun(thing.kind)} that {voice.does('have', 'has')} access to."


def unknown_action(kind: ThingKind | None, action: str) -> str:
    """No table has that action."""
    return f"There is no action “{action}” on a {noun(kind)}."


def gate(name: str, thing: Thing, action: str, voice: Voice) -> str:
    """What a closed gate says, and what to wait for."""
    what = f"This {noun(thing.kind)}"
    if name == "tag":
        tag = thing.project_name or thing.tag
        return f"{what} bears the tag of {tag}: only active members of {tag} get in."
    if name == "key":
        return f"{what} is locked: half of its project's key is missing, so nobody gets in now."
    if name == "workshop_over":
        return f"{what} belongs to a workshop that is over."
    if thing.state is ThingState.DELETING:
        return f"{what} is being deleted for ever: nothing more can be done with it."
    if thing.state is ThingState.LIVE:
        return f"{what} is not in the trash: {doing(thing.kind, action)} is for what is there."
    first = f"{_keeper(thing, voice)} {_has_to(thing, voice)} restore it first."
    return f"{what} is in the trash, so {doing(thing.kind, action)} has to wait. {first}"


def service_refusal(action: str, voice: Voice) -> str:
    """An action of the service that this person's columns do not open."""
    columns = {"project_admin": "administrators of a project", "hub_admin": "hub admins"}
    who = [words for column, words in columns.items() if cell_of(None, action, column).opens]
    whom = " and ".join(who) or "nobody"
    return f"{capital(doing(None, action))} is for {whom}, on the service's own pages."


def service_allowed(source: Source, action: str, voice: Voice) -> str:
    """An action of the service that a column opens."""
    if source.column == "hub_admin":
        return f"{voice.begins('are', 'is')} a hub admin."
    if source.column == "project_admin":
        return f"{voice.begins('administer', 'administers')} a project."
    return f"{capital(doing(None, action))} is open to {voice.them}."


def weakest_level(kind: ThingKind | None, action: str) -> str | None:
    """The lowest level that opens an action, whatever rule comes with it."""
    if kind is None:
        return None
    columns = LEVEL_COLUMN[kind]
    fitting = (level for level in LEVELS[kind] if cell_of(kind, action, columns[level]).opens)
    return next(fitting, None)


def _level(source: Source, thing: Thing) -> str:
    level = level_of(thing.kind, source.column) if thing.kind else None
    return level_name(level or (source.holding.level if source.holding else None))


def _whose(holding: Holding, voice: Voice) -> str:
    if holding.giver is None:
        return "the"
    return "your" if holding.giver == voice.listener else f"{holding.giver}'s"


def _through(holding: Holding) -> str:
    if holding.via not in GROUPS or holding.receiver is None:
        return ""
    return f" through {holding.receiver}"


def _received(holding: Holding, voice: Voice) -> str:
    if holding.via in GROUPS and holding.receiver is not None:
        return holding.receiver
    return voice.them


def _membership(holding: Holding, voice: Voice) -> str:
    if holding.via not in GROUPS:
        return ""
    return f", and {voice.does('are', 'is')} a member"


def _capped_to(level: str | None) -> str:
    return f"; an administrator of the project lowered it to {level_name(level)}"


def _until(holding: Holding) -> str:
    return "" if holding.ends_at is None else f" until {moment(holding.ends_at)}"


def _named(holding: Holding, voice: Voice) -> str:
    giver = "" if holding.giver is None else f" from {voice.name(holding.giver)}"
    return f" ({level_name(holding.level)}{giver}{_through(holding)})"


def _keeper(thing: Thing, voice: Voice) -> str:
    return voice.first(thing.owner) if thing.personal else f"An administrator of {thing.owner}"


def _has_to(thing: Thing, voice: Voice) -> str:
    return "have to" if thing.personal and thing.owner == voice.listener else "has to"
