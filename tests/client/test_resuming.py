"""Large uploads that go on where they broke off, and many files at once, from a notebook."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.client import Conflict, NotAllowed, NotFound
from jupyter_vmshare.client.resuming import LARGE
from jupyter_vmshare.widgets.connect import VMShare, connect
from jupyterhub_vmshare.api.contract.uploads import UploadView
from tests.client.conftest import QUICK, Real
from tests.uploads.cutting import Cutting, cutting

SIZE = LARGE + 3_000_000


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@contextmanager
def broken(real: Real, times: int, **state: Any) -> Iterator[tuple[VMShare, Cutting]]:
    """ana's notebook behind a network that breaks so many times."""
    stack = AsyncExitStack()

    async def start() -> Cutting:
        return await stack.enter_async_context(cutting(real.service.service.port, times))

    proxy: Cutting = real.loop.run(start())
    for name, value in state.items():
        setattr(proxy, name, value)
    url = real.url.replace(f":{real.service.service.port}/", f":{proxy.port}/")
    share = connect(url, real.token("ana"), retries=QUICK)
    yield share, proxy
    share.close()
    real.loop.run(stack.aclose())


def content(real: Real, folder: Any, name: str) -> bytes:
    store: Path = real.service.service.settings.store
    return Path(store / folder.id[-2:] / folder.id / "files" / name).read_bytes()


def settled(real: Real) -> list[UploadView]:
    """ana's unfinished uploads, once what came of one that broke off is counted."""
    for _ in range(300):
        found = real.notebook("ana").folders["tests"].unfinished_uploads()
        if all(upload.offset for upload in found):
            return found
        time.sleep(0.1)
    raise AssertionError("nothing of it was ever counted")


@pytest.mark.scenario("F5")
def test_an_upload_goes_on_where_it_broke_off(real: Real, local: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with broken(real, 15, shortest=500_000, longest=2_500_000) as (share, proxy):
        folder = share.folders.create("tests")
        entry = folder.upload(
            local, "big.bin", progress=lambda done, size: told.append((done, size))
        )
    assert entry.size == SIZE
    assert proxy.cut >= 5
    assert content(real, folder, "big.bin") == local.read_bytes()
    assert told[-1] == (SIZE, SIZE)
    begun = [done for done, _ in told if done == 0]
    assert len(begun) < proxy.cut, "it did not begin again each time"


def test_another_notebook_goes_on_with_it(real: Real, local: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")

    def stop(done: int, size: int | None) -> None:
        if done >= 15_000_000:  # more than the network keeps on its way
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.upload(local, "big.bin", progress=stop)
    [unfinished] = settled(real)
    assert (unfinished.path, unfinished.length) == ("big.bin", SIZE)
    first: list[int] = []
    again = real.notebook("ana").folders["tests"]
    again.upload(local, "big.bin", progress=lambda done, size: first.append(done))
    assert first[0] > 0
    assert content(real, folder, "big.bin") == local.read_bytes()
    assert again.unfinished_uploads() == []


def test_another_file_is_another_upload(real: Real, local: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")

    def stop(done: int, size: int | None) -> None:
        if done >= 15_000_000:  # more than the network keeps on its way
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.upload(local, "big.bin", progress=stop)
    local.write_bytes(os.urandom(SIZE))
    folder.upload(local, "big.bin")
    assert content(real, folder, "big.bin") == local.read_bytes()
    [left] = folder.unfinished_uploads()
    folder.give_up_upload(left.id)
    assert folder.unfinished_uploads() == []


def test_what_is_there_is_not_replaced_unless_asked(real: Real, local: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")
    folder.upload(b"first", "big.bin")
    with pytest.raises(Conflict, match="is there already"):
        folder.upload(local, "big.bin")
    assert content(real, folder, "big.bin") == b"first"
    folder.upload(local, "big.bin", overwrite=True)
    assert content(real, folder, "big.bin") == local.read_bytes()


def test_what_came_meanwhile_is_told(real: Real, local: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")

    def be_first(done: int, size: int | None) -> None:
        if 5_000_000 <= done < 6_000_000:
            real.notebook("ana").folders["tests"].upload(b"x", "big.bin", overwrite=True)

    for _ in range(2):  # and when it is tried again
        with pytest.raises(Conflict, match="is there already"):
            folder.upload(local, "big.bin", progress=be_first)
        if [upload.offset for upload in folder.unfinished_uploads()] != [SIZE]:
            continue
        be_first(5_000_000, None)
    assert content(real, folder, "big.bin") == b"x"
    folder.rename("big.bin", "older.bin")
    folder.upload(local, "big.bin")
    assert content(real, folder, "big.bin") == local.read_bytes()


def test_a_revoke_ends_an_upload(real: Real, local: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")
    folder.share("ben", "edit")
    ben = real.notebook("ben")
    ben.invitations["tests"].accept()

    def lower(done: int, size: int | None) -> None:
        if 5_000_000 <= done < 6_000_000:
            folder.change("ben", "view")

    with pytest.raises(NotAllowed) as refused:
        ben.folders["tests"].upload(local, "big.bin", progress=lower)
    assert refused.value.rule == "grant.level"


def test_many_as_one_archive(real: Real, tmp_path: Path) -> None:
    folder = real.notebook("ana").folders.create("tests")
    folder.mkdir("deep")
    for name in ("a", "deep/b", "c"):
        folder.upload(name.encode(), name)
    with zipfile.ZipFile(folder.download_zip(["a", "deep"], tmp_path)) as archive:
        assert sorted(archive.namelist()) == ["a", "deep/", "deep/b"]
    assert (tmp_path / "tests.zip").exists()
    with pytest.raises(FileExistsError):
        folder.download_zip(["a", "c"], tmp_path)
    with pytest.raises(NotFound):
        folder.download_zip(["nothing"], tmp_path)
    assert not list(tmp_path.glob(".*.part"))
    assert folder.download_zip(["deep"], tmp_path).name == "deep.zip"


def test_many_moved_and_deleted(real: Real) -> None:
    folder = real.notebook("ana").folders.create("tests")
    folder.mkdir("deep")
    for name in ("a", "deep/b", "c"):
        folder.upload(name.encode(), name)
    moved = folder.rename_many({"a": "deep/a", "nothing": "x"})
    assert [each.problem and each.problem.code for each in moved] == [None, "not-found"]
    gone = folder.delete_many(["deep", "c"])
    assert [each.problem and each.problem.code for each in gone] == ["not-empty", None]
    assert folder.delete_many(["deep"], recursive=True)[0].problem is None
    assert list(folder.files()) == []
