"""The link to a container's shared folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_vmshare.shared_dir import SharedDir
from jupyter_vmshare.shared_link import link_view


@pytest.fixture
def view(tmp_path: Path) -> Path:
    """What the hub has put into the container."""
    made = tmp_path / "view/m"
    (made / "tests").mkdir(parents=True)
    return made


def in_use(home: Path) -> None:
    (home / "shared").mkdir()
    (home / "shared/mine.txt").write_text("mine")


def empty(home: Path) -> None:
    (home / "shared").mkdir()


def a_file(home: Path) -> None:
    (home / "shared").write_text("mine")


def a_link_of_their_own(home: Path) -> None:
    (home / "shared").symlink_to("/tmp")


def of_before(home: Path) -> None:
    (home / "shared").symlink_to(home.parent / "view/m")


@pytest.mark.parametrize(
    ("before", "name"),
    [
        pytest.param(lambda home: None, "shared", id="nothing is there"),
        pytest.param(empty, "shared", id="an empty directory"),
        pytest.param(of_before, "shared", id="the link of an earlier session"),
        pytest.param(in_use, "shared-folders", id="a directory of their own"),
        pytest.param(a_file, "shared-folders", id="a file of their own"),
        pytest.param(a_link_of_their_own, "shared-folders", id="a link of their own"),
    ],
)
def test_what_is_the_persons_own_is_never_covered(
    tmp_path: Path, view: Path, before: Callable[[Path], None], name: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before(home)
    kept = {path: path.read_text() for path in home.rglob("*") if path.is_file()}
    environ = {"VMSHARE_VIEW": str(view)}
    link_view(str(home), environ)
    shared = SharedDir.of_session(environ)
    assert shared.path == home / name
    assert shared.below(home) == name
    assert [path.name for path in (home / name).iterdir()] == ["tests"]
    assert shared.parts_of(home / name / "tests/a.txt") == ("tests", "a.txt")
    assert kept == {path: path.read_text() for path in kept}


def test_a_session_without_a_view_is_left_as_it_is(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    link_view(str(tmp_path), environ)
    assert environ == {} and list(tmp_path.iterdir()) == []
