"""A POST that makes something makes it once; keys are forgotten after a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyterhub_vmshare.api import idempotency
from tests.fixtures.api import Api

KEY = {"Idempotency-Key": "the-key"}


@pytest.mark.asyncio
async def test_a_repeated_request_answers_what_the_first_did(api: Api) -> None:
    first = await api("ana").call("POST", "/folders", json={"name": "tests"}, headers=KEY)
    again = await api("ana").call("POST", "/folders", json={"name": "tests"}, headers=KEY)
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await api("ana").folders()) == 1


@pytest.mark.asyncio
async def test_another_request_with_the_same_key_is_refused(api: Api) -> None:
    await api("ana").call("POST", "/folders", json={"name": "tests"}, headers=KEY)
    other = await api("ana").call("POST", "/folders", json={"name": "other"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.asyncio
async def test_keys_are_each_persons_own(api: Api) -> None:
    for name in ("ana", "ben"):
        made = await api(name).call("POST", "/folders", json={"name": "tests"}, headers=KEY)
        assert made.json()["owner"] == name


@pytest.mark.asyncio
async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    await api("ana").make_folder("tests")
    refused = await api("ana").call("POST", "/folders", json={"name": "tests"}, headers=KEY)
    assert refused.status_code == 409
    made = await api("ana").call("POST", "/folders", json={"name": "other"}, headers=KEY)
    assert made.status_code == 201


@pytest.mark.asyncio
async def test_keys_are_forgotten_after_a_day(api: Api) -> None:
    db, clock = api.running.service.db, api.running.clock
    await api("ana").call("POST", "/folders", json={"name": "tests"}, headers=KEY)
    for hours, status in ((23, 422), (2, 201)):
        clock.advance(hours=hours)
        async with db.write() as tx:
            await idempotency.forget(tx, tx.at - timedelta(days=1))
        other = await api("ana").call("POST", "/folders", json={"name": "other"}, headers=KEY)
        assert other.status_code == status
