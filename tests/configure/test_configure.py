"""``configure(c)`` on configurations as operators have them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jupyterhub
import pytest
from traitlets.config import Config

from jupyterhub_vmshare.commands.relay import RunRelay
from jupyterhub_vmshare.commands.serve import Serve
from jupyterhub_vmshare.configure import CONFIRM, ORGANIZE, USE, configure
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fakes.cloud import FakeCloud

ACCESS = "access:services!service=vmshare"
USE_HERE = f"{USE}!server"


def role(c: Config, name: str) -> dict[str, Any]:
    found = [role for role in c.JupyterHub.load_roles if role["name"] == name]
    assert len(found) == 1, f"{name}: {len(found)} times"
    return dict(found[0])


def service(c: Config) -> dict[str, Any]:
    return next(dict(s) for s in c.JupyterHub.services if s["name"] == "vmshare")


def test_an_empty_configuration() -> None:
    c = Config()
    configure(c)
    assert service(c)["oauth_client_allowed_scopes"] == [CONFIRM, ORGANIZE]
    assert service(c)["command"][-3:] == ["-m", "jupyterhub_vmshare", "serve"]
    assert set(c.JupyterHub.custom_scopes) == {USE, CONFIRM, ORGANIZE}
    assert role(c, "user")["scopes"] == ["self", ACCESS, USE, CONFIRM]
    assert role(c, "server")["scopes"] == [
        "users:activity!user",
        "access:servers!server",
        USE_HERE,
        ACCESS,
    ]
    assert role(c, "vmshare-service") == {
        "name": "vmshare-service",
        "description": "What VMShare may ask the hub",
        "scopes": [
            *("read:users", "list:groups", "read:groups", "read:shares"),
            "delete:servers",
        ],
        "services": ["vmshare"],
    }
    assert c.Spawner.server_token_scopes == role(c, "server")["scopes"]
    assert c.Spawner.oauth_client_allowed_scopes == [USE_HERE, ACCESS]


def test_nobody_gets_use_without_a_filter_through_a_server() -> None:
    c = Config()
    configure(c)
    assert USE not in c.Spawner.server_token_scopes
    assert USE not in c.Spawner.oauth_client_allowed_scopes
    assert USE not in service(c)["oauth_client_allowed_scopes"]


def operators() -> Config:
    """What a hub has before VMShare comes."""
    c = Config()
    c.JupyterHub.services = [{"name": "cull-idle", "command": ["cull"]}]
    c.JupyterHub.custom_scopes = {"custom:grader:use": {"description": "Grade"}}
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": ["self", "shares!user"], "description": "Ours"},
        {"name": "graders", "scopes": ["custom:grader:use"], "groups": ["graders"]},
    ]
    c.Spawner.server_token_scopes = ["users:activity!user", "custom:grader:use"]
    c.Spawner.oauth_client_allowed_scopes = ["custom:grader:use"]
    c.Spawner.environment = {"GRADER": "1"}
    return c


def test_what_the_operator_has_set_stays() -> None:
    c = operators()
    configure(c)
    assert [s["name"] for s in c.JupyterHub.services] == ["cull-idle", "vmshare"]
    assert "custom:grader:use" in c.JupyterHub.custom_scopes
    assert role(c, "user")["scopes"] == ["self", "shares!user", ACCESS, USE, CONFIRM]
    assert role(c, "user")["description"] == "Ours"
    assert role(c, "graders")["groups"] == ["graders"]
    assert c.Spawner.server_token_scopes == [
        "users:activity!user",
        "custom:grader:use",
        USE_HERE,
        ACCESS,
    ]
    assert c.Spawner.oauth_client_allowed_scopes == ["custom:grader:use", USE_HERE, ACCESS]
    assert c.Spawner.environment["GRADER"] == "1"


@pytest.mark.parametrize("before", [Config, operators], ids=["empty", "an operator's"])
def test_twice_is_once(before: Any) -> None:
    once, twice = before(), before()
    configure(once, organizers=["teachers"], api_token="s" * 32)
    configure(twice, organizers=["teachers"], api_token="s" * 32)
    configure(twice, organizers=["teachers"])
    assert repr(twice) == repr(once)


def test_a_managed_services_token_is_drawn_once_and_kept() -> None:
    c = Config()
    configure(c)
    drawn = service(c)["api_token"]
    assert len(drawn) == 64
    configure(c)
    assert service(c)["api_token"] == drawn
    other = Config()
    configure(other)
    assert service(other)["api_token"] != drawn


def test_what_people_may_have_is_told_to_a_managed_service() -> None:
    c = Config()
    configure(c, most_gigabytes=0.5, trash_days=30, environment={"VMSHARE_MOST_FOLDERS": "7"})
    assert service(c)["environment"] == {
        "VMSHARE_MOST_GIGABYTES": "0.5",
        "VMSHARE_TRASH_DAYS": "30",
        "VMSHARE_MOST_FOLDERS": "7",
    }
    other = Config()
    configure(other)
    assert "environment" not in service(other)


@pytest.mark.parametrize("said", [{}, {"most_folders": 5}], ids=["nothing", "in its own way"])
def test_the_service_takes_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, int]
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "t")
    monkeypatch.setenv("VMSHARE_MOST_GIGABYTES", "0.5")
    monkeypatch.setenv("VMSHARE_TRASH_DAYS", "30")
    settings = Serve(**said).settings()
    assert settings.limits == Limits(1 << 29, said.get("most_folders"))
    assert settings.trash_for == timedelta(days=30)


def test_a_cloud_is_named_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    c = Config()
    configure(c, cloud="tests.fakes.cloud:FakeCloud")
    assert service(c)["environment"] == {"VMSHARE_CLOUD": "tests.fakes.cloud:FakeCloud"}

    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "t")
    assert Serve().settings().cloud is None
    monkeypatch.setenv("VMSHARE_CLOUD", "tests.fakes.cloud:FakeCloud")
    settings = Serve(cloud_address="here", machine_drive_gib=0).settings()
    assert isinstance(settings.cloud, FakeCloud)
    assert (settings.cloud.name, settings.machine_rules.drive_gib) == ("here", 0)


@pytest.mark.parametrize("name", ["no-such-cloud", "tests.fakes.cloud:Nothing", "no.module:f"])
def test_a_cloud_that_is_none_ends_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "t")
    with pytest.raises(SystemExit):
        Serve(cloud=name).settings()


def test_a_relay_that_the_hub_starts_is_let_in_by_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = Config()
    for _ in range(2):
        configure(c, relay="hub.example.org:2222", environment={"VMSHARE_DATA_DIR": "there"})
    [relay] = [each for each in c.JupyterHub.services if each["name"] == "vmshare-relay"]
    told = service(c)["environment"]
    for name, value in {**told, **relay["environment"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", service(c)["api_token"])
    serve = Serve(data_dir=str(tmp_path))
    assert serve.relay() == RelayAddress("hub.example.org", 2222)
    started = RunRelay()
    started.parse_command_line(relay["command"][4:])
    settings = started.settings()
    assert (settings.host, settings.port) == ("", 2222)
    assert settings.service.url == "http://127.0.0.1:10110/services/vmshare/"
    assert serve.relay_keys().who(settings.service.headers) == "relay"
    other = Config()
    configure(other, relay="hub.example.org:2222")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", service(other)["api_token"])
    with pytest.raises(NotFound):
        serve.relay_keys().who(settings.service.headers)


def test_a_relay_that_would_send_its_key_over_a_network_is_not_started() -> None:
    with pytest.raises(ValueError, match="without TLS over a network"):
        configure(Config(), url="http://vmshare:10110", relay="hub.example.org:2222")
    with pytest.raises(ValueError, match="host:port"):
        configure(Config(), relay="hub.example.org")


def test_the_operators_own_dictionaries_are_not_changed() -> None:
    theirs = {"name": "user", "scopes": ["self"]}
    c = Config()
    c.JupyterHub.load_roles = [theirs]
    configure(c)
    assert theirs == {"name": "user", "scopes": ["self"]}


def test_what_is_appended_to_a_default_is_worked_in() -> None:
    c = Config()
    c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", "shares!user"]})
    c.JupyterHub.services.append({"name": "cull-idle"})
    c.Spawner.environment.update({"GRADER": "1"})
    c.Spawner.oauth_client_allowed_scopes.append("custom:grader:use")
    configure(c)
    assert "shares!user" in role(c, "user")["scopes"]
    assert len(c.JupyterHub.services) == 2
    assert c.Spawner.environment["GRADER"] == "1"
    assert c.Spawner.oauth_client_allowed_scopes[0] == "custom:grader:use"


def test_a_server_role_of_the_operators_own() -> None:
    c = Config()
    c.JupyterHub.load_roles = [{"name": "server", "scopes": ["users:activity!user", "tokens!user"]}]
    configure(c)
    assert c.Spawner.server_token_scopes == [
        "users:activity!user",
        "tokens!user",
        USE_HERE,
        ACCESS,
    ]


def test_a_spawner_class_with_settings_of_its_own() -> None:
    c = Config()
    c.KubeSpawner.environment = {"POD": "1"}
    c.KubeSpawner.server_token_scopes = ["users:activity!user"]
    configure(c)
    assert "VMSHARE_SERVICE_URL" in c.KubeSpawner.environment
    assert USE_HERE in c.KubeSpawner.server_token_scopes
    assert USE_HERE in c.Spawner.server_token_scopes


@pytest.mark.parametrize("is_async", [False, True], ids=["a function", "an async function"])
def test_scopes_that_a_function_of_the_operators_gives(is_async: bool) -> None:
    def scopes(spawner: Any) -> list[str]:
        return ["users:activity!user", f"custom:{spawner.name}:use"]

    async def later(spawner: Any) -> list[str]:
        return scopes(spawner)

    c = Config()
    c.Spawner.server_token_scopes = later if is_async else scopes
    configure(c)
    configure(c)
    ask = c.Spawner.server_token_scopes
    assert asyncio.run(ask(SimpleNamespace(name="gpu"))) == [
        "users:activity!user",
        "custom:gpu:use",
        USE_HERE,
        ACCESS,
    ]


def test_extra_user_scopes_of_jupyterhub_6(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are ignored as soon as the role is redefined, so it is not."""
    monkeypatch.setattr(jupyterhub, "version_info", (6, 1, 1, "", ""))
    c = Config()
    c.JupyterHub.extra_user_scopes = {"shares!user"}
    configure(c)
    assert c.JupyterHub.extra_user_scopes == {"shares!user", ACCESS, USE, CONFIRM}
    assert "user" not in [role["name"] for role in c.JupyterHub.load_roles]


def test_extra_user_scopes_mean_nothing_to_jupyterhub_5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyterhub, "version_info", (5, 5, 1, "", ""))
    c = Config()
    c.JupyterHub.extra_user_scopes = {"shares!user"}
    configure(c)
    assert role(c, "user")["scopes"] == ["self", ACCESS, USE, CONFIRM]


def test_a_service_that_the_operator_starts() -> None:
    c = Config()
    configure(c, managed=False, api_token="s" * 32, url="http://vmshare:10110")
    assert "command" not in service(c)
    assert service(c)["api_token"] == "s" * 32
    with pytest.raises(ValueError, match="api_token"):
        configure(Config(), managed=False)


def test_organizers() -> None:
    c = Config()
    configure(c, organizers=["teachers", "deans"])
    assert role(c, "vmshare-organizers")["groups"] == ["deans", "teachers"]
    assert role(c, "vmshare-organizers")["scopes"] == [ORGANIZE]


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        pytest.param("/hub/", "http://127.0.0.1:10110/services/vmshare/", id="at the root"),
        pytest.param(
            "/lab/hub/", "http://127.0.0.1:10110/lab/services/vmshare/", id="below a path"
        ),
    ],
)
def test_where_sessions_find_the_service(base_url: str, expected: str) -> None:
    c = Config()
    configure(c)
    address = c.Spawner.environment["VMSHARE_SERVICE_URL"]
    assert address(SimpleNamespace(hub=SimpleNamespace(base_url=base_url))) == expected


def test_where_sessions_find_it_through_the_proxy() -> None:
    c = Config()
    configure(c, session_url="https://hub.example.org/")
    address = c.Spawner.environment["VMSHARE_SERVICE_URL"]
    spawner = SimpleNamespace(hub=SimpleNamespace(base_url="/hub/"))
    assert address(spawner) == "https://hub.example.org/services/vmshare/"
