"""The spawner's hooks: whom they tell what, and that nothing holds a start up."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import pwd
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner, Spawner
from traitlets import Any as AnyTrait
from traitlets import default
from traitlets.config import Config

from jupyterhub_vmshare.configure import configure
from tests.mounts.sessions.conftest import VIEW, ScriptedService, spawner
from tests.mounts.sessions.spawners import OfAnAccount, Remote

pytestmark = pytest.mark.asyncio

TOKEN = "t" * 32
BECAUSE = "VMSHARE_MOUNTS_BECAUSE"
HELD_UP = 10.0
"""Seconds, five times what a start may be held up: the machine may be busy."""


def configured(service: ScriptedService, c: Config | None = None, **more: Any) -> Config:
    c = Config() if c is None else c
    c.Spawner.cmd = ["jupyterhub-singleuser"]
    configure(c, url=service.url, api_token=TOKEN, **more)
    return c


def is_wrapped(spawner: Any) -> bool:
    return "--" in spawner.cmd and spawner.cmd[-1] == "jupyterhub-singleuser"


async def told(service: ScriptedService, *expected: tuple[str, str]) -> None:
    """Waits until the service was told exactly that."""
    deadline = time.monotonic() + HELD_UP
    while service.calls() != [*expected] and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert service.calls() == [*expected]


async def test_a_start_and_an_end_are_told_with_the_hubs_secret(service: ScriptedService) -> None:
    ben = spawner(configured(service), name="gpu")
    await ben.run_pre_spawn_hook()
    await ben.run_post_stop_hook()
    secret = hmac.new(TOKEN.encode(), b"vmshare hub hook", hashlib.sha256).hexdigest()
    named = {"person": "ben", "server_name": "gpu"}
    account = {"uid": os.getuid(), "gid": os.getgid()}
    assert service.told == [
        ("POST", {**named, **account, "wait_seconds": 1.5}, f"Bearer {secret}"),
        ("DELETE", named, f"Bearer {secret}"),
    ]


async def test_the_command_is_wrapped_for_one_start(service: ScriptedService) -> None:
    ben = spawner(configured(service))
    for _ in range(2):
        await ben.run_pre_spawn_hook()
        assert is_wrapped(ben)
        assert ben.cmd.count("--") == 1
        assert f"--view={VIEW}" in ben.cmd
        assert "--door=/run/vmshare/doors/ses_1" in ben.cmd
        assert "--hide=/run/vmshare" in ben.cmd
        assert "--own-processes" in ben.cmd, "sessions of one account are kept apart"
        assert BECAUSE not in ben.environment
    await ben.run_post_stop_hook()
    assert ben.cmd == ["jupyterhub-singleuser"]


async def test_a_login_shell_runs_inside_too(service: ScriptedService) -> None:
    c = configured(service)
    c.LocalProcessSpawner.shell_cmd = ["bash", "-l", "-c"]
    ben = spawner(c)
    await ben.run_pre_spawn_hook()
    assert ben.cmd == ["jupyterhub-singleuser"]
    assert ben.shell_cmd[-4:] == ["--", "bash", "-l", "-c"]


async def test_what_the_store_keeps_is_hidden(service: ScriptedService) -> None:
    environment = {"VMSHARE_DATA_DIR": "/srv/vmshare"}
    c = configured(service, environment=environment, hidden_from_sessions=["/srv/store"])
    ben = spawner(c)
    await ben.run_pre_spawn_hook()
    assert {"--hide=/srv/vmshare", "--hide=/srv/store"} <= set(ben.cmd)


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("view", [VIEW, None], ids=["with a view", "without a view of its own"])
async def test_the_agents_directory_is_hidden_from_a_session(
    view: str | None, service: ScriptedService
) -> None:
    service.view = view
    ben = spawner(configured(service))
    await ben.run_pre_spawn_hook()
    # Neighbours of the same account have their views in there.
    assert ben.cmd.count("--hide=/run/vmshare") == 1


NOBODY = pwd.getpwnam("nobody")
HUBS = os.getuid()
ACCOUNTS = [
    pytest.param(SimpleLocalProcessSpawner, "ben", None, HUBS, True, id="the hub's own account"),
    pytest.param(
        LocalProcessSpawner, "nobody", None, NOBODY.pw_uid, False, id="an account of that name"
    ),
    pytest.param(OfAnAccount, "ben", None, NOBODY.pw_uid, False, id="the class names it"),
    pytest.param(
        Remote, "ben", lambda s: "nobody", NOBODY.pw_uid, False, id="the operator names it"
    ),
    pytest.param(
        Remote, "ben", lambda s: (4242, 4243), 4242, True, id="the operator gives a number"
    ),
]


@pytest.mark.scenario("M7")
@pytest.mark.parametrize(("kind", "person", "account", "uid", "is_shared"), ACCOUNTS)
async def test_whose_processes_they_are(
    service: ScriptedService,
    kind: type[Spawner],
    person: str,
    account: Any,
    uid: int,
    is_shared: bool,
) -> None:
    if uid != os.getuid() and os.geteuid() != 0:
        pytest.skip("Only root can look what another account can do: run the tests as root.")
    ben = spawner(configured(service, session_account=account), kind, person=person)
    await ben.run_pre_spawn_hook()
    assert [body["uid"] for _, body, _ in service.told] == [uid]
    assert is_wrapped(ben), ben.environment
    assert ("--own-processes" in ben.cmd) == is_shared


STRANGERS = [
    pytest.param(Remote, "Remote", id="a spawner that starts sessions elsewhere"),
    pytest.param(LocalProcessSpawner, "no account", id="a person without an account"),
]


@pytest.mark.parametrize(("kind", "named"), STRANGERS)
async def test_who_has_no_account_here_starts_without(
    service: ScriptedService, kind: type[Spawner], named: str
) -> None:
    ben = spawner(configured(service), kind, person="ben-who-is-not-here")
    await ben.run_pre_spawn_hook()
    await ben.run_post_stop_hook()
    assert service.told == []
    assert ben.cmd == ["jupyterhub-singleuser"]


@pytest.mark.scenario("M8")
async def test_without_bubblewrap_it_says_how_to_get_it(
    service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ben = spawner(configured(service))
    await ben.run_pre_spawn_hook()
    assert "apt-get install bubblewrap" in ben.environment[BECAUSE]
    assert ben.cmd == ["jupyterhub-singleuser"]
    assert service.told == []


BUBBLEWRAPS = [
    pytest.param("exec sleep 60", id="it takes long"),
    pytest.param("echo 'bwrap: No space left on device' >&2; exit 1", id="nothing is left for it"),
]


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("does", BUBBLEWRAPS)
async def test_a_bubblewrap_in_trouble_takes_no_walls_away(
    service: ScriptedService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: str
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{does}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ben = spawner(configured(service))
    await asyncio.wait_for(ben.run_pre_spawn_hook(), HELD_UP)
    assert "--own-processes" in ben.cmd, "what starts the session judges for itself"
    assert ben.environment[BECAUSE]


@pytest.mark.scenario("M8")
async def test_a_machine_that_mounts_nothing_says_why(service: ScriptedService) -> None:
    service.view, service.because = None, "There is no agent on this node."
    ben = spawner(configured(service))
    await ben.run_pre_spawn_hook()
    assert ben.environment[BECAUSE] == "There is no agent on this node."
    assert is_wrapped(ben), "sessions of one account are kept apart all the same"
    assert not any(word.startswith("--view") for word in ben.cmd)
    await ben.run_post_stop_hook()
    assert ben.cmd == ["jupyterhub-singleuser"]
    assert BECAUSE not in ben.environment


def _answers(status: int) -> Callable[[ScriptedService], None]:
    return lambda service: setattr(service, "status", status)


def _dawdles(service: ScriptedService) -> None:
    service.pause = 60


FAILURES = [
    pytest.param(_answers(500), id="it fails"),
    pytest.param(_answers(401), id="it does not know the hub"),
    pytest.param(_dawdles, id="it does not answer"),
    pytest.param(lambda s: setattr(s, "view", "../x"), id="it answers nonsense"),
]


@pytest.mark.parametrize("fail", FAILURES)
async def test_a_service_in_trouble_holds_nobody_up(
    service: ScriptedService, fail: Callable[[ScriptedService], None]
) -> None:
    fail(service)
    ben = spawner(configured(service))
    await asyncio.wait_for(ben.run_pre_spawn_hook(), HELD_UP)
    assert "did not answer" in ben.environment[BECAUSE]
    assert is_wrapped(ben)
    await asyncio.wait_for(ben.run_post_stop_hook(), HELD_UP)


async def test_a_start_waits_as_long_as_the_operator_says(service: ScriptedService) -> None:
    service.pause = 2.5  # longer than by default
    ben = spawner(configured(service, mounts_deadline=40))
    await ben.run_pre_spawn_hook()
    assert f"--view={VIEW}" in ben.cmd
    [(_, told, _)] = service.told
    assert told["wait_seconds"] == 30, "the service answers before the hook gives up"


@pytest.mark.parametrize("seconds", [0, -1, 61])
async def test_a_deadline_that_makes_no_sense_is_refused(
    service: ScriptedService, seconds: float
) -> None:
    with pytest.raises(ValueError, match="mounts_deadline"):
        configured(service, mounts_deadline=seconds)


async def test_a_service_that_is_down_holds_nobody_up(service: ScriptedService) -> None:
    c = Config()
    c.Spawner.cmd = ["jupyterhub-singleuser"]
    configure(c, url="http://127.0.0.1:9", api_token=TOKEN)
    ben = spawner(c)
    await asyncio.wait_for(ben.run_pre_spawn_hook(), HELD_UP)
    assert "did not answer" in ben.environment[BECAUSE]
    await asyncio.wait_for(ben.run_post_stop_hook(), HELD_UP)


async def test_an_end_is_told_as_soon_as_the_service_is_back(service: ScriptedService) -> None:
    ben = spawner(configured(service))
    service.status = 503
    await ben.run_post_stop_hook()
    service.status = 201
    await told(service, ("DELETE", ""), ("DELETE", ""))
    await asyncio.sleep(0.1)
    await told(service, ("DELETE", ""), ("DELETE", ""))


async def test_an_end_that_was_not_told_does_not_end_the_next_session(
    service: ScriptedService,
) -> None:
    c = configured(service)
    service.status = 503
    await spawner(c).run_post_stop_hook()
    service.status = 201
    await spawner(c).run_pre_spawn_hook()
    # Longer than until the next attempt.
    await asyncio.sleep(2.5)
    assert service.calls()[-1] == ("POST", "")


async def test_a_start_that_was_given_up_is_ended(service: ScriptedService) -> None:
    service.pause = 60
    ben = spawner(configured(service))
    await ben.run_pre_spawn_hook()
    service.pause = 0
    await told(service, ("POST", ""), ("DELETE", ""))


# --- the operator's own hooks -------------------------------------------------------------


Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def hooks_of(seen: list[str], is_async: bool) -> Hooks:
    """The operator's two hooks, which note that they ran."""

    def before(spawner: Any) -> None:
        seen.append(f"before {spawner.user.name}")
        spawner.cmd = ["theirs"]

    def after(spawner: Any) -> None:
        seen.append(f"after {spawner.user.name}")

    async def before_later(spawner: Any) -> None:
        await asyncio.sleep(0)
        before(spawner)

    async def after_later(spawner: Any) -> None:
        await asyncio.sleep(0)
        after(spawner)

    return (before_later, after_later) if is_async else (before, after)


@pytest.mark.parametrize("is_async", [False, True], ids=["functions", "async functions"])
@pytest.mark.parametrize("section", ["Spawner", "SimpleLocalProcessSpawner"])
@pytest.mark.parametrize("times", [1, 2], ids=["configured once", "configured twice"])
async def test_the_operators_hooks_run_too(
    service: ScriptedService, is_async: bool, section: str, times: int
) -> None:
    seen: list[str] = []
    c = Config()
    c[section].pre_spawn_hook, c[section].post_stop_hook = hooks_of(seen, is_async)
    for _ in range(times):
        configured(service, c)
    ben = spawner(c)
    await ben.run_pre_spawn_hook()
    assert ben.cmd[-2:] == ["--", "theirs"], "what they set is what is wrapped"
    await ben.run_post_stop_hook()
    assert seen == ["before ben", "after ben"]
    await told(service, ("POST", ""), ("DELETE", ""))


class WithHooks(SimpleLocalProcessSpawner):
    """A spawner's class that brings hooks of its own."""

    pre_spawn_hook = AnyTrait(config=True)
    post_stop_hook = AnyTrait(lambda spawner: spawner.seen.append("after"), config=True)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.seen: list[str] = []

    @default("pre_spawn_hook")
    def _default_pre_spawn_hook(self) -> Any:
        return lambda spawner: spawner.seen.append("before")


async def test_hooks_of_the_spawners_class_run_too(service: ScriptedService) -> None:
    ben = spawner(configured(service), WithHooks)
    await ben.run_pre_spawn_hook()
    await ben.run_post_stop_hook()
    assert ben.seen == ["before", "after"]
    assert service.calls() == [("POST", ""), ("DELETE", "")]


def _refuse(spawner: Any) -> None:
    raise PermissionError("not today")


async def test_a_start_that_the_operator_refuses_is_refused(service: ScriptedService) -> None:
    c = Config()
    c.Spawner.pre_spawn_hook = _refuse
    ben = spawner(configured(service, c))
    with pytest.raises(PermissionError):
        await ben.run_pre_spawn_hook()
    assert service.told == []


async def test_access_ends_whatever_the_operators_hook_does(service: ScriptedService) -> None:
    c = Config()
    c.Spawner.post_stop_hook = _refuse
    ben = spawner(configured(service, c))
    with pytest.raises(PermissionError):
        await ben.run_post_stop_hook()
    assert service.calls() == [("DELETE", "")]


async def test_without_mounts_there_are_no_hooks(service: ScriptedService) -> None:
    ben = spawner(configured(service, mounts=False))
    assert ben.pre_spawn_hook is None
    assert ben.post_stop_hook is None
