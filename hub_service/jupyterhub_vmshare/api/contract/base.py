"""What all wire models have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is outside of the years 1 to 9999") from None


def _written_out(given: object) -> object:
    # Pydantic would take numbers, too, and read them as seconds since 1970.
    if isinstance(given, datetime) or (isinstance(given, str) and "T" in given.upper()):
        return given
    raise ValueError("give a moment as in 2026-11-27T18:00:00Z")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_utc),
    PlainSerializer(_text, return_type=str, when_used="json"),
]
"""A moment in UTC; the wire carries ``2026-11-27T18:00:00.000Z``."""

PersonName = Annotated[str, Field(min_length=1, max_length=255)]
"""A JupyterHub user name."""


class Asked(BaseModel):
    """A request body: unknown fields are refused, so that a typing error never means 'default'."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Told(BaseModel):
    """An answer. Clients ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


class Problem(Told):
    """RFC 9457. ``rule`` and ``because`` come from the permission tables when they refused."""

    type: str = Field(description="A URI reference that names the kind of problem.")
    title: str
    status: int
    code: str = Field(description="Stable; what programs should look at.")
    detail: str = Field(description="A sentence for the person.")
    rule: str | None = None
    because: str | None = None
    suggestion: str | None = Field(None, description="A free name, where a name was taken.")
    asked: int | None = Field(None, description="Of a quota: how much this needs.")
    left: int | None = Field(None, description="Of a quota: how much there is left.")
    request_id: str | None = None
    errors: list[FieldError] = Field(default_factory=list)


class FieldError(Told):
    """What is wrong with one field of a request."""

    where: str
    message: str


class Page(Told):
    """``next`` is an opaque cursor for ``?after=``; null on the last page."""

    next: str | None = None
