"""From a request to its caller, over HTTP: headers, cookies, XSRF, and a hub that fails (D12)."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.pages.page import OAuthCallback, Page
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.succession import Succession
from tests.fakes.hub import FakeHub
from tests.people.conftest import Clock

pytestmark = pytest.mark.asyncio

PREFIX = "/services/vmshare/"
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}


class Who(RequestHandler):
    def initialize(self, identity: Identity) -> None:
        self.identity = identity

    async def get(self) -> None:
        try:
            caller = await self.identity.caller(self)
        except VMShareError as error:
            self.set_status(error.status)
            self.finish(json.dumps({"rule": error.rule, "message": error.message}))
            return
        told = {slot: getattr(caller, slot) for slot in caller.__slots__}
        sets = {"teams": sorted(caller.teams), "administers": sorted(caller.administers)}
        self.finish(json.dumps(told | sets))

    def check_xsrf_cookie(self) -> None:
        pass

    post = get


class Stream(Who):
    xsrf_in_query = True


class Front(Page):
    async def get(self) -> None:
        self.finish(f"xsrf={self.xsrf_token.decode()}")


@dataclass
class Site:
    """The service on loopback, and a browser for it."""

    url: str
    world: FakeHub

    async def ask(self, path: str = "who", **request: Any) -> httpx2.Response:
        async with httpx2.AsyncClient(base_url=self.url) as client:
            return await client.get(PREFIX + path, **request)

    async def with_token(self, token: str, path: str = "who") -> httpx2.Response:
        return await self.ask(path, headers={"Authorization": f"token {token}"})

    async def browser(self, person: str) -> httpx2.AsyncClient:
        """Signed in to the service's pages, through the hub's OAuth."""
        cookies = httpx2.Cookies()
        for name, value in self.world.sign_in(person).items():
            cookies.set(name, value, domain="127.0.0.1")
        client = httpx2.AsyncClient(base_url=self.url, cookies=cookies, follow_redirects=True)
        front = await client.get(PREFIX, headers=NAVIGATE)
        match = re.fullmatch("xsrf=(.*)", front.text)
        assert match is not None, front.text
        client.headers["X-XSRFToken"] = match[1]
        client.headers.update(FETCH)
        return client


@pytest_asyncio.fixture
async def site(world: FakeHub, hub: Hub, db: Database) -> AsyncIterator[Site]:
    membership = Membership(db, hub)
    await membership.refresh()
    sockets = bind_sockets(0, "127.0.0.1")
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    callback = f"{url}{PREFIX}oauth_callback"
    world.add_client(callback)
    oauth = HubOAuth(
        api_url=world.api_url,
        api_token=world.service_token,
        base_url=PREFIX,
        hub_host=world.url,
        hub_prefix="/hub/",
        oauth_client_id="service-vmshare",
        oauth_redirect_uri=callback,
        access_scopes={"access:services!service=vmshare"},
    )
    identity = Identity(hub, oauth, membership, Succession(db, hub), _administered)
    handlers: list[Any] = [
        (PREFIX, Front, {"identity": identity}),
        (PREFIX + "who", Who, {"identity": identity}),
        (PREFIX + "stream", Stream, {"identity": identity}),
        (PREFIX + "oauth_callback", OAuthCallback, {"identity": identity}),
    ]
    server = HTTPServer(Application(handlers, cookie_secret=b"c" * 32))
    server.add_sockets(sockets)
    yield Site(url, world)
    server.stop()
    await server.close_all_connections()


async def test_a_visitor_of_their_own_server(site: Site) -> None:
    answer = await site.with_token(site.world.visitor_token("ana"))
    assert answer.json() == {
        "name": "ana",
        "credential": "panel",
        "server": "ana/",
        "read_only": False,
        "because": None,
        "hub_admin": False,
        "organizer": False,
        "teams": ["genomics"],
        "administers": [],
    }


@pytest.mark.parametrize("word", ["token", "Token", "Bearer", "bearer"])
async def test_both_words_of_the_header(site: Site, word: str) -> None:
    token = site.world.visitor_token("ana")
    answer = await site.ask(headers={"Authorization": f"{word} {token}"})
    assert answer.json()["name"] == "ana"


async def test_a_guest_on_anas_server_is_told_to_open_their_own(site: Site) -> None:
    answer = await site.with_token(site.world.visitor_token("ben", at="ana"))
    assert answer.status_code == 403
    assert answer.json() == {
        "rule": "credential.foreign_server",
        "message": "This is somebody else's server: open your own server to use shared folders.",
    }


async def test_a_servers_token_is_read_only_while_the_server_is_shared(
    site: Site, clock: Clock
) -> None:
    token = site.world.server_token("ana")
    assert not (await site.with_token(token)).json()["read_only"]
    site.world.share("ana", user="ben")
    clock.forward(10.1)
    shared = (await site.with_token(token)).json()
    assert shared["read_only"]
    assert "guests can read it" in shared["because"]
    site.world.unshare("ana")
    clock.forward(10.1)
    assert not (await site.with_token(token)).json()["read_only"]


async def test_a_share_of_another_server_takes_nothing(site: Site) -> None:
    site.world.share("ana", server="gpu", user="ben")
    assert not (await site.with_token(site.world.server_token("ana"))).json()["read_only"]
    assert (await site.with_token(site.world.server_token("ana", "gpu"))).json()["read_only"]


async def test_a_hub_that_cant_tell_of_shares_leaves_it_read_only(site: Site) -> None:
    site.world.fail("/hub/api/shares/*", 503)
    answer = (await site.with_token(site.world.server_token("ana"))).json()
    assert answer["read_only"]
    assert "can't tell" in answer["because"]


async def test_panel_and_own_tokens_stay_writable_while_the_server_is_shared(site: Site) -> None:
    site.world.share("ana", user="ben")
    assert not (await site.with_token(site.world.visitor_token("ana"))).json()["read_only"]
    assert not (await site.with_token(site.world.own_token("ana"))).json()["read_only"]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"token {'f' * 32}", id="a forged token"),
        pytest.param("token", id="no token after the word"),
        pytest.param("token one two", id="two tokens"),
        pytest.param("Basic YW5hOng=", id="another scheme"),
        pytest.param("", id="an empty header"),
    ],
)
async def test_a_header_that_says_nobody_is_not_helped_out_by_a_cookie(
    site: Site, header: str
) -> None:
    browser = await site.browser("ana")
    assert (await browser.get(PREFIX + "who")).json()["name"] == "ana"
    answer = await browser.get(PREFIX + "who", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_no_token_in_the_address_ever(site: Site) -> None:
    token = site.world.own_token("ana")
    for mode in ("navigate", "cors", "websocket"):
        answer = await site.ask(params={"token": token}, headers={"Sec-Fetch-Mode": mode})
        assert answer.status_code == 401


async def test_the_services_own_login_is_a_page(site: Site) -> None:
    browser = await site.browser("root-hub")
    told = (await browser.get(PREFIX + "who")).json()
    assert (told["name"], told["credential"], told["hub_admin"]) == ("root-hub", "page", True)
    assert told["administers"] == ["prj of root-hub"]


async def test_a_hub_admin_is_none_in_a_panel(site: Site) -> None:
    told = (await site.with_token(site.world.visitor_token("root-hub"))).json()
    assert not told["hub_admin"]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("x" * 40, id="made up"),
        pytest.param("tökén", id="not ASCII"),
    ],
)
@pytest.mark.parametrize("mode", ["cors", "navigate", "same-origin", None])
async def test_a_cookie_without_its_xsrf_token_is_refused(
    site: Site, token: str | None, mode: str | None
) -> None:
    browser = await site.browser("ana")
    browser.headers.pop("X-XSRFToken")
    browser.headers.pop("Sec-Fetch-Mode")
    headers = [] if token is None else [(b"X-XSRFToken", token.encode())]
    headers += [] if mode is None else [(b"Sec-Fetch-Mode", mode.encode())]
    answer = await browser.get(PREFIX + "who", headers=headers)
    assert (answer.status_code, answer.json()["rule"]) == (403, "credential.xsrf")


async def test_somebody_elses_xsrf_token_is_refused(site: Site) -> None:
    ana, ben = await site.browser("ana"), await site.browser("ben")
    answer = await ana.get(PREFIX + "who", headers={"X-XSRFToken": ben.headers["X-XSRFToken"]})
    assert answer.json()["rule"] == "credential.xsrf"


async def test_somebody_elses_xsrf_cookie_and_token_together_are_refused(site: Site) -> None:
    """Whoever can set a cookie (a server on the same host) can't bring a valid pair along."""
    ana, ben = await site.browser("ana"), await site.browser("ben")
    xsrf = ben.headers["X-XSRFToken"]
    own = ana.cookies.get("service-vmshare")
    answer = await site.ask(
        headers={"X-XSRFToken": xsrf, "Cookie": f"service-vmshare={own}; _xsrf={xsrf}", **FETCH}
    )
    assert answer.json()["rule"] == "credential.xsrf"


async def test_the_xsrf_token_in_the_address_only_for_the_stream(site: Site) -> None:
    browser = await site.browser("ana")
    xsrf = browser.headers.pop("X-XSRFToken")
    assert (await browser.get(PREFIX + "stream", params={"_xsrf": xsrf})).json()["name"] == "ana"
    assert (await browser.get(PREFIX + "who", params={"_xsrf": xsrf})).status_code == 403


async def test_a_cookie_that_is_not_signed_by_us_is_none(site: Site) -> None:
    token = site.world.page_token("ana")
    answer = await site.ask(headers={"Cookie": f"service-vmshare={token}", **FETCH})
    assert answer.status_code == 401


async def test_a_signed_out_session_ends_within_ten_seconds(site: Site, clock: Clock) -> None:
    browser = await site.browser("ana")
    assert (await browser.get(PREFIX + "who")).status_code == 200
    for text, token in list(site.world.tokens.items()):
        if token.owner == "ana":
            site.world.revoke(text)
    clock.forward(10.1)
    assert (await browser.get(PREFIX + "who")).status_code == 401


async def test_a_hub_that_is_down_opens_nothing(site: Site) -> None:
    token = site.world.visitor_token("ana")
    site.world.fail("/hub/api/user", 503)
    assert (await site.with_token(token)).status_code == 503


async def _administered(person: str) -> frozenset[str]:
    return frozenset({f"prj of {person}"})
