"""What goes wrong: which exception, tried again or not, and never a secret in it."""

from __future__ import annotations

import io
import logging
import traceback
from typing import Any

import httpx2
import pytest

from jupyter_vmshare import client as c
from jupyter_vmshare.client import Client, NameTaken, Received, Retries, VMShareError
from jupyter_vmshare.client.retries import Backoff
from jupyterhub_vmshare.api.contract.grants import NewGrant
from tests.client.conftest import QUICK, Colour
from tests.client.test_calls import FOLDER, GRANT, F, G
from tests.fakes.vmshare import FakeVMShare, Scripted


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        pytest.param(400, "malformed", c.BadInput, id="malformed"),
        pytest.param(401, "not-signed-in", c.NotSignedIn, id="not signed in"),
        pytest.param(403, "forbidden", c.NotAllowed, id="not allowed"),
        pytest.param(404, "not-found", c.NotFound, id="not found"),
        pytest.param(409, "name-taken", c.NameTaken, id="a name clash"),
        pytest.param(409, "wrong-state", c.WrongState, id="in the trash"),
        pytest.param(409, "exists", c.Conflict, id="another conflict"),
        pytest.param(412, "changed-meanwhile", c.ChangedMeanwhile, id="changed meanwhile"),
        pytest.param(413, "too-large", c.BadInput, id="too large"),
        pytest.param(422, "bad-input", c.BadInput, id="bad input"),
        pytest.param(500, "internal-error", c.ServiceFailed, id="the service's mistake"),
        pytest.param(507, "store-full", c.StoreFull, id="the store is full"),
    ],
)
def test_a_problem_becomes_an_exception(
    colour: Colour, fake: FakeVMShare, status: int, code: str, kind: type[VMShareError]
) -> None:
    fake.answer(
        "GET",
        "/me",
        Scripted.problem(
            status, code, "That is so.", rule="r.x", because="Because.", request_id="q1"
        ),
    )
    with pytest.raises(kind) as raised:
        colour.do(lambda c: c.me())
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.code, error.rule, error.because) == (
        status,
        code,
        "r.x",
        "Because.",
    )
    assert str(error) == "That is so. Because."
    assert error.request_id == "q1"
    assert len(fake.requests) == 1, "a refusal is not asked for again"


def test_a_clash_comes_with_a_free_name(colour: Colour, fake: FakeVMShare) -> None:
    told = Scripted.problem(409, "name-taken", "Taken.", suggestion="tests (ana)")
    fake.answer("POST", f"/invitations/{G}/accept", told)
    with pytest.raises(NameTaken) as raised:
        colour.do(lambda c: c.accept(G))
    assert raised.value.suggestion == "tests (ana)"


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [
        pytest.param(Scripted(404, b"<html>"), c.ServiceUnreachable, id="the proxy knows none"),
        pytest.param(Scripted(503, b"<html>"), c.ServiceUnreachable, id="the proxy finds it down"),
        pytest.param(Scripted(403, b"<html>"), c.NotAllowed, id="the hub lets nobody through"),
        pytest.param(Scripted(302, b"", {"Location": "/hub/login"}), c.ServiceFailed, id="a login"),
        pytest.param(Scripted(200, b"<html>"), c.ServiceFailed, id="a page"),
        pytest.param(Scripted(200, b"{}"), c.ServiceFailed, id="another version's answer"),
    ],
)
def test_what_is_no_answer_of_the_service(
    colour: Colour, fake: FakeVMShare, scripted: Scripted, kind: type[VMShareError]
) -> None:
    fake.answer("GET", "/me", scripted)
    with pytest.raises(kind) as raised:
        colour.do(lambda c: c.me())
    assert "html" not in str(raised.value)


BUSY = Scripted.problem(503, "hub-unreachable", "The hub does not answer.")


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Scripted(drop=True), id="the connection breaks"),
        pytest.param(BUSY, id="503"),
        pytest.param(Scripted(502, b"<html>"), id="a proxy's 502"),
    ],
)
def test_what_does_no_harm_is_tried_again_with_the_same_key(
    colour: Colour, fake: FakeVMShare, trouble: Scripted
) -> None:
    told = Scripted.json({"results": [{"receiver": "ben", "grant": GRANT}]}, 201)
    fake.answer("POST", f"/folders/{F}/grants", trouble, trouble, told)
    grant = NewGrant(receiver="ben", level="view")
    assert colour.do(lambda c: c.invite(F, [grant])).results[0].grant.id == G
    keys = {came.headers["idempotency-key"] for came in fake.requests}
    assert (len(fake.requests), len(keys)) == (3, 1)
    colour.do(lambda c: c.invite(F, [grant]))
    assert fake.requests[-1].headers["idempotency-key"] not in keys


@pytest.mark.parametrize("trouble", [Scripted(drop=True), BUSY], ids=["broken", "503"])
def test_what_may_have_happened_is_not_done_again(
    colour: Colour, fake: FakeVMShare, trouble: Scripted
) -> None:
    fake.answer("PATCH", f"/folders/{F}", trouble, Scripted.json(FOLDER))
    with pytest.raises(c.ServiceUnreachable):
        colour.do(lambda c: c.rename_folder(F, "x", 1))
    assert len(fake.requests) == 1


def test_it_gives_up_in_the_end(colour: Colour, fake: FakeVMShare) -> None:
    fake.answer("GET", "/me", BUSY)
    with pytest.raises(c.ServiceUnreachable, match="hub"):
        colour.do(lambda c: c.me())
    assert len(fake.requests) == QUICK.attempts


@pytest.mark.parametrize(
    ("after", "attempts"),
    [
        pytest.param("0", 2, id="a short wait is waited"),
        pytest.param("3600", 1, id="a long one is not"),
        pytest.param(None, 1, id="nor one of unknown length"),
    ],
)
def test_a_rate_limit(colour: Colour, fake: FakeVMShare, after: str | None, attempts: int) -> None:
    limit = Scripted.problem(429, "too-many-requests", "Slowly.")
    if after is not None:
        limit = Scripted(429, limit.body, {**limit.headers, "Retry-After": after})
    fake.answer("GET", "/people", limit, Scripted.json({"items": [], "next": None}))
    if attempts == 1:
        with pytest.raises(c.TooManyRequests) as raised:
            colour.do(lambda c: c.people("x"))
        assert raised.value.retry_after == (None if after is None else float(after))
    else:
        assert colour.do(lambda c: c.people("x")) == []
    assert len(fake.requests) == attempts


def test_nobody_there(colour: Colour, fake: FakeVMShare) -> None:
    fake.stop()
    with pytest.raises(c.ServiceUnreachable, match=r"can't be reached"):
        colour.do(lambda c: c.rename_folder(F, "x", 1))
    fake.start()


def test_a_download_goes_on_where_it_broke_off(colour: Colour, fake: FakeVMShare) -> None:
    fake.answer("GET", "/break-after", Scripted(body=b"100000"))
    held = io.BytesIO(b"kept")
    held.seek(4)
    colour.do(lambda c: c.download(F, "300000", Received(held)))
    assert held.getvalue() == b"kept" + (bytes(range(256)) * 1200)[:300_000]
    ranges = [came.headers.get("range") for came in fake.requests]
    assert ranges[0] is None
    assert all(text.startswith("bytes=") for text in ranges[1:] if text)
    assert fake.requests[-1].headers["if-range"] == '"e1"'


def test_pauses_double_up_to_a_longest() -> None:
    backoff = Backoff(first=1, longest=5)
    for attempt, step in ((1, 1), (2, 2), (3, 4), (4, 5), (400, 5)):
        pauses = [backoff.pause(attempt) for _ in range(50)]
        assert step / 2 <= min(pauses) <= max(pauses) <= step
        assert len(set(pauses)) > 1, "clients must not come back all at once"


SECRET = "s3cret-token-value"


@pytest.mark.parametrize("status", [None, 401, 500, 200])
def test_no_error_shows_the_token(fake: FakeVMShare, status: int | None, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    if status is None:
        fake.stop()
    else:
        fake.people[SECRET] = "ana"
        fake.answer("GET", "/me", Scripted(status, b"nonsense"))
    client = Client(fake.url, SECRET, retries=Retries(attempts=1))
    with pytest.raises(VMShareError) as raised:
        client.me()
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    shown += repr(client) + repr(vars(raised.value)) + repr(client._http.headers) + caplog.text
    assert SECRET not in shown


def test_the_token_follows_no_redirect_and_meets_no_proxy(
    fake: FakeVMShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    fake.answer("GET", "/me", Scripted(307, b"", {"Location": f"{fake.url}api/elsewhere"}))
    with Client(fake.url, "ana-token") as client, pytest.raises(c.ServiceFailed):
        client.me()
    assert [came.path for came in fake.requests] == ["/me"]
    assert httpx2.Client().trust_env
