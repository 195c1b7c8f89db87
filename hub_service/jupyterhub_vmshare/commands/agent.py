"""``jupyterhub-vmshare agent``: mount shared folders into this node's sessions, as root."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import cast

from traitlets import Bool, Float, List, Unicode, default
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.mounts.agent.main import Agent, CannotStart, Settings
from jupyterhub_vmshare.mounts.agent.status import NoAnswer, ask, lines
from jupyterhub_vmshare.mounts.agent.views import RunDirectoryUnsafe


class ShareAgent(Application):
    """One a node. It obeys the hub service, and starts the guard."""

    name = "jupyterhub-vmshare agent"
    description = (
        "Mount shared folders into the sessions of this node. Needs root; one a node."
        " 'agent status' says what the one that runs has mounted."
    )
    version = __version__
    aliases = {
        "run": "ShareAgent.run_dir",
        "socket": "ShareAgent.socket",
        "store": "ShareAgent.store",
        "guard": "ShareAgent.guard",
        "guard-state": "ShareAgent.guard_state",
        "look-every": "ShareAgent.look_every",
        "patience": "ShareAgent.patience",
        "log-level": "Application.log_level",
    }
    flags = {
        "allow-root-sessions": (
            {"ShareAgent": {"allow_root_sessions": True}},
            "Also mount for sessions that run as root (a demonstration under one account).",
        ),
        "end-guard": (
            {"ShareAgent": {"end_guard": True}},
            "End the guard and all mounts with the agent, also on SIGTERM.",
        ),
    }

    run_dir = Unicode(
        "/run/vmshare",
        help="""The agent's directory: sockets, its last orders, and the views that sessions bind.
        It must belong to root, and be gone after a reboot. Since 0.1.""",
    ).tag(config=True)
    socket = Unicode(
        help="""Where the hub service finds the agent; at most 107 bytes. Default: agent.sock in
        run_dir. Since 0.1."""
    ).tag(config=True)
    store = Unicode(
        help="""The service's folder store, as this node sees it. Whom it belongs to may give
        orders, and is whom the guard runs as. Default: store in VMSHARE_DATA_DIR. Since 0.1."""
    ).tag(config=True)
    guard = Unicode(
        help="""The program share-guard. Default: beside this Python, then in PATH. Since 0.1."""
    ).tag(config=True)
    guard_state = Unicode(
        "/var/lib/vmshare/guard",
        help="""Where the guard remembers who made which file; on a disk of this node, and not
        cleared at a reboot. What is lost makes files count as somebody else's. Since 0.1.""",
    ).tag(config=True)
    guard_args = List(
        Unicode(),
        help="""Further arguments for share-guard, such as --fresh-seconds=600. They count when a
        guard is started; one that runs keeps its own. Since 0.1.""",
    ).tag(config=True)
    look_every = Float(
        60.0,
        min=0.1,
        help="""Seconds between two looks for sessions that have died without the hub saying so.
        One that nobody is in at two looks is ended. Since 0.1.""",
    ).tag(config=True)
    patience = Float(
        30.0,
        min=0.1,
        help="""Seconds that the guard may take for an order. One that takes longer counts as hung:
        it is ended, which cuts every session's files, and another one is started. Since 0.1.""",
    ).tag(config=True)
    allow_root_sessions = Bool(
        False, help="Mount for sessions with uid 0 too, which no right holds back. Since 0.1."
    ).tag(config=True)
    end_guard = Bool(
        False,
        help="""End the guard and all mounts with the agent. Otherwise SIGTERM leaves them, so that
        an upgrade of the agent blinks nothing, and only SIGINT ends them. Since 0.1.""",
    ).tag(config=True)

    @default("log_level")
    def _default_log_level(self) -> int:
        return logging.INFO

    @default("socket")
    def _default_socket(self) -> str:
        return str(Path(self.run_dir) / "agent.sock")

    @default("store")
    def _default_store(self) -> str:
        return str(Path(os.environ.get("VMSHARE_DATA_DIR", "vmshare-data")) / "store")

    def settings(self) -> Settings:
        """What the traits say, with links in directories followed once and for all."""
        return Settings(
            run=Path(self.run_dir).resolve(),
            socket=Path(self.socket).absolute(),
            store=Path(self.store).absolute(),
            guard_state=Path(self.guard_state).absolute(),
            guard=self.guard,
            guard_args=tuple(self.guard_args),
            allow_root_sessions=self.allow_root_sessions,
            end_guard=self.end_guard,
            look_every=self.look_every,
            patience=self.patience,
        )

    def start(self) -> None:
        match self.extra_args:
            case []:
                self._run()
            case ["status"]:
                self._tell_status()
            case _:
                self._fail("Say: jupyterhub-vmshare agent, or: jupyterhub-vmshare agent status", 2)

    def _tell_status(self) -> None:
        try:
            hello, report = ask(Path(self.socket))
        except NoAnswer as error:
            self._fail(str(error))
            return
        print("\n".join(lines(hello, report)))
        self.exit(0 if hello.can_mount else 1)

    def _run(self) -> None:
        if os.geteuid() != 0:
            self._fail("The agent mounts, so it must be started as root.")
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        logging.getLogger().setLevel(cast(int | str, self.log_level))
        try:
            asyncio.run(Agent(self.settings()).run())
        except (CannotStart, RunDirectoryUnsafe) as error:
            self._fail(str(error))

    def _fail(self, sentence: str, code: int = 1) -> None:
        self.log.error("%s", sentence)
        self.exit(code)
