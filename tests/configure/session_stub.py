"""Stands where a notebook server would: answers the hub, and writes down its environment."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import jupyterhub
from tornado.web import Application, RequestHandler


class Ready(RequestHandler):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", jupyterhub.__version__)
        self.finish("ready")


def said(environment: Any) -> dict[str, str]:
    """The part of the environment that concerns the hub and us."""
    return {k: v for k, v in environment.items() if k.startswith(("JUPYTERHUB_", "VMSHARE_"))}


async def main() -> None:
    place = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    Application([(r".*", Ready)]).listen(place.port or 80, place.hostname or "127.0.0.1")
    who = os.environ.get("JUPYTERHUB_SERVICE_NAME") or os.environ["JUPYTERHUB_USER"]
    server = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    target = Path(os.environ["STUB_REPORTS"]) / f"{who}@{server}.json"
    target.write_text(json.dumps(said(os.environ)))
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
