"""Names on machines that are no text, or that an address would mend: each is found again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_vmshare.routes.machine_names import named, shown
from tests.fakes.machine import FakeRelay
from tests.server.conftest import Ask
from tests.server.test_machine_files import HERE, OCTETS, refused, relay, root, told

__all__ = ["relay", "root"]
NAMES = [
    pytest.param(b"caf\xe9.txt", id="in Latin-1"),
    pytest.param(b"\xff\xfe", id="of no encoding at all"),
    pytest.param("\uf7e9".encode(), id="a character that stands for a byte"),
    pytest.param(b"\xed\xb3\xa9", id="half a surrogate"),
    pytest.param(b"a\x01b", id="a control character"),
    pytest.param(b" a b ", id="blanks around it"),
    pytest.param(b"a\nb", id="two lines"),
    pytest.param(b"100%41&x=1;y#z?", id="what addresses use"),
]


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_listed_is_found_again(
    ask: Ask, relay: FakeRelay, root: Path, name: bytes
) -> None:
    here = os.fsencode(root) + b"/odd"
    os.mkdir(here)
    (root / "odd/a b").write_text("another")
    for each in (name, name + b"~"):
        with open(here + b"/" + each, "wb") as file:
            file.write(each)
    os.mkdir(here + b"/dir " + name)
    (root / "odd" / os.fsdecode(b"dir " + name) / "in").write_text("inside")
    seen: list[tuple[str, str]] = []
    after = ""
    while True:
        page = await told(ask, "GET", f"entries?path=odd&limit=1{after}")
        seen += [(each["name"], each["path"]) for each in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={quote(page['next'])}"
    assert len(seen) == len(set(seen)) == 4
    found = {os.fsencode(named(each)): path for each, path in seen}
    mine, next_to_it, inner = found[name], found[name + b"~"], found[b"dir " + name]
    response = await ask("GET", f"{HERE}/download?path={quote(mine)}")
    assert (response.code, response.body) == (200, name)
    [one] = (await told(ask, "GET", f"entries?path={quote(inner)}"))["items"]
    assert (one["name"], one["path"]) == ("in", f"{inner}/in")
    await told(ask, "PUT", f"file?path={quote(mine)}&overwrite=true", body=b"new", headers=OCTETS)
    moved = json.dumps({"source": mine, "target": f"{inner}/moved"})
    assert (await told(ask, "POST", "moves", body=moved))["path"] == f"{inner}/moved"
    back = json.dumps({"source": f"{inner}/moved", "target": mine})
    assert (await told(ask, "POST", "moves", body=back))["path"] == mine
    status, code, detail = await refused(ask, "GET", f"download?path={quote(inner)}")
    assert (status, code, inner in detail) == (400, "bad-input", True)
    for path in (mine, next_to_it, inner):
        await told(ask, "DELETE", f"file?path={quote(path)}&recursive=true", 204)
    assert os.listdir(here) == [b"a b"]
    assert (root / "odd/a b").read_text() == "another"


async def test_bytes_that_are_no_text_are_no_path(ask: Ask, relay: FakeRelay) -> None:
    status, _, detail = await refused(ask, "GET", "download?path=caf%E9.txt")
    assert (status, detail) == (400, "path is no text.")


async def test_a_download_is_called_by_what_can_be_read(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    with open(os.fsencode(root) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"x")
    path = quote(shown(os.fsdecode(b"caf\xe9.txt")))
    response = await ask("GET", f"{HERE}/download?path={path}")
    assert response.headers["Content-Disposition"].endswith("UTF-8''caf%EF%BF%BD.txt")


@given(st.binary(max_size=40))
@example("\uf780\uf7ff".encode())
@example(b"\xef\x9e\x80\xef\x9e")
def test_every_name_has_a_text_of_its_own(name: bytes) -> None:
    path = name.decode("utf-8", "surrogateescape")
    assert named(shown(path)) == path
    shown(path).encode()  # a text that can be sent
