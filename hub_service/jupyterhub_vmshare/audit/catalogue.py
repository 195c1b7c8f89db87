"""The catalogue of events: which types there are, who sees them, what their data may hold.

It is written in ``events.yaml`` beside this file. An event that does not fit is a mistake of ours,
not of the person's, so it fails the transaction that wanted to record it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import yaml
from jsonschema import Draft202012Validator

from jupyterhub_vmshare.audit.chain import refuse_unplain


class Recordable(Protocol):
    """What of an event the catalogue looks at."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


class EventRefused(ValueError):
    """An event that the catalogue does not know, or whose data does not fit its schema."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event."""

    name: str
    says: str
    seen_by: tuple[str, ...]
    schema: Mapping[str, Any]
    validator: Draft202012Validator


SEEN_BY = frozenset(
    {
        *("owner", "giver", "receiver", "answerer", "everyone_with_access"),
        *("chooser", "member", "session_person", "charged", "cloner"),
        *("machine_owner", "taker", "former"),
        *("administrators", "asker", "project_member", "project_members"),
    }
)
"""The circles of people that ``seen_by`` may name."""


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", **schema, "additionalProperties": False}


def _event_type(name: str, entry: Mapping[str, Any]) -> EventType:
    schema = _closed(entry["data"])
    Draft202012Validator.check_schema(schema)
    seen_by = tuple(entry["seen_by"])
    if not seen_by or not SEEN_BY.issuperset(seen_by):
        raise ValueError(f"events.yaml: {name} is seen by {seen_by}, which names no circle")
    return EventType(name, entry["says"], seen_by, schema, Draft202012Validator(schema))


@cache
def catalogue() -> Mapping[str, EventType]:
    """All event types by name. Read once."""
    text = files(__package__).joinpath("events.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["events"]
    return {name: _event_type(name, entry) for name, entry in entries.items()}


def check(event: Recordable) -> None:
    """Raise ``EventRefused`` unless the event's type is known and its data fits.

    The message names the key, never its value: what was refused may be a secret.
    """
    kind = catalogue().get(event.type)
    if kind is None:
        raise EventRefused(f"there is no event type {event.type!r} in events.yaml")
    refuse_unplain(event.data)
    for error in kind.validator.iter_errors(dict(event.data)):
        where = "/".join(map(str, error.path)) or "data"
        raise EventRefused(f"{event.type}: {where} does not fit ({error.validator})")
