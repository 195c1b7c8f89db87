"""A directory is made once, however often it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fixtures.api import Api, Person
from tests.fixtures.contract import ContractBroken
from tests.fixtures.service import RunningService

pytestmark = pytest.mark.asyncio


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store, not in the database: one kind is enough here."""
    return sqlite_url


KEY = {"Idempotency-Key": "the-key"}


async def make(person: Person, folder: str, path: str) -> httpx2.Response:
    where = f"/folders/{folder}/directories"
    return await person.call("POST", where, json={"path": path}, headers=KEY)


async def test_a_directory_is_made_once_however_often_it_is_asked_for(
    api: Api, folder: str
) -> None:
    first, again = [await make(api("dan"), folder, "new") for _ in range(2)]
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    other = await make(api("dan"), folder, "other")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    elsewhere = await make(api("ana"), folder, "new")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "exists")


async def test_a_directory_whose_making_was_cut_off_is_answered_as_made(
    api: Api, service: RunningService, folder: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = service.service.folders.store
    really = store.make_directory

    async def cut_off(*where: Any) -> Any:
        await really(*where)
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(ContractBroken, match="internal-error"):
        patch.setattr(store, "make_directory", cut_off)
        await make(api("dan"), folder, "new")
    assert (tree / "new").is_dir()
    again, third = [await make(api("dan"), folder, "new") for _ in range(2)]
    assert (again.status_code, again.json()["path"]) == (201, "new")
    assert (third.text, third.headers["Idempotent-Replayed"]) == (again.text, "true")


async def test_a_directory_that_was_refused_leaves_its_key_free(api: Api, folder: str) -> None:
    assert (await make(api("dan"), folder, "myfolder")).status_code == 409
    assert (await make(api("dan"), folder, "no/parent")).status_code == 404
    assert (await make(api("dan"), folder, "myfolder")).status_code == 409
    assert (await make(api("dan"), folder, "new")).status_code == 201


async def test_who_lost_access_gets_no_earlier_answer(api: Api, folder: str) -> None:
    assert (await make(api("dan"), folder, "new")).status_code == 201
    await api("dan").ask("POST", f"/folders/{folder}/leave")
    assert (await make(api("dan"), folder, "new")).status_code == 404


async def test_a_file_is_no_directory_that_was_made(
    api: Api, service: RunningService, folder: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(*where: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(ContractBroken, match="internal-error"):
        patch.setattr(service.service.folders.store, "make_directory", cut_off)
        await make(api("dan"), folder, "new")
    (tree / "new").touch()
    assert (await make(api("dan"), folder, "new")).status_code == 409
