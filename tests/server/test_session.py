"""What `vmshare/session` says about the visit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.shared_dir import BECAUSE_VARIABLE, DIRECTORY_VARIABLE, NO_MOUNTS
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Ask, Tokens

ME = {
    "name": "ana",
    "hub_admin": False,
    "teams": [],
    "credential": {"kind": "panel", "server": "ana/"},
    "actions": [],
}


async def session(ask: Ask, token: str) -> dict[str, Any]:
    response = await ask("GET", "session", headers={"Authorization": f"token {token}"})
    assert response.code == 200
    found: dict[str, Any] = json.loads(response.body)
    return found


async def test_ana_on_her_own_server(ask: Ask, service: FakeVMShare, tokens: Tokens) -> None:
    service.answer("GET", "/me", Scripted.json(ME))
    assert await session(ask, tokens.ana) == {
        "hub": True,
        "user": "ana",
        "server_owner": "ana",
        "server_name": "",
        "own_server": True,
        "service": "ok",
        "service_url": service.url,
        "because": None,
        "shared_dir": None,
        "shared_path": None,
        "mounts_because": NO_MOUNTS,
    }


async def test_ben_on_anas_server_is_told_why_not(
    ask: Ask, service: FakeVMShare, tokens: Tokens
) -> None:
    because = "This is somebody else's server: open your own server to use shared folders."
    refusal = Scripted.problem(403, "forbidden", because, rule="credential.foreign_server")
    service.answer("GET", "/me", refusal)
    found = await session(ask, tokens.ben)
    assert (found["user"], found["own_server"]) == ("ben", False)
    assert (found["service"], found["because"]) == ("refused", because)


@pytest.mark.parametrize(
    ("scripted", "state"),
    [
        pytest.param(Scripted(503, b"<html>"), "unreachable", id="the proxy finds it down"),
        pytest.param(Scripted(404, b"<html>"), "absent", id="the proxy knows no such service"),
        pytest.param(Scripted(403, b"<html>"), "refused", id="the hub lets nobody through"),
        pytest.param(Scripted(drop=True), "unreachable", id="the connection breaks"),
        pytest.param(Scripted(200, b"hello"), "unreachable", id="something else listens there"),
    ],
)
async def test_what_is_wrong_with_the_service(
    ask: Ask, service: FakeVMShare, tokens: Tokens, scripted: Scripted, state: str
) -> None:
    service.answer("GET", "/me", scripted)
    found = await session(ask, tokens.ana)
    assert found["service"] == state
    assert found["because"].endswith(".")
    assert tokens.ana not in json.dumps(found)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        pytest.param("shared", "shared", id="at the top"),
        pytest.param("deep/down/shared", "deep/down/shared", id="further down"),
        pytest.param("../elsewhere", None, id="outside of what the file browser shows"),
        pytest.param("../linked/shared", "shared", id="told through a link"),
    ],
)
async def test_where_shared_folders_are(
    ask: Ask,
    tokens: Tokens,
    service: FakeVMShare,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    shown: str | None,
) -> None:
    service.answer("GET", "/me", Scripted.json(ME))
    (jp_root_dir.parent / "linked").symlink_to(jp_root_dir)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(jp_root_dir / place))
    found = await session(ask, tokens.ana)
    assert found["shared_dir"] == shown
    assert found["shared_path"] == os.path.normpath(jp_root_dir / place)
    assert (found["mounts_because"] is None) == (shown is not None)


async def test_why_there_are_no_mounts(
    ask: Ask,
    tokens: Tokens,
    service: FakeVMShare,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service.answer("GET", "/me", Scripted.json(ME))
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(jp_root_dir / "shared"))
    monkeypatch.setenv(BECAUSE_VARIABLE, "There is no /dev/fuse on this node.")
    found = await session(ask, tokens.ana)
    assert (found["shared_dir"], found["mounts_because"]) == (
        None,
        "There is no /dev/fuse on this node.",
    )


async def test_a_stranger_is_told_nothing(ask: Ask, service: FakeVMShare) -> None:
    assert (await ask("GET", "session", headers={"Authorization": "token no"})).code == 403


class TestWithoutAnAddress:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        del jp_server_config["VMShareExtension"]
        return jp_server_config

    async def test_it_says_what_to_set(self, ask: Ask, tokens: Tokens) -> None:
        found = await session(ask, tokens.ana)
        assert found["service"] == "absent"
        assert "VMSHARE_SERVICE_URL" in found["because"]
        response = await ask("GET", "api/me")
        assert (response.code, json.loads(response.body)["code"]) == (503, "service-absent")


class TestOutsideAHub:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {"ServerApp": {"jpserver_extensions": {"jupyter_vmshare": True}}}

    async def test_everything_loads_and_says_so(self, jp_fetch: Any, service: FakeVMShare) -> None:
        found = json.loads((await jp_fetch("vmshare", "session")).body)
        assert (found["hub"], found["service"], found["own_server"]) == (False, "absent", False)
        assert "JupyterHub" in found["because"]

    async def test_nothing_is_forwarded(self, jp_fetch: Any, service: FakeVMShare) -> None:
        response = await jp_fetch("vmshare", "api", "me", raise_error=False)
        assert (response.code, json.loads(response.body)["code"]) == (503, "no-hub")

    async def test_the_live_stream_ends_with_a_sentence(self, jp_ws_fetch: Any) -> None:
        socket = await jp_ws_fetch("vmshare", "events")
        assert json.loads(await socket.read_message())["state"] == "absent"
        assert await socket.read_message() is None
        assert socket.close_code == 1008
