"""The service's own pages, as a hub admin works with them in a browser of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.lab import Lab

Open = Callable[[str, str], Page]
"""``page_of("ana", "projects")``: her window at a page of the service."""


@contextmanager
def as_admin(lab: Lab, hub: RealHub, path: str = "") -> Iterator[Page]:
    """A window beside somebody's lab, in which the hub admin is at a page of the service."""
    browser = lab.page.context.browser
    assert browser is not None
    with at_page(browser, hub, "root-hub", path) as page:
        yield page


@contextmanager
def at_page(browser: Browser, hub: RealHub, person: str, path: str = "") -> Iterator[Page]:
    """Somebody's own window, in which they have signed in to a page of the service."""
    context = browser.new_context(base_url=hub.url)
    page = context.new_page()
    page.goto(f"/hub/login?next={quote(f'/services/vmshare/{path}', safe='')}")
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill("any")
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()


def send(page: Page, method: str, path: str, body: object = None) -> Any:
    """A request to the API as the page's own script sends it; the answer's JSON."""
    return page.evaluate(
        """async ([method, path, body]) => {
          const token = /_xsrf=([^;]*)/.exec(document.cookie)[1];
          const headers = {"X-XSRFToken": token, "Content-Type": "application/json"};
          const told = await fetch(`/services/vmshare/api/${path}`, {
            method, headers, body: body === null ? undefined : JSON.stringify(body)
          });
          if (!told.ok) throw new Error(await told.text());
          return told.status === 204 ? null : told.json();
        }""",
        [method, path, body],
    )


def assert_it_suits_everybody(page: Page, theme: str) -> None:
    """axe finds nothing and nothing sticks out, in a theme, where it is wide and narrow."""
    page.evaluate("theme => localStorage.setItem('jupyterhub-bs-theme', theme)", theme)
    # Windows are told of what another one chose; this one is not.
    page.evaluate("window.dispatchEvent(new StorageEvent('storage', {key: 'jupyterhub-bs-theme'}))")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page.locator("html")) == []
        for part in ("html", "#vmshare"):
            assert _sticks_out(page.locator(part)) == 0


def _sticks_out(part: Locator) -> int:
    """By how many pixels what is in a part of the page is wider than the part."""
    return int(part.evaluate("node => node.scrollWidth - node.clientWidth"))
