"""Ana's notebook server, with the hub's real identity provider, between a hub and a service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from tornado.httpclient import HTTPResponse
from tornado.web import create_signed_value

from tests.fakes.hub import FakeHub
from tests.fakes.vmshare import FakeVMShare, Scripted

Ask = Callable[..., Awaitable[HTTPResponse]]
COOKIE = "jupyterhub-user-ana"


@dataclass(frozen=True)
class Tokens:
    """Ana's and ben's OAuth tokens on ana's server, and the server's own token."""

    ana: str
    ben: str
    server: str


@pytest.fixture
def service() -> Iterator[FakeVMShare]:
    with FakeVMShare() as service:
        # Asked for where sessions have shared folders, by the notebook server itself.
        service.answer("GET", "/shown-folders", Scripted.json({"items": [], "next": None}))
        yield service
        assert service.complaints == []


@pytest.fixture
def hub(service: FakeVMShare) -> Iterator[FakeHub]:
    hub = FakeHub()
    service.run(hub.start())
    for name in ("ana", "ben"):
        hub.add_person(name)
    yield hub
    service.run(hub.stop())


@pytest.fixture
def tokens(hub: FakeHub, service: FakeVMShare) -> Tokens:
    found = Tokens(
        hub.visitor_token("ana"), hub.visitor_token("ben", at="ana"), hub.server_token("ana")
    )
    service.people.update({found.ana: "ana", found.ben: "ben", found.server: "ana"})
    return found


@pytest.fixture
def jp_base_url() -> str:
    return "/user/ana/"


@pytest.fixture
def jp_server_config(
    hub: FakeHub, service: FakeVMShare, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    for name, value in {
        "JUPYTERHUB_USER": "ana",
        "JUPYTERHUB_SERVER_NAME": "",
        "JUPYTERHUB_API_TOKEN": tokens.server,
        "JUPYTERHUB_API_URL": hub.api_url,
    }.items():
        monkeypatch.setenv(name, value)
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_vmshare": True},
            "identity_provider_class": JupyterHubIdentityProvider,
            "allow_remote_access": True,
            # As the hub's own extension sets it: tornado's check runs before the visitor is known.
            "tornado_settings": {"xsrf_cookies": False},
        },
        "HubOAuth": {
            "api_url": hub.api_url,
            "api_token": tokens.server,
            "base_url": "/user/ana/",
            "oauth_client_id": COOKIE,
            "access_scopes": {"access:servers!server=ana/"},
        },
        "VMShareExtension": {"service_url": service.url, "answer_timeout": 5.0},
    }


@pytest.fixture
def ask(jp_serverapp: Any, http_server_client: Any, jp_base_url: str, tokens: Tokens) -> Ask:
    """``await ask("GET", "api/folders")``: a request of ana's, its path exactly as written."""

    async def fetch(method: str, path: str, **options: Any) -> HTTPResponse:
        headers = {"Authorization": f"token {tokens.ana}", **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if method in {"POST", "PUT", "PATCH"} and "body_producer" not in options:
            options.setdefault("body", "{}")
            headers.setdefault("Content-Type", "application/json")
        response: HTTPResponse = await http_server_client.fetch(
            f"{jp_base_url}vmshare/{path}",
            method=method,
            headers=headers,
            raise_error=False,
            follow_redirects=False,
            request_timeout=options.pop("request_timeout", 60),
            **options,
        )
        return response

    return fetch


@pytest.fixture
def cookie(jp_serverapp: Any) -> Callable[[str], str]:
    """The cookie that the hub's sign-in leaves behind, for a token."""

    def make(token: str) -> str:
        secret = jp_serverapp.web_app.settings["cookie_secret"]
        return f"{COOKIE}={create_signed_value(secret, COOKIE, token).decode()}"

    return make
