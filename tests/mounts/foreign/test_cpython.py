"""CPython's tests of files in a mount at Edit+Delete, beside the file system that it lies on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fixtures.guard_binary import missing
from tests.mounts.foreign import cpython
from tests.mounts.guard.conftest import staged
from tests.mounts.guard.program import Identity, Program
from tests.mounts.guard.stage import PEOPLE, ROOT

LACKING = missing() or cpython.lacking()
PAGE = ROOT / "docs/reference/posix.md"
mounted = [
    pytest.mark.mounts,
    pytest.mark.slow,
    pytest.mark.skipif(LACKING is not None, reason=LACKING or ""),
]


@dataclass(frozen=True)
class Places:
    """A program on the disk and one in a mount, each with its directory."""

    outside: Program
    inside: Program
    beside: str
    folder: str


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with staged() as stage:
        ben, folder, uid = stage.session("ben"), stage.folder(), PEOPLE["ben"]
        stage.give(ben, folder, "edit_delete")
        beside = stage.store / "beside"
        beside.mkdir()
        os.chown(beside, uid, uid)
        stage.store.chmod(0o755)
        outside = Program(Identity(uid, uid, str(ben.home), None))
        yield Places(outside, ben.program(), str(beside), ben.path("tests"))
        outside.close()


@pytest.mark.parametrize("module", [pytest.param(name, marks=mounted) for name in cpython.MODULES])
def test_ends_as_on_the_file_system(places: Places, module: str) -> None:
    places.outside.begin(cpython.run, places.beside, module)
    places.inside.begin(cpython.run, places.folder, module)
    native = places.outside.end(cpython.LONGEST)
    here = places.inside.end(cpython.LONGEST)
    assert native, "no test has run"
    different = {
        name: here.get(name, "not there")
        for name in native
        if cpython.kind(native[name]) != cpython.kind(here.get(name))
    }
    explained = {name for name in cpython.DIFFERENCES if native.get(name) == "passed"}
    told = {name: words for name, words in different.items() if name not in explained}
    assert told == {}
    assert {name for name in explained if name.startswith(f"{module}.")} == set(different)


def test_the_page_has_every_difference() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()
            if line.startswith("| test_")]  # fmt: skip
    assert {name: why for name, why in rows} == cpython.DIFFERENCES
