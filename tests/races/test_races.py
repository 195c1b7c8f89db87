"""Two requests in the same instant: one outcome, which the events tell and the chain keeps."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2
import pytest

from tests.races.conftest import Replicas

ROUNDS = 8
"""A race is lost now and then only: each is run this often."""


async def at_once(*requests: Any) -> list[httpx2.Response]:
    """The answers to requests that are sent in the same instant."""
    return list(await asyncio.gather(*requests))


def statuses(answers: list[httpx2.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


async def invited(replicas: Replicas, name: str, level: str = "view") -> tuple[str, str]:
    """A folder of ana's, and ben's open invitation to it."""
    folder = await replicas("ana").make_folder(name)
    (grant,) = await replicas("ana").invite(folder, level, "ben")
    return folder, grant


@pytest.mark.scenario("F11")
@pytest.mark.asyncio
async def test_two_tabs_accept_the_same_invitation(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        folder, grant = await invited(replicas, f"accept {round_}")
        path = f"/invitations/{grant}/accept"
        answers = await at_once(*(replicas("ben", n).call("POST", path) for n in range(4)))
        assert statuses(answers) == [200] * 4
        assert [row.state for row in await replicas.live(folder)] == ["active"]
    assert await replicas.told("ana", "grant.accepted") == ["grant.accepted"] * ROUNDS
    assert await replicas.chain_is_whole()


@pytest.mark.asyncio
async def test_accept_against_cancel(replicas: Replicas) -> None:
    seen: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        folder, grant = await invited(replicas, f"cancel {round_}")
        accepted, cancelled = await at_once(
            replicas("ben", 0).call("POST", f"/invitations/{grant}/accept"),
            replicas("ana", 1).call("DELETE", f"/grants/{grant}"),
        )
        assert cancelled.status_code == 200
        assert accepted.status_code in (200, 409)
        ended = cancelled.json()["ended"][0]["ended_why"]
        # Whoever came first decides: an accepted invitation is revoked, an open one cancelled.
        assert ended == ("revoked" if accepted.status_code == 200 else "cancelled")
        assert await replicas.live(folder) == []
        seen[ended] += 1
    told = Counter(await replicas.told("ben", "grant.revoked", "grant.cancelled"))
    assert told == Counter({f"grant.{why}": count for why, count in seen.items()})
    assert await replicas.chain_is_whole()


@pytest.mark.asyncio
async def test_revoke_against_the_end_date(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        folder = await replicas("ana").make_folder(f"end {round_}")
        end = replicas.clock.now.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        replicas.clock.advance(hours=-1)
        (grant,) = await replicas("ana").invite(folder, "view", "ben", ends_at=end)
        await replicas("ben").accept(grant)
        replicas.clock.advance(hours=1)
        expiry = replicas.apis[-1].running.service.expiry
        revoked, _ = await asyncio.gather(
            replicas("ana").call("DELETE", f"/grants/{grant}"), expiry.catch_up()
        )
        assert revoked.status_code == 200
        # At its date it is over, whoever writes it down: there is nothing left to revoke.
        assert revoked.json()["ended"] == []
        assert await replicas.live(folder) == []
    assert await replicas.told("ben", "grant.expired", "grant.revoked") == (
        ["grant.expired"] * ROUNDS
    )
    assert await replicas.chain_is_whole()


@pytest.mark.asyncio
async def test_two_tabs_of_the_owner_change_one_grant(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        folder, grant = await invited(replicas, f"change {round_}")
        version = {"If-Match": '"1"'}
        answers = await at_once(
            *(
                replicas("ana", n).call(
                    "PATCH", f"/grants/{grant}", json={"level": level}, headers=version
                )
                for n, level in enumerate(["edit", "edit_delete"])
            )
        )
        assert statuses(answers) == [200, 412]
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert [row.level for row in await replicas.live(folder)] == [won["level"]]
    assert await replicas.told("ben", "grant.changed") == ["grant.changed"] * ROUNDS


@pytest.mark.asyncio
async def test_accept_as_seen_against_change(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        folder, grant = await invited(replicas, f"seen {round_}", "edit")
        accepted, changed = await at_once(
            replicas("ben", 0).call(
                "POST", f"/invitations/{grant}/accept", headers={"If-Match": '"1"'}
            ),
            replicas("ana", 1).call(
                "PATCH", f"/grants/{grant}", json={"level": "view"}, headers={"If-Match": '"1"'}
            ),
        )
        assert statuses([accepted, changed]) == [200, 412]
        (row,) = await replicas.live(folder)
        expected = ("active", "edit") if accepted.status_code == 200 else ("pending", "view")
        assert (row.state, row.level) == expected


@pytest.mark.asyncio
async def test_one_person_invited_twice_at_once(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        folder = await replicas("ana").make_folder(f"twice {round_}")
        body = {"grants": [{"receiver": "ben", "level": "view"}]}
        answers = await at_once(
            *(
                replicas("ana", n).call("POST", f"/folders/{folder}/grants", json=body)
                for n in (0, 1)
            )
        )
        assert statuses(answers) == [201, 201]
        results = [answer.json()["results"][0] for answer in answers]
        assert sorted(result["grant"] is not None for result in results) == [False, True]
        problem = next(result["problem"] for result in results if result["problem"])
        assert problem["status"] == 409
        assert len(await replicas.live(folder)) == 1


@pytest.mark.asyncio
async def test_one_idempotency_key_at_once(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        name, key = f"once {round_}", {"Idempotency-Key": f"key-{round_}"}
        answers = await at_once(
            *(
                replicas("ana", n).call("POST", "/folders", json={"name": name}, headers=key)
                for n in range(4)
            )
        )
        assert statuses(answers) == [201] * 4
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await replicas("ana").folders()) == ROUNDS


@pytest.mark.asyncio
async def test_one_folder_name_taken_at_once(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        body = {"name": f"name {round_}"}
        answers = await at_once(
            *(replicas("ana", n).call("POST", "/folders", json=body) for n in range(3))
        )
        assert statuses(answers) == [201, 409, 409]
    assert len(await replicas("ana").folders()) == ROUNDS


@pytest.mark.asyncio
async def test_accept_against_a_rename_into_the_receivers_name(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        taken = f"taken {round_}"
        await replicas("ben").make_folder(taken)
        folder, grant = await invited(replicas, f"free {round_}")
        await at_once(
            replicas("ben", 0).call("POST", f"/invitations/{grant}/accept"),
            replicas("ana", 1).call(
                "PATCH", f"/folders/{folder}", json={"name": taken}, headers={"If-Match": '"1"'}
            ),
        )
        labels = [f["label"] for f in await replicas("ben").all("/folders")]
        assert len(labels) == len(set(labels))


@pytest.mark.asyncio
async def test_restore_against_a_new_namesake(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        name = f"back {round_}"
        folder = await replicas("ana").make_folder(name)
        await replicas("ana").ask("POST", f"/folders/{folder}/trash")
        answers = await at_once(
            replicas("ana", 0).call("POST", f"/folders/{folder}/restore"),
            replicas("ana", 1).call("POST", "/folders", json={"name": name}),
        )
        assert sorted(answer.is_success for answer in answers) == [False, True]
        assert name in await replicas("ana").folders()
