"""A notebook server as a process, that can be killed and started again where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2
from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE = 120.0
TOKEN = "a-token-of-tests"
CONFIG = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.kernels.local import MACHINES, LocalMachine
MACHINES["box"] = LocalMachine(Path({home!r}))
c.ServerApp.jpserver_extensions = {{"jupyter_vmshare": True}}
c.VMShareExtension.service_url = "http://127.0.0.1:9/services/vmshare/"
c.ServerApp.allow_root = True
c.ServerApp.port = 0
c.ServerApp.open_browser = False
c.IdentityProvider.token = {token!r}
c.ServerApp.root_dir = {root_dir!r}
"""


class Server:
    """One, in a directory of its own; its machine is this computer."""

    def __init__(self, where: Path, home: Path, environment: dict[str, str]) -> None:
        self._where = where
        self._environment = {**os.environ, **environment, "JUPYTER_RUNTIME_DIR": f"{where}/run"}
        (where / "work").mkdir()
        config = CONFIG.format(
            root=str(Path(__file__).parents[2]),
            home=str(home),
            token=TOKEN,
            root_dir=f"{where}/work",
        )
        (where / "config.py").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def runtime(self) -> Path:
        return self._where / "run"

    def start(self) -> None:
        """Until it answers."""
        with (self._where / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", f"--config={self._where}/config.py"],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._where,
            )
        about = self.runtime / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, self.log()
            assert self._process.poll() is None, self.log()
            try:
                self.url = json.loads(about.read_text())["url"]
                self.ask("GET", "api/status")
                return
            except (OSError, ValueError, KeyError, httpx2.HTTPError):
                time.sleep(0.05)

    def log(self) -> str:
        return (self._where / "log").read_text()[-6000:]

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """At once, or in order."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Its API."""
        headers = {"Authorization": f"token {TOKEN}"}
        answer = httpx2.request(
            method, self.url + path, json=body, headers=headers, timeout=PATIENCE
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def tab(self, kernel_id: str) -> Tab:
        """A browser's channels to a kernel."""
        address = f"{self.url.replace('http', 'ws')}api/kernels/{kernel_id}/channels"
        return Tab(await websocket_connect(f"{address}?token={TOKEN}&session_id={uuid.uuid4()}"))


class Tab:
    """What a notebook in a browser has of its kernel."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    async def ask(self, code: str) -> str:
        """Have it executed; the request's id."""
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "session": "s", "username": ""}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True}  # fmt: skip
        await self._socket.write_message(
            json.dumps(
                {
                    "header": {**header, "version": "5.3", "date": "2026-01-01T00:00:00Z"},
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                    "buffers": [],
                }
            )
        )
        return asked

    async def next(self) -> dict[str, Any]:
        """What comes."""
        text = await self._socket.read_message()
        assert text is not None, "The server has closed the socket."
        found: dict[str, Any] = json.loads(text)
        return found

    async def run(self, code: str) -> str:
        """Execute it, and what it printed until it was idle again."""
        asked, printed = await self.ask(code), ""
        while True:
            message = await self.next()
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["content"].get("execution_state") == "idle":
                return printed

    def close(self) -> None:
        self._socket.close()
