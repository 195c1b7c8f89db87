"""``python -m jupyter_vmshare.shell LEDGER NAME``: what runs in a terminal of JupyterLab's."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.shell.here import NoTerminal
from jupyter_vmshare.shell.ledger import Ledger
from jupyter_vmshare.shell.visit import FAILED, HUNG_UP, Wanted, visit


def main(place: str, name: str) -> int:
    """Be on the machine that the ledger has for this terminal; the exit status."""
    ledger = Ledger(Path(place))
    entry = ledger.get(name)
    if entry is None:
        print("This terminal is not on a machine any more.", file=sys.stderr)
        return FAILED
    wanted = Wanted(
        machine_id=entry.machine,
        keeps=entry.keeps,
        session=entry.session,
        stays=True,
        began_before=entry.began,
        noted=lambda session: ledger.note(name, session),
    )
    try:
        status = asyncio.run(visit(wanted))
    except (VMShareError, NoTerminal) as error:
        print(error, file=sys.stderr)
        return FAILED
    entry = ledger.get(name)
    # The notebook server forgets those that somebody shuts down.
    if status != HUNG_UP and entry is not None and entry.session is None:
        ledger.forget(name)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
