"""Bare tornado, in a process of its own: what any service on it pays at least.

``/page?size=`` answers that many bytes of JSON. ``/stream`` is a stream of events, ``/push`` takes
a JSON body, keeps nothing, and sends one event to every stream. ``/keep?path=`` writes a body to
a file, ``/send?path=`` sends one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler, stream_request_body

STREAMS: set[asyncio.Queue[bytes]] = set()


class Page(RequestHandler):
    def get(self) -> None:
        size = int(self.get_query_argument("size"))
        self.set_header("Content-Type", "application/json")
        self.write(b'"' + b"x" * (size - 2) + b'"')


class Push(RequestHandler):
    def post(self) -> None:
        mark = json.loads(self.request.body)["mark"]
        for queue in STREAMS:
            queue.put_nowait(b'id: 1\nevent: pushed\ndata: {"mark":"%s"}\n\n' % mark.encode())
        self.set_status(201)
        self.write({"mark": mark})


class Follow(RequestHandler):
    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        STREAMS.add(queue)
        try:
            self.write(b"event: ready\ndata: {}\n\n")
            await self.flush()
            while True:
                self.write(await queue.get())
                await self.flush()
        except StreamClosedError:
            STREAMS.discard(queue)


@stream_request_body
class Keep(RequestHandler):
    def prepare(self) -> None:
        self.request.connection.set_max_body_size(1 << 40)  # type: ignore[union-attr]
        path = self.get_query_argument("path")
        self._file = open(path, "wb", buffering=1 << 20)  # noqa: SIM115 (`put` closes it)

    def data_received(self, chunk: bytes) -> None:
        self._file.write(chunk)

    def put(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class Send(RequestHandler):
    async def get(self) -> None:
        path = self.get_query_argument("path")
        self.set_header("Content-Length", str(os.stat(path).st_size))
        with open(path, "rb", buffering=0) as file:  # noqa: ASYNC230 (from the cache)
            while piece := file.read(512 * 1024):
                self.write(piece)
                await self.flush()


async def main(port: int) -> None:
    handlers = [("/page", Page), ("/push", Push), ("/stream", Follow)]
    handlers += [("/keep", Keep), ("/send", Send)]
    Application(handlers, log_function=lambda _: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
