"""What all routes have in common: the gateway, who visits, and problems instead of error pages."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.web import HTTPError

from jupyter_vmshare.routes.gateway import (
    NO_HUB,
    NO_TOKEN,
    SETTING,
    Gateway,
    Visitor,
    is_under_a_hub,
)
from jupyterhub_vmshare.api.contract.base import Problem

RESOURCE = "vmshare"
Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])


def allowed(action: Literal["read", "write"]) -> Callable[[Method], Method]:
    """Lets signed-in visitors pass whom the notebook server's authorizer lets do ``action``.

    Only for concrete methods, and always with the action: a bare ``authorized`` keeps the first
    request's resource for all later ones.
    """

    def decorate(method: Method) -> Method:
        return cast(Method, web.authenticated(authorized(action, RESOURCE)(method)))

    return decorate


async def authorise(handler: Any, action: Literal["read", "write"]) -> None:
    """The same question as `allowed` asks, before the body is taken or the socket opened.

    Raises:
        HTTPError: 403.
    """
    user = handler.current_user
    if user is None or not await ensure_async(
        handler.authorizer.is_authorized(handler, user, action, RESOURCE)
    ):
        raise HTTPError(403)


class Refused(Exception):
    """Turned into a problem by `Route`."""

    def __init__(self, status: int, code: str, sentence: str, allow: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence
        self.allow = ", ".join(sorted(allow))


class Route(APIHandler):
    """A route under ``vmshare/``. Concrete methods name their authorisation themselves."""

    @property
    def gateway(self) -> Gateway:
        """The way to the service."""
        return cast(Gateway, self.settings[SETTING])

    def visitor(self) -> Visitor:
        """Who makes this request.

        Raises:
            Refused: Nobody who could be somebody at the service.
        """
        found = self.gateway.visitor(self)
        if found is not None:
            return found
        if not is_under_a_hub(self):
            raise Refused(503, "no-hub", NO_HUB)
        raise Refused(401, "not-signed-in", NO_TOKEN)

    def reply_problem(self, status: int, code: str, sentence: str) -> None:
        """Answer with an RFC 9457 problem."""
        problem = Problem(
            type=f"urn:jupyter-vmshare:problem:{code}",
            title=_phrase(status),
            status=status,
            code=code,
            detail=sentence,
            request_id=self.request.headers.get("X-Request-ID"),
        )
        self.set_status(status)
        self.finish(problem.model_dump_json(), set_content_type="application/problem+json")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tornado's way to answer an exception."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Refused):
            if error.allow:
                self.set_header("Allow", error.allow)
            self.reply_problem(error.status, error.code, error.sentence)
        elif isinstance(error, HTTPError) and status_code < 500:
            sentence = _SENTENCES.get(status_code) or f"{_phrase(status_code)}."
            self.reply_problem(status_code, _CODES.get(status_code, "malformed"), sentence)
        else:
            self.reply_problem(500, "internal-error", "The notebook server made a mistake.")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A refusal is no mistake to be logged with its traceback."""
        if not isinstance(value, Refused):
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Refusals carry their own status."""
        error = kwargs.get("exc_info", (None, None))[1]
        super().send_error(error.status if isinstance(error, Refused) else status_code, **kwargs)


_CODES = {401: "not-signed-in", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
_SENTENCES = {
    403: "The notebook server does not let this through: sign in again, or reload the page.",
    404: "There is nothing at this address.",
}


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
