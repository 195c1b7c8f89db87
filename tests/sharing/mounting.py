"""The histories once more, with what everybody's sessions should have after every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import hypothesis.strategies as st
from hypothesis.stateful import invariant, rule

from jupyterhub_vmshare.errors import Forbidden, NotFound, WrongState
from jupyterhub_vmshare.mounts.choices import choose
from jupyterhub_vmshare.mounts.desired import desired
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing import facts
from tests.sharing.copying import CopyingHistories
from tests.sharing.handing import HandingHistories
from tests.sharing.histories import Histories, people
from tests.sharing.played import PEOPLE

_Wanted = dict[str, tuple[str, datetime | None]]


class MountedHistories(CopyingHistories, HandingHistories):
    """People also choose what they want in their sessions."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
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

    @invariant()
    def sessions_should_have_what_decide_and_the_model_say(self) -> None:
        for name in PEOPLE:
            modelled = self._modelled(name)
            assert self.run(self._desired(name)) == modelled, name
            ends = {folder: until for folder, (_, until) in modelled.items()}
            assert self.run(self._decided(name, ends)) == modelled, name

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

    async def _desired(self, name: str) -> _Wanted:
        async with self.db.read() as conn:
            found = await desired(conn, name, self.model.at, {})
        assert len({mount.name for mount in found.values()}) == len(found)
        return {folder: (mount.level, mount.until) for folder, mount in found.items()}

    async def _decided(self, name: str, ends: dict[str, datetime | None]) -> _Wanted:
        person, at = self.person(name), self.model.at
        async with self.db.read() as conn:
            held = await facts.load(conn, person, list(self.model.folders))
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
