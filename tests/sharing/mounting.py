"""The histories once more, with what everybody's sessions should have after every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.errors import Forbidden, NotFound, WrongState
from jupyterhub_vmshare.mounts.choices import choose
from jupyterhub_vmshare.mounts.desired import desired
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Thing
from tests.sharing.histories import Histories, people
from tests.sharing.played import Ground
from tests.sharing.shelving import ShelvingHistories

_Wanted = dict[str, tuple[str, datetime | None]]


class MountedHistories(ShelvingHistories):
    """People also choose what they want in their sessions."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.unwanted: set[tuple[str, str]] = set()

    @rule(person=people, folder=Histories.folders, wanted=st.booleans())
    def choose(self, person: str, folder: str, wanted: bool) -> None:
        result = self.attempt(self._write(choose, self.person(person), folder, wanted))
        if folder in self.mountable(person):
            assert result is None, result
            said_no = {(folder, person)}
            self.unwanted = self.unwanted - said_no if wanted else self.unwanted | said_no
        else:
            assert isinstance(result, (NotFound, Forbidden, WrongState)), result

    async def agree_on(self, conn: AsyncConnection, name: str, held: Mapping[str, Thing]) -> None:
        """What sessions should have is what `decide` and the model say."""
        await super().agree_on(conn, name, held)
        modelled = self._modelled(name)
        found = await desired(conn, name, self.model.at, {})
        assert len({mount.name for mount in found.values()}) == len(found)
        assert {f: (mount.level, mount.until) for f, mount in found.items()} == modelled, name
        ends = {folder: until for folder, (_, until) in modelled.items()}
        assert self._decided(name, held, ends) == modelled, name

    def mountable(self, name: str) -> _Wanted:
        """What a person may mount: a team's folder after their own yes."""
        found: _Wanted = {}
        for folder, level in self.model.sees(name).items():
            held = self.model.strongest(folder, name, mounted=True)
            if level == "owner":
                found[folder] = ("edit_delete", None)
            elif held is not None:
                found[folder] = held
        return found

    def _modelled(self, name: str) -> _Wanted:
        wanted = self.mountable(name)
        return {f: held for f, held in wanted.items() if (f, name) not in self.unwanted}

    def _decided(
        self, name: str, held: Mapping[str, Thing], ends: Mapping[str, datetime | None]
    ) -> _Wanted:
        person, at = self.person(name), self.model.at
        found: _Wanted = {}
        for folder, thing in held.items():
            if (folder, name) in self.unwanted:
                continue
            if decide(person, "mount_read_only", thing, at).allowed:
                # The strongest action that a level opens tells the level. In the explorer, what a
                # team was given opens it before the yes that sessions wait for.
                answered = [h for h in thing.holdings if h.answer == "accepted"]
                thing = replace(thing, holdings=tuple(answered))
                level = "view"
                if decide(person, "mount_read_write", thing, at).allowed:
                    level = "edit"
                if decide(person, "delete_file", thing, at).allowed:
                    level = "edit_delete"
                found[folder] = (level, ends.get(folder))
        return found
