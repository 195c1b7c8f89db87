"""``jupyterhub-vmshare audit verify``: is the audit trail whole?"""

from __future__ import annotations

import asyncio

from jupyterhub_vmshare.audit.verify import Verdict, verify
from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.db.database import Database


class VerifyAudit(DataCommand):
    """Walks the chain of all events and says where it does not fit."""

    description = "audit verify: check that no event was changed, taken out or cut off."

    def start(self) -> None:
        if self.extra_args != ["verify"]:
            self.fail("Say: jupyterhub-vmshare audit verify", 2)
        verdict = asyncio.run(_verify(self.database_url))
        print(verdict)
        self.exit(0 if verdict.whole else 1)


async def _verify(url: str) -> Verdict:
    database = Database(url)
    try:
        return await verify(database)
    finally:
        await database.close()
