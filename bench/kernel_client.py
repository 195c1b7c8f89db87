"""A program that has kernels, as a notebook server does: told by lines of JSON what to measure.

``python -m bench.kernel_client`` reads an order a line, and answers each with a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from jupyter_vmshare.kernels import reaching
from jupyter_vmshare.kernels.loop import over_there

PATIENCE = 60.0
_CELL = "1"


class Notebook:
    """One kernel and its client."""

    def __init__(self, kernel: str) -> None:
        self._manager = AsyncKernelManager(kernel_name=kernel)
        self._client: AsyncKernelClient | None = None

    @property
    def _there(self) -> AsyncKernelClient:
        assert self._client is not None
        return self._client

    async def first_reply(self) -> float:
        """Milliseconds from the order to start it to the reply to a first cell."""
        began = time.perf_counter()
        await self._manager.start_kernel()
        self._client = self._manager.client()
        # No heartbeats and no questions before the first cell: nothing else is measured.
        self._client.start_channels(hb=False)
        await self._reply(self._client.execute(_CELL))
        return (time.perf_counter() - began) * 1000

    async def hears(self) -> None:
        """Return when what the kernel prints comes: its socket is another one than its replies'."""
        while True:
            self._there.kernel_info()
            with suppress(Empty):
                await self._there.get_iopub_msg(timeout=0.5)
                return

    async def round_trips(self, count: int) -> float:
        """Milliseconds from a cell to its reply and its idle, one cell after the other."""
        began = time.perf_counter()
        for _ in range(count):
            await self._reply(asked := self._there.execute(_CELL))
            await self._output(asked)
        return (time.perf_counter() - began) * 1000 / count

    async def output(self, code: str, size: int) -> float:
        """Seconds from a cell to the last of what it printed, which has to be so many bytes."""
        began = time.perf_counter()
        asked = self._there.execute(code)
        found = await self._output(asked)
        took = time.perf_counter() - began
        await self._reply(asked)
        if found != size:
            raise SystemExit(f"{found} bytes have come of {size}.")
        return took

    async def _reply(self, asked: str) -> None:
        while True:
            message = await self._there.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == asked:
                return

    async def _output(self, asked: str) -> int:
        """Bytes of text until the kernel is idle again."""
        found = 0
        while True:
            message = await self._there.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            found += len(content.get("text", ""))
            if content.get("execution_state") == "idle":
                return found

    async def close(self) -> None:
        """The kernel ends with it."""
        if self._client is not None:
            self._client.stop_channels()
        await self._manager.shutdown_kernel(now=True)


async def obey(order: dict[str, Any], open_: dict[str, Notebook]) -> float:
    """What was measured; 0 for what measures nothing."""
    kernel = order["kernel"]
    match order["do"]:
        case "start":
            notebook = Notebook(kernel)
            took = await notebook.first_reply()
            await notebook.close()
            return took
        case "let go":
            await over_there(reaching.let_go())
            return 0
        case "list":
            await over_there(reaching.specs_kept(order["service"], order["machine"]))
            return 0
        case "open":
            open_[kernel] = Notebook(kernel)
            took = await open_[kernel].first_reply()
            await open_[kernel].hears()
            return took
        case "round trips":
            return await open_[kernel].round_trips(order["count"])
        case "output":
            return await open_[kernel].output(order["code"], order["size"])
        case _:
            await open_.pop(kernel).close()
            return 0


async def main() -> None:
    """Until nothing more is asked."""
    open_: dict[str, Notebook] = {}
    answers, sys.stdout = sys.stdout, sys.stderr
    while line := await asyncio.to_thread(sys.stdin.readline):
        took = await obey(json.loads(line), open_)
        print(json.dumps(took), file=answers, flush=True)
    for notebook in open_.values():
        await notebook.close()


if __name__ == "__main__":
    asyncio.run(main())
