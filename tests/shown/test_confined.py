"""What a machine's root can't get out of the process that serves a folder to it."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_vmshare.shown import wire
from jupyter_vmshare.shown.serving import MOST_OPEN
from jupyter_vmshare.shown.wire import Kind, Status, number, text
from tests.shown.speaking import CREATE, READ, WRITE, Client, Refused

SECRET = b"of somebody else"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder, with a secret beside it that links in it lead to."""
    folder = tmp_path / "folder"
    (folder / "in/deep").mkdir(parents=True)
    (folder / "in/deep/file").write_bytes(b"inside")
    (folder / "file").write_bytes(b"inside")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/file").write_bytes(SECRET)
    (folder / "link").symlink_to(tmp_path / "beside/file")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to(tmp_path / "beside")
    (folder / "up").symlink_to("..")
    (folder / "in/self").symlink_to("/proc/self/root")
    return folder


@pytest.fixture
def client(place: Path) -> Iterator[Client]:
    with Client(place) as made:
        yield made


OUT = [
    *(b"../beside/file", b"/../beside/file", b"in/../../beside/file", b"..", b"in/..", b"/.."),
    *(b"link", b"passwd", b"linked/file", b"up/beside/file", b"in/self/etc/passwd"),
    *(b"/etc/passwd", b"//etc//passwd", b"/proc/self/environ", b"file\0", b"x" * 5000),
    *(b"a/" * 2047 + b"a", b"x" * 300, b""),
]


@pytest.mark.parametrize("path", OUT, ids=lambda path: repr(path[:30]))
def test_no_path_leads_out(client: Client, place: Path, path: bytes) -> None:
    for flags in (READ, WRITE, WRITE | CREATE, READ | WRITE | CREATE | 0x10):
        with pytest.raises(Refused):
            client.open(path, flags)
    for kind in (Kind.REMOVE, Kind.RMDIR) if b"link" not in path and path != b"passwd" else ():
        with pytest.raises(Refused):
            client.ask(kind, text(path))
    assert (place.parent / "beside/file").read_bytes() == SECRET
    assert sorted(each.name for each in place.parent.iterdir()) == ["beside", "folder"]
    assert client.read(b"file") == b"inside"


def test_a_link_is_answered_as_a_link_and_never_followed(client: Client, place: Path) -> None:
    for kind in (Kind.STAT, Kind.LSTAT):
        mode = client.ask(kind, text(b"passwd")).attributes().mode
        assert mode is not None
        assert mode >> 12 == 0o12
    answer = client.ask(Kind.READLINK, text(b"passwd"))
    assert (answer.number(), answer.text()) == (1, b"/etc/passwd")
    before = Path("/etc/passwd").stat()
    size = number(1) + struct.pack(">Q", 0)
    for about in (size, number(4) + number(0o777), number(1 | 4) + struct.pack(">QI", 0, 0)):
        with pytest.raises(Refused):
            client.ask(Kind.SETSTAT, text(b"passwd") + about)
    # A link's own times may change; what it leads to is as it was.
    client.ask(Kind.SETSTAT, text(b"passwd") + number(8) + number(1) + number(2))
    assert Path("/etc/passwd").stat() == before
    with pytest.raises(Refused):
        client.names(b"linked")
    client.ask(Kind.SYMLINK, text(b"/etc/shadow") + text(b"planted"))
    with pytest.raises(Refused):
        client.open(b"planted")
    with pytest.raises(Refused):
        client.ask(Kind.RENAME, text(b"file") + text(b"linked/file"))
    with pytest.raises(Refused):
        client.ask(
            Kind.EXTENDED, text(b"posix-rename@openssh.com") + text(b"up/beside/file") + text(b"x")
        )
    assert (place.parent / "beside/file").read_bytes() == SECRET


@pytest.mark.parametrize("what", ["a file", "a directory"])
def test_nothing_is_won_by_swapping_a_link_in(client: Client, place: Path, what: str) -> None:
    """Another editor of the folder changes it all the time, by renames that leave no gap."""
    outside = place.parent / "beside"
    if what == "a file":
        (place / "good").write_bytes(b"inside")
        (place / "bad").symlink_to(outside / "file")
        path, names = b"now", ("good", "bad")
    else:
        (place / "good").mkdir()
        (place / "good/file").write_bytes(b"inside")
        (place / "bad").symlink_to(outside)
        path, names = b"now/file", ("good", "bad")
    (place / "good").rename(place / "now")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            os.rename(place / "now", place / names[0])
            os.rename(place / names[1], place / "now")
            os.rename(place / "now", place / names[1])
            os.rename(place / names[0], place / "now")

    swapping = threading.Thread(target=swap)
    swapping.start()
    read = refused = 0
    try:
        while (read < 200 or refused < 200) and read + refused < 20_000:
            try:
                assert client.read(path) == b"inside"
                read += 1
            except Refused:
                refused += 1
    finally:
        over.set()
        swapping.join()
    assert read
    assert refused


def test_pipes_and_devices_are_not_opened(client: Client, place: Path) -> None:
    os.mkfifo(place / "pipe")
    for flags in (READ, WRITE, READ | WRITE):
        with pytest.raises(Refused):
            client.open(b"pipe", flags)  # it would wait for ever for somebody to write
    with pytest.raises(Refused):
        client.ask(Kind.SETSTAT, text(b"pipe") + number(1) + struct.pack(">Q", 0))
    with pytest.raises(Refused):
        client.open(b"in")
    assert client.read(b"file") == b"inside"


@pytest.mark.parametrize("length", [0, wire.LONGEST + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_packet_of_no_length_is_the_end(client: Client, length: int) -> None:
    client.send_raw(number(length) + b"x" * 100)
    assert client.receive() == b""
    assert client.process.wait(30) == 1


@pytest.mark.parametrize(
    "packet",
    [
        bytes([Kind.OPEN]),
        bytes([Kind.OPEN]) + number(1) + number(0xFFFFFFFF) + b"x",
        bytes([Kind.REMOVE]) + number(1) + b"\0\0",
        bytes([Kind.SETSTAT]) + number(1) + text(b"file") + number(0x80000000) + number(1),
    ],
    ids=["nothing", "a length beyond the end", "half", "extended attributes"],
)
def test_what_is_cut_short_is_the_end(client: Client, packet: bytes) -> None:
    client.send(packet)
    assert client.receive() == b""
    assert client.process.wait(30) == 1


def test_handles_are_bounded_and_nobody_elses_are_guessed(client: Client) -> None:
    held = [client.open(b"file") for _ in range(MOST_OPEN)]
    for _ in range(1000):
        with pytest.raises(Refused):
            client.open(b"file")
        with pytest.raises(Refused):
            client.ask(Kind.OPENDIR, text(b"in"))
    client.close(held.pop())
    held.append(client.open(b"file"))
    for handle in (b"", b"0" * 1000, b"-1", b"\xff"):
        with pytest.raises(Refused):
            client.ask(Kind.READ, text(handle) + struct.pack(">QI", 0, 10))
        with pytest.raises(Refused):
            client.close(handle)
    for handle in held:
        client.close(handle)
    assert client.names(b"/") == sorted(client.names(b"."))


def test_offsets_and_sizes_beyond_all_files_are_refused(client: Client) -> None:
    handle = client.open(b"file", READ | WRITE)
    for at in (1 << 63, (1 << 64) - 1):
        with pytest.raises(Refused):
            client.ask(Kind.READ, text(handle) + struct.pack(">QI", at, 10))
        with pytest.raises(Refused):
            client.ask(Kind.WRITE, text(handle) + struct.pack(">Q", at) + text(b"x"))
        with pytest.raises(Refused):
            client.ask(Kind.SETSTAT, text(b"file") + number(1) + struct.pack(">Q", at))
    asked = text(handle) + struct.pack(">QI", 0, 0xFFFFFFFF)
    assert client.ask(Kind.READ, asked).text() == b"inside"


def test_what_it_does_not_know_it_does_not_do(client: Client) -> None:
    for kind in (0, 21, 99, 150, 255):
        client.send(bytes([kind]) + number(7) + text(b"file"))
        answer = wire.Reader(client.receive())
        assert (answer.byte(), answer.number()) == (Kind.STATUS, 7)
        assert answer.number() == Status.OP_UNSUPPORTED
    for name in (b"hardlink@openssh.com", b"copy-data", b"expand-path@openssh.com", b""):
        with pytest.raises(Refused) as refused:
            client.ask(Kind.EXTENDED, text(name) + text(b"file") + text(b"../beside/x"))
        assert refused.value.status == Status.OP_UNSUPPORTED


def test_modes_give_nobody_more_than_the_folders_own_bits(client: Client, place: Path) -> None:
    asked = text(b"made") + number(WRITE | CREATE) + number(4) + number(0o106777)
    client.close(client.ask(Kind.OPEN, asked).text())
    client.ask(Kind.SETSTAT, text(b"file") + number(4) + number(0o6755))
    client.ask(Kind.MKDIR, text(b"new") + number(4) + number(0o7777))
    modes = [oct((place / name).stat().st_mode & 0o7777) for name in ("made", "file", "new")]
    assert modes == ["0o777", "0o755", "0o777"]


def test_the_session_may_ask_for_the_whole_of_a_large_directory(
    client: Client, place: Path
) -> None:
    for i in range(1000):
        (place / "in" / f"{i:04}").touch()
    assert len(client.names(b"in")) == 1000 + len([b".", b"..", b"deep", b"self"])


NAMES = st.sampled_from(["file", "in", "deep", "self", "link", "linked", "up", "..", ".", "", "no"])


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(NAMES, max_size=7), st.booleans())
def test_every_path_means_what_the_model_says(
    client: Client, place: Path, parts: list[str], absolute: bool
) -> None:
    """Of names alone, a path leads to what is there; with a link on the way, or a step up, to
    nothing."""
    path = ("/" if absolute else "") + "/".join(parts)
    expected = _model(place, parts)
    try:
        mode = client.ask(Kind.LSTAT, text(path.encode())).attributes().mode
        found = mode
    except Refused:
        found = None
    assert found == expected
    is_file = expected is not None and expected >> 12 == 0o10
    try:
        content = client.read(path.encode())
    except Refused:
        content = b""
    assert content == (b"inside" if is_file else b"")


def _model(place: Path, parts: list[str]) -> int | None:
    """The mode of what a path leads to, by looking at one name after the other."""
    names = [part for part in parts if part not in ("", ".")]
    here = place
    for i, name in enumerate(names):
        if name == ".." or not os.path.lexists(here / name):
            return None
        here = here / name
        if i < len(names) - 1 and (here.is_symlink() or not here.is_dir()):
            return None
    return here.lstat().st_mode


def test_the_directory_itself_is_called_nothing_more(client: Client) -> None:
    answer = client.ask(Kind.REALPATH, text(b"."))
    assert (answer.number(), answer.text()) == (1, b"/")
    with pytest.raises(Refused):
        client.ask(Kind.REALPATH, text(b".."))
