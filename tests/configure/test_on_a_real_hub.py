"""What ``configure(c)`` makes of a real JupyterHub: the very tokens that D12 relies on.

``VMSHARE_TEST_HUB_PYTHON`` names an interpreter with another version of JupyterHub.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from jupyterhub_vmshare.configure import CONFIRM, ORGANIZE, USE
from jupyterhub_vmshare.people.credentials import (
    Credential,
    Refusal,
    from_header,
    from_own_cookie,
)
from jupyterhub_vmshare.people.hub import Hub, TokenModel
from jupyterhub_vmshare.words import CredentialKind
from tests.fixtures.hub_process import ROOT, HubProcess, free_port, running

pytestmark = pytest.mark.slow

SECRET = "s" * 32
SERVICE_URL = f"http://127.0.0.1:{free_port()}"
CALLBACK = "/services/vmshare/oauth_callback"
STUB = [sys.executable, str(ROOT / "tests/fixtures/stub_server.py")]
CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "hub_service")!r})
c.Spawner.cmd = {STUB!r}
c.Spawner.args = []
c.JupyterHub.allow_named_servers = True
from jupyterhub_vmshare.configure import configure
configure(c, url={SERVICE_URL!r}, command={STUB!r}, api_token={SECRET!r}, organizers=["imaging"])
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    groups = {"genomics": ["ana", "ben"], "imaging": ["ben"]}
    process = HubProcess(tmp_path_factory.mktemp("hub"), CONFIG, groups=groups)
    with running(process):
        process.start_server("ana")
        process.api("POST", "users/ana/servers/gpu")
        yield process


def told(hub: HubProcess, person: str) -> dict[str, str]:
    """What the last started session of a person was told."""
    found = json.loads((hub.where / f"homes/{person}/environment.json").read_text())
    return {str(k): str(v) for k, v in found.items()}


def sign_in(hub: HubProcess, person: str, client: str, secret: str, callback: str) -> str:
    with hub.sign_in(person) as browser:
        code = browser.authorise(client, callback)
    form = {"client_id": client, "client_secret": secret, "redirect_uri": callback, "code": code}
    answer = httpx2.post(
        f"{hub.url}/hub/api/oauth2/token", data={**form, "grant_type": "authorization_code"}
    )
    return str(answer.raise_for_status().json()["access_token"])


def model(hub: HubProcess, token: str) -> TokenModel:
    answer = httpx2.get(f"{hub.url}/hub/api/user", headers={"Authorization": f"token {token}"})
    m: dict[str, Any] = answer.raise_for_status().json()
    return TokenModel(
        m["name"], m["kind"], bool(m.get("admin")), frozenset(m["scopes"]), m["session_id"]
    )


def opened(found: Credential | Refusal) -> tuple[str, ...]:
    if isinstance(found, Refusal):
        return (found.rule,)
    return (found.name, found.kind, found.server or "-")


def own_client(hub: HubProcess) -> tuple[str, str, str]:
    gpu = told(hub, "ana")
    assert gpu["JUPYTERHUB_SERVER_NAME"] == "gpu"
    return (
        gpu["JUPYTERHUB_CLIENT_ID"],
        gpu["JUPYTERHUB_API_TOKEN"],
        "/user/ana/gpu/oauth_callback",
    )


def test_a_servers_own_token(hub: HubProcess) -> None:
    found = model(hub, told(hub, "ana")["JUPYTERHUB_API_TOKEN"])
    assert found.session_id is None
    assert opened(from_header(found)) == ("ana", CredentialKind.KERNEL, "ana/gpu")
    # What the hub gives a server by default is still there.
    assert {"users:activity!user=ana", "access:servers!server=ana/gpu"} <= found.scopes


def test_a_visitor_on_their_own_server(hub: HubProcess) -> None:
    found = model(hub, sign_in(hub, "ana", *own_client(hub)))
    assert found.session_id
    assert opened(from_header(found)) == ("ana", CredentialKind.PANEL, "ana/gpu")


def test_a_visitor_on_somebody_elses_server(hub: HubProcess) -> None:
    hub.share_server("ana", "ben", "gpu")
    found = model(hub, sign_in(hub, "ben", *own_client(hub)))
    assert (found.name, bool(found.session_id)) == ("ben", True)
    assert f"{USE}!server=ana/gpu" in found.scopes
    assert opened(from_header(found)) == ("credential.foreign_server",)


def test_a_token_that_the_person_made(hub: HubProcess) -> None:
    for scopes in ([USE], None):
        found = model(hub, hub.token_for("ana", scopes))
        assert found.session_id is None
        assert opened(from_header(found)) == ("ana", CredentialKind.KERNEL, "-")


def test_the_services_own_login(hub: HubProcess) -> None:
    client = ("service-vmshare", SECRET, CALLBACK)
    found = model(hub, sign_in(hub, "ana", *client))
    assert CONFIRM in found.scopes
    assert ORGANIZE not in found.scopes
    assert opened(from_own_cookie(found)) == ("ana", CredentialKind.PAGE, "-")
    assert opened(from_header(found)) == ("credential.scope",)
    assert ORGANIZE in model(hub, sign_in(hub, "ben", *client)).scopes
    admin = from_own_cookie(model(hub, sign_in(hub, "root-hub", *client)))
    assert isinstance(admin, Credential)
    assert admin.hub_admin


@pytest.mark.asyncio
async def test_the_service_may_ask_what_it_asks_and_nothing_else(hub: HubProcess) -> None:
    hub.share_server("ana", "ben")
    client = Hub(f"{hub.url}/hub/api", SECRET)
    assert await client.person("ben") == "ben"
    assert await client.person("nobody") is None
    assert {group.name: group.members for group in await client.groups()} == {
        "genomics": {"ana", "ben"},
        "imaging": {"ben"},
    }
    assert await client.group("none") is None
    assert await client.is_shared("ana/")
    assert not await client.is_shared("ben/")
    await client.close()
    for path in ("users", "proxy", "users/ben/tokens"):
        answer = httpx2.get(
            f"{hub.url}/hub/api/{path}", headers={"Authorization": f"token {SECRET}"}
        )
        assert answer.status_code in {403, 404}


def test_a_session_is_told_where_the_service_is(hub: HubProcess) -> None:
    assert told(hub, "ana")["VMSHARE_SERVICE_URL"] == f"{SERVICE_URL}/services/vmshare/"
