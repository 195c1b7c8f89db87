"""The plugin for The Littlest JupyterHub, by its plugin manager and beside a stand-in of it.

TLJH itself is no package that could be installed here: what it calls, and the two functions of its
that are called, are taken from its documentation and source.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from traitlets.config import Config

from jupyterhub_vmshare import tljh as plugin

hookspec = pluggy.HookspecMarker("tljh")
TLJH = {
    "__init__.py": "",
    "normalize.py": "def generate_system_username(username):\n    return username[:26]\n",
    "user.py": "made = []\ndef ensure_user(username):\n    made.append(username)\n",
}


class Specs:
    """TLJH's own, as far as they are used."""

    @hookspec
    def tljh_extra_user_pip_packages(self) -> Any: ...

    @hookspec
    def tljh_extra_hub_pip_packages(self) -> Any: ...

    @hookspec
    def tljh_extra_apt_packages(self) -> Any: ...

    @hookspec
    def tljh_custom_jupyterhub_config(self, c: Config) -> None: ...

    @hookspec
    def tljh_post_install(self) -> None: ...


@pytest.fixture
def tljh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The hooks of all plugins that are installed here; nothing outside of the test is made."""
    there = tmp_path / "tljh"
    there.mkdir()
    for name, text in TLJH.items():
        (there / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("VMSHARE_DATA_DIR", str(tmp_path))
    manager = pluggy.PluginManager("tljh")
    manager.add_hookspecs(Specs)
    manager.load_setuptools_entrypoints("tljh")
    manager.check_pending()
    yield manager.hook
    for name in ("tljh", "tljh.normalize", "tljh.user"):
        sys.modules.pop(name, None)


def test_it_is_found_by_its_entry_point() -> None:
    assert [entry.module for entry in entry_points(group="tljh")] == ["jupyterhub_vmshare.tljh"]


def test_the_hub_gets_the_service_under_an_account_of_its_own(tljh: Any, tmp_path: Path) -> None:
    c = Config()
    tljh.tljh_custom_jupyterhub_config(c=c)
    [service] = c.JupyterHub.services
    assert (service["user"], service["cwd"]) == ("vmshare", str(tmp_path))
    assert service["environment"]["VMSHARE_DATA_DIR"] == str(tmp_path)
    assert c.Spawner.pre_spawn_hook.mounts.knows_accounts


def test_a_session_has_the_account_that_tljh_gives_it(tljh: Any) -> None:
    long = "ana-with-a-very-long-name-indeed"
    spawner = SimpleNamespace(user=SimpleNamespace(name=long))
    assert plugin.account_of(spawner) == f"jupyter-{long}"[:26]
    from tljh.user import made

    assert made == [f"jupyter-{long}"[:26]]


def test_hub_and_people_get_what_they_need(tljh: Any) -> None:
    [[user]], [[hub]] = tljh.tljh_extra_user_pip_packages(), tljh.tljh_extra_hub_pip_packages()
    assert user.startswith("jupyter-vmshare==") and hub.startswith("jupyter-vmshare[hub]==")
    [packages] = tljh.tljh_extra_apt_packages()
    assert {"bubblewrap", "libfuse3-dev"} <= set(packages)


def test_the_store_is_closed_to_all_others(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("Only root can give a directory away: run the tests as root.")
    plugin.make_account(str(tmp_path / "data"), "nobody")
    found = (tmp_path / "data").stat()
    assert (found.st_uid, found.st_mode & 0o777) == (pwd.getpwnam("nobody").pw_uid, 0o700)
