"""Checkpoints, deletions and renames of shared files, through the server's own routes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents import filemanager
from tornado.httpclient import HTTPClientError

from jupyter_vmshare.shared_dir import DIRECTORY_VARIABLE

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(autouse=True)
def shared(jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plain directory where a session has its mounts, with a folder in it."""
    place = jp_root_dir / "shared"
    (place / "tests" / "sub").mkdir(parents=True)
    (jp_root_dir / "own").mkdir()
    (jp_root_dir / "linked").symlink_to(place / "tests")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(place))
    return place


@pytest.fixture(params=["asynchronous", "synchronous"])
def contents(request: pytest.FixtureRequest, jp_server_config: dict[str, Any]) -> None:
    """Both of the server's own contents managers."""
    if request.param == "synchronous":
        manager = "jupyter_server.services.contents.largefilemanager.LargeFileManager"
        jp_server_config["ServerApp"]["contents_manager_class"] = manager


class Files:
    """What JupyterLab asks of the server about files."""

    def __init__(self, fetch: Any) -> None:
        self._fetch = fetch

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        sent = None if body is None else json.dumps(body)
        if method in {"POST", "PUT", "PATCH"} and sent is None:
            sent = ""
        parts = [*path.split("/"), *more.pop("then", ())]
        response = await self._fetch("api", "contents", *parts, method=method, body=sent, **more)
        return json.loads(response.body) if response.body else None

    async def save(self, path: str, text: str) -> None:
        """Text in a notebook's metadata."""
        content = {**NOTEBOOK, "metadata": {"said": text}}
        await self.ask("PUT", path, {"type": "notebook", "format": "json", "content": content})

    async def said(self, path: str) -> str:
        """What the notebook has now."""
        return str((await self.ask("GET", path))["content"]["metadata"]["said"])

    async def keep(self, path: str) -> None:
        """A checkpoint."""
        await self.ask("POST", path, then=["checkpoints"])

    async def kept(self, path: str) -> list[Any]:
        """Its checkpoints."""
        found: list[Any] = await self.ask("GET", path, then=["checkpoints"])
        return found

    async def restore(self, path: str) -> None:
        """The checkpoint takes the place of the file."""
        await self.ask("POST", path, then=["checkpoints", "checkpoint"])


@pytest.fixture
def files(contents: None, jp_fetch: Any) -> Files:
    return Files(jp_fetch)


def left_in(place: Path) -> list[str]:
    """Checkpoint directories in everybody's sight."""
    return [str(each) for each in place.rglob("*checkpoint*")]


@pytest.mark.scenario("M3")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("shared/tests/a.ipynb", id="at a folder's top"),
        pytest.param("shared/tests/sub/a.ipynb", id="in a directory"),
        pytest.param("linked/a.ipynb", id="through a link from one's own space"),
        pytest.param(f"shared/tests/{'long' * 60}.ipynb", id="with a name of 246 characters"),
    ],
)
async def test_a_checkpoint_of_a_shared_notebook_comes_back(
    files: Files, shared: Path, path: str
) -> None:
    await files.save(path, "before")
    await files.keep(path)
    await files.save(path, "after")
    assert len(await files.kept(path)) == 1
    await files.restore(path)
    assert await files.said(path) == "before"
    assert left_in(shared) == []


async def test_a_newer_checkpoint_takes_the_place_of_a_read_only_one(
    files: Files, shared: Path, jp_data_dir: Path
) -> None:
    path, file = "shared/tests/a.ipynb", shared / "tests/a.ipynb"
    await files.save(path, "first")
    file.chmod(0o444)
    await files.keep(path)
    [kept] = (jp_data_dir / "vmshare/checkpoints").rglob("checkpoint.ipynb")
    assert os.access(kept.parent, os.W_OK) and kept.stat().st_mode & 0o200
    file.chmod(0o644)
    await files.save(path, "second")
    await files.keep(path)
    await files.save(path, "third")
    await files.restore(path)
    assert await files.said(path) == "second"


async def test_ones_own_notebooks_keep_theirs_where_they_were(
    files: Files, shared: Path, jp_root_dir: Path
) -> None:
    await files.save("own/a.ipynb", "before")
    await files.keep("own/a.ipynb")
    assert (jp_root_dir / "own/.ipynb_checkpoints/a-checkpoint.ipynb").is_file()


@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        pytest.param("shared/tests/a.ipynb", "shared/tests/b.ipynb", "", id="of the file"),
        pytest.param("shared/tests/sub", "shared/tests/other", "/a.ipynb", id="of its directory"),
        pytest.param("shared/tests/a.ipynb", "own/a.ipynb", "", id="into one's own space"),
        pytest.param("own/a.ipynb", "shared/tests/a.ipynb", "", id="out of one's own space"),
    ],
)
async def test_a_checkpoint_survives_another_name(
    files: Files, shared: Path, old: str, new: str, then: str
) -> None:
    await files.save(old + then, "before")
    await files.keep(old + then)
    await files.ask("PATCH", old, {"path": new})
    await files.save(new + then, "after")
    await files.restore(new + then)
    assert await files.said(new + then) == "before"
    assert await files.kept(old + then) == []
    assert left_in(shared) == []


async def test_files_of_one_name_in_two_folders_have_two_checkpoints(
    files: Files, shared: Path
) -> None:
    (shared / "reef").mkdir()
    for folder in ("tests", "reef"):
        await files.save(f"shared/{folder}/a.ipynb", folder)
        await files.keep(f"shared/{folder}/a.ipynb")
    for folder in ("tests", "reef"):
        await files.save(f"shared/{folder}/a.ipynb", "overwritten")
        await files.restore(f"shared/{folder}/a.ipynb")
        assert await files.said(f"shared/{folder}/a.ipynb") == folder


async def test_deleting_takes_file_and_checkpoint_and_needs_no_trash(
    files: Files, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trashed = "shared/tests/a.ipynb", []

    def trash(file: str) -> None:
        """As the top of a session's mounts answers; elsewhere there is one."""
        if file.startswith(str(shared)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), file)
        trashed.append(Path(file).name)

    monkeypatch.setattr(filemanager, "send2trash", trash)
    await files.save(path, "x")
    await files.keep(path)
    await files.ask("DELETE", path)
    assert not (shared / "tests/a.ipynb").exists()
    (shared / "tests/a.ipynb").write_text(json.dumps(NOTEBOOK))
    assert await files.kept(path) == []
    await files.save("own/b.ipynb", "x")
    await files.ask("DELETE", "own/b.ipynb")
    assert trashed == ["b.ipynb"]


@pytest.fixture
def anothers(shared: Path) -> Iterator[Path]:
    """A file that may be read, and neither removed nor renamed, as another's at Edit."""
    file = shared / "tests/theirs.txt"
    file.write_text("theirs")
    chattr = shutil.which("chattr")
    if not chattr or subprocess.run([chattr, "+i", file], capture_output=True).returncode:
        pytest.skip("No file can be made immutable here: run the tests as root, on ext4 or xfs.")
    yield file
    subprocess.run([chattr, "-i", file], check=True)


@pytest.mark.parametrize(
    ("method", "body", "done"),
    [
        pytest.param("DELETE", None, "deleted", id="deleting"),
        pytest.param("PATCH", {"path": "shared/tests/mine.txt"}, "renamed", id="renaming"),
        pytest.param("PATCH", {"path": "shared/tests/sub/mine.txt"}, "moved", id="moving"),
    ],
)
async def test_a_refusal_at_edit_says_why_and_changes_nothing(
    files: Files, shared: Path, anothers: Path, method: str, body: Any, done: str
) -> None:
    before = sorted(shared.rglob("*"))
    with pytest.raises(HTTPClientError) as refused:
        await files.ask(method, "shared/tests/theirs.txt", body)
    assert refused.value.code == 403 and refused.value.response is not None
    said = json.loads(refused.value.response.body)["message"]
    assert "'theirs.txt' can't be" in said and done in said and "Edit + Delete" in said
    assert sorted(shared.rglob("*")) == before, "a copy is not a rename"


async def test_a_new_name_that_is_taken_or_hidden_is_refused_as_ever(
    files: Files, shared: Path
) -> None:
    for name in ("a.txt", "b.txt"):
        (shared / "tests" / name).write_text(name)
    for name, code in (("b.txt", 409), (".a.txt", 400)):
        with pytest.raises(HTTPClientError) as refused:
            await files.ask("PATCH", "shared/tests/a.txt", {"path": f"shared/tests/{name}"})
        assert refused.value.code == code
    with pytest.raises(HTTPClientError) as refused:
        await files.ask("PATCH", "shared/tests/no.txt", {"path": "shared/tests/c.txt"})
    assert refused.value.code == 404
    await files.ask("PATCH", "shared/tests/a.txt", {"path": "shared/tests/c.txt"})
    assert (shared / "tests/c.txt").read_text() == "a.txt"


@pytest.mark.parametrize(
    "section",
    ["FileContentsManager", "ContentsManager", "AsyncLargeFileManager"],
)
class TestAnOperatorsOwnChoice:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any], section: str) -> dict[str, Any]:
        chosen = "jupyter_server.services.contents.filecheckpoints.AsyncFileCheckpoints"
        return {**jp_server_config, section: {"checkpoints_class": chosen}}

    async def test_goes_before_ours(self, jp_serverapp: Any, section: str) -> None:
        checkpoints = jp_serverapp.contents_manager.checkpoints
        assert type(checkpoints).__name__ == "AsyncFileCheckpoints"


class TestWithoutMounts:
    @pytest.fixture(autouse=True)
    def shared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(DIRECTORY_VARIABLE, raising=False)

    async def test_nothing_is_different(self, jp_serverapp: Any) -> None:
        checkpoints = jp_serverapp.contents_manager.checkpoints
        assert type(checkpoints).__name__ == "AsyncFileCheckpoints"
        assert "delete_file" not in vars(jp_serverapp.contents_manager)
