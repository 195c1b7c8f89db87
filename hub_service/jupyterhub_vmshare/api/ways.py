"""The way into machines, for people; for relays see ``relay_link``."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.ways import CertificateView, NewCertificate
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route


class MachineCertificates(Route):
    """What opens one machine, for minutes."""

    path = "/machines/{machine_id}/certificates"

    @operation(
        "machine.connect", takes=NewCertificate, gives=CertificateView, status=201, problems=(503,)
    )
    async def post(self, machine_id: str) -> None:
        """A certificate for a key of the caller's, to show the relay."""
        asked = self.body(NewCertificate)
        made = await self.rooms.ways.certificate(self.caller.name, machine_id, asked.public_key)
        self.reply(201, made)


ROUTES = (MachineCertificates,)
