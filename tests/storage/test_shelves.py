"""What the snapshots of a tree hold together: a file that several of them have counts once."""

from __future__ import annotations

from itertools import permutations

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.port import shelf_of
from jupyterhub_vmshare.storage.posix import PosixStore, copying
from tests.storage.test_accounts import put

pytestmark = pytest.mark.asyncio

SHELF = [{"a": 100, "d/b": 10}, {"a": 100, "d/b": 20}, {"a": 100, "d/b": 20, "c": 5}]


def _together(snapshots: list[dict[str, int]]) -> int:
    return sum(size for _, size in {file for one in snapshots for file in one.items()})


@pytest.mark.parametrize("purged", [False, True], ids=["thrown away", "purged at once"])
@pytest.mark.parametrize(
    "order", list(permutations(range(3))), ids=lambda order: f"{order} from the oldest"
)
async def test_what_the_last_one_has_is_given_back_with_it(
    store: PosixStore,
    folder: str,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[int, ...],
    purged: bool,
) -> None:
    monkeypatch.setattr(copying, "_SETTLED_NS", 0)
    account, ids = new_id("acc"), [new_id("snp") for _ in SHELF]
    await store.charge(folder, account)
    await store.make_directory(folder, ("d",))
    before: dict[str, int] = {}
    for number, files in enumerate(SHELF):
        for name, size in files.items() - before.items():
            await put(store, folder, name, size, overwrite=True)
        earlier = ids[number - 1] if number else None
        await store.take_snapshot(folder, ids[number], earlier, lambda *_: True)
        before = files

    async def held() -> int:
        return (await store.usage(account)).trees[shelf_of(folder)]

    there = dict(enumerate(SHELF))
    assert await held() == _together(SHELF)
    for number in order:
        await store.drop_snapshot(folder, ids[number])
        while purged and await store.purge(10):
            pass
        del there[number]
        assert await held() == _together(list(there.values()))
