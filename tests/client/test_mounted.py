"""``with folder.mounted()``: asks, waits, and gives back, in both colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.client import AsyncClient, Client, NotAllowed, NotMounted
from jupyter_vmshare.shared_dir import BECAUSE_VARIABLE, DIRECTORY_VARIABLE
from jupyter_vmshare.widgets.connect import AsyncVMShare, VMShare
from tests.client.conftest import QUICK
from tests.fakes.vmshare import FakeVMShare, Scripted

FOLDER = {
    "id": "fld_" + "0" * 26, "name": "tests", "label": "tests", "owner": "ana",
    "relation": "shared_with_me", "level": "edit", "state": "live",
    "created_at": "2026-11-23T00:00:00.000Z", "actions": ["upload"], "version": 1,
}  # fmt: skip
ROUTE = f"/folders/{FOLDER['id']}/mount"


def mount(state: str = "mounted", because: str | None = None, name: str = "tests") -> Any:
    return {
        "folder_id": FOLDER["id"], "name": name, "level": "edit", "read_only": False,
        "state": state, "because": because,
    }  # fmt: skip


def session(
    *mounts: Any, available: bool = True, because: str | None = None, name: str = ""
) -> dict[str, Any]:
    return {
        "id": "ses_" + "0" * 26, "server_name": name, "started_at": "2026-11-23T00:00:00.000Z",
        "mounts_available": available, "because": because, "mounts": list(mounts),
    }  # fmt: skip


class Session:
    """A session with mounts, and what the service says of it: one answer a look."""

    def __init__(self, fake: FakeVMShare, shared: Path) -> None:
        self.fake, self.shared = fake, shared
        fake.answer("GET", f"/folders/{FOLDER['id']}", Scripted.json(FOLDER))
        choice = Scripted.json({"folder_id": FOLDER["id"], "wanted": True, "sessions": []})
        self.choice = choice

    def says(self, *looks: list[Any]) -> None:
        """In order; the last one stays."""
        told = [Scripted.json({"items": items, "next": None}) for items in looks]
        self.fake.answer("GET", "/sessions", *told)

    def allows(self) -> None:
        self.fake.answer("PUT", ROUTE, self.choice)
        self.fake.answer("DELETE", ROUTE, self.choice)

    @property
    def asked(self) -> list[str]:
        """What was done about the mount, in order."""
        return [came.method for came in self.fake.requests if came.path == ROUTE]


@pytest.fixture
def here(fake: FakeVMShare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.delenv("JUPYTERHUB_SERVER_NAME", raising=False)
    (tmp_path / "tests").mkdir()
    return Session(fake, tmp_path)


Within = Callable[..., Any]


@pytest.fixture(params=["with", "async with"])
def within(request: pytest.FixtureRequest, fake: FakeVMShare) -> Iterator[Within]:
    """``within(act)``: runs ``act(path)`` inside of the ``with``, in one colour."""

    def at_once(act: Callable[[Path], Any], patience: float = 30.0) -> Any:
        with Client(fake.url, "ana-token", retries=QUICK) as client:
            folder = VMShare(client).folders.get(str(FOLDER["id"]))
            with folder.mounted(patience) as path:
                return act(path)

    async def awaited(act: Callable[[Path], Any], patience: float = 30.0) -> Any:
        async with AsyncClient(fake.url, "ana-token", retries=QUICK) as client:
            folder = await AsyncVMShare(client).folders.get(str(FOLDER["id"]))
            async with folder.mounted(patience) as path:
                return act(path)

    yield at_once if request.param == "with" else lambda *given: asyncio.run(awaited(*given))


def test_what_is_mounted_already_stays(here: Session, within: Within) -> None:
    here.says([session(mount())])
    assert within(lambda path: (path, here.asked)) == (here.shared / "tests", [])
    assert here.asked == []


def test_what_is_not_is_asked_for_waited_for_and_given_back(here: Session, within: Within) -> None:
    here.says([session()], [session()], [session(mount("waiting"))], [session(mount())])
    here.allows()
    assert within(lambda path: (path, here.asked)) == (here.shared / "tests", ["PUT"])
    assert here.asked == ["PUT", "DELETE"]


def test_it_is_given_back_after_a_mistake_within(here: Session, within: Within) -> None:
    here.says([session()], [session()], [session(mount())])
    here.allows()
    with pytest.raises(ZeroDivisionError):
        within(lambda _path: 1 / 0)
    assert here.asked == ["PUT", "DELETE"]


def test_a_mount_that_is_on_its_way_out_is_asked_for_again(here: Session, within: Within) -> None:
    here.says([session()], [session(mount("closing"))], [session(mount())])
    here.allows()
    within(lambda path: path)
    assert here.asked == ["PUT", "DELETE"]


def test_a_directory_that_is_not_there_yet_is_waited_for(here: Session, within: Within) -> None:
    here.says([session(mount(name="late"))])
    with pytest.raises(NotMounted, match="still not mounted after 0 s"):
        within(lambda path: path, 0.1)


@pytest.mark.scenario("M8")
@pytest.mark.parametrize(
    ("sessions", "environ", "sentence"),
    [
        pytest.param([session(available=False, because="There is no /dev/fuse.")], {},
                     "There is no /dev/fuse.", id="the node can not"),
        pytest.param([], {}, "Restart your server", id="the service knows no such session"),
        pytest.param([session(mount(), name="big")], {}, "Restart your server",
                     id="it is another server of the person"),
        pytest.param([session()], {BECAUSE_VARIABLE: "It started without."},
                     "It started without.", id="the session started without mounts"),
        pytest.param([session()], {DIRECTORY_VARIABLE: ""}, "has not set that up",
                     id="nothing is set up"),
        pytest.param([session(mount("failed", "The tree is gone."))], {}, "The tree is gone.",
                     id="it failed"),
    ],
)  # fmt: skip
def test_where_it_can_not_be_it_says_why(
    here: Session,
    within: Within,
    monkeypatch: pytest.MonkeyPatch,
    sessions: list[Any],
    environ: dict[str, str],
    sentence: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    here.says(sessions)
    with pytest.raises(NotMounted, match=sentence):
        within(lambda path: path)
    assert here.asked == []


def test_a_failure_after_asking_gives_back(here: Session, within: Within) -> None:
    here.says([session()], [session()], [session(mount("failed", "The tree is gone."))])
    here.allows()
    with pytest.raises(NotMounted):
        within(lambda path: path)
    assert here.asked == ["PUT", "DELETE"]


def test_a_refusal_is_the_services_own(here: Session, within: Within) -> None:
    here.says([session()])
    because = "Your answer to the invitation is still open."
    refusal = Scripted.problem(403, "forbidden", because, rule="grant.invited", because=because)
    here.fake.answer("PUT", ROUTE, refusal)
    later = Scripted.problem(403, "forbidden", "Nor may you give it back.")
    here.fake.answer("DELETE", ROUTE, later)
    with pytest.raises(NotAllowed, match="still open"):
        within(lambda path: path)


def test_folders_say_where_they_are(here: Session, fake: FakeVMShare) -> None:
    here.says([session(mount())], [session(mount())], [session()])
    fake.answer("GET", "/folders", Scripted.json({"items": [FOLDER], "next": None}))
    with Client(fake.url, "ana-token", retries=QUICK) as client:
        folders = VMShare(client).folders
        assert str(here.shared / "tests") in repr(folders)
        folder = folders["tests"]
        assert folder.path == here.shared / "tests"
        assert f"at {here.shared / 'tests'}" in repr(folder)
        assert str(here.shared / "tests") in folder._repr_html_()
        folder.refresh()
        assert folder.path is None


def test_without_mounts_nothing_is_asked_about_them(
    here: Session, fake: FakeVMShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DIRECTORY_VARIABLE)
    fake.answer("GET", "/folders", Scripted.json({"items": [FOLDER], "next": None}))
    with Client(fake.url, "ana-token", retries=QUICK) as client:
        assert VMShare(client).folders["tests"].path is None
    assert fake.came("GET", "/sessions") == []
