"""The base of all API handlers: who calls, what they sent, and how answers and errors look.

A route authenticates before its body is read, and answers every error as a problem.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError
from tornado import web
from tornado.http1connection import HTTP1Connection

from jupyterhub_vmshare.api import idempotency
from jupyterhub_vmshare.api.contract.base import Asked, Problem
from jupyterhub_vmshare.api.operation import HUB_HOOK, PUBLIC, Operation, operation_of
from jupyterhub_vmshare.api.problems import InvalidFields, plain_problem, problem
from jupyterhub_vmshare.api.rooms import Rooms
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import (
    ChangedMeanwhile,
    Forbidden,
    Malformed,
    PreconditionRequired,
    TooLarge,
    TooMany,
    VMShareError,
)
from jupyterhub_vmshare.people.credentials import Caller
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.words import CredentialKind

MAX_JSON = 1024 * 1024
"""Bytes of a JSON body. Two hundred invitations take about 40 kB."""

DRAINED = 64 * 1024 * 1024
"""Bytes of a refused request's body that are read and dropped, so that the answer arrives."""

_TOO_LARGE = f"The request is larger than the {MAX_JSON // 1024} KiB taken here."

A = TypeVar("A", bound=Asked)


@web.stream_request_body
class Route(web.RequestHandler):
    """One path of the API. ``path`` is as OpenAPI writes it; see ``operation``."""

    path: ClassVar[str]
    caller: Caller

    @property
    def asker(self) -> Asker:
        """The caller in projects; administrators count on the service's own pages alone."""
        return Asker(self.caller.name, on_pages=self.caller.credential is CredentialKind.PAGE)

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def initialize(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._body = bytearray()
        self._refusal: VMShareError | None = None
        self._came = 0
        self._is_read = False
        self._kept: tuple[int, str] | None = None

    @property
    def request_id(self) -> str | None:
        """The id under which the logs know this request."""
        return getattr(self.request, "vmshare_request_id", None)

    @property
    def operation(self) -> Operation | None:
        """What the called method declares."""
        return operation_of(getattr(self, (self.request.method or "").lower(), None))

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        if self.request_id is not None:
            self.set_header("X-Request-ID", self.request_id)
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def check_xsrf_cookie(self) -> None:
        """Nothing here: ``identity`` asks for the token where a cookie is the credential."""

    async def prepare(self) -> None:
        """Find out who calls, before anything of the body is read."""
        if (operation := self.operation) is None:
            raise web.HTTPError(405)
        if any("\0" in part for part in self.path_kwargs.values()):
            raise web.HTTPError(404)
        try:
            await self._admit(operation)
        except VMShareError as error:
            # An answer that overtakes its request's body is lost: the connection is reset. What
            # is raised here ends the connection, even where there is no body (``write_error``).
            if self.body_length > DRAINED:
                raise
            self._refusal = error

    async def _admit(self, operation: Operation) -> None:
        if operation.action == HUB_HOOK:
            self.rooms.hook.check(self.request.headers.get("Authorization"))
        elif operation.action != PUBLIC:
            self.caller = await self.rooms.identity.caller(self)
            self._refuse_read_only(operation)
        await self.before_body()

    async def before_body(self) -> None:
        """For routes that must decide before they take a large body."""
        if self.body_length > MAX_JSON:
            raise TooLarge(_TOO_LARGE)

    @property
    def body_length(self) -> int:
        """Bytes of the body as announced; a body in chunks counts as one byte."""
        if "Transfer-Encoding" in self.request.headers:
            return 1
        return int(self.request.headers.get("Content-Length") or 0)

    def go_on(self) -> None:
        """Raise what was found before the body came. ``operation`` calls this first."""
        self._is_read = True
        if self._refusal is not None:
            raise self._refusal

    def _refuse_read_only(self, operation: Operation) -> None:
        changes = operation.changes
        if changes is None:
            changes = self.request.method not in ("GET", "HEAD")
        if changes and self.caller.read_only:
            because = self.caller.because or "This credential can only read."
            raise Forbidden(because, rule="credential.read_only")

    def data_received(self, chunk: bytes) -> None:
        """Collect a JSON body; of one that is refused nothing is kept."""
        self._came += len(chunk)
        if self._refusal is None:
            self._body += chunk
        elif self._came > DRAINED and isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.close()  # it was announced as shorter, or not at all
        if len(self._body) > MAX_JSON:
            self._body.clear()
            self._refusal = TooLarge(_TOO_LARGE)

    def body(self, model: type[A]) -> A:
        """The request's JSON body. Raises ``TooLarge``, ``Malformed`` or ``InvalidFields``."""
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind != "application/json":
            raise Malformed("Send the body as application/json.")
        return self.parsed(model, bytes(self._body))

    def parsed(self, model: type[A], body: bytes) -> A:
        """A model from JSON. Raises ``Malformed`` or ``InvalidFields``."""
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            if any(item["type"] == "json_invalid" for item in error.errors()):
                raise Malformed("The body is not valid JSON.") from None
            raise InvalidFields.of(error) from None

    def body_or_none(self, model: type[A]) -> A | None:
        """The same for routes whose body may be left out."""
        return self.body(model) if self._body else None

    def query(self, model: type[A]) -> A:
        """The query as a model; a name that comes twice or is unknown is refused."""
        given: dict[str, str] = {}
        for name, values in self.request.query_arguments.items():
            if name == "_xsrf":
                continue  # EventSource can't send headers
            try:
                given[name] = values[-1].decode("utf-8") if len(values) == 1 else ""
            except UnicodeDecodeError:
                raise Malformed(f"{name}: this is not UTF-8.") from None
            if len(values) > 1:
                raise Malformed(f"{name}: give it once.")
            if "\0" in given[name]:
                raise Malformed(f"{name}: a NUL can't be part of this.")
        try:
            return model.model_validate(given)
        except ValidationError as error:
            raise InvalidFields.of(error) from None

    def expected_version(self) -> int:
        """The version in ``If-Match``. Raises ``PreconditionRequired``, ``ChangedMeanwhile``."""
        given = self.request.headers.get("If-Match")
        if given is None:
            raise PreconditionRequired("Send the version that you saw as If-Match.")
        match = re.fullmatch(r'"(\d{1,9})"', given.strip())
        if match is None:
            raise ChangedMeanwhile("If-Match names no version of this; load it again.")
        return int(match[1])

    def reply(self, status: int, told: BaseModel | None = None) -> None:
        """Answer, and set the ETag where the model has a version."""
        self._send(status, None if told is None else told.model_dump_json())
        version = getattr(told, "version", None)
        if isinstance(version, int):
            self.set_header("ETag", f'"{version}"')

    def _send(self, status: int, body: str | None) -> None:
        self.set_status(status)
        if body is None:
            self.clear_header("Content-Type")
        else:
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.write(body)

    @contextlib.asynccontextmanager
    async def once(self) -> AsyncIterator[Transaction]:
        """A write transaction for what must happen once, however often it is asked for.

        A repeated ``Idempotency-Key`` answers what the first one answered (``keep``).
        """
        key = idempotency.key_of(self.request, self.caller.name, bytes(self._body))
        async with self.rooms.db.write() as tx:
            if key is not None:
                await idempotency.claim(tx, key)
            yield tx
            if key is not None and self._kept is not None:
                await idempotency.keep(tx, key, *self._kept)
        if self._kept is not None:
            self._send(*self._kept)

    def keep(self, status: int, told: BaseModel) -> None:
        """The answer of a ``once`` block: stored with the change, sent after the commit."""
        self._kept = (status, told.model_dump_json())

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Refusals are answers, not errors: the access log has them."""
        if not isinstance(value, (VMShareError, idempotency.Replay)):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error leaves here, as a problem."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not self._is_read:
            # tornado closes it now, in silence: the proxy would lose another request on it.
            self.set_header("Connection", "close")
        if isinstance(error, idempotency.Replay):
            self.set_header("Idempotent-Replayed", "true")
            self._send(error.status, error.body)
            self.finish()
        elif isinstance(error, VMShareError):
            self._problem(problem(error, self.request_id))
            if isinstance(error, TooMany):
                self.set_header("Retry-After", str(error.retry_after))
            self.finish()
        else:
            code, detail = _TORNADO.get(status_code, _TORNADO[500])
            self._problem(plain_problem(status_code, code, detail, self.request_id))
            self.finish()

    def _problem(self, told: Problem) -> None:
        self._send(told.status, told.model_dump_json())
        self.set_header("Content-Type", "application/problem+json")
        if told.status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if told.status == 405:
            self.set_header("Allow", ", ".join(methods_of(type(self))))


def methods_of(route: type[Route]) -> list[str]:
    """The methods that a route declares."""
    names = (method for method in route.SUPPORTED_METHODS)
    return [name for name in names if operation_of(getattr(route, name.lower(), None))]


_TORNADO = {
    400: ("malformed", "The request can't be read."),
    404: ("not-found", "There is no such thing here."),
    405: ("method-not-allowed", "This address does not take that method."),
    500: ("internal-error", "Something went wrong here; the log knows more under this request id."),
}


class NoSuchRoute(Route):
    """Every other path below ``/api``."""

    path = "/{rest}"

    async def prepare(self) -> None:
        raise web.HTTPError(404)
