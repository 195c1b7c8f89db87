"""Streaming a file's bytes to a client that may be slow, or may lose its access meanwhile."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import Final

from tornado.iostream import StreamClosedError

from jupyterhub_vmshare.api.ranges import disposition, range_counts, span_of
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.storage.port import Archive, Entry, Reading

CHUNK: Final = 512 * 1024
CHECKED_EVERY: Final = 1.0
"""Seconds between two looks at whether the caller may still have the rest."""

_TEXT = frozenset({"application/json", "application/xml", "application/x-sh", "application/toml"})
_TEXT_ENDS = (".ipynb", ".md", ".toml", ".yaml", ".yml", ".log", ".cfg", ".ini", ".rst", ".r")

# Should a browser show it after all: no script, no form, no origin of ours.
_CSP = "sandbox; default-src 'none'; frame-ancestors 'none'"

Check = Callable[[], Awaitable[None]]


def describe(route: Route, entry: Entry, kind: str) -> tuple[int, int]:
    """Set status and headers of a file's answer; says which bytes are to be sent.

    Raises:
        RangeUnsatisfiable: the asked-for range lies outside the file.
    """
    size, etag = entry.size or 0, f'"{entry.tag}"'
    headers = route.request.headers
    span = None
    if range_counts(headers.get("If-Range"), etag):
        span = span_of(headers.get("Range"), size)
    start, end = span or (0, size)
    if span is not None:
        route.set_status(206)
        route.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
    route.set_header("Content-Length", str(end - start))
    route.set_header("Content-Type", media_type(entry.name, kind))
    route.set_header("Content-Disposition", disposition(kind, entry.name))
    route.set_header("Content-Security-Policy", _CSP)
    route.set_header("Cross-Origin-Resource-Policy", "same-origin")
    route.set_header("Accept-Ranges", "bytes")
    route.set_header("Last-Modified", format_datetime(entry.modified_at, usegmt=True))
    route.set_header("ETag", etag)
    return start, end


def describe_archive(route: Route, name: str) -> None:
    """Set the headers of an archive's answer; how long it will be nobody knows."""
    route.set_header("Content-Type", "application/zip")
    route.set_header("Content-Disposition", disposition("attachment", f"{name}.zip"))
    route.set_header("Content-Security-Policy", _CSP)
    route.set_header("Cross-Origin-Resource-Policy", "same-origin")


async def send_archive(route: Route, archive: Archive, check: Check) -> None:
    """Send an archive, no faster than it is taken, as long as the caller may have it."""
    try:
        await _send(route, archive.read, check)
    except StreamClosedError:
        return  # the client went
    except OSError:
        _cut(route)  # a file can't be read to its end: half an archive is no archive


def media_type(name: str, kind: str) -> str:
    """Plain text for what is read in place, otherwise just bytes: never what a browser runs."""
    guessed = mimetypes.guess_type(name, strict=False)[0] or ""
    text = guessed.startswith("text/") or guessed in _TEXT or name.lower().endswith(_TEXT_ENDS)
    if kind == "inline" and text:
        return "text/plain; charset=utf-8"
    return "application/octet-stream"


async def send(route: Route, reading: Reading, start: int, end: int, check: Check) -> None:
    """Send these bytes, no faster than they are taken, as long as the caller may have them."""
    at = start

    async def read() -> bytes:
        nonlocal at
        piece = await reading.read(at, min(CHUNK, end - at)) if at < end else b""
        at += len(piece)
        return piece

    try:
        whole = await _send(route, read, check)
    except StreamClosedError:
        return  # the client went
    if whole and at < end:  # it was cut shorter by somebody meanwhile
        _cut(route)


async def _send(route: Route, read: Callable[[], Awaitable[bytes]], check: Check) -> bool:
    """Send pieces until one is empty, each while the next one is being read; whether all went."""
    checked = time.monotonic()
    coming = asyncio.ensure_future(read())
    try:
        while piece := await coming:
            if time.monotonic() - checked >= CHECKED_EVERY:
                if not await _still(check):
                    _cut(route)
                    return False
                checked = time.monotonic()
            coming = asyncio.ensure_future(read())
            route.write(piece)
            await route.flush()
    finally:
        await _ended(coming)
    return True


async def _ended(coming: asyncio.Future[bytes]) -> None:
    """Nobody wants what is still coming."""
    coming.cancel()
    await asyncio.wait([coming])
    if not coming.cancelled():
        coming.exception()


async def _still(check: Check) -> bool:
    try:
        await check()
    except VMShareError:
        return False
    return True


def _cut(route: Route) -> None:
    # The length was promised: only a broken connection tells that this is not all.
    route.detach().close()
