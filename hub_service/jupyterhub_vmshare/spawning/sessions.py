"""A session's start and end, as far as mounts are concerned.

A start is never held up for longer than the service's ``deadline``, and never fails because of
mounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import httpx2

from jupyterhub_vmshare.spawning import containers, wrapping
from jupyterhub_vmshare.spawning.accounts import (
    Account,
    AccountOf,
    NoAccount,
    account_of,
    is_systemd,
)
from jupyterhub_vmshare.spawning.node import bubblewrap, try_out
from jupyterhub_vmshare.spawning.telling import DEADLINE, Registered, Service

NodeOf = Callable[[Any], "str | None"]
"""The name of the node on which a spawner is about to start its session; None: the service's."""

_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to say that a session has ended; the last one again and again."""
_SILENT = "The service of shared folders did not answer when this session started."
_NO_NODE = (
    "Nothing tells on which node of the cluster a pod will start: "
    "configure(c, session_node=…) does."
)


class MountsOfSessions:
    """What the hub's hooks do before a session starts, and after it has ended.

    Args:
        service: Who is told.
        hidden: Directories that sessions don't see, besides those of the mounts themselves.
        account: How the operator tells a session's account; None where the spawner's class does.
        node: How they tell the node on which it starts; None: all start on the service's own.
    """

    def __init__(
        self,
        service: Service,
        *,
        hidden: Sequence[str] = (),
        account: AccountOf | None = None,
        node: NodeOf | None = None,
    ) -> None:
        self._service, self._hidden, self._account = service, tuple(hidden), account
        self._node = node
        self._endings: dict[tuple[str, str], asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"mounts of sessions by {self._service!r}, hiding {list(self._hidden)}"

    @property
    def knows_accounts(self) -> bool:
        """Whether the operator says under which account sessions run."""
        return self._account is not None

    def __deepcopy__(self, memo: Any) -> Self:
        # traitlets copies what a spawner is configured with; the endings under way are one list.
        return self

    async def prepare(self, spawner: Any) -> None:
        """Before the start: tell the service, and wrap the command."""
        wrapping.restore(spawner)
        try:
            async with asyncio.timeout(self._service.deadline):
                await self._give_view(spawner)
        except (NoAccount, LookupError) as error:
            _go_without(spawner, str(error))
        except Exception as error:
            # Whatever it is: this person wants to work.
            spawner.log.warning("Mounts of %s: %r", spawner._log_name, error)
            _go_without(spawner, _SILENT)

    async def _give_view(self, spawner: Any) -> None:
        account = account_of(spawner, self._account)
        if containers.is_docker(type(spawner)):
            rights = await containers.rights_of_docker(spawner)
            if view := await self._view_of(spawner, account):
                containers.give_docker(spawner, view, rights)
            return
        if containers.is_kubernetes(type(spawner)):
            await self._give_pod(spawner, account)
            return
        bwrap = bubblewrap()
        words = wrapping.words(bwrap, account, self._hidden)
        if account.is_shared:
            # With a view or without, and before anything that may fail or take long: sessions of
            # one account must not reach each other's.
            wrapping.wrap(spawner, words)
        if not is_systemd(type(spawner)) and self._node_of(spawner) is None:
            # A unit is no child of the hub's, and another node is another machine: what works in
            # here says nothing of them.
            await try_out(bwrap, account)
        if view := await self._view_of(spawner, account):
            wrapping.restore(spawner)
            wrapping.wrap(spawner, wrapping.words(bwrap, account, self._hidden, view))

    async def _give_pod(self, spawner: Any, account: Account) -> None:
        node = self._node_of(spawner)
        if node is None:
            raise LookupError(_NO_NODE)
        rights = await containers.rights_of_pod(spawner)
        if view := await self._view_of(spawner, account):
            containers.give_pod(spawner, view, node, rights)

    async def _view_of(self, spawner: Any, account: Account) -> str | None:
        found = await self._register(spawner, account)
        if found.view is None:
            _go_without(spawner, found.because or "This machine can't mount folders.")
        else:
            wrapping.keep(spawner)
        return found.view

    async def _register(self, spawner: Any, account: Account) -> Registered:
        # The same server starts again: what was to be said of its last session is void.
        self._forget_ending(spawner)
        try:
            return await self._service.has_started(spawner, account, self._node_of(spawner))
        except BaseException:
            # It may have heard us all the same.
            self._end_later(spawner)
            raise

    def _node_of(self, spawner: Any) -> str | None:
        return None if self._node is None else self._node(spawner)

    async def end(self, spawner: Any) -> None:
        """After the end: tell the service, now or as soon as it answers."""
        wrapping.restore(spawner)
        try:
            account_of(spawner, self._account)
        except NoAccount:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._end_later(spawner)), DEADLINE)

    def _end_later(self, spawner: Any) -> asyncio.Task[None]:
        self._forget_ending(spawner)
        ending = asyncio.create_task(self._say_ended(spawner))
        self._endings[_key(spawner)] = ending
        return ending

    def _forget_ending(self, spawner: Any) -> None:
        if ending := self._endings.pop(_key(spawner), None):
            ending.cancel()

    async def _say_ended(self, spawner: Any) -> None:
        attempt = 0
        while not await self._is_told(spawner, quietly=attempt > 0):
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1
        self._endings.pop(_key(spawner), None)

    async def _is_told(self, spawner: Any, *, quietly: bool) -> bool:
        try:
            await self._service.has_ended(spawner)
        except (httpx2.HTTPError, OSError) as error:
            say = spawner.log.debug if quietly else spawner.log.warning
            say("The end of %s can't be told to the service: %r", spawner._log_name, error)
            # What it refuses now, it will refuse again.
            return isinstance(error, httpx2.HTTPStatusError) and error.response.is_client_error
        return True


def _go_without(spawner: Any, because: str) -> None:
    spawner.log.warning("%s starts without shared folders: %s", spawner._log_name, because)
    wrapping.say_why_not(spawner, because)


def _key(spawner: Any) -> tuple[str, str]:
    return (str(spawner.user.name), str(spawner.name))
