"""Terminals on machines among those of the notebook server."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_server_terminals.terminalmanager import TerminalManager
from terminado.management import PtyWithClients

from jupyter_vmshare.client.address import URL_VARIABLE
from jupyter_vmshare.shell.ledger import Ledger

_PROGRAM = (sys.executable, "-m", "jupyter_vmshare.shell")


class OnMachines(TerminalManager):
    """Mixed into whichever manager the server has: a name of the ledger is a terminal there.

    A tab that JupyterLab restores asks for its terminal by its name, and gets a new one where the
    notebook server was started again. That must not be a shell somewhere else.
    """

    ledger: Ledger
    service_url: str
    _ends_all: bool = False

    def new_terminal(self, **kwargs: Any) -> PtyWithClients:
        """A shell here, or the program that is on a machine."""
        name = str(kwargs.get("name", ""))
        if self.ledger.get(name) is not None:
            environment = {**kwargs.get("extra_env", {}), URL_VARIABLE: self.service_url}
            command = [*_PROGRAM, str(self.ledger.place), name]
            kwargs = {**kwargs, "shell_command": command, "extra_env": environment, "cwd": None}
        return super().new_terminal(**kwargs)

    async def terminate(self, name: str, force: bool = False) -> None:
        """Somebody shuts it down; what runs on stays to be found again."""
        await super().terminate(name, force)
        entry = self.ledger.get(name)
        if not self._ends_all and entry is not None and entry.session is None:
            self.ledger.forget(name)

    async def terminate_all(self) -> None:
        """The notebook server ends: a tab that is restored comes back to its machine."""
        self._ends_all = True
        await super().terminate_all()


def have_them_on_machines(manager: TerminalManager, ledger: Ledger, service_url: str) -> None:
    """Have the server's own manager of terminals know those of the ledger as well.

    Its class is changed, since everybody has the object already.
    """
    name, bases = type(manager).__name__, (OnMachines, type(manager))
    manager.__class__ = type(name, bases, {"ledger": ledger, "service_url": service_url})
