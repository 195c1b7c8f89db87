"""The histories once more, with limits to how many folders somebody may own, and to their bytes."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import multiple, rule

from jupyterhub_vmshare.errors import Forbidden, QuotaExceeded
from jupyterhub_vmshare.folders.metering import Standing
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.policy.model import Person
from tests.sharing.histories import Histories, people
from tests.sharing.model import ModelFolder
from tests.sharing.played import PEOPLE

how_many = st.sampled_from((None, None, 0, 1, 2, 3))
how_much = st.sampled_from((None, 0, 30, 50, 70, 100))


class OwningHistories(Histories):
    """Hub admins say how many folders people may own, and how large, and others try to."""

    @rule(target=Histories.folders, owner=people)
    def create(self, owner: str) -> Any:
        name = f"folder {next(self.numbers)}"
        result = self.attempt(self._make_folder(owner, name))
        if not self.model.has_room(owner):
            assert isinstance(result, QuotaExceeded), result
            assert (result.what, result.asked, result.left) == ("folders", 1, 0)
            return multiple()
        assert isinstance(result, str), result
        self.model.folders[result] = ModelFolder(owner, name)
        return result

    @rule(
        by=st.sampled_from(("root-hub", "root-hub", *PEOPLE)),
        owner=people,
        most=how_many,
        room=how_much,
    )
    def set_quota(self, by: str, owner: str, most: int | None, room: int | None) -> None:
        self.set_quota_(by, owner, most, room)

    def set_quota_(self, by: str, owner: str, most: int | None, room: int | None) -> None:
        """What is there stays."""
        actor = Person(by, hub_admin=by == "root-hub")
        result = self.attempt(self.room.quota.set(actor, owner, Limits(room, most)))
        if by != "root-hub":
            assert isinstance(result, Forbidden), result
            return
        assert isinstance(result, Standing), result
        self.model.most[owner], self.model.most_bytes[owner] = most, room
        assert result.left == self.model.left(owner)
        assert result.folders == self.model.owns(owner)
