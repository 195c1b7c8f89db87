"""The lines between hub service and agent: strict where root reads them, the same on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.mounts import messages
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, BadMessage, object_of

SESSION, FOLDER, OTHER = new_id("ses"), new_id("fld"), new_id("fld")


def folder(**changes: Any) -> dict[str, Any]:
    return {
        "folder": FOLDER,
        "name": "tests",
        "level": "edit",
        "grant": "owner",
        "owner": "ana",
        "until": None,
        "limit": None,
        "used": None,
        **changes,
    }


def session(**changes: Any) -> dict[str, Any]:
    return {
        "id": SESSION,
        "version": 7,
        "person": "ben",
        "uid": 1001,
        "gid": 1001,
        "folders": [folder()],
        **changes,
    }


def setting(**changes: Any) -> dict[str, Any]:
    return {"order": 1, "do": "session", "session": session(**changes)}


def without(key: str, of: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in of.items() if name != key}


REFUSED = [
    pytest.param({"do": "report"}, id="an order without a number"),
    pytest.param({"order": True, "do": "report"}, id="an order whose number is none"),
    pytest.param({"order": 1}, id="an order that says nothing to do"),
    pytest.param({"order": 1, "do": "mount"}, id="an order that nobody knows"),
    pytest.param({"order": 1, "do": ["report"]}, id="a list as the thing to do"),
    pytest.param({"order": 1, "do": "report", "path": "/"}, id="an order with a key too many"),
    pytest.param({"order": 1, "do": "end"}, id="an end without a session"),
    pytest.param({"order": 1, "do": "end", "session": "../../etc"}, id="a path as a session"),
    pytest.param({"order": 1, "do": "end", "session": FOLDER}, id="a folder's id as a session"),
    pytest.param({"order": 1, "do": "end", "session": SESSION + "\n"}, id="an id with a new line"),
    pytest.param({"order": 1, "do": "keep", "sessions": SESSION}, id="a text as a list"),
    pytest.param({"order": 1, "do": "keep", "sessions": [None]}, id="nothing in a list of ids"),
    pytest.param({"order": 1, "do": "session", "session": None}, id="no session"),
    pytest.param({"order": 1, "do": "session", "session": without("uid", session())},
                 id="a session without a uid"),
    pytest.param(setting(uid="0"), id="a text as a uid"),
    pytest.param(setting(uid=-1), id="a negative uid"),
    pytest.param(setting(uid=2**32 - 1), id="the uid that changes nothing"),
    pytest.param(setting(gid=True), id="a truth as a gid"),
    pytest.param(setting(version=1.5), id="half a version"),
    pytest.param(setting(person=""), id="nobody's session"),
    pytest.param(setting(person="b\0"), id="a person with a NUL"),
    pytest.param(setting(person="\ud800"), id="a person that can't be written"),
    pytest.param(setting(person="b" * 1025), id="a person of more than a thousand letters"),
    pytest.param(setting(extra=1), id="a session with a key too many"),
    pytest.param(setting(folders=[folder(folder="../../etc")]), id="a path as a folder"),
    pytest.param(setting(folders=[folder(folder=FOLDER[:-1])]), id="a folder's id cut short"),
    pytest.param(setting(folders=[folder(level="owner")]), id="a level that there is not"),
    pytest.param(setting(folders=[folder(name="..")]), id="two dots as a name"),
    pytest.param(setting(folders=[folder(name="a/b")]), id="a path as a name"),
    pytest.param(setting(folders=[folder(name="")]), id="no name"),
    pytest.param(setting(folders=[folder(name="é" * 128)]), id="a name of 256 bytes"),
    pytest.param(setting(folders=[folder(until="soon")]), id="a text as an end date"),
    pytest.param(setting(folders=[folder(until=-1.0)]), id="an end date before time"),
    pytest.param(setting(folders=[folder(until=10**400)]), id="an end date after time"),
    pytest.param(setting(folders=[folder(limit=-5)]), id="a negative quota"),
    pytest.param(setting(folders=[without("until", folder())]), id="an end date left out"),
    pytest.param(setting(folders=[folder(path="/etc")]), id="a folder with a path"),
    pytest.param(setting(folders=[folder(), folder(name="two")]), id="one folder twice"),
    pytest.param(setting(folders=[folder(), folder(folder=OTHER)]), id="one name twice"),
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_an_order_that_makes_no_sense_is_refused(line: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        messages.order_of(object_of(json.dumps(line).encode()))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"order": 1', id="half an object"),
        pytest.param(b'{"order": NaN}', id="a number that is none"),
        pytest.param(b'{"order": 1, "order": 2}', id="a key twice"),
        pytest.param(b"[" * 100_000, id="a well of brackets"),
        pytest.param(b'{"order": ' + b"9" * 100_000 + b"}", id="a number without an end"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b'{"order": "' + b"a" * LINE_LIMIT + b'"}', id="more than a line may hold"),
    ],
)
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(BadMessage):
        object_of(line)


@pytest.mark.parametrize(
    "order",
    [
        messages.SayHello(),
        messages.SetSession(messages.SessionWanted.parse(session())),
        messages.SetSession(messages.SessionWanted.parse(session(folders=[]))),
        messages.SetSession(
            messages.SessionWanted.parse(
                session(folders=[folder(name="größe ☂", until=1.5, limit=10, used=3)])
            )
        ),
        messages.EndSession(SESSION),
        messages.KeepSessions(()),
        messages.KeepSessions((SESSION,)),
        messages.AskReport(),
    ],
    ids=lambda order: order.do,
)
def test_an_order_arrives_as_it_was_sent(order: messages.Order) -> None:
    sent = json.dumps(messages.order_json(3, order)).encode()
    assert messages.order_of(object_of(sent)) == order


@pytest.mark.parametrize(
    "answer",
    [
        messages.Hello(1, "node1", True, (), messages.GuardSeen(812, 17.5)),
        messages.Hello(1, "node1", False, ("There is no /dev/fuse.",), None),
        messages.SessionSeen(
            SESSION,
            7,
            "/run/vmshare/views/x",
            (messages.FolderSeen(FOLDER, "mounted", "view"),),
            (messages.Cut(FOLDER, "edit", "view", 12, 3, 1, 0.004),),
        ),
        messages.SessionsEnded((SESSION,)),
        messages.Report((messages.SessionSeen(SESSION, 7, "/v", ()),)),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_an_answer_arrives_as_it_was_sent(answer: messages.Answer) -> None:
    received = object_of(json.dumps(messages.answer_json(3, answer)).encode())
    assert received["ok"] is True
    assert type(answer).parse(received) == answer


@pytest.mark.parametrize(
    "event",
    [
        messages.Expired(SESSION, FOLDER),
        messages.GuardRestarted((SESSION,)),
        messages.Lost(SESSION),
    ],
    ids=lambda event: event.event,
)
def test_an_event_arrives_as_it_was_sent(event: messages.Event) -> None:
    assert messages.event_of(object_of(json.dumps(messages.event_json(event)).encode())) == event


def test_an_event_of_a_newer_agent_is_no_error() -> None:
    assert messages.event_of({"event": "moved", "to": "node2"}) is None
