"""The pages in a real browser: they work, anybody can use them, and other pages can't."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.fixtures.hub_process import ROOT
from tests.fixtures.real_hub import RealHub

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

AXE = ROOT / "node_modules/axe-core/axe.min.js"


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Playwright's own loop runs in this thread, and pytest-jupyter would close it."""


@pytest.fixture
def jp_server_cleanup() -> None:
    """Nothing of Jupyter Server runs in this process."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def ana(chromium: Browser, real_hub: RealHub) -> Iterator[Page]:
    """ana's browser, signed in to the hub."""
    yield from signed_in(chromium, real_hub, "ana")


@pytest.fixture
def root(chromium: Browser, real_hub: RealHub) -> Iterator[Page]:
    """The same of a hub admin."""
    yield from signed_in(chromium, real_hub, "root-hub")


def signed_in(chromium: Browser, real_hub: RealHub, name: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=real_hub.url)
    page = context.new_page()
    # Any page of the hub: it stands for what a server on the same origin could do. Not the first
    # one, which starts her server and goes there by itself, in the middle of a test.
    page.goto("/hub/login?next=%2Fhub%2Ftoken")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", "any")
    page.click("#login_submit")
    page.wait_for_url("**/hub/token")
    yield page
    context.close()


def trashed(hub: RealHub, name: str) -> str:
    """The confirm page's path for a new folder in ana's trash."""
    api = hub.person("ana")
    folder = api.post("/folders", json={"name": name}).json()["id"]
    api.post(f"/folders/{folder}/trash").raise_for_status()
    return f"/services/vmshare/confirm/delete-folder/{folder}"


def names_in_trash(hub: RealHub) -> set[str]:
    items = hub.person("ana").get("/folders", params={"state": "trashed"}).json()["items"]
    return {item["name"] for item in items}


def test_one_deletes_a_folder_with_the_keyboard_alone(ana: Page, real_hub: RealHub) -> None:
    path = trashed(real_hub, "keyboard")
    ana.goto(path)
    expect(ana.get_by_label("Type the folder's name")).to_be_focused()
    ana.keyboard.type("keybord")
    ana.keyboard.press("Enter")
    expect(ana.get_by_role("alert")).to_contain_text("not the folder's name")
    ana.keyboard.type("keyboard")
    ana.keyboard.press("Tab")
    ana.keyboard.press("Enter")
    expect(ana.get_by_role("status")).to_contain_text("deleted for ever")
    assert "keyboard" not in names_in_trash(real_hub)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_anybody_can_use_them(ana: Page, real_hub: RealHub, scheme: str, width: int) -> None:
    path = trashed(
        real_hub, f"{scheme} {width} with_a_long_name_that_does_not_break_anywhere_at_all"
    )
    ana.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    ana.set_viewport_size({"width": width, "height": 700})
    for place in ("/services/vmshare/", path, path[:-1] + "0"):
        ana.goto(place)
        assert faults(ana) == [], place


def faults(page: Page) -> list[str]:
    """What axe objects to; and whether one has to scroll sideways."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations.map(v => v.id)")
    fits = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return [*found, *([] if fits else ["too wide"])]


@pytest.mark.scenario("F17")
def test_a_hub_admin_sets_a_quota(
    root: Page, real_hub: RealHub, request: pytest.FixtureRequest
) -> None:
    root.set_viewport_size({"width": 760, "height": 820})
    root.goto("/services/vmshare/")
    assert faults(root) == []
    root.get_by_role("link", name="What people's folders may hold").click()
    root.get_by_label("Whose?").fill("ana")
    root.get_by_role("button", name="Show").click()
    root.get_by_label("GiB").fill("100")
    root.get_by_label("Folders, those in the trash").fill("50")
    root.get_by_role("button", name="Set").click()
    expect(root.get_by_role("status")).to_contain_text("It is set")
    assert faults(root) == []
    if request.config.getoption("--save-screenshots"):
        root.screenshot(path=ROOT / "docs/images/hub-quota.png")
    told = real_hub.person("ana").get("/me/quota").json()
    assert (told["bytes"]["limit"], told["folders"]["limit"]) == (100 * 2**30, 50)
    root.emulate_media(color_scheme="dark")
    root.set_viewport_size({"width": 320, "height": 700})
    root.goto("/services/vmshare/quota?person=nobody-here")
    assert faults(root) == []
    root.goto("/services/vmshare/quota?person=ana")
    root.get_by_role("button", name="Go back to the site's own").click()
    expect(root.get_by_role("status")).to_be_visible()
    assert faults(root) == []
    assert real_hub.person("ana").get("/me/quota").json()["by_default"]


def test_a_script_of_the_same_origin_gets_no_page(ana: Page, real_hub: RealHub) -> None:
    path = trashed(real_hub, "script")
    ana.goto(path)  # signed in to the service by now
    ana.goto("/hub/token")
    for options in ("{}", "{mode: 'no-cors'}", "{method: 'POST', body: new URLSearchParams()}"):
        status = ana.evaluate(f"fetch({path!r}, {options}).then(answer => answer.status)")
        assert status == 403, options
    assert "script" in names_in_trash(real_hub)


def test_a_frame_of_the_same_origin_shows_no_page(ana: Page, real_hub: RealHub) -> None:
    path = trashed(real_hub, "frame")
    ana.goto(path)
    ana.goto("/hub/token")
    text = ana.evaluate(
        """path => new Promise(done => {
            const frame = document.createElement("iframe");
            frame.src = path;
            frame.onload = () => {
                try { done(frame.contentDocument.body.innerText); } catch { done("closed"); }
            };
            document.body.append(frame);
        })""",
        path,
    )
    assert "frame" not in text
    assert "for ever" not in text


def test_a_window_that_another_page_opens_is_out_of_its_reach(ana: Page, real_hub: RealHub) -> None:
    path = trashed(real_hub, "window")
    ana.goto(path)
    ana.goto("/hub/token")
    with ana.expect_popup() as opened:
        ana.evaluate("path => { globalThis.opened = window.open(path); }", path)
    expect(opened.value.get_by_label("Type the folder's name")).to_be_visible()
    assert ana.evaluate("globalThis.opened.closed")  # severed: its opener sees it as closed


def test_a_form_of_another_page_deletes_nothing(ana: Page, real_hub: RealHub) -> None:
    """Same origin, so most headers are right: the form's own token is what it lacks."""
    path = trashed(real_hub, "form")
    ana.goto(path)
    ana.goto("/hub/token")
    ana.evaluate(
        """path => {
            document.body.innerHTML = '<form method="post"><button id="bait">Bait</button></form>';
            const form = document.forms[0];
            form.action = path;
            form.innerHTML += '<input name="name" value="form"><input name="form" value="x">';
        }""",
        path,
    )
    ana.click("#bait")
    expect(ana.get_by_role("alert")).to_contain_text("out of date")
    assert "form" in names_in_trash(real_hub)
