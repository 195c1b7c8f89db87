"""Who is on which machine, as the relays say; whoever has a machine hears who comes and goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyterhub_vmshare.api.contract.ways import Held
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.telling import tell

Pair = tuple[str, str]


class Presence:
    """What the relays said last. Of a relay that has hung up it is not known who is where."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._last: dict[str, frozenset[Pair]] = {}

    def on(self, machine_id: str, relays: Iterable[str]) -> frozenset[str]:
        """Who is on a machine, by what these relays said."""
        pairs = (pair for relay in relays for pair in self._last.get(relay, ()))
        return frozenset(person for person, machine in pairs if machine == machine_id)

    async def said(self, relay: str, held: Sequence[Held]) -> None:
        """A relay says who is where. What it says first is no news: it was so before this start."""
        is_first, before = relay not in self._last, self._everywhere()
        # A link on which nothing is open is kept for what may come: nobody is there.
        there = (each for each in held if each.channels)
        self._last[relay] = frozenset((each.person, each.machine_id) for each in there)
        after = self._everywhere()
        if not is_first:
            for person, machine_id in sorted(after - before):
                await self._tell("link_opened", person, machine_id, actor=person)
            for person, machine_id in sorted(before - after):
                await self._tell("link_closed", person, machine_id, actor=None)

    def _everywhere(self) -> frozenset[Pair]:
        return frozenset().union(*self._last.values())

    async def _tell(self, verb: str, person: str, machine_id: str, *, actor: str | None) -> None:
        async with self._db.write() as tx:
            try:
                machine = await model.machine(tx.conn, machine_id)
            except NotFound:
                return  # deleted meanwhile: nobody has it who could hear of it
            await tell(tx, verb, machine, actor, person=person)
