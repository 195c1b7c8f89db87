"""The service's own pages, as a hub admin works with them in a browser of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page

from tests.fixtures.real_hub import RealHub
from tests.journeys.lab import Lab


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
