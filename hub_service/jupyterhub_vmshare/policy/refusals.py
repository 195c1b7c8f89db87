"""Step four of an answer, when it is a no: which rule, which sentence, which status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jupyterhub_vmshare.policy import sentences
from jupyterhub_vmshare.policy.circumstances import Circumstances, Source, is_over
from jupyterhub_vmshare.policy.model import Decision, Holding, Thing
from jupyterhub_vmshare.policy.phrases import Voice
from jupyterhub_vmshare.policy.rule_sentences import rule_failed
from jupyterhub_vmshare.policy.rules import Verdict, weigh
from jupyterhub_vmshare.policy.sources import (
    ANSWERING,
    GRANTS,
    MEMBERSHIPS,
    cap_of,
    ended_at,
    is_ended,
    is_live,
    is_open,
)
from jupyterhub_vmshare.policy.weighing import Weighed, cell_of, is_action, is_allowed
from jupyterhub_vmshare.words import GrantState, ThingKind


@dataclass(frozen=True, slots=True)
class Question:
    """A refused action with everything that its explanation looks at."""

    kind: ThingKind
    action: str
    thing: Thing
    at: datetime
    held: tuple[Source, ...]
    now: Circumstances
    voice: Voice

    def would_allow(self, holding: Holding) -> bool:
        """Whether the table would open the action to this grant, were it live and accepted."""
        if self.action in ANSWERING:
            # Whatever ended was an invitation once.
            return holding.state is GrantState.ENDED or is_over(holding.ends_at, self.at)
        source = Source(holding.column, ticks=holding.ticks, holding=holding)
        cell = cell_of(self.kind, self.action, source.column)
        verdicts = weigh(cell.rules, source, self.now).values()
        return cell.opens and Verdict.FAILS not in verdicts


def refusal(asked: Question, said: Weighed) -> Decision:
    """The no, for an action at which `said` is the best that any source said."""
    if not is_allowed(asked.kind, "see_in_list", asked.held, asked.now):
        return _unseen(asked)
    if said.step == "gate" and said.name is not None:
        because = sentences.gate(said.name, asked.thing, asked.action, asked.voice)
        return Decision(False, f"gate.{said.name}", because, 409 if said.name == "state" else 403)
    rule, because = _reason(asked, said)
    return Decision(False, rule, because, 403)


def _unseen(asked: Question) -> Decision:
    thing, voice = asked.thing, asked.voice
    waiting, ended = _waiting(asked), _ended(asked)
    if waiting is not None:
        because = sentences.waits(waiting, thing, asked.action, voice)
        return Decision(False, _waiting_rule(waiting), because, 404)
    if ended is not None:
        past = f"{sentences.has_ended(ended, thing, voice)} {sentences.give_again(thing, voice)}"
        return Decision(False, "grant.ended", past, 404)
    return Decision(False, "not_visible", sentences.hidden(thing, voice), 404)


def _reason(asked: Question, said: Weighed) -> tuple[str, str]:
    """The rule, and a sentence that names an ended grant wherever one would have allowed it."""
    rule, because = _present_reason(asked, said)
    ended = _ended(asked)
    if ended is None:
        return rule, because
    past = sentences.has_ended(ended, asked.thing, asked.voice)
    if rule.startswith("grant.") and rule != "grant.level":
        return rule, f"{because} {past}"
    return "grant.ended", f"{past} {because}"


def _present_reason(asked: Question, said: Weighed) -> tuple[str, str]:
    thing, action, voice = asked.thing, asked.action, asked.voice
    if not is_action(asked.kind, action):
        return "table.unknown", sentences.unknown_action(asked.kind, action)
    waiting = _waiting(asked)
    if waiting is not None:
        return _waiting_rule(waiting), sentences.waits(waiting, thing, action, voice)
    cap = cap_of(thing, asked.at)
    if cap is not None and any(_capped(asked, cap)):
        return "grant.override", sentences.overridden(cap, thing, action, voice)
    if said.step == "rule" and said.name is not None:
        return f"if.{said.name}", rule_failed(said.name, thing, asked.kind, action, voice)
    strongest = asked.held[0]
    if sentences.weakest_level(asked.kind, action) is not None and strongest.column != "owner":
        return "grant.level", sentences.needs_level(strongest, thing, action, voice)
    return f"table.{action}", sentences.not_for(strongest, thing, action, voice)


def _waiting_rule(waiting: Holding) -> str:
    return "grant.declined" if waiting.answer == "declined" else "grant.pending"


def _waiting(asked: Question) -> Holding | None:
    """An open grant that would allow it once this person accepts."""
    for holding in asked.thing.holdings:
        unanswered = holding.via in MEMBERSHIPS and holding.answer != "accepted"
        waits = holding.state is GrantState.PENDING or unanswered
        if waits and is_open(holding, asked.at) and asked.would_allow(holding):
            return holding
    return None


def _capped(asked: Question, cap: Holding) -> Iterator[bool]:
    for holding in asked.thing.holdings:
        if holding is not cap and holding.via in GRANTS and is_live(holding, asked.at):
            yield asked.would_allow(holding)


def _ended(asked: Question) -> Holding | None:
    """The grant that ended last of those that would have allowed it."""
    if asked.held[0].column == "owner":
        return None
    ended = [
        holding
        for holding in asked.thing.holdings
        if is_ended(holding, asked.at) and asked.would_allow(holding)
    ]
    return max(ended, key=lambda holding: ended_at(holding).timestamp(), default=None)
