"""Images of virtual machines that somebody made without root, and that root takes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.qemu import image
from jupyterhub_vmshare.commands.qemu import Image

ABOUT: dict[str, Any] = {"name": "science", "description": "With IPython", "disk_gib": 1}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What 'image build' leaves, but for what is in it."""
    place = tmp_path / "theirs/images/science/20261126T000000000000"
    place.mkdir(parents=True)
    (place / "image.json").write_text(json.dumps({**ABOUT, "more": "than asked"}))
    for name in ("disk.raw", "vmlinuz", "initrd"):
        (place / name).write_bytes(name.encode())
    os.truncate(place / "disk.raw", 1 << 30)
    return place


def test_what_was_made_without_root_is_taken_as_the_newest_version(
    made: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    places = [image.add(made, state) for _ in range(2)]
    images = Images(state / "images")
    assert images.all() == [{"id": "science", **ABOUT}]
    assert images.newest("science", 1) == f"science/{places[1].name}"
    # Nobody had the first.
    assert not places[0].exists()
    assert (places[1] / "vmlinuz").read_bytes() == b"vmlinuz"
    assert json.loads((places[1] / "image.json").read_text()) == ABOUT
    disk = (places[1] / "disk.raw").stat()
    assert (disk.st_size, disk.st_blocks < 1000) == (1 << 30, True)


def says(**what: object) -> Callable[[Path], object]:
    return lambda made: (made / "image.json").write_text(json.dumps({**ABOUT, **what}))


def links(made: Path) -> None:
    (made / "vmlinuz").unlink()
    (made / "vmlinuz").symlink_to("/etc/shadow")


def pipes(made: Path) -> None:
    (made / "initrd").unlink()
    os.mkfifo(made / "initrd")


def empties(made: Path) -> None:
    says(disk_gib=0)(made)
    os.truncate(made / "disk.raw", 0)


WRONG = [
    pytest.param(lambda made: (made / "image.json").unlink(), id="says nothing of itself"),
    pytest.param(lambda made: (made / "image.json").write_text("{"), id="is no JSON"),
    pytest.param(lambda made: (made / "image.json").write_text("[]"), id="is another shape"),
    pytest.param(says(name="../../etc"), id="has a name that is a path"),
    pytest.param(says(name=["science"]), id="has a name that is none"),
    pytest.param(says(disk_gib=2), id="has a disk of another size"),
    pytest.param(says(disk_gib=None), id="has a disk of no size"),
    pytest.param(empties, id="has a disk of nothing"),
    pytest.param(says(description={}), id="has a description that is none"),
    pytest.param(lambda made: (made / "vmlinuz").unlink(), id="lacks its kernel"),
    pytest.param(links, id="is a link to somebody else's file"),
    pytest.param(pipes, id="is a pipe"),
]


@pytest.mark.parametrize("spoil", WRONG)
def test_what_is_no_image_is_not_taken_and_leaves_nothing(
    made: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(made)
    state = tmp_path / "state"
    with pytest.raises(CannotBuild, match="is no image"):
        image.add(made, state)
    assert not state.exists()


def test_without_root_the_files_belong_to_whom_they_should_in_a_user_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ImageWanted("science", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--mode=unshare" in image.recipe(wanted)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--mode=root" in image.recipe(wanted)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["build", "science"], "--state=DIRECTORY", id="where to"),
        pytest.param(["add", "somewhere"], "start this as root", id="root takes it"),
    ],
)
def test_without_root_it_is_said_what_is_missing(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command = Image()
    command.initialize(words)
    command.log.propagate = True
    with pytest.raises(SystemExit) as ended:
        command.start()
    assert (ended.value.code, sentence in caplog.text) == (1, True)
