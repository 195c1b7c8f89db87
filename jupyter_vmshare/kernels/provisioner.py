"""What Jupyter has a kernel on a machine started, interrupted and ended with."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any, cast

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Float, Type, Unicode

from jupyter_vmshare.kernels.channel import NotAllowed, NotReached, Way
from jupyter_vmshare.kernels.keeping import Keeper
from jupyter_vmshare.kernels.loop import kernels_loop, over_there
from jupyter_vmshare.kernels.news import News, State, board
from jupyter_vmshare.kernels.remote import PORTS, OrderRefused, RemoteKernel

_TO_SIGNAL = 10.0
# What of the notebook server's environment a kernel on a machine needs.
_PASSED_ON = ("JPY_SESSION_NAME",)
_TO_TAKE_UP = 60.0

keeper: Keeper | None = None
"""Where a notebook server keeps what the next one needs; other programs keep nothing."""


class CouldNotStart(RuntimeError):
    """The sentence is shown where the kernel was asked for."""


class MachineProvisioner(KernelProvisionerBase):
    """A kernel on a machine, under the person's own account there."""

    machine = Unicode(help="The machine's id.").tag(config=True)
    kernel = Unicode(help="The name of the machine's own kernelspec.").tag(config=True)
    service = Unicode(help="The service's URL; empty: as the environment says.").tag(config=True)
    lives_alone = Float(
        3600.0,
        min=1.0,
        help="""Seconds that a kernel on a machine lives while no notebook server is connected to
        it: after a broken link, and after the notebook server was ended otherwise than in order.
        For as long the notebook server tries to come back. 0 and None make no sense here.
        Since 0.1.""",
    ).tag(config=True)
    way = Type(
        "jupyter_vmshare.kernels.reaching.RelayWay",
        klass=object,
        help="How machines are reached: made with a machine's id and the service's URL. Since 0.1.",
    ).tag(config=True)

    _remote: RemoteKernel | None = None
    _place: Path | None = None
    _code: int | None = None
    _limit: int | None = None
    """How often a manager may start it again, while it may not."""

    @property
    def has_process(self) -> bool:
        return self._remote is not None and self._remote.starts > 0 and self._code is None

    @property
    def _there(self) -> RemoteKernel:
        """The kernel, once the machine was reached."""
        if self._remote is None:
            raise CouldNotStart("The machine was not reached yet.")
        return self._remote

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Have local sockets for it."""
        kwargs.pop("transport_encryption", None)  # SSH does it
        kwargs.pop("extra_arguments", None)
        await over_there(self._prepare())
        self._tell_manager()
        return await super().pre_launch(cmd=list(self.kernel_spec.argv), **kwargs)

    async def _prepare(self) -> None:
        if self._remote is not None:
            await self._remote.last_words.said()
        if self._remote is not None and self._remote.is_lost:
            await self._remote.end()
            self._remote = None
        if self._remote is None:
            self._remote = self._new_remote()
        self._remote.listen()

    async def _start(self, order: dict[str, Any]) -> None:
        """Reach the machine, unless it is, and start the process."""
        remote = self._there
        if remote.starts > 0:
            await remote.start(**order)
            return
        try:
            await remote.begin(**order)
        except BaseException:
            self._remote = None
            await remote.end()
            raise

    def _new_remote(self) -> RemoteKernel:
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="vmshare-"))
        # Whatever Jupyter, or an extension of it, calls it.
        kernel_id = hashlib.sha256(self.kernel_id.encode()).hexdigest()[:32]
        way: Way = cast(Any, self.way)(self.machine, self.service)
        return RemoteKernel(way, kernel_id, self._place, self.lives_alone, self._changed)

    def _changed(self, state: State, because: str | None) -> None:
        """For whoever shows it."""
        news = News(self.kernel_id, self.machine, self.kernel, state, because)
        if keeper is not None and state == "ended":
            keeper.forget(self.kernel_id)
        if state == "connected":
            board.runs(news)
        else:
            board.tell(news)

    def _tell_manager(self) -> None:
        """Clients connect to the sockets here."""
        remote = self._there
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", remote.base
        for name, port in PORTS.items():
            setattr(manager, f"{name}_port", port)
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start it on the machine; its kernelspec there says how."""
        environment = kwargs.get("env") or {}
        wanted = {name: environment[name] for name in _PASSED_ON if name in environment}
        told: Any = self.connection_info["key"]
        key = str(told.decode() if isinstance(told, bytes) else told)
        scheme = str(self.connection_info["signature_scheme"])
        order = {
            "kernel": self.kernel,
            "key": key,
            "signature_scheme": scheme,
            "cwd": os.fspath(kwargs["cwd"]) if kwargs.get("cwd") else None,
            "below_home": _below_home(kwargs.get("cwd")),
            "env": wanted,
        }
        self._there.last_words.signed_with(key, scheme)
        try:
            await over_there(self._start(order))
        except (NotReached, NotAllowed, OrderRefused) as sentence:
            raise CouldNotStart(str(sentence)) from None
        self._code = None
        self._start_it_again(True)
        if keeper is not None:
            launched = {"cwd": order["cwd"], "env": wanted}
            keeper.keep(self.kernel_id, {**self._info(), "launched": launched})
        return self.connection_info

    async def poll(self) -> int | None:
        """Its exit status; None while it runs, also while the link is down."""
        if self._remote is None or self._remote.starts == 0:
            return 0
        death = self._remote.death
        if death is None:
            return None
        self._start_it_again(not death.is_final)
        return death.code

    def _start_it_again(self, may: bool) -> None:
        """Whether the manager starts a kernel that has died by itself.

        Without access it could not; and a machine that somebody has stopped would be started.
        """
        restarter = getattr(self.parent, "_restarter", None)
        if restarter is not None and may == (self._limit is not None):
            found = restarter.restart_limit
            restarter.restart_limit, self._limit = (self._limit, None) if may else (0, found)

    async def wait(self) -> int | None:
        if self._remote is None or self._remote.starts == 0:
            return 0
        self._code = (await over_there(self._remote.wait())).code
        return self._code

    async def send_signal(self, signum: int) -> None:
        """To its process group; over a dead link, as soon as there is another."""
        if self._remote is None or not self._remote.runs:
            return

        async def ordered(remote: RemoteKernel) -> None:
            with contextlib.suppress(OrderRefused, TimeoutError):
                async with asyncio.timeout(_TO_SIGNAL):
                    await remote.order("signal", signal=int(signum))

        await over_there(ordered(self._remote))

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Its end from now on is nothing to report."""
        if self._remote is not None:
            self._remote.is_ending = True

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the machine, unless it starts again there."""
        if restart or self._remote is None:
            return
        remote, self._remote = self._remote, None
        board.forget(self.kernel_id)
        if keeper is not None:
            keeper.forget(self.kernel_id)
        await over_there(remote.end())
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    async def get_provisioner_info(self) -> dict[str, Any]:
        """With which another notebook server finds the kernel again."""
        return {**await super().get_provisioner_info(), **self._info()}

    def _info(self) -> dict[str, Any]:
        remote, manager = self._there, cast(Any, self.parent)
        key: Any = self.connection_info.get("key", "")
        connection = {
            **self.connection_info,
            "key": key.decode() if isinstance(key, bytes) else key,
        }
        return {
            "kernel_name": manager.kernel_name,
            "connection_info": connection,
            "machine": self.machine,
            "kernel": self.kernel,
            "service": self.service,
            "starts": remote.starts,
            "pid": remote.pid,
            "boot": remote.boot,
        }

    async def load_provisioner_info(self, provisioner_info: dict[str, Any]) -> None:
        """Be connected to that kernel, which has all its variables."""
        await super().load_provisioner_info(provisioner_info)
        self.take_up(provisioner_info)

    def take_up(self, info: dict[str, Any]) -> None:
        """Have the kernel's sockets here at once; the machine is reached as soon as it can be.

        Raises KeyError where the information is none.
        """
        for name in ("machine", "kernel", "service"):
            setattr(self, name, info[name])
        signed = info["connection_info"]["key"], info["connection_info"]["signature_scheme"]
        found = self._take_up(info["starts"], info["pid"], str(info.get("boot", "")), signed)
        asyncio.run_coroutine_threadsafe(found, kernels_loop()).result(_TO_TAKE_UP)
        self._tell_manager()

    async def _take_up(self, starts: int, pid: int, boot: str, signed: tuple[str, str]) -> None:
        self._remote = self._new_remote()
        self._remote.last_words.signed_with(*signed)
        self._remote.boot = boot
        self._remote.adopt(starts, pid)
        self._remote.listen()
        self._remote.come_back()


def _below_home(directory: Any) -> str | None:
    """Where it is in the home, for a machine on which that is another one; None: it is not."""
    with contextlib.suppress(ValueError, RuntimeError, TypeError):
        return os.fspath(Path(directory).relative_to(Path.home()))
    return None
