"""``jupyterhub-vmshare quota NAME``: what one person's folders may hold together."""

from __future__ import annotations

import asyncio

from traitlets import Bool, Float, Int

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.folders.quota import Limits, put_limits


class SetQuota(DataCommand):
    """Does on the service's machine what a hub admin does through the API.

    The running service holds people to it within a minute. What is there already stays.
    """

    description = "quota NAME: say what one person's folders may hold together."
    aliases = {
        **DataCommand.aliases,
        "gigabytes": "SetQuota.gigabytes",
        "folders": "SetQuota.folders",
    }
    flags = {"default": ({"SetQuota": {"default": True}}, "Go back to the site's own limits.")}

    gigabytes = Float(
        None,
        allow_none=True,
        min=0,
        help="GiB (2**30 bytes) of all files together. Left out: no limit. Since 0.2.",
    ).tag(config=True)
    folders = Int(
        None, allow_none=True, min=0, help="Folders, those in the trash too. Since 0.2."
    ).tag(config=True)
    default = Bool(False, help="Go back to the site's own limits. Since 0.2.").tag(config=True)

    def start(self) -> None:
        if len(self.extra_args) != 1:
            self.fail("Say whose: jupyterhub-vmshare quota NAME --gigabytes 100", 2)
        limits = Limits.of_gigabytes(self.gigabytes, self.folders)
        [owner] = self.extra_args
        asyncio.run(_put(self.database_url, owner, None if self.default else limits))
        print(f"Written down for {owner}; a running service holds them to it within a minute.")


async def _put(url: str, owner: str, limits: Limits | None) -> None:
    database = Database(url, check=check)
    try:
        async with database.write() as tx:
            await put_limits(tx, None, owner, limits, Limits())
    finally:
        await database.close()
