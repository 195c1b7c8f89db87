"""A person's terminal on the hub."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_vmshare.cli import main
from tests.client.conftest import Real


class Terminal:
    """What a command prints, and its exit code."""

    def __init__(self, real: Real, name: str, patch: pytest.MonkeyPatch, capture: Any) -> None:
        self._environ = {
            "VMSHARE_SERVICE_URL": real.url,
            "JUPYTERHUB_API_TOKEN": real.token(name),
            "JUPYTERHUB_USER": name,
        }
        self._patch, self._capture = patch, capture

    def __call__(self, line: str) -> tuple[int, str, str]:
        for name, value in self._environ.items():
            self._patch.setenv(name, value)
        self._capture.readouterr()
        code = main(line.split())
        out, err = self._capture.readouterr()
        # The service runs in this process and logs to the same standard output.
        out = "".join(x for x in out.splitlines(True) if "request_id=" not in x)
        return code, out, err

    def json(self, line: str) -> Any:
        code, out, err = self(f"{line} --json")
        assert (code, err) == (0, "")
        return json.loads(out)
