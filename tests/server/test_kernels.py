"""What the panel learns of the kernels on machines, through a real notebook server."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from jupyter_vmshare.events import KERNEL
from jupyter_vmshare.kernels.news import News, board
from tests.server.conftest import Ask, Tokens

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
