"""Spawners' classes of other people."""

from __future__ import annotations

from jupyterhub.spawner import LocalProcessSpawner, Spawner


class OfAnAccount(LocalProcessSpawner):
    def vmshare_account(self) -> str:
        return "nobody"


class Remote(Spawner):
    """Starts sessions on other machines."""

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self, now: bool = False) -> None:
        raise NotImplementedError

    async def poll(self) -> None:
        raise NotImplementedError
