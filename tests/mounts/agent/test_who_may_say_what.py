"""Whom the agent listens to, and what it does with lines that make no sense."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN, SERVICE, Node
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts


LINES = {
    "no JSON": (b"hello\n", "malformed"),
    "no number": (b'{"do": "report"}\n', "malformed"),
    "an unknown order": (b'{"order": 1, "do": "umount"}\n', "malformed"),
    "a later version": (b'{"order": 1, "do": "hello", "version": 2}\n', "version"),
    "a path as a session": (b'{"order": 1, "do": "end", "session": "../../etc"}\n', "malformed"),
    "a line without an end": (b"x" * (1 << 20) + b"y\n", "malformed"),
}


def test_lines_that_make_no_sense_are_answered_and_change_nothing(node: Node) -> None:
    node.start()
    node.ask("session", session=session(new_id("ses"), folder(node.folder())))
    before = node.ask("report"), node.orders()
    for what, (line, code) in LINES.items():
        with node.connected() as connection:
            connection.sendall(line)
            answer = json.loads(connection.makefile("rb").readline())
        assert (answer["ok"], answer["code"]) == (False, code), what
    assert (node.ask("report"), node.orders()) == before


_ASK = """
import os, socket, sys
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
connection = socket.socket(socket.AF_UNIX); connection.connect(sys.argv[1])
try:
    connection.sendall(b'{"order": 1, "do": "report"}\\n')
except OSError:
    pass  # whoever is refused is not listened to any longer
print(connection.makefile().readline())
"""


@pytest.mark.scenario("M5")
@pytest.mark.parametrize(
    ("uid", "ok"),
    [
        pytest.param(SERVICE, True, id="the service is listened to"),
        pytest.param(0, True, id="root is listened to"),
        pytest.param(BEN, False, id="a person is not"),
        pytest.param(65534, False, id="nobody is not"),
    ],
)
def test_who_is_listened_to(uid: int, ok: bool, node: Node) -> None:
    node.start()
    answer = said_to(uid, node)
    assert answer["ok"] is ok
    assert ok or answer["code"] == "not-allowed"


@pytest.mark.scenario("M5")
def test_a_store_that_is_away_changes_nobodys_word(node: Node) -> None:
    node.start()
    node.store.rename(node.where / "elsewhere")
    assert said_to(SERVICE, node)["ok"], "or what it serves could not be taken away"
    assert not said_to(BEN, node)["ok"]


def said_to(uid: int, node: Node) -> dict[str, Any]:
    """What an account is answered that asks for a report."""
    command = ["/usr/bin/python3", "-c", _ASK, str(node.run / "agent.sock"), str(uid)]
    said = subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    return dict(json.loads(said))


def test_events_go_to_everybody_who_is_connected(node: Node) -> None:
    node.start()
    listening = [node.connected() for _ in range(2)]
    name, one = new_id("ses"), node.folder()
    node.ask("session", session=session(name, folder(one, until=time.time() + 0.3)))
    for connection in listening:
        event = json.loads(connection.makefile("rb").readline())
        assert event == {"event": "expired", "session": name, "folder": one}
        connection.close()
    assert states(node.ask("report")["sessions"][0] | {"ok": True}) == {one: "ended"}


def test_somebody_who_never_reads_holds_nobody_up(node: Node) -> None:
    node.start()
    with node.connected() as deaf:
        deaf.settimeout(0.5)
        with pytest.raises((TimeoutError, ConnectionError)):
            while True:
                deaf.sendall(b'{"order": 1, "do": "hello", "version": 1}\n' * 1000)
        assert node.ask("report")["ok"]
