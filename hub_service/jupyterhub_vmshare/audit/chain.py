"""The hash chain: pure functions from an event and the hash before it to the next hash.

``hash(n) = sha256(hash(n - 1) + canonical(event n))``, in hexadecimal; before the first event
stands ``GENESIS``. Who can write the database can write a whole new chain; what the chain proves is
that history still fits a head (position and hash) that somebody noted down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(slots=True)
class Event:
    """A recorded event; ``position`` and ``hash`` are there once it is sequenced.

    Not frozen only because thousands of streams share ``frame``, its rendered form.
    """

    id: str
    type: str
    at: datetime
    actor: str | None
    thing_id: str | None
    thing_name: str | None
    audience: tuple[str, ...]
    data: Mapping[str, Any]
    position: int = 0
    hash: str = ""
    frame: bytes = field(default=b"", compare=False, repr=False)


def refuse_unplain(value: object) -> None:
    """Raise ``TypeError`` for what has no one spelling in JSON.

    That includes numbers with a point: not every JSON library keeps them as they are.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"an event's keys are strings, not {type(key).__name__}")
            refuse_unplain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            refuse_unplain(inner)
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"an event can't carry a {type(value).__name__}")


def canonical(event: Event) -> bytes:
    """The one spelling of an event, whatever the database made of it on the way.

    Keys sorted, no white space, UTF-8, times in UTC with six digits, people in order.
    Raises ``TypeError`` for what JSON can't carry unambiguously.
    """
    refuse_unplain(event.data)
    fields = {
        "position": event.position,
        "id": event.id,
        "type": event.type,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "thing_id": event.thing_id,
        "thing_name": event.thing_name,
        "audience": sorted(event.audience),
        "data": event.data,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def link(previous: str, event: Event) -> str:
    """The hash of ``event`` at its position, after the event whose hash is ``previous``."""
    return hashlib.sha256(bytes.fromhex(previous) + canonical(event)).hexdigest()
