"""What a folder needs when it changes hands: a name that is free at its new owner's.

Its bytes follow by themselves: ``metering`` hears of the new owner, and charges them.
"""

from __future__ import annotations

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.folders.aliases import demand_free, hold_lists, make_room
from jupyterhub_vmshare.folders.audience import everyone_with_access
from jupyterhub_vmshare.folders.life import call_it
from jupyterhub_vmshare.folders.names import checked
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.model import SharedThing


async def settle(
    tx: Transaction, receiver: Person, folder: SharedThing, name: str | None = None
) -> SharedThing:
    """Make a folder ready to be the receiver's, under another name (for everybody) if one is given.

    To be called in the transaction of the acceptance, before it, with the folder's row held.

    Raises:
        NameTaken: the receiver has something of that name; ``suggestion`` is free.
    """
    wanted = folder.name if name is None else checked(name, "folder name")
    if wanted != folder.name:
        # All lists at once: whoever holds some and asks for more may wait for each other.
        everyone = await everyone_with_access(tx.conn, folder.id, folder.owner, tx.at)
        await hold_lists(tx, {*everyone, folder.owner, receiver.name})
        await make_room(tx, folder, wanted)
    await demand_free(tx, receiver, wanted, besides=folder.id)
    return folder if wanted == folder.name else await call_it(tx, folder, wanted, receiver.name)
