"""Spawners of systemd and Docker: the real classes, and what they ask to be started."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from docker.api.client import APIClient
from dockerspawner import DockerSpawner, SwarmSpawner
from systemdspawner import systemd
from systemdspawner.systemdspawner import SystemdSpawner
from traitlets.config import Config

from jupyterhub_vmshare.configure import configure
from tests.mounts.sessions.conftest import VIEW, ScriptedService, spawner

pytestmark = pytest.mark.asyncio

BECAUSE = "VMSHARE_MOUNTS_BECAUSE"
NOBODY = pwd.getpwnam("nobody")


def configured(service: ScriptedService, c: Config | None = None, **more: Any) -> Config:
    c = Config() if c is None else c
    configure(c, url=service.url, api_token="t" * 32, **more)
    return c


# --- systemd ---

SYSTEMCTL = """#!/bin/sh
case "$1" in
--version) echo "systemd 252 (252)" ;;
is-active) test -e {where}/started ;;
*) exit 1 ;;
esac
"""
SYSTEMD_RUN = """#!/bin/sh
printf '%s\\n' "$@" > {where}/started
"""


@pytest.fixture
def systemd_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a systemd that starts nothing writes what it was asked for."""
    for name, program in (("systemctl", SYSTEMCTL), ("systemd-run", SYSTEMD_RUN)):
        (tmp_path / name).write_text(program.format(where=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(systemd, "RUN_ROOT", str(tmp_path))
    return tmp_path / "started"


class Unit(SystemdSpawner):
    """As the hub has it once it knows the person: the rest of the hub is not there."""

    def get_env(self) -> dict[str, str]:
        own = {str(name): str(value) for name, value in self.environment.items()}
        return {**own, "PATH": "/usr/bin:/bin"}

    def get_args(self) -> list[str]:
        return ["--ip=127.0.0.1"]


@pytest.mark.scenario("M1")
async def test_a_unit_of_systemd_starts_in_a_view_of_its_own(
    service: ScriptedService, systemd_run: Path
) -> None:
    c = configured(service)
    c.SystemdSpawner.username_template = "{USERNAME}"
    c.Spawner.cmd = ["/opt/jupyterhub-singleuser"]
    someone = spawner(c, Unit, person="nobody")
    await someone.run_pre_spawn_hook()
    await someone.start()
    asked = systemd_run.read_text().splitlines()
    at = asked.index("--")
    assert f"--uid={NOBODY.pw_uid}" in asked[:at]
    assert "--property=NoNewPrivileges=yes" in asked[:at]
    assert f"--view={VIEW}" in asked[:at]
    assert "--own-processes" not in asked, "the account is the person's own"
    assert asked[at + 1 :] == ["/opt/jupyterhub-singleuser", "--ip=127.0.0.1"]
    assert [body["uid"] for _, body, _ in service.told] == [NOBODY.pw_uid]
    await someone.run_post_stop_hook()
    assert someone.cmd == ["/opt/jupyterhub-singleuser"]


async def test_a_unit_with_an_account_of_the_moment_starts_without(
    service: ScriptedService, systemd_run: Path
) -> None:
    c = configured(service)
    c.SystemdSpawner.dynamic_users = True
    someone = spawner(c, Unit)
    await someone.run_pre_spawn_hook()
    assert "dynamic_users" in someone.environment[BECAUSE]
    assert service.told == []


# --- Docker ---


class Container(DockerSpawner):
    """As the hub has it, with a Docker that makes nothing."""

    asked: dict[str, Any]

    def get_env(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in self.environment.items()}

    @property
    def client(self) -> Any:
        client: Any = APIClient
        return client(base_url="tcp://127.0.0.1:1", version="1.43")

    async def docker(self, method: str, *args: Any, **asked: Any) -> None:
        assert method == "create_container"
        self.asked = asked

    async def get_command(self) -> list[str]:
        return ["start-singleuser.py"]


async def made(c: Config) -> Any:
    """Ben's session, whose container is made of ``asked``."""
    ben = spawner(c, Container)
    await ben.run_pre_spawn_hook()
    await ben.create_object()
    return ben


@pytest.mark.scenario("M1")
async def test_a_container_gets_the_view_and_what_is_mounted_in_it_later(
    service: ScriptedService,
) -> None:
    c = Config()
    c.DockerSpawner.volumes = {"home-{username}": "/home/jovyan/work"}
    ben = await made(configured(service, c))
    host = ben.asked["host_config"]
    assert sorted(host["Binds"]) == [
        f"{VIEW}:/srv/vmshare-view:rw,rslave",
        "home-ben:/home/jovyan/work:rw",
    ]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert ben.asked["environment"]["VMSHARE_VIEW"] == "/srv/vmshare-view/m"
    assert [(body["uid"], body["gid"]) for _, body, _ in service.told] == [(1000, 100)]
    await ben.run_post_stop_hook()
    assert ben.volumes == {"home-{username}": "/home/jovyan/work"}
    assert ben.extra_host_config == {} and "VMSHARE_VIEW" not in ben.environment


async def test_what_the_operator_says_of_containers_stays(service: ScriptedService) -> None:
    c = Config()
    c.DockerSpawner.extra_host_config = lambda spawner: {
        "security_opt": ["label=disable"],
        "cap_drop": ["ALL"],
    }
    ben = await made(configured(service, c, session_account=lambda spawner: (4242, 4243)))
    assert ben.asked["host_config"]["SecurityOpt"] == ["label=disable", "no-new-privileges"]
    assert ben.asked["host_config"]["CapDrop"] == ["ALL"]
    assert [body["uid"] for _, body, _ in service.told] == [4242]


@pytest.mark.scenario("M7")
@pytest.mark.parametrize(
    ("config", "named"),
    [
        pytest.param({"privileged": True}, "privileged", id="privileged"),
        pytest.param({"cap_add": ["SYS_ADMIN"]}, "SYS_ADMIN", id="may mount"),
        pytest.param({"security_opt": ["seccomp=unconfined"]}, "seccomp", id="no filter"),
        pytest.param({"pid_mode": "host"}, "pid_mode", id="sees the machine's processes"),
    ],
)
async def test_a_container_with_the_machines_rights_gets_none(
    service: ScriptedService, config: dict[str, Any], named: str
) -> None:
    c = Config()
    c.DockerSpawner.extra_host_config = config
    ben = await made(configured(service, c))
    assert named in ben.environment[BECAUSE]
    assert ben.volumes == {}
    assert service.told == []


@pytest.mark.scenario("M8")
async def test_a_container_on_a_node_that_can_t_mount_starts_without(
    service: ScriptedService,
) -> None:
    service.view, service.because = None, "There is no agent on this node."
    ben = await made(configured(service))
    assert ben.asked["host_config"].get("Binds") in (None, [])
    assert ben.asked["environment"][BECAUSE] == "There is no agent on this node."


async def test_a_session_on_another_node_is_told_of_by_the_hub_alone(
    service: ScriptedService,
) -> None:
    ben = await made(configured(service, session_node=lambda spawner: f"of-{spawner.user.name}"))
    [(_, told, _)] = service.told
    assert told["node"] == "of-ben"
    assert f"{VIEW}:/srv/vmshare-view:rw,rslave" in ben.asked["host_config"]["Binds"]


async def test_a_swarm_chooses_the_machine_and_starts_without(service: ScriptedService) -> None:
    ben = spawner(configured(service), SwarmSpawner)
    await ben.run_pre_spawn_hook()
    assert "SwarmSpawner" in ben.environment[BECAUSE]
    assert service.told == []
