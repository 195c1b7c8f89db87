"""One request described without doing it: what to send, and how to read the answer.

`Client` and `AsyncClient` run the same calls, so that nothing but the waiting is written twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from jupyter_vmshare.client.errors import ServiceFailed
from jupyterhub_vmshare.api.contract.base import Page

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """A success of the service."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Source(Protocol):
    """Bytes to send, which can be started again from the beginning."""

    size: int | None

    def chunks(self) -> Iterable[bytes]:
        """From the beginning; called once an attempt."""


class Sink(Protocol):
    """Where received bytes go. A broken download asks for the rest only."""

    def asks(self) -> Mapping[str, str]:
        """The headers of the next attempt (``Range``, ``If-Range``)."""

    def begins(self, status: int, headers: Mapping[str, str]) -> None:
        """An attempt's answer begins."""

    def takes(self, chunk: bytes) -> None:
        """The next bytes."""

    def ends(self) -> None:
        """All of an answer has come; raises when bytes are missing."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and the reading of its answer.

    ``repeatable`` says that sending it twice does no more than sending it once, so that it may
    be tried again when nobody knows whether it arrived.
    """

    method: str
    path: str
    read: Callable[[Answer], T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    source: Source | None = None
    sink: Sink | None = None
    repeatable: bool = False
    answers: frozenset[int] = frozenset()
    """Statuses beside 2xx that are answers and no failures."""


Steps = Generator[Call[Any], Any, T]
"""Several calls, one after the other: yields each call, is sent its result, returns the whole's."""


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A list that comes in pages: how to ask for the one after a cursor."""

    page: Callable[[str | None], Call[Any]]
    items: Callable[[Any], list[T]]

    def steps(self, limit: int | None = None) -> Steps[list[T]]:
        """All items, or the first ``limit``."""
        found: list[T] = []
        after: str | None = None
        while True:
            page: Page = yield self.page(after)
            found += self.items(page)
            after = page.next
            if after is None or (limit is not None and len(found) >= limit):
                return found[:limit]


def get(address: str, model: type[M], /, **params: Any) -> Call[M]:
    """A call that reads something."""
    return Call("GET", address, reads(model), params=_texts(params), repeatable=True)


def send(
    method: str,
    address: str,
    read: Callable[[Answer], T],
    asked: BaseModel | None = None,
    /,
    *,
    version: int | None = None,
    key: bool = False,
    repeatable: bool = False,
    **params: Any,
) -> Call[T]:
    """A call that changes something.

    Args:
        method: The HTTP method.
        address: The path under the service's API.
        read: How to read the answer.
        asked: The body, if there is one. Fields that were not set are left out.
        version: Sent as ``If-Match``: changed meanwhile is refused.
        key: With an ``Idempotency-Key``, the same one in every attempt.
        repeatable: Twice does no more than once. A call with a key is.
        params: Query parameters; None leaves one out.
    """
    headers: dict[str, str] = {}
    body = None
    if asked is not None:
        body = asked.model_dump_json(exclude_unset=True).encode()
        headers["Content-Type"] = "application/json"
    if version is not None:
        headers["If-Match"] = f'"{version}"'
    if key:
        headers["Idempotency-Key"] = secrets.token_urlsafe(24)
    repeatable = repeatable or key
    return Call(method, address, read, _texts(params), headers, body, repeatable=repeatable)


def reads(model: type[M]) -> Callable[[Answer], M]:
    """Reads an answer as one of the contract's models."""

    def read(answer: Answer) -> M:
        try:
            return model.model_validate_json(answer.body)
        except ValidationError as error:
            # The body may hold anything, so it is not repeated in the message.
            raise ServiceFailed(
                f"The VMShare service's answer can't be read ({error.error_count()} mistakes): "
                "it may be of another version."
            ) from None

    return read


def nothing(_answer: Answer) -> None:
    """Reads an answer that has no body."""


def segment(value: str) -> str:
    """A path segment that no character of ``value`` can break out of."""
    if value in {"", ".", ".."}:
        raise ValueError(f"{value!r} can't be part of an address.")
    return quote(value, safe="")


def _texts(params: Mapping[str, Any]) -> dict[str, str]:
    texts = {True: "true", False: "false"}
    return {
        name: texts[value] if isinstance(value, bool) else str(value)
        for name, value in params.items()
        if value is not None
    }
