"""``jupyterhub-vmshare ca …``: the authorities that sign certificates for machines."""

from __future__ import annotations

import asyncio
from pathlib import Path

from traitlets import Unicode

from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.relay.authorities import Authorities
from jupyterhub_vmshare.relay.certificates import Kind
from jupyterhub_vmshare.relay.sealing import new_key, sealing_of

SEALING_FILE = "/etc/vmshare/sealing-key"
_SAY = (
    "Say: jupyterhub-vmshare ca new-key, ca list, ca rotate people|machines|hosts,"
    " ca forget people|machines|hosts GENERATION, or ca reseal"
)


class KeepAuthorities(DataCommand):
    """Beside a running service, which goes on with what it finds."""

    name = "jupyterhub-vmshare ca"
    description = (
        "The authorities that sign certificates for machines. new-key prints a sealing key; list"
        " says what there is; rotate makes a new generation, which signs at once while the older"
        " ones are believed on; forget ends an older one; reseal seals all under the first key."
    )
    aliases = {**DataCommand.aliases, "sealing-key-file": "KeepAuthorities.sealing_key_file"}

    sealing_key_file = Unicode(
        SEALING_FILE,
        help="""Where the operator's sealing key is, unless VMSHARE_SEALING_KEY holds it. The same
        as the service's (c.Serve.sealing_key_file). Since 0.3.""",
    ).tag(config=True)

    def start(self) -> None:
        if self.extra_args == ["new-key"]:
            print(new_key())
            return
        try:
            print(asyncio.run(self._act(self.extra_args)))
        except VMShareError as error:
            self.fail(error.message)

    async def _act(self, arguments: list[str]) -> str:
        sealing = sealing_of(Path(self.sealing_key_file))
        await asyncio.to_thread(upgrade, self.database_url)
        database = Database(self.database_url)
        try:
            authorities = Authorities(database, sealing)
            await authorities.start()
            return await self._answer(authorities, arguments)
        finally:
            await database.close()

    async def _answer(self, authorities: Authorities, arguments: list[str]) -> str:
        match arguments:
            case ["list"]:
                return await _listed(authorities)
            case ["rotate", kind] if kind in list(Kind):
                number = await authorities.rotate(Kind(kind))
                return f"Generation {number} of {kind} signs; the older ones are believed on."
            case ["forget", kind, number] if kind in list(Kind) and number.isdecimal():
                await authorities.forget(Kind(kind), int(number))
                return f"Generation {number} of {kind} is forgotten."
            case ["reseal"]:
                return f"{await authorities.reseal()} keys are sealed under the first key."
            case _:
                self.fail(_SAY, 2)
                return ""


async def _listed(authorities: Authorities) -> str:
    lines = []
    for each in await authorities.generations():
        state = "forgotten" if each.forgotten_at else "believed"
        made = each.made_at.isoformat(timespec="seconds")
        lines.append(f"{each.kind} {each.generation}  {state}  {made}  {each.public_key}")
    return "\n".join(lines)
