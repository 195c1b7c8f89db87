"""The pages' addresses, for wiring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado.routing import Rule
from tornado.web import RequestHandler, url

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.folders.metering import Metering
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.pages.audit import AuditPage
from jupyterhub_vmshare.pages.co_own import ConfirmCoOwner
from jupyterhub_vmshare.pages.confirm import ConfirmDeletion
from jupyterhub_vmshare.pages.forms import FormTokens
from jupyterhub_vmshare.pages.hand_over import ConfirmHandOver
from jupyterhub_vmshare.pages.landing import Landing
from jupyterhub_vmshare.pages.leavers import LeaversPage
from jupyterhub_vmshare.pages.page import OAuthCallback
from jupyterhub_vmshare.pages.people import PeoplePage
from jupyterhub_vmshare.pages.projects import JoinPage, ProjectPage, ProjectsPage
from jupyterhub_vmshare.pages.quota import QuotaPage
from jupyterhub_vmshare.pages.shell import BuiltFile, Bundle
from jupyterhub_vmshare.pages.untag import ConfirmUntagging
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.leavers import Leavers
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.search import PeopleSearch

_STYLE = Path(__file__).with_name("pages.css")


class Style(RequestHandler):
    """``GET /pages.css``: public."""

    def get(self) -> None:
        """The one style sheet."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=3600")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(_STYLE.read_bytes())


def pages(
    prefix: str,
    *,
    identity: Identity,
    db: Database,
    membership: Membership,
    search: PeopleSearch,
    leavers: Leavers,
    quota: Metering,
    secret: bytes,
) -> list[Rule]:
    """Every page below ``prefix``. ``secret`` is the application's cookie secret."""
    who: dict[str, Any] = {"identity": identity}
    forms = FormTokens(secret, db.clock)
    confirming = {**who, "db": db, "membership": membership, "forms": forms}
    metering = {**who, "db": db, "people": search.people, "quota": quota, "forms": forms}
    handing = {**confirming, "search": search}
    bundle = Bundle.read()
    viewing = {**who, "db": db, "bundle": bundle}
    project = ID_PATTERN.replace("[a-z]{3}", "prj")
    thing = ID_PATTERN.replace("[a-z]{3}", "(?:fld|mch|drv)")
    machine = ID_PATTERN.replace("[a-z]{3}", "(?:mch|drv)")
    deletions = [
        url(
            prefix + f"confirm/delete-{kind}/({ID_PATTERN.replace('[a-z]{3}', marked)})",
            ConfirmDeletion,
            confirming,
        )
        for kind, marked in (("folder", "fld"), ("machine", "mch"), ("drive", "drv"))
    ]
    return [
        url(prefix, Landing, who),
        url(prefix + "oauth_callback", OAuthCallback, who),
        url(prefix + "pages.css", Style),
        *deletions,
        url(prefix + f"confirm/hand-over/({thing})", ConfirmHandOver, handing),
        url(prefix + f"confirm/co-own/({machine})", ConfirmCoOwner, handing),
        url(prefix + f"confirm/untag/({thing})", ConfirmUntagging, confirming),
        url(prefix + "quota", QuotaPage, metering),
        url(prefix + "built/([a-zA-Z0-9.-]+)", BuiltFile, {"bundle": bundle}),
        url(prefix + "projects", ProjectsPage, viewing),
        url(prefix + "projects/join", JoinPage, viewing),
        url(prefix + f"projects/({project})", ProjectPage, viewing),
        url(prefix + "people", PeoplePage, viewing),
        url(prefix + "audit", AuditPage, viewing),
        url(prefix + "leavers", LeaversPage, {**who, "db": db, "leavers": leavers}),
    ]
