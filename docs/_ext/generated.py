"""Writes the reference pages that come from the code, before Sphinx reads the sources."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent
API = DOCS.parent / "hub_service/jupyterhub_vmshare/api/openapi.json"
EVENTS = DOCS.parent / "hub_service/jupyterhub_vmshare/audit/events.yaml"


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", lambda app: write())
    return {"parallel_read_safe": True}


def write() -> None:
    reference = DOCS / "reference"
    tables = DOCS.parent / "scripts/permission_tables.py"
    subprocess.run([sys.executable, str(tables), str(reference / "permissions")], check=True)
    (reference / "http-api.md").write_text("\n".join(http_api()) + "\n", encoding="utf-8")
    (reference / "configuration.md").write_text("\n".join(traits()) + "\n", encoding="utf-8")
    (reference / "events.md").write_text("\n".join(events()) + "\n", encoding="utf-8")


def http_api() -> list[str]:
    document = json.loads(API.read_text(encoding="utf-8"))
    lines = [
        "# HTTP API",
        "",
        "Below `/services/vmshare/api`. JSON; problems are RFC 9457 with a stable `code`, and with",
        "`rule` and `because` where a permission table refused. Lists are `{items, next}`. A token",
        "goes into the `Authorization` header. `GET /openapi.json` is this contract for programs.",
        "",
    ]
    for path, methods in sorted(document["paths"].items()):
        lines += [f"## `{path}`", ""]
        for method, operation in methods.items():
            lines += _operation(method, operation)
    return lines


def _operation(method: str, operation: dict[str, Any]) -> list[str]:
    names = [f"`{p['name']}`" for p in operation["parameters"] if p["in"] != "path"]
    answers = ", ".join(f"`{status}`" for status in operation["responses"])
    return [
        f"**{method.upper()}** {operation['summary']}",
        "",
        f"- Action: `{operation['x-action']}`",
        *([f"- Takes: {', '.join(names)}"] if names else []),
        f"- Answers: {answers}",
        "",
    ]


def traits() -> list[str]:
    from jupyter_vmshare.extension import VMShareExtension
    from jupyterhub_vmshare.commands.agent import ShareAgent
    from jupyterhub_vmshare.commands.base import DataCommand
    from jupyterhub_vmshare.commands.keeping import Keeping
    from jupyterhub_vmshare.commands.qemu import Qemu
    from jupyterhub_vmshare.commands.sandboxes import Sandboxes
    from jupyterhub_vmshare.commands.serve import Serve

    lines = ["# Configuration", "", "## The service", ""]
    lines += ["`jupyterhub-vmshare serve --config=FILE`, where FILE sets `c.Serve.…`.", ""]
    lines += _traits(DataCommand) + _traits(Serve)
    lines += ["## The agent", "", "Arguments of `jupyterhub-vmshare agent`, as root.", ""]
    lines += _traits(ShareAgent)
    lines += ["## Keepers of machines", ""]
    lines += ["Arguments of `jupyterhub-vmshare sandboxes` and `… qemu`, as root.", ""]
    lines += _traits(Keeping) + _traits(Sandboxes) + _traits(Qemu)
    lines += ["## `configure(c, …)`", "", "In `jupyterhub_config.py`.", "", *_arguments()]
    lines += ["## The notebook server", "", "In `jupyter_server_config.py`.", ""]
    return lines + _traits(VMShareExtension)


def _arguments() -> list[str]:
    import inspect

    from jupyterhub_vmshare.configure import configure

    text = inspect.getdoc(configure) or ""
    lines = []
    for line in text.partition("Args:")[2].splitlines():
        name, colon, says = line.strip().partition(": ")
        if line.startswith("    ") and not line.startswith("     ") and colon:
            lines += ["", f"`{name}`", f": {says}"]
        elif line.strip() and line.startswith("     "):
            lines[-1] += f" {line.strip()}"
    return [*lines, ""]


def _traits(kind: Any) -> list[str]:
    from traitlets import Undefined

    lines = []
    for name, trait in sorted(kind.class_own_traits(config=True).items()):
        default = trait.default_value
        shown = "" if default in (Undefined, "", None) else f" (default `{default!r}`)"
        lines += [f"`{kind.__name__}.{name}`{shown}", f": {' '.join(trait.help.split())}", ""]
    return lines


def events() -> list[str]:
    import yaml

    catalogue = yaml.safe_load(EVENTS.read_text(encoding="utf-8"))["events"]
    lines = ["# Events", "", "Past tense, after the commit, only to those who are named.", ""]
    for name, entry in sorted(catalogue.items()):
        seen = ", ".join(entry["seen_by"]).replace("_", " ")
        lines += [f"`{name}`", f": {entry['says']} Seen by: {seen}.", ""]
    return lines
