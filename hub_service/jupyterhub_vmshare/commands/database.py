"""``jupyterhub-vmshare db upgrade``: bring the database to this version."""

from __future__ import annotations

from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.db.upgrade import UpgradeFailed, upgrade


class UpgradeDatabase(DataCommand):
    """Does by hand what ``serve`` does at every start."""

    description = "db upgrade: bring the database to this version, under a lock."

    def start(self) -> None:
        if self.extra_args != ["upgrade"]:
            self.fail("Say: jupyterhub-vmshare db upgrade", 2)
        try:
            before, now = upgrade(self.database_url)
        except UpgradeFailed as error:
            self.fail(str(error))
            return
        print(f"The database is at {now}" + ("." if before == now else f", was {before}."))
