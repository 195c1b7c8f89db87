"""What a route says about itself: its one action, what it takes and what it gives.

The OpenAPI file and the tests read this. A route asks ``decide`` for that very action itself, with
the thing that it is about; a test goes through every cell of the tables to see that it does.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast

from pydantic import BaseModel

from jupyterhub_vmshare.api.contract.base import Asked

PUBLIC = "public"
"""The action of routes that anybody may call."""

FORM = "application/x-www-form-urlencoded"

HUB_HOOK = "hub_hook"
"""The action of routes that the hub's own spawner hook calls, with its own secret."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    ``action`` is ``table.action`` of the permission tables, ``public``, or ``hub_hook``.
    ``raw_in``/``raw_out`` name the media type of bodies that are not JSON.
    ``once``: takes an Idempotency-Key. ``versioned``: needs, or takes, If-Match.
    """

    action: str
    summary: str
    takes: type[Asked] | None = None
    optional_body: bool = False
    as_form: bool = False
    """Takes the JSON in a form's field `asked`, too."""
    query: type[Asked] | None = None
    gives: type[BaseModel] | None = None
    status: tuple[int, ...] = (200,)
    once: bool = False
    versioned: Literal["needed", "taken"] | None = None
    raw_in: str | None = None
    raw_out: str | None = None
    headers: tuple[dict[str, Any], ...] = ()
    """Request headers, as the OpenAPI file writes them."""
    tells: tuple[str, ...] = ()
    """Answer headers that belong to the protocol."""
    problems: tuple[int, ...] = ()
    """Statuses of problems that other routes do not have."""
    changes: bool | None = None
    """Whether a read-only credential is refused; None: every method but GET and HEAD."""


class Handler(Protocol):
    """What a declared method belongs to."""

    def go_on(self) -> None:
        """Raise what was found before the method's turn."""


P = ParamSpec("P")
H = TypeVar("H", bound=Handler)
Method = Callable[Concatenate[H, P], Awaitable[None]]


def operation(
    action: str, *, status: int | tuple[int, ...] = 200, **about: Any
) -> Callable[[Method[H, P]], Method[H, P]]:
    """Declare a handler method. The docstring's first line is the summary in the OpenAPI file."""

    def declare(method: Method[H, P]) -> Method[H, P]:
        statuses = status if isinstance(status, tuple) else (status,)
        summary = (method.__doc__ or "").strip().split("\n")[0]

        @functools.wraps(method)
        async def called(handler: H, /, *args: P.args, **kwargs: P.kwargs) -> None:
            handler.go_on()
            await method(handler, *args, **kwargs)

        called.operation = Operation(action, summary, status=statuses, **about)  # type: ignore[attr-defined]
        return cast(Method[H, P], called)

    return declare


def operation_of(method: object) -> Operation | None:
    """The declaration of a handler method, if it has one."""
    found = getattr(method, "operation", None)
    return found if isinstance(found, Operation) else None
