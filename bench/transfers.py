"""The other end of files' ways: a plain socket, read and written in large pieces."""

from __future__ import annotations

import base64
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_PIECE = 1 << 20
_PARTS = 4
_TUS = {"Tus-Resumable": "1.0.0"}
_BYTES = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


class Files:
    """One file, and every place that it goes to."""

    def __init__(self, where: Path, bare: str, api: str, token: str) -> None:
        self.where, self.bare, self.api, self.token = where, bare, api, token
        self.big, self.target = where / "big", where / "target"
        self.mib = 0
        told = answered(self, "POST", f"{api}/folders", b'{"name": "bench"}')
        self.folder = str(told["id"])
        store = where / "data" / "store"
        self.tree = store / self.folder[-2:] / self.folder / "files"

    def make(self, mib: int) -> None:
        """The file: bytes that nothing can squeeze."""
        self.mib = mib
        with self.big.open("wb") as file:
            for _ in range(mib):
                file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())

    def clear(self) -> None:
        """Every measurement begins with nothing there."""
        self.target.unlink(missing_ok=True)
        (self.tree / "up").unlink(missing_ok=True)

    def url(self, what: str, **query: str) -> str:
        """An address about the folder."""
        return f"{self.api}/folders/{self.folder}/{what}" + (f"?{urlencode(query)}" * bool(query))

    def resumable(self) -> None:
        """As one upload."""
        size = self.mib << 20
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": _path("up")}
        upload = answered(self, "POST", self.url("uploads"), b"", headers)["id"]
        sent(self, "PATCH", self.url(f"uploads/{upload}"), {**_TUS, **_BYTES})

    def in_parts(self) -> None:
        """As parts at once, that are joined."""
        share = (self.mib << 20) // _PARTS
        with ThreadPoolExecutor(_PARTS) as pool:
            parts = list(pool.map(lambda n: self._part(n * share, share), range(_PARTS)))
        headers = {**_TUS, "Upload-Metadata": _path("up")}
        headers["Upload-Concat"] = "final;" + " ".join(parts)
        answered(self, "POST", self.url("uploads"), b"", headers)

    def _part(self, start: int, size: int) -> str:
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Concat": "partial"}
        upload = str(answered(self, "POST", self.url("uploads"), b"", headers)["id"])
        span = (start, size)
        sent(self, "PATCH", self.url(f"uploads/{upload}"), {**_TUS, **_BYTES}, span)
        return upload


def _path(name: str) -> str:
    return "path " + base64.b64encode(name.encode()).decode()


def sent(
    files: Files,
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    span: tuple[int, int] | None = None,
) -> None:
    """Send the file, or so many of its bytes from a place on."""
    start, size = span or (0, files.mib << 20)
    with _connected(url) as connection, files.big.open("rb") as file:
        connection.sendall(_head(files, method, url, size, headers))
        connection.sendfile(file, start, size)
        _answer(connection)


def received(files: Files, method: str, url: str, body: bytes = b"") -> None:
    """Fetch something until its end, into a file."""
    with _connected(url) as connection, files.target.open("wb") as file:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.sendall(_head(files, method, url, len(body), headers) + body)
        piece = memoryview(bytearray(_PIECE))
        while size := connection.recv_into(piece):
            file.write(piece[:size])
        if file.tell() < files.mib << 20:
            raise RuntimeError(f"{url} broke off")


def answered(
    files: Files,
    method: str,
    url: str,
    body: bytes | Path,
    headers: dict[str, str] | None = None,
) -> Any:
    """The JSON of an answer, if there is any."""
    content = body.read_bytes() if isinstance(body, Path) else body
    kind = {"Content-Type": "application/json"} if content[:1] == b"{" else {}
    with _connected(url) as connection:
        connection.sendall(
            _head(files, method, url, len(content), {**kind, **(headers or {})}) + content
        )
        return _answer(connection)


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 80))


def _head(
    files: Files, method: str, url: str, length: int, headers: dict[str, str] | None
) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    told = {
        "Host": parts.netloc,
        "Authorization": f"Bearer {files.token}",
        "Content-Length": str(length),
        "Connection": "close",
        **(headers or {}),
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {told[name]}" for name in told), "", ""]
    return "\r\n".join(lines).encode()


def _answer(connection: socket.socket) -> Any:
    came = b""
    while piece := connection.recv(_PIECE):
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    if head[9:10] != b"2":
        raise RuntimeError(came.decode(errors="replace"))
    return json.loads(body) if body else None
