"""Machines from a notebook: commands there, and files there and back."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.transfer import Progress
from jupyter_vmshare.reach.copying import Copied, get, put
from jupyter_vmshare.reach.link import connected
from jupyter_vmshare.reach.running import Deliver, Done, Stream, run
from jupyter_vmshare.reach.threads import Say
from jupyter_vmshare.widgets.awaiting import awaiting
from jupyter_vmshare.widgets.handle import Handle
from jupyter_vmshare.widgets.progress import shown_progress
from jupyterhub_vmshare.api.contract.machines import MachineView

Path = str | os.PathLike[str]


class Reached(Handle[MachineView]):
    """`run`, `put` and `get` of a machine. Each opens a link of its own and closes it again."""

    _player: Client | AsyncClient

    @awaiting
    async def run(
        self,
        _say: Say,
        command: str | Sequence[str],
        *,
        stdin: str | bytes | None = None,
        within: float | None = None,
        show: bool = True,
    ) -> Done:
        """Run a command as your own account there, and show what it writes as it comes.

        Interrupting the cell (or cancelling what awaits it) ends the command.

        Args:
            command: A line for the shell there; or words, which no shell takes apart.
            stdin: What it reads; None: nothing.
            within: Seconds, after which it is ended.
            show: Show what it writes, on stdout and stderr of this cell.

        Returns:
            ``exit_status``, ``stdout`` and ``stderr``; ``.check()`` raises where it failed.

        Raises:
            NotAllowed: You have no terminal there; the message is the relay's own sentence.
            LinkCut: The link was cut meanwhile; the message says why.
            TimeoutError: It took longer than ``within``.
        """
        deliver = _shown(_say) if show else None
        async with connected(self._player, self.id) as link:
            return await run(link, command, stdin=stdin, within=within, deliver=deliver)

    @awaiting
    async def put(
        self,
        _say: Say,
        local: Path,
        remote: str = "",
        *,
        overwrite: bool = False,
        progress: Progress | bool = True,
    ) -> Copied:
        """Copy a file or a directory to the machine; nothing is replaced unless asked.

        Args:
            local: A file, or a directory with all that is in it (but links).
            remote: Its path there, from your home; into it where that is a directory. By default
                its own name, in your home.
            overwrite: Replace files that are there.
            progress: A bar, none, or what is called with the bytes so far and the size.
        """
        with shown_progress(str(local), progress, _say) as told:
            async with connected(self._player, self.id) as link:
                files = await link.files()
                return await put(files, local, remote, overwrite=overwrite, progress=told)

    @awaiting
    async def get(
        self,
        _say: Say,
        remote: str,
        local: Path = ".",
        *,
        overwrite: bool = False,
        progress: Progress | bool = True,
    ) -> Copied:
        """Copy a file or a directory from the machine; nothing half is left behind.

        Args:
            remote: Its path there, from your home.
            local: A local directory, or its name here.
            overwrite: Replace local files of that name.
            progress: A bar, none, or what is called with the bytes so far and the size.
        """
        with shown_progress(remote, progress, _say) as told:
            async with connected(self._player, self.id) as link:
                files = await link.files()
                return await get(files, remote, local, overwrite=overwrite, progress=told)


def _shown(say: Say) -> Deliver:
    """Hands what comes to stdout and stderr here, never half a character."""
    make = codecs.getincrementaldecoder("utf-8")
    decoders = {"stdout": make("replace"), "stderr": make("replace")}

    def deliver(stream: Stream, data: bytes) -> None:
        if text := decoders[stream].decode(data):
            say(_write, stream, text)

    return deliver


def _write(stream: Stream, text: str) -> None:
    file = sys.stdout if stream == "stdout" else sys.stderr
    file.write(text)
    file.flush()
