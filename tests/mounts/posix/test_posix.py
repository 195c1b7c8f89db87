"""What system calls answer in a mount at Edit+Delete, beside the file system that it lies on.

Both are asked in the same run: some 2,300 pairs of a call and a path, as pjdfstest has them, each
with what it left behind. Every difference is in the table of differences, and nothing else differs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.mounts.guard.conftest import staged
from tests.mounts.guard.program import Identity, Program
from tests.mounts.guard.stage import PEOPLE, ROOT, Stage
from tests.mounts.posix import playing
from tests.mounts.posix.differences import DIFFERENCES, Difference, expected
from tests.mounts.posix.playing import ALONE, Key, Seen

PAGE = ROOT / "docs/reference/posix.md"


@dataclass(frozen=True)
class Played:
    """The answers of both."""

    native: dict[Key, Seen]
    mounted: dict[Key, Seen]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    with staged() as stage:
        yield both(stage)


def both(stage: Stage) -> Played:
    """ben's calls on the disk of the store, and in a mount of it."""
    ben, folder, uid = stage.session("ben"), stage.folder(), PEOPLE["ben"]
    stage.give(ben, folder, "edit_delete")
    beside = stage.store / "beside"
    beside.mkdir()
    os.chown(beside, uid, uid)
    stage.store.chmod(0o755)
    outside, inside = Program(Identity(uid, uid, "/", None)), ben.program()
    try:
        outside.begin(playing.play, str(beside))
        inside.begin(playing.play, ben.path("tests"))
        return Played(outside.end(200), inside.end(200))
    finally:
        outside.close()


@pytest.mark.parametrize("call", dict.fromkeys(call for (call, _), _ in playing.everything()))
def test_answers_are_those_of_the_file_system(played: Played, call: str) -> None:
    wrong = []
    for key in played.native:
        wanted, _ = expected(key, played.native)
        if key[0] == call and played.mounted[key] != wanted:
            wrong.append(f"{key}: wanted {wanted}, seen {played.mounted[key]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[it.what for it in DIFFERENCES])
def test_what_is_explained_does_differ(played: Played, difference: Difference) -> None:
    keys = [key for key in played.native if difference in expected(key, played.native)[1]]
    assert any(played.native[key] != played.mounted[key] for key in keys)


@pytest.mark.parametrize(
    "errno",
    ["ENOTDIR", "ENAMETOOLONG", "ELOOP", "ENOENT", "EEXIST", "EACCES", "EISDIR", "ENOTEMPTY",
     "EINVAL", "EBADF", "EFBIG", "EPERM", "EBUSY"],
)  # fmt: skip
def test_every_errno_is_met(played: Played, errno: str) -> None:
    """So that a scene which lost its loop, say, is noticed."""
    assert errno in {seen.answer for seen in played.native.values()}


def test_the_page_has_every_difference() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()
            if line.startswith("| ") and line.count(" | ") == 2][1:]  # fmt: skip
    assert rows == [[it.what, it.here, it.because] for it in DIFFERENCES]


def test_calls_are_made_once_for_every_path() -> None:
    keys = [key for key, _ in playing.everything()]
    assert len(set(keys)) == len(keys)
    assert sum(path != ALONE for _, path in keys) > 2000
