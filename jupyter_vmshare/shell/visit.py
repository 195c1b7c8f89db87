"""Somebody is on a machine, in a terminal: from waking it up to why it ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client.errors import (
    NotAllowed,
    NotConfigured,
    NotFound,
    NotSignedIn,
    VMShareError,
)
from jupyter_vmshare.reach.link import Link
from jupyter_vmshare.reach.waking import awake, opened
from jupyter_vmshare.shell import keeping
from jupyter_vmshare.shell.channel import Ending, shown
from jupyter_vmshare.shell.here import Here, Left
from jupyterhub_vmshare.api.contract.machines import MachineState, MachineView

FAILED: Final = 1
LEFT: Final = 130
HUNG_UP: Final = 129
"""Somebody closed the terminal, or the notebook server ended."""
_OVER: Final = (NotAllowed, NotConfigured, NotFound, NotSignedIn)
_TO_LEARN: Final = 5.0
"""Seconds that the service may take to say why; the network may be gone."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STAYS_UP: Final = frozenset(
    {MachineState.RUNNING, MachineState.CHANGING, MachineState.STARTING, MachineState.REBOOTING}
)
_NO_MORE: Final = "You may not use this machine any more."
_AGAIN: Final = "Press Enter for a new shell there, or Ctrl+C to leave."
_CLOSE: Final = "Press Enter to close this terminal."


class Over(VMShareError):
    """There is nothing to come back to; what there was to say was said."""


class Broke(VMShareError):
    """The link did; why was said."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for."""

    machine_id: str
    keeps: bool = False
    """Whether it runs on when nobody looks."""
    session: str | None = None
    """Of those that run on: the one to go on with."""
    stays: bool = False
    """Whether a last sentence waits to be read: JupyterLab closes the tab with the program."""
    began_before: bool = False
    """Whether it was there, and the notebook server has ended."""
    noted: Callable[[str | None], None] = field(default=lambda _session: None)
    """Told when they are there, and which session they look at; None: that one is over."""


class Visit:
    """One terminal, over as many links as it takes."""

    def __init__(self, here: Here, client: AsyncClient, wanted: Wanted) -> None:
        self._here, self._client, self._wanted = here, client, wanted
        self._session = wanted.session
        self._keeps = wanted.keeps or wanted.session is not None
        self._name = "The machine"
        self._is_back = False
        """Whether it has been there already, and comes back to what runs on."""

    async def run(self) -> int:
        """Until they leave it, or it ends; the exit status."""
        if self._wanted.began_before and not self._keeps:
            self._here.say("The notebook server was started again: this is a new shell.")
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._once()
            except Left:
                return LEFT
            except (Over, *_OVER, ValueError) as over:
                return await self._farewell(over)
            except VMShareError as error:
                if self._is_back and self._session is not None:
                    if not await self._waited(pause):
                        return LEFT
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                if str(error):
                    self._here.say(str(error))
                if not await self._wants_again():
                    return FAILED
            pause = _FIRST_PAUSE

    async def _once(self) -> int:
        """One link, from its beginning to its end."""
        here = self._here
        view: MachineView = await here.unless_left(self._reachable())
        self._name = view.name
        link: Link = await here.unless_left(opened(self._client, view, self._tell))
        try:
            command = await here.unless_left(self._command(link))
            if not self._is_back:
                here.say(f"{view.name} ({view.owner})")
                here.entitle(f"{view.name} ({view.owner})")
            self._wanted.noted(self._session)
            ending = await shown(link, here, command)
            if ending.status is not None and ending.refusal is None:
                return await self._left(link, ending.status)
            await self._tell_why(link, ending)
        finally:
            await link.close()
        self._is_back = self._session is not None
        raise Broke("" if ending.refusal else f"The shell on {self._name} has ended with it.")

    async def _reachable(self) -> MachineView:
        """The machine, once it runs. For what ran on there a stopped one is not started again."""
        if not self._is_back:
            return await awake(self._client, self._wanted.machine_id, self._tell)
        view: MachineView = await self._client.machine(self._wanted.machine_id)
        if view.state not in _STAYS_UP:
            state = view.state.value if view.state else "not yours to use"
            self._lose_session()
            raise VMShareError(
                f"{view.name} does not run any more: it is {state}. What ran there has ended."
            )
        if view.state is not MachineState.RUNNING:
            raise VMShareError(f"{view.name} is {view.state.value}.")
        return view

    async def _command(self, link: Link) -> str | None:
        """What shows a session that runs on, or None for a shell."""
        if not self._keeps:
            return None
        there = await keeping.kept_on(link)
        if there is None:
            self._here.say(keeping.NO_TMUX)
            self._keeps, self._session = False, None
            return None
        if self._session is not None and self._session not in {each.name for each in there}:
            is_new = not self._is_back
            self._lose_session()
            said = "What ran in this terminal has ended: the machine was restarted, or it was left."
            if not is_new:
                raise VMShareError(said)
            self._here.say(f"{said} This is a new shell.")
        if self._session is None:
            self._session = await keeping.make(link, self._here.size, is_first=not there)
        return keeping.attaching(self._session)

    def _lose_session(self) -> None:
        self._session, self._is_back = None, False
        self._wanted.noted(None)

    async def _left(self, link: Link, status: int) -> int:
        """The program there has ended; a session may go on without anybody who looks."""
        if self._session is None:
            return status
        there = await keeping.kept_on(link) or []
        if self._session in {each.name for each in there}:
            self._here.say(f"It keeps running on {self._name}, as {self._session}.")
            return status
        self._lose_session()
        return status

    # --- ends ---

    async def _tell_why(self, link: Link, ending: Ending) -> None:
        """Say why a link is gone, at once where that is known. Raises `Over` if it is for good."""
        because = str(ending.refusal) if ending.refusal is not None else link.because
        if because is not None:
            self._here.say(because)
        try:
            async with asyncio.timeout(_TO_LEARN):
                view: MachineView = await self._client.machine(self._wanted.machine_id)
                if because is None:
                    self._here.say(self._why(view))
        except _OVER:
            if because is None:
                self._here.say(_NO_MORE)
            raise Over("") from None
        except (TimeoutError, VMShareError):
            if because is None:
                self._here.say(f"The link to {self._name} broke.")
            return
        has_terminals = view.state is not MachineState.RUNNING or "open_terminal" in view.actions
        if isinstance(ending.refusal, NotAllowed) or not has_terminals:
            raise Over("")

    def _why(self, view: MachineView) -> str:
        if view.state is None or view.state is MachineState.RUNNING:
            return f"The link to {view.name} broke."
        return f"{view.name} does not run any more: it is {view.state.value}."

    async def _farewell(self, error: Exception) -> int:
        """The last word, for as long as it takes to be read."""
        if not isinstance(error, Over):
            self._here.say(str(error))
        if isinstance(error, (Over, NotAllowed, NotFound)):
            self._lose_session()
        if self._wanted.stays:
            self._here.say(_CLOSE)
            self._here.forget_keys()
            await self._here.wants_again()
        return FAILED

    async def _wants_again(self) -> bool:
        self._here.say(_AGAIN)
        self._here.forget_keys()
        return await self._here.wants_again()

    async def _waited(self, seconds: float) -> bool:
        """Whether they still want to come back after that."""
        self._here.say(
            f"Coming back to what runs on {self._name}… (Ctrl+C to leave it)", is_line=False
        )
        try:
            await self._here.unless_left(asyncio.sleep(seconds))
        except Left:
            return False
        return True

    def _tell(self, what: str, seconds: float) -> None:
        since = f" {seconds:.0f} s" if seconds >= 1 else ""
        self._here.say(f"{what}{since} (Ctrl+C to leave)", is_line=False)


async def visit(wanted: Wanted, service: str = "") -> int:
    """Be on a machine, in the terminal that this program runs in; the exit status.

    Raises:
        NoTerminal: There is nobody to type.
        NotConfigured: It is not known where the service is.
    """
    async with AsyncClient(service) as client:
        here = Here()
        with here.opened():
            await here.begin()
            working: asyncio.Task[Any] = asyncio.create_task(Visit(here, client, wanted).run())
            return await _unless_hung_up(working)


async def _unless_hung_up(working: asyncio.Task[Any]) -> int:
    """The exit status; the link is closed in order where somebody closes the terminal."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(each, working.cancel)
    try:
        status: int = await working
    except asyncio.CancelledError:
        return HUNG_UP
    return status
