"""What people's folders hold, and may hold together."""

from __future__ import annotations

from collections.abc import Mapping

from jupyterhub_vmshare.api.contract.people import FolderUsage, Meter, QuotaAsked, QuotaView
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.folders.metering import Standing
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Target
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.storage.port import shelf_of
from jupyterhub_vmshare.words import ID_PREFIX, ThingKind


class MyQuota(Route):
    """What is charged to the caller."""

    path = "/me/quota"

    @operation("service.create_folder", gives=QuotaView)
    async def get(self) -> None:
        """What the caller's folders hold and may hold, without looking at any of them."""
        name = self.caller.name
        self.reply(200, view(name, await self.rooms.folders.quota.standing(name)))


class QuotaOfPerson(Route):
    """What is charged to somebody."""

    path = "/people/{person}/quota"

    @operation("service.set_quota_of_person", gives=QuotaView)
    async def get(self, person: str) -> None:
        """What somebody's folders hold and may hold; for hub admins."""
        await self._admit_to(person)
        self.reply(200, view(person, await self.rooms.folders.quota.standing(person)))

    @operation("service.set_quota_of_person", takes=QuotaAsked, gives=QuotaView)
    async def put(self, person: str) -> None:
        """Say what somebody may have. What is there stays, also where it is more."""
        asked = self.body(QuotaAsked)
        await self._set(person, Limits(asked.bytes, asked.folders))

    @operation("service.set_quota_of_person", gives=QuotaView)
    async def delete(self, person: str) -> None:
        """Go back to the site's own limits."""
        await self._set(person, None)

    async def _set(self, name: str, limits: Limits | None) -> None:
        await self._admit_to(name)
        standing = await self.rooms.folders.quota.set(self.caller.person(), name, limits)
        self.reply(200, view(name, standing))

    async def _admit_to(self, name: str) -> None:
        """Refuse who may not; only then does it matter whether there is such a person."""
        at = self.rooms.db.clock()
        asked = Target(person=name)
        demand(decide(self.caller.person(), "set_quota_of_person", None, at, target=asked))
        if len(name) > 255 or not await self.rooms.succession.knows(name):
            raise NotFound("The hub knows nobody of this name, exactly so spelled.")


def view(person: str, standing: Standing) -> QuotaView:
    """A quota as it goes over the wire."""
    usage = standing.usage
    return QuotaView(
        person=person,
        bytes=_meter(usage.used, standing.limits.bytes),
        folders=_meter(standing.folders, standing.limits.folders),
        by_default=not standing.is_set,
        by_folder=_by_folder(usage.trees),
    )


def _by_folder(trees: Mapping[str, int]) -> list[FolderUsage]:
    found = [
        FolderUsage(folder_id=tree, used=used, snapshots=trees.get(shelf_of(tree), 0))
        for tree, used in trees.items()
        if tree.startswith(ID_PREFIX[ThingKind.FOLDER])
    ]
    return sorted(found, key=lambda one: (-one.used - one.snapshots, one.folder_id))


def _meter(used: int, limit: int | None) -> Meter:
    return Meter(used=used, limit=limit, left=None if limit is None else max(0, limit - used))


ROUTES = (MyQuota, QuotaOfPerson)
