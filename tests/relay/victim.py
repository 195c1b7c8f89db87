"""The relay, which kills itself at the step that the file named first tells."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from jupyterhub_vmshare.commands.relay import RunRelay
from jupyterhub_vmshare.steps import listening


def main() -> None:
    armed = Path(sys.argv[1])

    def listen(step: str) -> None:
        if armed.read_text() == step:
            os.kill(os.getpid(), signal.SIGKILL)

    with listening(listen):
        RunRelay.launch_instance(argv=sys.argv[2:])


if __name__ == "__main__":
    main()
