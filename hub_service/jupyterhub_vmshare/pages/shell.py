"""The second shell of the views: pages on which what `npm run build:hub` made runs (DESIGN: D12 d).

The service says who looks and what they may; the views ask the API for everything else, with the
same sign-in.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from tornado.web import HTTPError, RequestHandler

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.pages.page import HEADERS, Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.policy.decide import decide

BUILT: Final = Path(__file__).with_name("built")

POLICY: Final = (
    HEADERS["Content-Security-Policy"] + "; script-src 'nonce-{nonce}'; connect-src 'self'"
)
"""The page's own scripts. Where servers share the hub's host, ``'self'`` would be theirs, too."""

_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}


class NotBuilt(VMShareError):
    """This service was installed without its pages."""

    status, code = 503, "not-built"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was built: each part's file name (``hub.js``: ``hub.1a2b.js``), and where they lie."""

    where: Path
    names: Mapping[str, str]

    @classmethod
    def read(cls, where: Path = BUILT) -> Bundle:
        """What lies in a folder; nothing, where nothing was built."""
        listed = where / "manifest.json"
        return cls(where, json.loads(listed.read_text()) if listed.is_file() else {})


class BuiltFile(RequestHandler):
    """``GET /built/{name}``: public, and for ever the same under that name."""

    def initialize(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def get(self, name: str) -> None:
        """One file of the bundle; nothing else that lies beside it."""
        if name not in self.bundle.names.values():
            raise HTTPError(404)
        kind = _KINDS[Path(name).suffix]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.finish((self.bundle.where / name).read_bytes())


class ShellPage(Page):
    """A page whose content is made by the views."""

    view: ClassVar[str]

    def initialize(  # type: ignore[override]
        self, identity: Identity, db: Database, bundle: Bundle
    ) -> None:
        super().initialize(identity)
        self.db, self.bundle = db, bundle

    def open_view(self, title: str, **told: Any) -> None:
        """Answer with the page; ``told`` is what the view needs beside who looks."""
        if not self.bundle.names:
            raise NotBuilt(
                "This page was not built when VMShare was installed. Tell who runs this hub: "
                "scripts/install.sh builds it."
            )
        # The views' requests need the cookie that goes with it.
        _ = self.xsrf_token
        person, at = self.caller.person(), self.db.clock()
        may = {
            action: decide(person, action, None, at).allowed
            for action in ("create_project", "approve_project")
        }
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", POLICY.format(nonce=nonce))
        names = self.bundle.names
        page: dict[str, Any] = {"title": title, "view": self.view, "nonce": nonce, "built": names}
        self.show("shell.html", may=may, told=told, **page)
