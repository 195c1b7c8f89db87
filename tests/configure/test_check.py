"""``configure --check``: what it says of configurations, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from jupyterhub_vmshare.commands.configure import CheckConfiguration
from jupyterhub_vmshare.configure import USE, configure
from jupyterhub_vmshare.configure_check import check, check_config
from jupyterhub_vmshare.spawning.node import lacks
from tests.mounts.sessions.spawners import Remote

Change = Callable[[Config], Any]


def sound() -> Config:
    """A configuration that leaves nothing to say."""
    c = Config()
    c.JupyterHub.subdomain_host = "https://hub.example.org"
    c.JupyterHub.authenticator_class = "pam"
    c.JupyterHub.spawner_class = "systemdspawner.SystemdSpawner"
    configure(c)
    return c


def codes(c: Config, severity: str) -> set[str]:
    found = {f.code for f in check_config(c) if f.severity == severity}
    # What this very machine lacks is not the configuration's.
    return found - {code for code, _ in lacks()}


def roles(c: Config, *more: dict[str, Any]) -> None:
    c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, *more]


def without_role(c: Config, name: str) -> None:
    c.JupyterHub.load_roles = [r for r in c.JupyterHub.load_roles if r["name"] != name]


def put(section: str, key: str, value: Any) -> Change:
    return lambda c: c[section].update({key: value})


def test_a_sound_configuration_says_what_it_sets_and_nothing_else() -> None:
    assert codes(sound(), "warning") | codes(sound(), "problem") == set()
    assert codes(sound(), "set") | {"mounts"} == {
        "service",
        "custom-scope",
        "user-role",
        "service-role",
        "session-scopes",
        "session-address",
        "mounts",
    }


WARNINGS = [
    pytest.param(put("JupyterHub", "subdomain_host", ""), "no-subdomains", id="one origin"),
    pytest.param(
        put("JupyterHub", "authenticator_class", "dummy"), "dummy-authenticator", id="anybody"
    ),
    pytest.param(
        put(
            "JupyterHub",
            "authenticator_class",
            "jupyterhub.authenticators.dummy.DummyAuthenticator",
        ),
        "dummy-authenticator",
        id="anybody, by the class's whole name",
    ),
    pytest.param(
        put("JupyterHub", "spawner_class", "simple"), "sessions-share-an-account", id="one account"
    ),
    pytest.param(
        lambda c: roles(c, {"name": "staff", "scopes": ["access:servers"], "groups": ["staff"]}),
        "access-past-shares",
        id="a role that opens servers",
    ),
    pytest.param(
        lambda c: roles(
            c, {"name": "staff", "scopes": ["access:servers!group=lab"], "users": ["ana"]}
        ),
        "access-past-shares",
        id="a role that opens a group's servers",
    ),
    pytest.param(
        put("Authenticator", "admin_users", {"root-hub"}), "admins-reach-servers", id="admins"
    ),
    pytest.param(put("JupyterHub", "subdomain_host", "http://hub"), "no-tls", id="without TLS"),
    pytest.param(
        lambda c: roles(c, {"name": "x", "scopes": ["admin:users"], "services": ["vmshare"]}),
        "service-too-strong",
        id="a service that may do too much",
    ),
    pytest.param(
        put("JupyterHub", "spawner_class", Remote),
        "no-session-account",
        id="a spawner that starts sessions elsewhere",
    ),
    pytest.param(
        put("Spawner", "oauth_client_allowed_scopes", lambda spawner: []),
        "session-scopes-unknown",
        id="a function that it can't look into",
    ),
]


@pytest.mark.parametrize(("change", "code"), WARNINGS)
def test_what_it_warns_of(change: Change, code: str) -> None:
    c = sound()
    change(c)
    assert code in codes(c, "warning")
    assert codes(c, "problem") == set()


PROBLEMS = [
    pytest.param(put("JupyterHub", "services", []), "no-service", id="no service"),
    pytest.param(put("JupyterHub", "custom_scopes", {}), "custom-scope", id="no scopes"),
    pytest.param(lambda c: without_role(c, "user"), "user-role", id="the user's role is gone"),
    pytest.param(
        lambda c: c.JupyterHub.load_roles[0].update(scopes=[USE]), "user-role-self", id="no self"
    ),
    pytest.param(
        lambda c: without_role(c, "vmshare-service"), "service-role", id="the service may nothing"
    ),
    pytest.param(
        put("Spawner", "server_token_scopes", ["users:activity!user"]),
        "session-scopes",
        id="set anew after configure(c)",
    ),
    pytest.param(
        put("KubeSpawner", "oauth_client_allowed_scopes", []),
        "session-scopes",
        id="a spawner class that overrides it",
    ),
    pytest.param(
        put("Spawner", "oauth_client_allowed_scopes", [USE]),
        "session-scopes-unlimited",
        id="visitors' tokens without a filter",
    ),
    pytest.param(put("Spawner", "environment", {}), "session-address", id="sessions don't know"),
    pytest.param(
        put("Spawner", "pre_spawn_hook", print), "mounts-hook", id="a hook set after configure(c)"
    ),
    pytest.param(
        put("KubeSpawner", "post_stop_hook", print), "mounts-hook", id="a class's own hook"
    ),
]


@pytest.mark.parametrize(("change", "code"), PROBLEMS)
def test_what_will_not_work(change: Change, code: str) -> None:
    c = sound()
    change(c)
    assert code in codes(c, "problem")


def test_what_a_machine_lacks_for_mounts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = {f.code: f.message for f in check_config(sound())}
    assert "apt-get install bubblewrap" in found["no-bubblewrap"]
    assert "mounts" not in found


def test_an_operator_who_says_the_account_is_not_warned() -> None:
    c = sound()
    c.JupyterHub.spawner_class = Remote
    configure(c, session_account=lambda spawner: "nobody")
    assert codes(c, "warning") == set()


def test_mounts_that_are_switched_off_are_no_problem() -> None:
    c = Config()
    configure(c, mounts=False)
    assert "mounts-off" in codes(c, "set")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put("JupyterHub", "bind_url", "http://127.0.0.1:8000"), id="loopback"),
        pytest.param(put("JupyterHub", "ssl_cert", "/etc/cert.pem"), id="its own certificate"),
        pytest.param(put("JupyterHub", "public_url", "https://hub.example.org"), id="a proxy"),
    ],
)
def test_where_http_is_enough(change: Change) -> None:
    c = sound()
    c.JupyterHub.subdomain_host = ""
    change(c)
    assert "no-tls" not in codes(c, "warning")


def test_ones_own_servers_and_services_are_no_reason_to_warn() -> None:
    c = sound()
    roles(
        c,
        {"name": "own", "scopes": ["access:servers!user", "shares!user"], "groups": ["lab"]},
        {"name": "culler", "scopes": ["admin:servers"], "services": ["cull-idle"]},
    )
    assert codes(c, "warning") == set()


def test_the_example_is_sound() -> None:
    path = Path(__file__).parents[2] / "deploy/jupyterhub/jupyterhub_config.py"
    found = {f.code for f in check(str(path)) if f.severity != "set"}
    assert found - {code for code, _ in lacks()} == set()


CONFIG = """
from jupyterhub_vmshare.configure import configure
c = get_config()
c.JupyterHub.authenticator_class = "dummy"
configure(c)
{more}
"""


@pytest.mark.parametrize(
    ("more", "code"),
    [pytest.param("", 0, id="works"), pytest.param("c.JupyterHub.services = []", 1, id="broken")],
)
def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, code: int
) -> None:
    path = tmp_path / "jupyterhub_config.py"
    path.write_text(CONFIG.format(more=more))
    command = CheckConfiguration()
    command.initialize(["--check", "-f", str(path)])
    with pytest.raises(SystemExit) as ended:
        command.start()
    assert ended.value.code == code
    printed = capsys.readouterr().out
    assert ("dummy-authenticator" in printed) is (code == 0)
    assert ("PROBLEM" in printed) is (code == 1)


def test_the_command_on_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    command = CheckConfiguration()
    command.initialize(["--check", "-f", "/nowhere/jupyterhub_config.py"])
    with pytest.raises(SystemExit) as ended:
        command.start()
    assert ended.value.code == 2
    assert "can't be read" in capsys.readouterr().out


def test_the_example_in_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "jupyterhub_config.py"
    path.write_text(CONFIG.format(more=""))
    assert "problem" not in {finding.severity for finding in check(str(path))}
