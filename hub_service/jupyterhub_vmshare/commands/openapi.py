"""``jupyterhub-vmshare openapi``: the HTTP contract, made from the routes."""

from __future__ import annotations

from pathlib import Path

from traitlets import Unicode
from traitlets.config import Application

from jupyterhub_vmshare.api import openapi
from jupyterhub_vmshare.api.routes import ROUTES


class PrintOpenApi(Application):
    """Prints the OpenAPI file, or writes it."""

    description = "Print the OpenAPI description of the service, or write it to a file."
    aliases = {"write": "PrintOpenApi.write"}
    write = Unicode(help="A file to write it to. Empty: print it.").tag(config=True)

    def start(self) -> None:
        text = openapi.text_of(openapi.build(ROUTES))
        if self.write:
            Path(self.write).write_text(text, encoding="utf-8")
        else:
            print(text, end="")
