"""The service in a process of its own, which kills itself where the test says.

Each line of its input is a life: ``{"step": …, "times": …, "db_url": …, …}``. It is led in a fork,
so that only the first one waits for the imports, and SIGKILLs itself when the step is reached for
that time (None: never). Its output: ``alive <pid>``, ``ready``, ``dead <exit code>``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub_vmshare.app import Service, Settings
from jupyterhub_vmshare.clouds import cloud_named
from jupyterhub_vmshare.observe.logs import configure_logs
from jupyterhub_vmshare.relay.relay_keys import RelayKeys
from jupyterhub_vmshare.relay.sealing import Sealing
from jupyterhub_vmshare.relay.ways import RelayAddress
from jupyterhub_vmshare.steps import listening


def killer(step: str | None, times: int) -> Callable[[str], None]:
    """A listener that ends the process at once, without a word to anybody."""
    left = times

    def listen(reached: str) -> None:
        nonlocal left
        if reached == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return listen


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, or until the step."""
    service = Service(settings)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await service.start()
    print("ready", flush=True)
    await ended.wait()
    await service.stop()


def live(told: dict[str, Any]) -> None:
    """One life."""
    step, times = told.pop("step"), told.pop("times")
    keeper = told.pop("sandboxes", None)
    cloud = None if keeper is None else cloud_named("sandbox", keeper)
    if (way_in := told.pop("way_in", None)) is not None:
        told["sealing"] = Sealing.of(way_in["key"], "the test")
        told["relays"] = RelayKeys((way_in["secret"].encode(),), ("relay",))
        told["relay_address"] = RelayAddress("127.0.0.1", way_in["port"])
    configure_logs()
    with listening(killer(step, times)):
        asyncio.run(serve(Settings(**{**told, "store": Path(told["store"])}, cloud=cloud)))


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                live(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(f"alive {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"dead {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
