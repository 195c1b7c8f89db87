"""What all pages have in common: who is signed in, the headers, and how errors look."""

from __future__ import annotations

import logging
from http.client import responses
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import get_browser_protocol
from tornado.web import HTTPError, RequestHandler

from jupyterhub_vmshare.errors import Forbidden, NotSignedIn, VMShareError
from jupyterhub_vmshare.people.credentials import Caller
from jupyterhub_vmshare.people.identity import Identity

log = logging.getLogger(__name__)

HEADERS: Final = {
    "Cache-Control": "no-store",
    # Nothing runs here: what is typed is checked by the service.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

ODD_REQUEST: Final = "Open this page in your browser, from a link or the address bar."
OTHER_CREDENTIAL: Final = "This page takes its own sign-in alone: no token, however it is sent."

_templates = Environment(
    loader=PackageLoader("jupyterhub_vmshare.pages"), autoescape=True, undefined=StrictUndefined
)


class Rendered(RequestHandler):
    """Templates, headers and error pages; nobody needs to be signed in."""

    identity: Identity

    def set_default_headers(self) -> None:
        """Set again for error pages too."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def show(self, template: str, status: int = 200, **values: Any) -> None:
        """Answer with a page; every value is escaped."""
        oauth = self.identity.oauth
        hub = f"{oauth.hub_host}{oauth.hub_prefix}"
        values = {"hub": hub, "prefix": oauth.base_url, "person": self._name(), **values}
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(_templates.get_template(template).render(**values))

    def _name(self) -> str | None:
        caller: Caller | None = getattr(self, "caller", None)
        return caller.name if caller else None

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Refusals are answers, not errors."""
        if not isinstance(value, VMShareError):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page that says what is wrong, and what to do."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message = "Something went wrong here. Go back and try again."
        if isinstance(error, VMShareError):
            status_code, message = error.status, error.message
        elif isinstance(error, HTTPError) and status_code < 500 and error.log_message:
            message = error.log_message
        title = responses.get(status_code, "Error")
        self.show("error.html", status_code, title=title, message=message)


class Page(HubOAuthenticated, Rendered):
    """A page for people who are signed in through the service's own OAuth login.

    ``fresh``: the hub is asked again who they are, whatever is remembered.
    """

    fresh: ClassVar[bool] = False
    caller: Caller
    session: str

    def initialize(self, identity: Identity) -> None:
        self.identity = identity
        self.hub_auth = identity.oauth

    def get_current_user(self) -> Any:
        """Never asks the hub itself: that would block everybody else's requests."""
        return getattr(self, "caller", None)

    def check_xsrf_cookie(self) -> None:
        """Forms carry a token of their own, which no cookie tells (``forms``)."""

    async def prepare(self) -> None:
        """Refuse what is no navigation; then find out who it is, or have them sign in."""
        self._refuse_other_credentials()
        self._refuse_odd_requests()
        session = self.identity.own_cookie(self)
        try:
            if session is None:
                raise NotSignedIn("Sign in first.")
            self.caller = await self.identity.caller_of_cookie(session, fresh=self.fresh)
            self.session = session
        except NotSignedIn:
            if self.request.method != "GET":
                raise
            self.redirect(self.get_login_url())  # type: ignore[no-untyped-call]

    def _refuse_other_credentials(self) -> None:
        if "Authorization" in self.request.headers or "token" in self.request.arguments:
            raise Forbidden(OTHER_CREDENTIAL, rule="credential.page")

    def refuse_other_origins(self) -> None:
        """For forms: browsers send ``Origin`` with every one; what sends none is no browser."""
        origin = urlsplit(self.request.headers.get("Origin", ""))
        secure = get_browser_protocol(self.request) == "https"  # type: ignore[no-untyped-call]
        schemes = {"https"} if secure else {"http", "https"}
        if origin.netloc != self.request.host or origin.scheme not in schemes:
            raise Forbidden(ODD_REQUEST, rule="credential.page")

    def _refuse_odd_requests(self) -> None:
        """Scripts, frames and other origins; browsers say so on https and on loopback."""
        said = self.request.headers
        wanted = [("Sec-Fetch-Mode", {"navigate"}), ("Sec-Fetch-Dest", {"document"})]
        if self.request.method != "GET":
            wanted.append(("Sec-Fetch-Site", {"same-origin", "none"}))
        if any(said.get(name) not in {None, *values} for name, values in wanted):
            raise Forbidden(ODD_REQUEST, rule="credential.page")


class OAuthCallback(HubOAuthCallbackHandler, Rendered):
    """Where the hub sends people back to after signing in."""

    def initialize(self, identity: Identity) -> None:
        self.identity = identity
        self.hub_auth = identity.oauth

    async def prepare(self) -> None:
        """JupyterHub's handler asks who this is, and would block on it."""
        await self.hub_auth.get_user(self, sync=False)
