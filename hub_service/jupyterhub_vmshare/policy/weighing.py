"""Steps two and three of an answer: tables, then gates, for one source after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from jupyterhub_vmshare.policy.circumstances import Circumstances, Source
from jupyterhub_vmshare.policy.rules import Verdict, weigh
from jupyterhub_vmshare.policy.sources import counts
from jupyterhub_vmshare.policy.tables import (
    ANSWERS,
    GATES,
    IN_PROJECT,
    OF_KIND,
    PROJECT,
    SERVICE,
    Cell,
    Table,
)
from jupyterhub_vmshare.words import ThingKind

Step = Literal["yes", "gate", "rule", "cell"]
"""Where weighing ended: allowed, held by a gate, by a rule of the cell, or by the cell itself."""

_ORDER: Final[dict[Step, int]] = {"yes": 0, "gate": 1, "rule": 2, "cell": 3}


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one source says about an action. `name` is the gate or rule that it ended at, or the
    rule that opened it; `limits` are the rules that hold by narrowing."""

    step: Step
    source: Source
    name: str | None = None
    limits: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, int]:
        """The lower, the better for the person."""
        return _ORDER[self.step], len(self.limits)


def best(
    kind: ThingKind | None, action: str, held: tuple[Source, ...], now: Circumstances
) -> Weighed:
    """The best that any source says; of equals the first, which is the strongest."""
    return min((_one(kind, action, source, now) for source in held), key=lambda said: said.rank)


def is_allowed(
    kind: ThingKind | None, action: str, held: tuple[Source, ...], now: Circumstances
) -> bool:
    """Whether some source opens the action and passes its gates."""
    return best(kind, action, held, now).step == "yes"


# A page shows the actions of a hundred things, and few of them differ in what matters.
@lru_cache(maxsize=4096)
def possible(
    kind: ThingKind | None, held: tuple[Source, ...], now: Circumstances
) -> tuple[str, ...]:
    """Every allowed action, in the table's order."""
    rows = table_of(kind).rows
    return tuple(action for action in rows if is_allowed(kind, action, held, now))


def table_of(kind: ThingKind | None) -> Table:
    """The table of a kind of thing, or the service's own."""
    return SERVICE if kind is None else OF_KIND[kind]


def is_action(kind: ThingKind | None, action: str) -> bool:
    """Whether the table has that action (or it is half of one that it has)."""
    rows = table_of(kind).rows
    return action in rows or (kind is not None and action in ANSWERS)


def cell_of(kind: ThingKind | None, action: str, column: str) -> Cell:
    """A cell of the permission tables."""
    if kind is not None and column in PROJECT.columns:
        return PROJECT.cell(IN_PROJECT.get((kind, action), ""), column)
    row = action if kind is None else ANSWERS.get(action, action)
    return table_of(kind).cell(row, column)


def _one(kind: ThingKind | None, action: str, source: Source, now: Circumstances) -> Weighed:
    cell = cell_of(kind, action, source.column)
    if not cell.opens or not counts(source, action):
        return Weighed("cell", source)
    verdicts = weigh(cell.rules, source, now)
    for name, verdict in verdicts.items():
        if verdict is Verdict.FAILS:
            return Weighed("rule", source, name)
    gate = _closed_gate(kind, action, source, now)
    if gate is not None:
        return Weighed("gate", source, gate)
    limits = tuple(name for name, verdict in verdicts.items() if verdict is Verdict.NARROWS)
    return Weighed("yes", source, cell.rules[0] if cell.rules else None, limits)


def _closed_gate(
    kind: ThingKind | None, action: str, source: Source, now: Circumstances
) -> str | None:
    if kind is None or now.state is None:
        return None
    row = f"{kind}.{action}" if f"{kind}.{action}" in GATES.rows else f"{kind}.*"
    for gate in ("tag", "key", "workshop_over"):
        if gate in now.closed and not _passes(GATES.cell(row, gate), source, now):
            return gate
    return None if _passes(GATES.cell(row, now.state), source, now) else "state"


def _passes(cell: Cell, source: Source, now: Circumstances) -> bool:
    verdicts = weigh(cell.rules, source, now).values()
    return cell.opens and Verdict.FAILS not in verdicts
