"""The scripted hub answers as a real JupyterHub does, down to the words of its refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from jupyterhub_vmshare.configure import SERVICE_SCOPES, USE
from tests.fakes.hub import (
    FakeHub,
    challenge_of,
    fake_hub,
)
from tests.fixtures.hub_process import ROOT, HubProcess, free_port, running

PAGES = {"Accept": "application/jupyterhub-pagination+json"}
SERVICE_SECRET = "s" * 32
SERVICE_URL = f"http://127.0.0.1:{free_port()}"
CALLBACK = "http://127.0.0.1:9/services/vmshare/oauth_callback"
PEOPLE = ("root-hub", "ana", "ben", "eve")
GROUPS = {"genomics": ["ana", "ben"], "imaging": ["ben"], "empty": []}
# More than the service asks for, so that there is something to compare.
SCOPES = {*SERVICE_SCOPES, "list:users", "read:users:groups"}
STUB = [sys.executable, str(ROOT / "tests/fixtures/stub_server.py")]
CONFIG = f"""
c.Spawner.cmd = {STUB!r}
c.Spawner.args = []
c.LocalProcessSpawner.interrupt_timeout = c.LocalProcessSpawner.term_timeout = 1
from jupyterhub_vmshare.configure import configure
configure(c, url={SERVICE_URL!r}, command={STUB!r}, api_token={SERVICE_SECRET!r},
          oauth_redirect_uri={CALLBACK!r})
c.JupyterHub.load_roles += [
    {{"name": "more", "services": ["vmshare"], "scopes": {sorted(SCOPES)!r}}}]
"""

QUESTIONS = [
    pytest.param("server", "user", {}, id="who is a notebook server's token"),
    pytest.param("visitor", "user", {}, id="who is a visitor of their own server"),
    pytest.param("guest", "user", {}, id="who is a guest on somebody else's server"),
    pytest.param("own", "user", {}, id="who is a token made for the command line"),
    pytest.param("page", "user", {}, id="who is signed in to the service"),
    pytest.param("service", "user", {}, id="who is the service"),
    pytest.param("forged", "user", {}, id="who is a forged token"),
    pytest.param("none", "user", {}, id="who is nobody"),
    pytest.param("service", "users", PAGES, id="all users, paged"),
    pytest.param("service", "users?limit=2", PAGES, id="a page of users names the next"),
    pytest.param("service", "users?limit=2&offset=2", PAGES, id="the last page of users"),
    pytest.param("service", "users", {}, id="all users, for a client that knows no pages"),
    pytest.param("server", "users", {}, id="users for a token that may not list them"),
    pytest.param("service", "users/ben", {}, id="one user"),
    pytest.param("service", "users/zoe", {}, id="a user who is not there"),
    pytest.param("server", "users/ana", {}, id="oneself by name"),
    pytest.param("server", "users/ben", {}, id="another user for a token without the scope"),
    pytest.param("service", "groups", PAGES, id="all groups, paged"),
    pytest.param("service", "groups?limit=1&offset=1", PAGES, id="a page of groups"),
    pytest.param("service", "groups", {}, id="all groups, for a client that knows no pages"),
    pytest.param("server", "groups", {}, id="groups for a token that may not list them"),
    pytest.param("forged", "groups", {}, id="groups for a forged token"),
    pytest.param("service", "groups/genomics", {}, id="one group"),
    pytest.param("service", "groups/none", {}, id="a group that is not there"),
    pytest.param("service", "shares/ana/", {}, id="a server that is shared"),
    pytest.param("service", "shares/ana", {}, id="all shares of an owner"),
    pytest.param("service", "shares/ben/", {}, id="a server that is not shared"),
    pytest.param("service", "shares/ana/none", {}, id="a server that is not there"),
    pytest.param("service", "shares/zoe/", {}, id="a server of somebody who is not there"),
    pytest.param("service", "shares/zoe", {}, id="shares of somebody who is not there"),
    pytest.param("server", "shares/ana/", {}, id="shares for a token without the scope"),
    pytest.param("service", "nothing", {}, id="a path that is not there"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("hub"), CONFIG, groups=GROUPS)
    with running(hub):
        hub.add_people("eve")
        for person in ("ana", "ben"):
            hub.start_server(person)
        hub.share_server("ana", "ben")
        yield hub


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeHub]:
    async with fake_hub() as hub:
        for person in PEOPLE:
            started = person in ("ana", "ben")
            hub.add_person(person, admin=person == "root-hub", server=started)
        for group, members in GROUPS.items():
            hub.add_group(group, members)
        hub.share("ana", user="ben")
        yield hub


@pytest.fixture(scope="module")
def real_tokens(real: HubProcess) -> dict[str, str]:
    def environment(person: str) -> dict[str, str]:
        found = json.loads((real.where / f"homes/{person}/environment.json").read_text())
        return {str(k): str(v) for k, v in found.items()}

    at_ana = environment("ana")
    server = at_ana["JUPYTERHUB_API_TOKEN"]
    ana_client = ("jupyterhub-user-ana", server, "/user/ana/oauth_callback")
    service_client = ("service-vmshare", SERVICE_SECRET, CALLBACK)
    return {
        "server": server,
        "visitor": oauth(real, "ana", *ana_client),
        "guest": oauth(real, "ben", *ana_client),
        "own": real.token_for("ben", [USE]),
        "page": oauth(real, "ben", *service_client),
        "service": SERVICE_SECRET,
        "forged": "f" * 32,
        "none": "",
    }


def fake_tokens(hub: FakeHub) -> dict[str, str]:
    return {
        "server": hub.server_token("ana"),
        "visitor": hub.visitor_token("ana"),
        "guest": hub.visitor_token("ben", at="ana"),
        "own": hub.own_token("ben"),
        "page": hub.page_token("ben"),
        "service": hub.token("vmshare", SCOPES, service=True),
        "forged": "f" * 32,
        "none": "",
    }


def oauth(hub: HubProcess, person: str, client_id: str, secret: str, target: str) -> str:
    """Signs in the person to an OAuth client of the real hub, consenting where it asks."""
    with hub.sign_in(person) as browser:
        code = browser.authorise(client_id, target)
    form = {"client_id": client_id, "client_secret": secret, "redirect_uri": target}
    answer = httpx2.post(
        f"{hub.url}/hub/api/oauth2/token",
        data={**form, "grant_type": "authorization_code", "code": code},
    )
    return str(answer.json()["access_token"])


def comparable(value: Any) -> Any:
    """Without what differs from run to run: ids, times and addresses."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if not isinstance(value, dict):
        return value
    changing = {"token_id", "session_id", "created", "created_at", "last_activity", "url"}
    told: dict[str, Any] = {
        k: bool(v) if k in changing else comparable(v) for k, v in value.items()
    }
    told |= {"last_activity": True} if "last_activity" in told else {}  # of some there was none
    # A set to the hub: its order says nothing.
    return told | {"roles": sorted(told["roles"])} if "roles" in told else told


def by_name(answer: Any) -> Any:
    """Users and groups in no order of meaning: the real hub keeps that of its configuration."""
    if isinstance(answer, list) and answer and set(answer[0]) >= {"kind", "name"}:
        return sorted(answer, key=lambda model: str(model["name"]))
    return answer


def ask(url: str, token: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    who = {"Authorization": f"token {token}"} if token else {}
    answer = httpx2.get(f"{url}/hub/api/{path}", headers={**headers, **who})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("credential", "path", "headers"), QUESTIONS)
@pytest.mark.asyncio
async def test_the_scripted_hub_answers_as_the_real_one(
    real: HubProcess,
    real_tokens: dict[str, str],
    fake: FakeHub,
    credential: str,
    path: str,
    headers: dict[str, str],
) -> None:
    async with httpx2.AsyncClient(base_url=fake.url) as client:
        token = fake_tokens(fake)[credential]
        who = {"Authorization": f"token {token}"} if token else {}
        told = await client.get(f"/hub/api/{path}", headers={**headers, **who})
    status, expected = ask(real.url, real_tokens[credential], path, headers)
    assert told.status_code == status
    assert_same(comparable(told.json()), comparable(expected), paged="limit" in path)


STOPS = [
    pytest.param("service", "eve", id="a server that does not run"),
    pytest.param("service", "zoe", id="a server of somebody who is not there"),
    pytest.param("server", "ben", id="for a token without the scope"),
    pytest.param("forged", "ben", id="for a forged token"),
]


@pytest.mark.parametrize(("credential", "person"), STOPS)
@pytest.mark.asyncio
async def test_it_stops_servers_as_the_real_one_does(
    real: HubProcess,
    real_tokens: dict[str, str],
    fake: FakeHub,
    credential: str,
    person: str,
) -> None:
    statuses = []
    for url, token in ((real.url, real_tokens), (fake.url, fake_tokens(fake))):
        async with httpx2.AsyncClient(base_url=url) as client:
            who = {"Authorization": f"token {token[credential]}"}
            answer = await client.delete(f"/hub/api/users/{person}/server", headers=who)
            statuses.append(answer.status_code)
    assert statuses[0] == statuses[1]


def assert_same(told: Any, expected: Any, *, paged: bool) -> None:
    if paged and told["items"] and told["items"][0].get("kind") == "user":
        # Which users are on which page is the real hub's affair; how many, and what next, is not.
        assert len(told.pop("items")) == len(expected.pop("items"))
    if isinstance(told, dict) and "items" in told:
        told["items"], expected["items"] = by_name(told["items"]), by_name(expected["items"])
    assert by_name(told) == by_name(expected)


@pytest.mark.asyncio
async def test_the_login_that_the_scripted_hub_gives_ends_in_the_same_kind_of_token(
    fake: FakeHub,
) -> None:
    client = fake.add_client(CALLBACK)
    verifier = "v" * 43
    question = {
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "st",
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    form = {"client_id": client.client_id, "client_secret": client.secret, "redirect_uri": CALLBACK}
    async with httpx2.AsyncClient(base_url=fake.url, cookies=fake.sign_in("ben")) as browser:
        sent = await browser.get("/hub/api/oauth2/authorize", params=question)
        code = httpx2.URL(sent.headers["location"]).params["code"]
        form |= {"grant_type": "authorization_code", "code": code}
        wrong = await browser.post("/hub/api/oauth2/token", data=form | {"client_secret": "no"})
        right = await browser.post("/hub/api/oauth2/token", data=form | {"code_verifier": verifier})
        again = await browser.post("/hub/api/oauth2/token", data=form | {"code_verifier": verifier})
    assert sent.status_code == 302
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    token = fake.tokens[right.json()["access_token"]]
    assert token.scopes == fake.tokens[fake.page_token("ben")].scopes
    assert token.session_id


@pytest.mark.asyncio
async def test_scripted_trouble_comes_as_often_as_asked_and_goes(fake: FakeHub) -> None:
    token = fake.server_token("ana")
    async with httpx2.AsyncClient(
        base_url=fake.url, headers={"Authorization": f"token {token}"}
    ) as client:
        fake.fail("/hub/api/us*", 503, times=1)
        assert (await client.get("/hub/api/user")).status_code == 503
        assert (await client.get("/hub/api/user")).status_code == 200
        fake.delay("/hub/api/user", 5)
        with pytest.raises(httpx2.ReadTimeout):
            await client.get("/hub/api/user", timeout=0.1)
        fake.heal()
        fake.revoke(token)
        assert (await client.get("/hub/api/user")).status_code == 403
        await fake.stop()
        with pytest.raises(httpx2.ConnectError):
            await client.get("/hub/api/user")
        await fake.start(fake.port)
        assert (await client.get("/hub/api/user")).status_code == 403
