"""The histories once more, with limits to how many folders somebody may own."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import multiple, rule

from jupyterhub_vmshare.errors import Forbidden, QuotaExceeded, VMShareError
from jupyterhub_vmshare.folders import life, quota
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.model import Person
from tests.sharing.histories import Histories, people
from tests.sharing.model import ModelFolder
from tests.sharing.played import PEOPLE

how_many = st.sampled_from((None, None, 0, 1, 2, 3))


class OwningHistories(Histories):
    """Hub admins say how many folders people may own, and others try to."""

    @rule(target=Histories.folders, owner=people)
    def create(self, owner: str) -> Any:
        name, folder_id = f"folder {next(self.numbers)}", new_id("fld")
        result = self.attempt(self._create(owner, folder_id, name))
        if not self.model.has_room(owner):
            assert isinstance(result, QuotaExceeded), result
            assert (result.asked, result.left) == (1, 0)
            return multiple()
        assert result is None, result
        self.model.folders[folder_id] = ModelFolder(owner, name)
        return folder_id

    async def _create(self, owner: str, folder_id: str, name: str) -> None:
        async with self.db.write() as tx:
            account = await quota.opened(tx, owner, quota.Limits())
            await life.create(tx, self.person(owner), folder_id, name)
            await quota.book(tx, folder_id, account)

    @rule(by=st.sampled_from(("root-hub", "root-hub", *PEOPLE)), owner=people, most=how_many)
    def set_quota(self, by: str, owner: str, most: int | None) -> None:
        """What is there stays."""
        actor = Person(by, hub_admin=by == "root-hub")
        limits = quota.Limits(folders=most)
        work = self._write(quota.set_limits, actor, owner, limits, quota.Limits())
        result = self.attempt(work)
        if by != "root-hub":
            assert isinstance(result, Forbidden), result
            return
        assert not isinstance(result, VMShareError), result
        self.model.most[owner] = most
