"""The house's arrows: which room may import which, and how files may be called.

`api` → nouns → `sharing` → `policy`; adapters are imported by wiring alone; `policy` does no I/O.
Every rule is one row of `RULES`; `BREAKERS` breaks each of them in a small tree, so that a rule
that finds nothing any more is noticed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Where packages lie, seen from the repository's root.
PACKAGE_DIRS = ("jupyter_vmshare", "hub_service/jupyterhub_vmshare")

HUB = "jupyterhub_vmshare"
NOUNS = tuple(
    f"{HUB}.{noun}"
    for noun in ("people", "folders", "uploads", "machines", "projects", "workshops", "keys")
)
ADAPTER_ROOMS = (f"{HUB}.cloud", f"{HUB}.storage")
WIRING = (f"={HUB}.app",)
FOUNDATION = tuple(f"{HUB}.{room}" for room in ("words", "ids", "errors", "steps", "db"))
OUTSIDE = ("alembic", "asyncio", "http", "httpx2", "jupyterhub", "os", "psycopg")
CLOCKS = ("socket", "sqlalchemy", "subprocess", "time", "tornado", "urllib")


@dataclass(frozen=True, slots=True)
class Rule:
    """Modules in `rooms` (but `besides`) import nothing of `never`, unless `unless` names it.

    A name stands for the module and all below it; with `=` before it, for that module alone.
    """

    name: str
    rooms: tuple[str, ...]
    never: tuple[str, ...]
    unless: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()


RULES = (
    Rule("policy imports nothing of ours but the words",
         rooms=(f"{HUB}.policy",), never=(HUB, "jupyter_vmshare"),
         unless=(f"{HUB}.policy", f"{HUB}.words")),
    Rule("policy does no I/O and reads no clock",
         rooms=(f"{HUB}.policy",), never=OUTSIDE + CLOCKS),
    Rule("the words import nothing of ours",
         rooms=(f"{HUB}.words",), never=(HUB,), unless=(f"{HUB}.words",)),
    Rule("sharing knows no noun, no handler and no adapter",
         rooms=(f"{HUB}.sharing",), never=(f"{HUB}.api", *NOUNS, *ADAPTER_ROOMS),
         unless=(f"{HUB}.api.contract",)),
    Rule("nouns know no handlers",
         rooms=NOUNS, never=(f"{HUB}.api",), unless=(f"{HUB}.api.contract",)),
    Rule("the foundation knows nothing that stands on it",
         rooms=FOUNDATION, never=(HUB,), unless=FOUNDATION),
    Rule("only wiring imports adapters of the cloud and of the store",
         rooms=(HUB,), never=ADAPTER_ROOMS,
         unless=tuple(f"={room}{part}" for room in ADAPTER_ROOMS for part in ("", ".port")),
         besides=(*WIRING, *ADAPTER_ROOMS, f"={HUB}.commands.keeping",
                  f"={HUB}.commands.qemu", f"={HUB}.commands.sandboxes")),
    Rule("a port does not import its adapters",
         rooms=tuple(f"={room}{part}" for room in ADAPTER_ROOMS for part in ("", ".port")),
         never=ADAPTER_ROOMS,
         unless=tuple(f"={room}.port" for room in ADAPTER_ROOMS)),
    Rule("only the OpenStack adapter imports OpenStack's SDK",
         rooms=(HUB, "jupyter_vmshare"), never=("openstack", "keystoneauth1"),
         besides=(f"{HUB}.cloud.openstack",)),
    Rule("the agent, which is root, takes the words and the messages of the service alone",
         rooms=(f"{HUB}.mounts.agent", f"={HUB}.mounts.messages", f"={HUB}.mounts.wanted",
                f"={HUB}.mounts.fields"),
         never=(HUB, "alembic", "jupyterhub", "pydantic", "sqlalchemy", "structlog", "tornado"),
         unless=(f"{HUB}.mounts.agent", f"={HUB}.mounts.messages", f"={HUB}.mounts.wanted",
                 f"={HUB}.mounts.fields", f"{HUB}.words")),
    Rule("what lies on a machine does with Python alone",
         rooms=(f"{HUB}.relay.machine",),
         never=(HUB, "asyncssh", "cryptography", "httpx2", "pydantic", "sqlalchemy", "tornado"),
         unless=(f"{HUB}.relay.machine.vmshare_kernels",)),
    Rule("keepers of machines, which are root, take the words and the messages alone",
         rooms=(f"{HUB}.cloud.keeper", f"{HUB}.cloud.sandbox.keeper", f"{HUB}.cloud.qemu.keeper"),
         never=(HUB, "alembic", "jupyterhub", "pydantic", "sqlalchemy", "structlog", "tornado"),
         unless=(f"{HUB}.cloud.keeper", f"{HUB}.cloud.sandbox.keeper", f"{HUB}.cloud.qemu.keeper",
                 f"={HUB}.mounts.fields", f"{HUB}.words", f"={HUB}.steps")),
    Rule("what kinds of machines share knows none of them",
         rooms=(f"{HUB}.cloud.keeper", f"={HUB}.cloud.kept", f"={HUB}.cloud.image"),
         never=(f"{HUB}.cloud.sandbox", f"{HUB}.cloud.qemu")),
    Rule("kinds of machines know nothing of each other",
         rooms=(f"{HUB}.cloud.qemu",), never=(f"{HUB}.cloud.sandbox",)),
    Rule("what runs in a machine does with Python alone",
         rooms=(f"{HUB}.cloud.sandbox.inside", f"{HUB}.cloud.qemu.inside"),
         never=(HUB, "tornado", "traitlets")),
    Rule("the relay takes the wire models of the service, and how logins are written",
         rooms=(f"{HUB}.relay.door",),
         never=(HUB, "alembic", "jupyterhub", "psycopg", "sqlalchemy"),
         unless=(f"{HUB}.relay.door", f"{HUB}.api.contract", f"={HUB}.relay.certificates",
                 f"={HUB}.relay.carriage", f"={HUB}.steps")),
    Rule("nobody imports the application but the command that starts it",
         rooms=(HUB,), never=(f"{HUB}.app",),
         besides=(f"={HUB}.__main__", f"={HUB}.app", f"{HUB}.commands")),
    Rule("what runs in the hub's process knows nothing of the service",
         rooms=(f"{HUB}.spawning",), never=(HUB, "alembic", "psycopg", "sqlalchemy", "structlog"),
         unless=(f"{HUB}.spawning",)),
    Rule("what starts a session does with Python alone",
         rooms=(f"{HUB}.spawning.enter",), never=(HUB, "httpx2", "jupyterhub", "traitlets")),
    # What it and a machine speak of kernels is one of them: both ends are one code. So is how SSH
    # carries it.
    Rule("the notebook server takes the wire models from the hub service, and nothing else",
         rooms=("jupyter_vmshare",), never=(HUB,),
         unless=(f"{HUB}.api.contract", f"={HUB}.relay.machine.vmshare_kernels.carrying",
                 f"={HUB}.relay.machine.vmshare_kernels.stream", f"={HUB}.relay.carriage",
                 f"={HUB}.relay.machine.vmshare_kernels")),
    Rule("the hub service does not import the notebook server's package",
         rooms=(HUB,), never=("jupyter_vmshare",)),
    Rule("the notebook server does without the extra [hub]",
         rooms=("jupyter_vmshare",),
         never=("alembic", "jupyterhub", "psycopg", "sqlalchemy", "structlog")),
    Rule("the client does without Jupyter Server",
         rooms=("jupyter_vmshare.client", "jupyter_vmshare.reach"),
         never=("jupyter_server", "jupyter_vmshare.extension", "jupyter_vmshare.routes")),
)  # fmt: skip

# The wire models are read by notebook servers, which have neither a hub nor a database.
CONTRACT = f"{HUB}.api.contract"
CONTRACT_IMPORTS = (CONTRACT, f"{HUB}.words", "pydantic", "typing_extensions", "annotated_types")
# Python runs these on the way to the contract.
CONTRACT_PARENTS = (f"={HUB}", f"={HUB}.api")

FORBIDDEN_NAMES = {"common", "helper", "helpers", "manager2", "misc", "util", "utils"}


@dataclass(frozen=True, slots=True)
class Module:
    """A module of ours, with what it imports: names of our modules, or of top-level others."""

    name: str
    path: Path
    imports: tuple[str, ...]


def covers(pattern: str, module: str) -> bool:
    """Whether a rule's name stands for the module."""
    if pattern.startswith("="):
        return module == pattern[1:]
    return module == pattern or module.startswith(f"{pattern}.")


def covers_any(patterns: tuple[str, ...], module: str) -> bool:
    return any(covers(pattern, module) for pattern in patterns)


def module_name(path: Path, package_dir: Path) -> str:
    parts = path.relative_to(package_dir.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, name: str, is_package: bool, ours: set[str]) -> Iterator[str]:
    """Every module that the tree imports, also inside functions and under TYPE_CHECKING."""
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from room import file` imports the file, `from room import Thing` the room.
                whole = f"{source}.{alias.name}"
                yield whole if whole in ours else source


def modules(root: Path) -> list[Module]:
    """All modules of our packages below `root`."""
    found = [
        (module_name(path, root / package), path)
        for package in PACKAGE_DIRS
        for path in sorted((root / package).rglob("*.py"))
        if "labextension" not in path.parts
    ]
    ours = {name for name, _ in found}
    return [
        Module(name, path, tuple(imported(ast.parse(path.read_text("utf-8")), name,
                                          path.name == "__init__.py", ours)))
        for name, path in found
    ]  # fmt: skip


def breaches(rule: Rule, of: list[Module]) -> list[str]:
    return [
        f"{module.name} imports {target}"
        for module in of
        if covers_any(rule.rooms, module.name) and not covers_any(rule.besides, module.name)
        for target in module.imports
        if covers_any(rule.never, target) and not covers_any(rule.unless, target)
    ]


def contract_breaches(of: list[Module]) -> list[str]:
    allowed = (*CONTRACT_IMPORTS, *sys.stdlib_module_names)
    return [
        f"{module.name} imports {target}"
        for module in of
        if covers_any((CONTRACT, *CONTRACT_PARENTS), module.name)
        for target in module.imports
        if not covers_any(allowed, target)
    ]


def badly_named(of: list[Module]) -> list[str]:
    return [
        module.name for module in of if FORBIDDEN_NAMES.intersection(module.name.lower().split("."))
    ]


@pytest.fixture(scope="module")
def house() -> list[Module]:
    found = modules(ROOT)
    assert {"jupyter_vmshare", HUB} <= {module.name for module in found}
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_arrow(rule: Rule, house: list[Module]) -> None:
    assert breaches(rule, house) == []


def test_the_contract_imports_pydantic_and_the_words_alone(house: list[Module]) -> None:
    assert contract_breaches(house) == []


def test_no_file_is_called_after_nothing(house: list[Module]) -> None:
    assert badly_named(house) == []


HUB_DIR = f"hub_service/{HUB}"
# The rule's name → a file that breaks it, and one beside it that does not.
BREAKERS = {
    "policy imports nothing of ours but the words": (
        (f"{HUB_DIR}/policy/decide.py", f"from {HUB}.sharing import grants"),
        (f"{HUB_DIR}/policy/decide.py", f"from {HUB}.words import Level"),
    ),
    "policy does no I/O and reads no clock": (
        (f"{HUB_DIR}/policy/decide.py", "def now():\n    import time"),
        (f"{HUB_DIR}/policy/decide.py", "from datetime import datetime"),
    ),
    "the words import nothing of ours": (
        (f"{HUB_DIR}/words.py", "from . import errors"),
        (f"{HUB_DIR}/words.py", "from enum import StrEnum"),
    ),
    "sharing knows no noun, no handler and no adapter": (
        (f"{HUB_DIR}/sharing/grants.py", "from ..folders import folder"),
        (f"{HUB_DIR}/sharing/grants.py", "from ..policy import decide"),
    ),
    "nouns know no handlers": (
        (f"{HUB_DIR}/folders/folder.py", f"import {HUB}.api.folders"),
        (f"{HUB_DIR}/folders/folder.py", f"from {HUB}.sharing import Sharing"),
    ),
    "the foundation knows nothing that stands on it": (
        (f"{HUB_DIR}/db/tables.py", f"from {HUB} import sharing"),
        (f"{HUB_DIR}/db/tables.py", f"from {HUB}.words import Level"),
    ),
    "only wiring imports adapters of the cloud and of the store": (
        (f"{HUB_DIR}/folders/folder.py", f"from {HUB}.storage.posix import PosixStore"),
        (f"{HUB_DIR}/app.py", f"from {HUB}.storage.posix import PosixStore"),
    ),
    "a port does not import its adapters": (
        (f"{HUB_DIR}/storage/__init__.py", "from .posix import PosixStore"),
        (f"{HUB_DIR}/storage/posix.py", "from .port import FolderStore"),
    ),
    "only the OpenStack adapter imports OpenStack's SDK": (
        (f"{HUB_DIR}/reconcile/steps.py", "import openstack"),
        (f"{HUB_DIR}/cloud/openstack.py", "import openstack.connection"),
    ),
    "the agent, which is root, takes the words and the messages of the service alone": (
        (f"{HUB_DIR}/mounts/agent/views.py", f"from {HUB}.errors import NotFound"),
        (f"{HUB_DIR}/mounts/agent/views.py", f"from {HUB}.mounts.messages import SESSION_ID"),
    ),
    "what lies on a machine does with Python alone": (
        (f"{HUB_DIR}/relay/machine/part.py", f"from {HUB}.words import Level"),
        (f"{HUB_DIR}/relay/machine/part.py", "import subprocess"),
    ),
    "keepers of machines, which are root, take the words and the messages alone": (
        (f"{HUB_DIR}/cloud/keeper/server.py", f"from {HUB}.errors import NotFound"),
        (f"{HUB_DIR}/cloud/keeper/server.py", f"from {HUB}.cloud.keeper import messages"),
    ),
    "what kinds of machines share knows none of them": (
        (f"{HUB_DIR}/cloud/keeper/server.py", f"from {HUB}.cloud.sandbox import client"),
        (f"{HUB_DIR}/cloud/keeper/server.py", f"from {HUB}.cloud.keeper import messages"),
    ),
    "kinds of machines know nothing of each other": (
        (f"{HUB_DIR}/cloud/qemu/client.py", f"from {HUB}.cloud.sandbox import client"),
        (f"{HUB_DIR}/cloud/qemu/client.py", f"from {HUB}.cloud.keeper import messages"),
    ),
    "what runs in a machine does with Python alone": (
        (f"{HUB_DIR}/cloud/sandbox/inside/init.py", f"from {HUB} import words"),
        (f"{HUB_DIR}/cloud/sandbox/inside/init.py", "import subprocess"),
    ),
    "the relay takes the wire models of the service, and how logins are written": (
        (f"{HUB_DIR}/relay/door/main.py", f"from {HUB}.sharing import grants"),
        (f"{HUB_DIR}/relay/door/main.py", f"from {HUB}.api.contract import Folder"),
    ),
    "nobody imports the application but the command that starts it": (
        (f"{HUB_DIR}/api/routes.py", "from ..app import VMShare"),
        (f"{HUB_DIR}/__main__.py", f"from {HUB}.app import VMShare"),
    ),
    "what runs in the hub's process knows nothing of the service": (
        (f"{HUB_DIR}/spawning/hooks.py", f"from {HUB}.sharing import grants"),
        (f"{HUB_DIR}/spawning/hooks.py", "import jupyterhub"),
    ),
    "what starts a session does with Python alone": (
        (f"{HUB_DIR}/spawning/enter.py", "import httpx2"),
        (f"{HUB_DIR}/spawning/enter.py", "import subprocess"),
    ),
    "the notebook server takes the wire models from the hub service, and nothing else": (
        ("jupyter_vmshare/client/folders.py", f"from {HUB}.words import Level"),
        ("jupyter_vmshare/client/folders.py", f"from {HUB}.api.contract import Folder"),
    ),
    "the hub service does not import the notebook server's package": (
        (f"{HUB_DIR}/app.py", "from jupyter_vmshare import __version__"),
        (f"{HUB_DIR}/app.py", "import jupyter_server"),
    ),
    "the notebook server does without the extra [hub]": (
        ("jupyter_vmshare/routes/folders.py", "from jupyterhub.services.auth import HubAuth"),
        ("jupyter_vmshare/routes/folders.py", "import jupyter_server"),
    ),
    "the client does without Jupyter Server": (
        ("jupyter_vmshare/client/connect.py", "from ..extension import VMShareExtension"),
        ("jupyter_vmshare/client/connect.py", "import httpx2"),
    ),
}


# Modules that the examples are about, as empty files.
FURNITURE = tuple(
    f"{HUB_DIR}/{path}"
    for path in (
        "api/contract/__init__.py",
        "cloud/keeper/messages.py",
        "cloud/sandbox/client.py",
        "errors.py",
        "mounts/messages.py",
        "sharing/__init__.py",
        "sharing/grants.py",
        "storage/port.py",
        "storage/posix.py",
    )
)


def tree_with(root: Path, relative: str, source: str) -> list[Module]:
    """The modules of a small tree in which that one file has a content."""
    for path in (*FURNITURE, relative):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(source if path == relative else "", "utf-8")
    return modules(root)


def test_every_rule_is_broken_once() -> None:
    assert set(BREAKERS) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_breaking_the_rule_is_noticed(rule: Rule, tmp_path: Path) -> None:
    broken, fine = BREAKERS[rule.name]
    assert len(breaches(rule, tree_with(tmp_path / "broken", *broken))) == 1
    assert breaches(rule, tree_with(tmp_path / "fine", *fine)) == []


@pytest.mark.parametrize("path", ["api/contract/folders.py", "api/__init__.py", "__init__.py"])
def test_a_contract_that_needs_a_database_is_noticed(path: str, tmp_path: Path) -> None:
    found = tree_with(
        tmp_path, f"{HUB_DIR}/{path}", "import sqlalchemy\nimport pydantic\nimport json"
    )
    assert len(contract_breaches(found)) == 1


@pytest.mark.parametrize("path", ["db/utils.py", "helpers/__init__.py", "api/misc/things.py"])
def test_a_file_called_after_nothing_is_noticed(path: str, tmp_path: Path) -> None:
    assert len(badly_named(tree_with(tmp_path, f"{HUB_DIR}/{path}", ""))) == 1
