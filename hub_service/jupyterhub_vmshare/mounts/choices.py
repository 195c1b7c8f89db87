"""Whether a person wants a folder in their sessions: yes, until they say no."""

from __future__ import annotations

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import mount_choices
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import permitted


async def choose(tx: Transaction, person: Person, folder_id: str, wanted: bool) -> None:
    """Have the folder in one's sessions, or not. Saying it twice is saying it once."""
    thing = await permitted(tx.conn, person, "mount_read_only", folder_id, tx.at)
    mine = (mount_choices.c.person == person.name, mount_choices.c.thing_id == folder_id)
    before = (await tx.conn.execute(mount_choices.select().where(*mine))).one_or_none()
    if wanted == (before is None or before.wanted):
        return
    key = {"person": person.name, "thing_id": folder_id}
    await insert_or_replace(tx.conn, mount_choices, key, {"wanted": wanted})
    await tx.record(
        NewEvent(
            "mount.chosen",
            actor=person.name,
            audience=frozenset({person.name}),
            thing_id=folder_id,
            thing_name=thing.name,
            data={"wanted": wanted},
        )
    )
