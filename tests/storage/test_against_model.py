"""Random histories of one tree, with links planted behind the store's back, against a model."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.port import EntryKind, PageWanted, parse_path
from jupyterhub_vmshare.storage.posix import PosixStore

LINK = object()
DIRECTORY = object()

HOSTILE = ["..", ".", "", "a\0", "n" * 256]
NAMES = st.sampled_from(["a", "b", "c"] * 6 + ["ä b", "c\n", "n" * 255, *HOSTILE])
PATHS = st.lists(NAMES, min_size=0, max_size=4).map("/".join) | st.sampled_from(
    ["/etc/passwd", "/", "../outside/secret", "a/../../outside/secret"]
)
TARGETS = st.sampled_from(["outside", "outside/secret", "a", "b", "."])


class Model(dict[tuple[str, ...], object]):
    """Places and what lies there: bytes, DIRECTORY or LINK. The top is always a directory."""

    def parent(self, at: tuple[str, ...]) -> bool:
        return bool(at) and (len(at) == 1 or self.get(at[:-1]) is DIRECTORY)

    def below(self, at: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [place for place in self if len(place) > len(at) and place[: len(at)] == at]


class TreeMachine(RuleBasedStateMachine):
    """What the store answers, and what lies on the disk, follow the model at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        (self.base / "outside").mkdir()
        (self.base / "outside" / "secret").write_text("secret")
        self.runner = asyncio.Runner()
        self.store = PosixStore(self.base / "store", threads=1)
        self.folder = new_id("fld")
        self.runner.run(self.store.start())
        self.runner.run(self.store.create(self.folder))
        self.disk = self.base / "store" / self.folder[-2:] / self.folder / "files"
        self.model = Model()

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.base)

    def play(self, work: Coroutine[Any, Any, Any], fits: bool) -> Any:
        """Run it; it must succeed exactly when the model says so."""
        try:
            answer = self.runner.run(work)
        except VMShareError as error:
            assert error.status < 500
            assert not fits, error
            return None
        assert fits, f"the store did what the model refuses: {answer}"
        return answer

    def parts(self, path: str) -> tuple[str, ...] | None:
        legal = path == "" or all(
            part not in ("", ".", "..") and "\0" not in part and len(part.encode()) < 256
            for part in path.split("/")
        )
        try:
            parts = parse_path(path)
        except VMShareError:
            assert not legal
            return None
        assert legal
        return parts

    @rule(path=PATHS, data=st.binary(max_size=20), overwrite=st.booleans())
    def upload(self, path: str, data: bytes, overwrite: bool) -> None:
        at = self.parts(path)
        if at is None:
            return
        there = self.model.get(at)
        fits = self.model.parent(at) and (there is None or (overwrite and isinstance(there, bytes)))
        self.play(self._upload(at, data, overwrite), fits)
        if fits:
            self.model[at] = data

    async def _upload(self, at: tuple[str, ...], data: bytes, overwrite: bool) -> None:
        writing = await self.store.receive(self.folder, at, overwrite=overwrite)
        try:
            await writing.write(data)
            await writing.settle()
            await writing.publish()
        finally:
            await writing.abandon()

    @rule(path=PATHS)
    def make_directory(self, path: str) -> None:
        at = self.parts(path)
        if at is None:
            return
        fits = self.model.parent(at) and at not in self.model
        self.play(self.store.make_directory(self.folder, at), fits)
        if fits:
            self.model[at] = DIRECTORY

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        at = self.parts(path)
        if at is None:
            return
        fits = at in self.model and self.model.parent(at) and not self.model.below(at)
        self.play(self.store.remove(self.folder, at), fits)
        if fits:
            del self.model[at]

    @rule(path=PATHS, new_path=PATHS)
    def move(self, path: str, new_path: str) -> None:
        old, new = self.parts(path), self.parts(new_path)
        if old is None or new is None:
            return
        fits = (
            old in self.model
            and self.model.parent(old)
            and self.model.parent(new)
            and new not in self.model
            and new[: len(old)] != old
        )
        self.play(self.store.move(self.folder, old, new), fits)
        if fits:
            for place in [old, *self.model.below(old)]:
                self.model[new + place[len(old) :]] = self.model.pop(place)

    @rule(path=PATHS)
    def read(self, path: str) -> None:
        at = self.parts(path)
        if at is None:
            return
        there = self.model.get(at)
        got = self.play(self._read(at), isinstance(there, bytes))
        assert got is None or got == there

    async def _read(self, at: tuple[str, ...]) -> bytes:
        reading = await self.store.open(self.folder, at)
        try:
            return await reading.read(0, 1000)
        finally:
            await reading.close()

    @rule(path=PATHS, to=TARGETS)
    def plant_a_link(self, path: str, to: str) -> None:
        at = self.parts(path)
        if at is None or not self.model.parent(at) or at in self.model:
            return
        (self.disk.joinpath(*at)).symlink_to(self.base / to if "out" in to else to)
        self.model[at] = LINK

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def swap_a_directory_for_a_link(self, data: st.DataObject) -> None:
        at = data.draw(st.sampled_from(sorted(self.model)))
        for place in [at, *self.model.below(at)]:
            del self.model[place]
        here = self.disk.joinpath(*at)
        here.rename(self.base / f"swapped{len(list(self.base.iterdir()))}")
        here.symlink_to(self.base / "outside")
        self.model[at] = LINK

    @invariant()
    def the_disk_is_the_model(self) -> None:
        listed = self.runner.run(self._walk(()))
        kinds = {DIRECTORY: EntryKind.DIRECTORY, LINK: EntryKind.LINK}
        assert listed == {
            place: EntryKind.FILE if isinstance(what, bytes) else kinds[what]
            for place, what in self.model.items()
        }
        for place, what in self.model.items():
            if isinstance(what, bytes):
                assert self.disk.joinpath(*place).read_bytes() == what

    async def _walk(self, at: tuple[str, ...]) -> dict[tuple[str, ...], EntryKind]:
        found = {}
        page = await self.store.page(self.folder, at, PageWanted(100))
        for entry in page.items:
            found[(*at, entry.name)] = entry.kind
            if entry.kind is EntryKind.DIRECTORY:
                found |= await self._walk((*at, entry.name))
        return found

    @invariant()
    def nothing_outside_is_touched(self) -> None:
        assert [path.name for path in (self.base / "outside").iterdir()] == ["secret"]
        assert (self.base / "outside" / "secret").read_text() == "secret"
        assert list((self.base / "store" / ".incoming").iterdir()) == []


TestTree = TreeMachine.TestCase
TestTree.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
