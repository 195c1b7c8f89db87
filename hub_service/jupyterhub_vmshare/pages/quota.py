"""What one person's folders hold and may hold together, for hub admins: to look at and to set."""

from __future__ import annotations

import math
from typing import Final

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.folders.metering import Metering, Standing
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.pages.confirm import OUT_OF_DATE
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.succession import Succession
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Target
from jupyterhub_vmshare.sharing.facts import demand

ACTION: Final = "set_quota_of_person"
NOBODY: Final = "The hub knows nobody called “{name}”. Names must match exactly."
NO_NUMBER: Final = "{what}: write a number that is not below zero, or nothing for no limit."
MOST_GIGABYTES: Final = 2**32
MOST_FOLDERS: Final = 1_000_000


class QuotaPage(Page):
    """``GET`` and ``POST /quota``; ``?person=`` says whose."""

    fresh = True

    def initialize(  # type: ignore[override]
        self,
        identity: Identity,
        db: Database,
        people: Succession,
        quota: Metering,
        forms: FormTokens,
    ) -> None:
        super().initialize(identity)
        self.db, self.people, self.quota, self.forms = db, people, quota, forms

    async def get(self) -> None:
        """Asks whose; of somebody who is named, what they have, and a form that changes it."""
        name = self.get_query_argument("person", "").strip()[:255]
        self._admit(name)
        if not name:
            self._show(name)
        elif not await self._is_known(name):
            self._show(name, status=404, unknown=NOBODY.format(name=name))
        else:
            self._show(name, await self.quota.standing(name))

    async def post(self) -> None:
        """Set it, or go back to the site's own limits."""
        self.refuse_other_origins()
        name = self.get_body_argument("person", "")[:255]
        self._admit(name)
        if not await self._is_known(name):
            self._show(name, status=404, unknown=NOBODY.format(name=name))
            return
        standing = await self.quota.standing(name)
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(name)):
            self._show(name, standing, status=409, wrong=OUT_OF_DATE)
            return
        try:
            limits = self._asked()
        except ValueError as error:
            self._show(name, standing, status=422, wrong=str(error))
            return
        self._show(name, await self.quota.set(self.caller.person(), name, limits), done=True)

    def _admit(self, name: str) -> None:
        """Refuse who may not; only then does it matter whether there is such a person."""
        asked = Target(person=name)
        demand(decide(self.caller.person(), ACTION, None, self.db.clock(), target=asked))

    async def _is_known(self, name: str) -> bool:
        return bool(name) and await self.people.knows(name)

    def _asked(self) -> Limits | None:
        """None: the site's own. Raises ``ValueError`` with a sentence for the person."""
        if self.get_body_argument("what", "") == "default":
            return None
        gigabytes = _number("GiB", self.get_body_argument("gigabytes", ""), MOST_GIGABYTES)
        folders = _number("Folders", self.get_body_argument("folders", ""), MOST_FOLDERS)
        return Limits.of_gigabytes(gigabytes, None if folders is None else int(folders))

    def _show(
        self,
        name: str,
        standing: Standing | None = None,
        status: int = 200,
        unknown: str | None = None,
        wrong: str | None = None,
        done: bool = False,
    ) -> None:
        form = self.forms.make(self._form(name)) if standing else ""
        values = {"name": name, "standing": standing, "form": form, "gigabyte": 2**30}
        self.show("quota.html", status, **values, unknown=unknown, wrong=wrong, done=done)

    def _form(self, name: str) -> Form:
        return Form(self.session, self.caller.name, ACTION, name, 0)


def _number(what: str, text: str, most: float) -> float | None:
    """A number that somebody typed; None: they typed nothing."""
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise ValueError(NO_NUMBER.format(what=what))
    return number
