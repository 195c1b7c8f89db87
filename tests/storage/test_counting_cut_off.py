"""Counting a tree, cut off or overtaken: what is given up stands in no account."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.posix import PosixStore, booked
from jupyterhub_vmshare.storage.posix.accounts import Accounts


@pytest.fixture
def account() -> str:
    return new_id("acc")


@pytest.mark.parametrize("dies_at", ["naming", "counting"])
async def test_a_tree_whose_counting_was_cut_off_leaves_nothing_in_the_account(
    store: PosixStore, folder: str, account: str, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    await store.set_limit(account, 1000)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        if dies_at == "naming":
            patched.setattr(booked, "name_account", dies)
        else:
            patched.setattr(Accounts, "add", dies)
        store._recharge(folder, account, None)
    assert await store.discard_if_empty(folder)
    assert (await store.usage(account)).trees == {}


@pytest.mark.parametrize("just_before", ["it is counted there", "it is counted here no more"])
async def test_a_tree_that_is_given_up_while_it_moves_is_counted_nowhere(
    store: PosixStore,
    folder: str,
    account: str,
    monkeypatch: pytest.MonkeyPatch,
    just_before: str,
) -> None:
    await store.charge(folder, account)
    other = new_id("acc")
    given_up: list[bool] = []
    what = "add" if just_before == "it is counted there" else "remove"
    does = getattr(Accounts, what)

    def after_the_other(accounts: Accounts, *asked: object) -> object:
        if not given_up:
            given_up.append(True)
            store._retire(folder)
        return does(accounts, *asked)

    with monkeypatch.context() as patched:
        patched.setattr(Accounts, what, after_the_other)
        store._recharge(folder, other, account)
    for each in (account, other):
        assert (await store.usage(each)).trees == {}
