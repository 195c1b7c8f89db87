"""Spawners as the hub has them, and a service that answers as it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from jupyterhub.spawner import SimpleLocalProcessSpawner, Spawner
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from traitlets.config import Config

from tests.mounts.sessions.stage import NOBODY, Stage, call

VIEW = "/run/vmshare/views/ses_1"


@dataclass
class ScriptedService:
    """Speaks the hub hook's protocol; keeps what it was told."""

    url: str
    status: int = 201
    view: str | None = VIEW
    because: str | None = None
    pause: float = 0
    told: list[tuple[str, Any, str]] = field(default_factory=list)

    def calls(self) -> list[tuple[str, str]]:
        """(method, server) of everything so far."""
        return [(method, body["server_name"]) for method, body, _ in self.told]


class _Sessions(RequestHandler):
    def initialize(self, service: ScriptedService) -> None:
        self.service = service

    async def post(self) -> None:
        await self._answer({"id": "ses_1", "view": self.service.view, "because": None})

    async def delete(self) -> None:
        await self._answer(None)

    async def _answer(self, answer: Any) -> None:
        told = json.loads(self.request.body)
        self.service.told.append(
            (self.request.method or "", told, self.request.headers.get("Authorization", ""))
        )
        await asyncio.sleep(self.service.pause)
        if self.service.status >= 400:
            self.set_status(self.service.status)
        elif answer is None:
            self.set_status(204)
        else:
            self.set_status(201)
            self.finish({**answer, "because": self.service.because})


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ScriptedService]:
    """A service on a port of its own."""
    socket, port = bind_unused_port()
    scripted = ScriptedService(f"http://127.0.0.1:{port}")
    path = r"/services/vmshare/api/hub/sessions"
    server = HTTPServer(Application([(path, _Sessions, {"service": scripted})]))
    server.add_sockets([socket])
    yield scripted
    server.stop()
    await server.close_all_connections()


def spawner(
    c: Config, kind: type[Spawner] = SimpleLocalProcessSpawner, name: str = "", person: str = "ben"
) -> Any:
    """A spawner with that configuration, as the hub makes it."""
    user = SimpleNamespace(
        id=1, name=person, url=f"/user/{person}", server_url=lambda name: "", escaped_name=person
    )
    hub = SimpleNamespace(base_url="/hub/", api_url="")
    orm = SimpleNamespace(name=name, server=None)
    return kind(config=c, user=user, hub=hub, orm_spawner=orm)


@pytest.fixture
def stage() -> Iterator[Stage]:
    # Not below pytest's own directory: that one is closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="vmshare-enter-") as where:
        Path(where).chmod(0o755)
        made = Stage(Path(where))
        for name in ("run/views", "run/doors", "home", "store"):
            (made.where / name).mkdir(parents=True)
        (made.where / "store/secret").write_text("ana's")
        os.chown(made.home, NOBODY, NOBODY)
        views, doors = str(made.run / "views"), str(made.run / "doors")
        call("mount", "-t", "tmpfs", "views", views)
        call("mount", "--make-shared", views)
        call("mount", "--bind", views, doors)
        call("mount", "--make-slave", doors)
        made.mount.mkdir(parents=True)
        yield made
        for path in (made.mount, doors, views):
            subprocess.run(["umount", "--lazy", path], stderr=subprocess.DEVNULL, check=False)
