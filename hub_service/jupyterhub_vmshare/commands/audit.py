"""``jupyterhub-vmshare audit verify``: is the audit trail whole?"""

from __future__ import annotations

import asyncio

from traitlets import Unicode

from jupyterhub_vmshare.audit.verify import Head, Verdict, verify
from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.db.database import Database


class VerifyAudit(DataCommand):
    """Walks the chain of all events and says where it does not fit.

    Exits with 0 if the trail is whole, 1 if it is broken, 2 if the question made no sense.
    """

    description = "audit verify: check that no event was changed, taken out or cut off."
    aliases = {**DataCommand.aliases, "head": "VerifyAudit.head"}

    head = Unicode(
        help="""A head (position:hash) that an earlier run printed and that was kept outside the
        database. Whoever can write the database can write a new trail that fits itself; it won't
        fit this. Empty: the trail is held to nothing but itself. Since 0.1."""
    ).tag(config=True)

    def start(self) -> None:
        if self.extra_args != ["verify"]:
            self.fail("Say: jupyterhub-vmshare audit verify", 2)
        try:
            noted = Head.parse(self.head) if self.head else None
        except ValueError as error:
            self.fail(str(error), 2)
            return
        verdict = asyncio.run(_verify(self.database_url, noted))
        print(verdict)
        self.exit(0 if verdict.whole else 1)


async def _verify(url: str, noted: Head | None) -> Verdict:
    database = Database(url)
    try:
        return await verify(database, noted)
    finally:
        await database.close()
