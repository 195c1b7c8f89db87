"""A browser that is signed in to the service's own pages, and what it sends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from html import unescape

import httpx2
import pytest_asyncio

from tests.fixtures.api import NO_TLS
from tests.fixtures.service import RunningService

NAVIGATE = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}


class Browser:
    """One person's. Paths are below the service's prefix."""

    def __init__(self, client: httpx2.AsyncClient, origin: str, prefix: str) -> None:
        self.client, self.origin, self.prefix = client, origin, prefix

    async def open(self, path: str = "", **headers: str | None) -> httpx2.Response:
        """Go there from a link."""
        return await self.client.get(self.prefix + path, headers=_sent(headers))

    async def confirm(
        self, path: str, form: dict[str, str], **headers: str | None
    ) -> httpx2.Response:
        """Send a form; ``Origin=None`` leaves that header out."""
        sent = _sent({"Origin": self.origin, **headers})
        return await self.client.post(self.prefix + path, data=form, headers=sent)


def _sent(headers: dict[str, str | None]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in {**NAVIGATE, **named}.items() if value is not None}


def token_in(page: httpx2.Response) -> str:
    """The form's token, as the page shows it."""
    match = re.search(r'name="form" value="([^"]+)"', page.text)
    assert match is not None, page.text
    return unescape(match[1])


Open = Callable[[str], Awaitable[Browser]]


@pytest_asyncio.fixture
async def browser_of(service: RunningService) -> AsyncIterator[Open]:
    """``await browser_of("ana")``: her browser, signed in to the hub but not to the service."""
    async with AsyncExitStack() as stack:

        async def open_one(person: str) -> Browser:
            client = httpx2.AsyncClient(
                base_url=service.url,
                cookies=service.hub.sign_in(person),
                follow_redirects=True,
                timeout=30,
                verify=NO_TLS,
            )
            await stack.enter_async_context(client)
            return Browser(client, service.url, service.service.settings.prefix)

        yield open_one
