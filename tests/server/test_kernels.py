"""What the panel learns of the kernels on machines, through a real notebook server."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from jupyter_vmshare.events import KERNEL, KERNELSPECS
from jupyter_vmshare.kernels.news import News, board
from tests.client.machine_rows import MACHINE
from tests.client.waiting import until
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Ask, Tokens

SPECS = {
    "python3": {
        "display_name": "Python 3",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {},
    }
}
NEWS = News("k-1", "mch_1", "python3", "ended", "Ana has stopped sharing this machine.")


async def test_an_end_is_an_event_of_the_servers_own_stream(jp_serverapp: Any, ask: Ask) -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listener(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.put_nowait({"schema_id": schema_id, **data})

    jp_serverapp.event_logger.add_listener(schema_id=KERNEL, listener=listener)
    # As the kernels' own thread does.
    threading.Thread(target=board.tell, args=(NEWS,)).start()
    async with asyncio.timeout(60):
        event = await heard.get()
    assert {name: event[name] for name in ("schema_id", *NEWS.told())} == {
        "schema_id": KERNEL,
        **NEWS.told(),
    }


async def test_that_others_are_offered_is_an_event(
    jp_serverapp: Any, service: FakeVMShare, ask: Ask
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listener(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.put_nowait(schema_id)

    jp_serverapp.event_logger.add_listener(schema_id=KERNELSPECS, listener=listener)
    kernels = (
        jp_serverapp.extension_manager.extension_apps["jupyter_vmshare"].pop()._machine_kernels
    )
    off = {**MACHINE, "state": "stopped", "actions": ["start"]}
    page = {"items": [off], "next": None}
    service.answer("GET", "/machines", Scripted.json(page), Scripted.json({**page, "items": []}))
    kernels._specs = {str(MACHINE["id"]): SPECS}  # as it was when it ran
    offered = await asyncio.to_thread(kernels.all)
    async with asyncio.timeout(60):
        assert await heard.get() == KERNELSPECS
    names = [spec.display_name for spec in kernels.all().values()]
    assert (offered, names) == ({}, ["Python 3 on box (ana)"])
    service.emit("grant.revoked")
    async with asyncio.timeout(60):
        assert await heard.get() == KERNELSPECS
    assert kernels.all() == {}
    service.emit("machine.changed")
    await asyncio.to_thread(until, lambda: len(service.came("GET", "/machines")) == 3)
    assert heard.empty()


async def test_who_came_later_asks_for_it(ask: Ask, tokens: Tokens) -> None:
    board.tell(NEWS)
    response = await ask("GET", "kernels")
    [found] = [each for each in json.loads(response.body)["kernels"] if each["kernel_id"] == "k-1"]
    assert found.pop("at")
    assert found == NEWS.told()


async def test_who_is_not_signed_in_hears_nothing_of_them(ask: Ask) -> None:
    board.tell(NEWS)
    response = await ask("GET", "kernels", headers={"Authorization": None})
    assert response.code in {302, 401, 403}
    assert b"sharing" not in response.body
