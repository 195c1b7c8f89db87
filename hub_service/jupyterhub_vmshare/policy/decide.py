"""`decide`: may this person do this with that thing at this moment, and why.

The order is sources, tables, gates, answer. Everything is passed in; nothing is read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from jupyterhub_vmshare.policy import sentences
from jupyterhub_vmshare.policy.circumstances import Source, settle, settle_service
from jupyterhub_vmshare.policy.model import (
    NOBODY,
    OWNERSHIP,
    Decision,
    Effective,
    Holding,
    Person,
    Target,
    Thing,
)
from jupyterhub_vmshare.policy.phrases import Voice
from jupyterhub_vmshare.policy.refusals import Question, refusal
from jupyterhub_vmshare.policy.rule_sentences import rule_failed
from jupyterhub_vmshare.policy.sources import (
    held_sources,
    level_of,
    service_sources,
    sources,
    strength,
)
from jupyterhub_vmshare.policy.tables import OF_KIND, PAIRS, SERVICE
from jupyterhub_vmshare.policy.weighing import (
    Weighed,
    best,
    is_action,
    is_allowed,
    possible,
)

_SOMETHING: Final = {
    kind: frozenset(table.columns) - {"invited", "stranger"} for kind, table in OF_KIND.items()
}
_GONE: Final = 1_000


def decide(
    person: Person,
    action: str,
    thing: Thing | None,
    at: datetime,
    with_thing: Thing | None = None,
    *,
    target: Target = NOBODY,
    listener: str | None = None,
) -> Decision:
    """Whether `person` may do `action`, by the table of the thing's kind, or by the service's own.

    `with_thing` is the second thing of an action on two: both have to say yes.
    `accept` and `decline` are asked apart, since only accepting may wait behind a gate;
    `accept_or_decline` itself says whether either is left. `listener` is who reads the sentence,
    the person themself unless told otherwise. Never raises, whatever the action or the holdings.
    """
    voice = Voice(person.name, listener or person.name)
    if thing is None or action in SERVICE.rows:
        return _decide_service(person, action, thing, at, target, voice)
    first = _decide_thing(person, action, thing, at, target, voice)
    if with_thing is None or not first.allowed:
        return first
    # A pair that no table names is refused: the second thing has no such action.
    names = (thing.kind, action, with_thing.kind)
    other = next((asked for pair, asked in PAIRS.items() if pair == names), action)
    second = _decide_thing(person, other, with_thing, at, target, voice)
    return first if second.allowed else second


def actions(person: Person, thing: Thing | None, at: datetime) -> tuple[str, ...]:
    """Everything that `decide` allows of the thing's table (or the service's), in its order."""
    if thing is None:
        return possible(None, service_sources(person), settle_service(person, None, NOBODY, False))
    if thing.kind is None:
        return ()
    return possible(thing.kind, sources(person, thing, at), settle(person, thing, NOBODY))


def granting(
    person: Person, action: str, thing: Thing, at: datetime, target: Target = NOBODY
) -> Holding | None:
    """The holding through which `decide` allows it, the strongest; None where it does not."""
    if thing.kind is None:
        return None
    said = best(thing.kind, action, sources(person, thing, at), settle(person, thing, target))
    return said.source.holding if said.step == "yes" else None


def effective(thing: Thing, at: datetime) -> Effective | None:
    """The strongest thing held now; None where that is nothing but invitations.

    A level that a member has not accepted yet counts on folders, as it does for listing.
    """
    strongest = _strongest(thing, at)
    if strongest is None:
        return None
    level = "owner" if strongest.column == "owner" else None
    if thing.kind is not None and level is None:
        level = level_of(thing.kind, strongest.column)
    ends_at, gone_at = _ends(thing, at)
    return Effective(strongest.holding or OWNERSHIP, strongest.column, level, ends_at, gone_at)


def _decide_thing(
    person: Person, action: str, thing: Thing, at: datetime, target: Target, voice: Voice
) -> Decision:
    if thing.kind is None:
        return Decision(False, "not_visible", sentences.hidden(thing, voice), 404)
    held, now = sources(person, thing, at), settle(person, thing, target)
    said = best(thing.kind, action, held, now)
    if said.step != "yes":
        return refusal(Question(thing.kind, action, thing, at, held, now, voice), said)
    return _yes(said, action, sentences.allowed(said.source, thing, voice))


def _decide_service(
    person: Person, action: str, thing: Thing | None, at: datetime, target: Target, voice: Voice
) -> Decision:
    seen = {
        asked: thing is not None and _sees(person, asked, thing, at)
        for asked in ("see_in_list", "see_people")
    }
    now = settle_service(person, thing, target, seen["see_people"])
    said = best(None, action, service_sources(person), now)
    if said.step == "yes":
        return _yes(said, action, sentences.service_allowed(said.source, action, voice))
    if thing is not None and not seen["see_in_list"]:
        return Decision(False, "not_visible", sentences.hidden(thing, voice), 404)
    if not is_action(None, action):
        return Decision(False, "table.unknown", sentences.unknown_action(None, action), 403)
    if said.step == "rule" and said.name is not None:
        because = rule_failed(said.name, thing, None, action, voice)
        return Decision(False, f"if.{said.name}", because, 403)
    return Decision(False, f"table.{action}", sentences.service_refusal(action, voice), 403)


def _sees(person: Person, action: str, thing: Thing, at: datetime) -> bool:
    if thing.kind is None:
        return False
    held = sources(person, thing, at)
    return is_allowed(thing.kind, action, held, settle(person, thing, NOBODY))


def _yes(said: Weighed, action: str, because: str) -> Decision:
    rule = f"if.{said.name}" if said.name else f"table.{action}"
    return Decision(True, rule, because, 200, said.limits)


def _strongest(thing: Thing, at: datetime) -> Source | None:
    """The first of the strongest sources that are more than an invitation."""
    if thing.kind is None:
        return None
    kind = thing.kind
    held = [source for source in held_sources(thing, at) if source.column in _SOMETHING[kind]]
    return min(held, key=lambda source: strength(kind, source.column), default=None)


def _ends(thing: Thing, at: datetime) -> tuple[datetime | None, datetime | None]:
    """When the level first drops, and when nothing is left: looks at each end date in turn,
    since the end of an override can uncover what it replaced."""
    dates = sorted({h.ends_at for h in thing.holdings if h.ends_at is not None and h.ends_at > at})
    if not dates:
        return None, None
    now, ranks = _rank(thing, at), [(date, _rank(thing, date)) for date in dates]
    ends_at = next((date for date, rank in ranks if rank > now), None)
    return ends_at, next((date for date, rank in ranks if rank == _GONE), None)


def _rank(thing: Thing, at: datetime) -> int:
    strongest = _strongest(thing, at)
    if strongest is None or thing.kind is None:
        return _GONE
    return strength(thing.kind, strongest.column)
