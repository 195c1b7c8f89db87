"""A real JupyterHub of a given version, with ``configure(c)`` in its configuration.

Notebook servers and the service are stubs; every token, scope and share is the hub's own.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx2

ROOT = Path(__file__).resolve().parents[2]
STUB = ROOT / "tests" / "configure" / "session_stub.py"
PROXY = ROOT / "node_modules" / ".bin" / "configurable-http-proxy"

CONFIG = """
import os, sys
c = get_config()
c.JupyterHub.bind_url = "{proxy}"
c.JupyterHub.hub_bind_url = "{hub}"
c.ConfigurableHTTPProxy.api_url = "{proxy_api}"
c.ConfigurableHTTPProxy.command = ["{chp}"]
c.ConfigurableHTTPProxy.auth_token = "{proxy_token}"
c.JupyterHub.db_url = "sqlite:///{directory}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{directory}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "{directory}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.allow_named_servers = True
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root-hub"}}
c.SimpleLocalProcessSpawner.home_dir_template = "{directory}/{{username}}"
c.Spawner.cmd = [sys.executable, "{stub}"]
c.Spawner.environment = {{"STUB_REPORTS": "{directory}"}}
c.JupyterHub.load_groups = {{"lab": {{"users": ["ana", "ben"]}}}}
c.JupyterHub.load_roles = [
    {{"name": "user", "scopes": ["self", "shares!user"]}},
    {{"name": "test-driver", "scopes": ["admin:users", "admin:servers", "shares", "tokens"],
      "services": ["test-driver"]}},
]
c.JupyterHub.services = [{{"name": "test-driver", "api_token": "{driver}"}}]
sys.path.insert(0, "{hub_service}")
from jupyterhub_vmshare.configure import configure
configure(c, url="{service}", command=[sys.executable, "{stub}"],
          environment={{"STUB_REPORTS": "{directory}"}})
{more}
"""


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RealHub:
    """A running hub, and what one can do on it through its own doors."""

    url: str
    api_url: str
    driver: str
    directory: Path

    def api(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        """A call of the hub's API, by the driver unless another token is handed in."""
        headers = {"Authorization": f"token {token or self.driver}"}
        answer = httpx2.request(method, self.api_url + path, headers=headers, timeout=30, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def start(self, owner: str, server: str = "") -> dict[str, str]:
        """Start a server; what its process was told."""
        self.api("POST", f"/users/{owner}/servers/{server}")
        return self.report(f"{owner}@{server}")

    def report(self, name: str) -> dict[str, str]:
        """The environment that a stub has written down."""
        path = self.directory / f"{name}.json"
        wait_for(path.exists, f"{path.name} was never written")
        told: dict[str, str] = json.loads(path.read_text())
        return told

    def who(self, token: str) -> dict[str, Any]:
        """What the hub says about a token."""
        model: dict[str, Any] = self.api("GET", "/user", token)
        return model

    def browser(self, person: str) -> httpx2.Client:
        """A browser in which the person is signed in to the hub."""
        browser = httpx2.Client(base_url=self.url, follow_redirects=True, timeout=30)
        browser.headers["Sec-Fetch-Mode"] = "navigate"
        browser.get("/hub/login")
        form = {"username": person, "password": "any", "_xsrf": _xsrf(browser)}
        browser.post("/hub/login", params={"_xsrf": form["_xsrf"], "next": "/hub/token"}, data=form)
        return browser

    def visit(self, person: str, told: dict[str, str]) -> str:
        """The OAuth token with which a person uses what ``told`` (an environment) describes."""
        browser = self.browser(person)
        client, callback = told["JUPYTERHUB_CLIENT_ID"], told["JUPYTERHUB_OAUTH_CALLBACK_URL"]
        asked = {
            "client_id": client,
            "redirect_uri": callback,
            "response_type": "code",
            "state": "s",
        }
        browser.follow_redirects = False
        answer = browser.get("/hub/api/oauth2/authorize", params=asked)
        if answer.status_code == 200:  # somebody else's server: the hub asks the visitor
            scopes = re.findall(r'name="scopes"[^>]*value="([^"]+)"', answer.text)
            form = {"_xsrf": _xsrf(browser), "scopes": scopes}
            answer = browser.post("/hub/api/oauth2/authorize", params=asked, data=form)
        answer = _followed(browser, answer, callback)
        code = parse_qs(urlparse(answer.headers["Location"]).query)["code"][0]
        exchange = {
            "client_id": client,
            "client_secret": told["JUPYTERHUB_API_TOKEN"],
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
        }
        token = httpx2.post(self.api_url + "/oauth2/token", data=exchange, timeout=30)
        token.raise_for_status()
        return str(token.json()["access_token"])


def _xsrf(browser: httpx2.Client) -> str:
    return next(k.value or "" for k in browser.cookies.jar if k.name == "_xsrf")


def _followed(browser: httpx2.Client, answer: httpx2.Response, until: str) -> httpx2.Response:
    for _ in range(5):
        if urlparse(answer.headers.get("Location", "")).path == urlparse(until).path:
            return answer
        answer = browser.get(answer.headers["Location"])
    raise AssertionError(f"no way to {until}: {answer.status_code} {answer.text[:500]}")


def wait_for(ready: Any, otherwise: str, seconds: float = 60) -> None:
    """Until ``ready()``; a sentence if it never is."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.1)


@contextmanager
def real_hub(directory: Path, python: str = sys.executable, more: str = "") -> Iterator[RealHub]:
    """A hub under ``python`` (which decides its version); ``more`` goes to its configuration."""
    proxy, hub, proxy_api, service = (f"http://127.0.0.1:{free_port()}" for _ in range(4))
    driver = secrets.token_hex(16)
    config = directory / "jupyterhub_config.py"
    config.write_text(
        CONFIG.format(
            **{"proxy": proxy, "hub": hub, "proxy_api": proxy_api, "service": service},
            chp=PROXY,
            proxy_token=secrets.token_hex(16),
            directory=directory,
            driver=driver,
            stub=STUB,
            hub_service=ROOT / "hub_service",
            more=more,
        )
    )
    log = (directory / "hub.log").open("wb")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "hub_service")}
    command = [python, "-m", "jupyterhub", "-f", str(config)]
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    running = RealHub(proxy, hub + "/hub/api", driver, directory)
    try:
        wait_for(lambda: process.poll() is not None or _answers(proxy), "the hub never answered")
        assert process.poll() is None, (directory / "hub.log").read_text()
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url + "/hub/api", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False
