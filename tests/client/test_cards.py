"""What notebooks show: nothing that somebody wrote runs there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from jupyter_vmshare.client import Client
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.folders import Folder, FolderTable
from jupyter_vmshare.widgets.invitations import Invitation, InvitationTable
from jupyter_vmshare.widgets.machines import Machine
from jupyter_vmshare.widgets.moments import moment
from jupyter_vmshare.widgets.tables import Access, Answer, Entries, People, Shared
from jupyterhub_vmshare.api.contract.files import EntryView
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import (
    GrantResult,
    GrantView,
    InvitationView,
    PeopleOfThing,
)
from jupyterhub_vmshare.api.contract.machines import MachineView
from jupyterhub_vmshare.api.contract.people import PersonView, Why
from tests.client.machine_rows import MACHINE
from tests.client.test_calls import AT, ENTRY, FOLDER, GRANT, INVITATION

EVIL = "\"><img src=x onerror=alert(1)>'&<script>\x1b[31m\u202e"
ALLOWED = {
    *("section", "div", "span", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"),
    *("ol", "li", "small"),
}
PLAYER = Client("http://127.0.0.1:9/", "t")


def folder(**changes: Any) -> Folder:
    return Folder(FolderView.model_validate({**FOLDER, **changes}), PLAYER)


def invitation() -> InvitationView:
    return InvitationView.model_validate(
        {**INVITATION, "thing_name": EVIL, "giver": EVIL, "owner": EVIL, "suggested_alias": EVIL}
    )


def grant() -> GrantView:
    told = {**GRANT, "giver": EVIL, "receiver": {"kind": "person", "name": EVIL}, "level": EVIL}
    return GrantView.model_validate(told)


def answer() -> Answer:
    source = {"kind": EVIL, "level": EVIL, "giver": EVIL, "receiver": EVIL, "ends_at": AT}
    told = {"person": EVIL, "action": EVIL, "thing_id": None, "allowed": False, "rule": EVIL}
    return Answer(Why.model_validate({**told, "because": EVIL, "sources": [source]}))


def entry() -> EntryView:
    return EntryView.model_validate({**ENTRY, "name": EVIL, "path": EVIL})


def machine() -> MachineView:
    drive = {"drive_id": "d", "drive_name": EVIL, "read_only": False, "state": "attaching"}
    told = {"name": EVIL, "owner": EVIL, "level": EVIL, "because": EVIL, "on": [EVIL]}
    more = {"size": EVIL, "made_from": EVIL, "drives": [drive], "state": "making"}
    return MachineView.model_validate({**MACHINE, **told, **more})


def problem() -> GrantResult:
    told = {"type": "t", "title": "t", "status": 404, "code": "c", "detail": EVIL}
    return GrantResult.model_validate({"receiver": EVIL, "problem": told})


SHOWN = [
    pytest.param(lambda: folder(name=EVIL, label=EVIL, owner=EVIL, alias=EVIL), id="a folder"),
    pytest.param(lambda: FolderTable([folder(label=EVIL, owner=EVIL)], EVIL), id="folders"),
    pytest.param(lambda: Invitation(invitation(), PLAYER), id="an invitation"),
    pytest.param(lambda: InvitationTable([invitation()], EVIL), id="invitations"),
    pytest.param(
        lambda: Access(PeopleOfThing(owner=EVIL, grants=[grant()]), EVIL), id="who has it"
    ),
    pytest.param(lambda: Access(PeopleOfThing(owner=EVIL, grants=[]), EVIL), id="nobody else"),
    pytest.param(lambda: Shared([problem()], EVIL), id="results of a batch"),
    pytest.param(lambda: Entries([entry()], EVIL, more=True), id="a directory"),
    pytest.param(lambda: People([PersonView(name=EVIL, teams=[EVIL])], EVIL), id="people"),
    pytest.param(answer, id="an answer to why"),
    pytest.param(lambda: Machine(machine(), PLAYER), id="a machine"),
]


class Reader(HTMLParser):
    """Reads as a browser does: which elements there are, and what text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("make", SHOWN)
def test_names_are_text_and_never_markup(make: Any) -> None:
    reader = Reader()
    reader.feed(make()._repr_html_())
    assert {tag for tag, _ in reader.elements} <= ALLOWED
    assert {name for _, attrs in reader.elements for name in attrs} <= {
        "style", "aria-label", "scope", "aria-hidden",
    }  # fmt: skip
    assert "<img src=x" in reader.text, "the name is still readable"


@pytest.mark.parametrize("make", SHOWN)
def test_names_drive_no_terminal(make: Any) -> None:
    shown = repr(make())
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("make", SHOWN)
def test_a_card_is_readable_without_eyes_and_in_every_theme(make: Any) -> None:
    reader = Reader()
    reader.feed(make()._repr_html_())
    sections = [attrs for tag, attrs in reader.elements if tag == "section"]
    assert all(attrs.get("aria-label") for attrs in sections)
    assert all(attrs.get("scope") in {"col", "row"} for t, attrs in reader.elements if t == "th")
    for _, attrs in reader.elements:
        style = attrs.get("style") or ""
        for rule in style.split(";"):
            if rule.startswith(("color:", "background:", "border:")):
                assert "var(--jp-" in rule, rule


def test_a_folder_says_what_matters() -> None:
    shared = folder(
        owner="ana", relation="shared_with_me", level="view", alias="mine", label="mine",
        ends_at="2026-11-27T18:00:00Z", actions=["read_file"],
    )  # fmt: skip
    for shown in (repr(shared), shared._repr_html_()):
        assert "mine" in shown
        assert "ana" in shown
        assert "View" in shown
        assert "tests" in shown
        assert "27 Nov 2026" in shown
    assert "READ-ONLY" in shared._repr_html_()
    assert "READ-ONLY" not in folder()._repr_html_()


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param(None, None, id="never"),
        pytest.param("2026-11-27T18:00Z", datetime(2026, 11, 27, 18, tzinfo=UTC), id="UTC"),
        pytest.param("2026-11-27T18:00+02:00", datetime(2026, 11, 27, 16, tzinfo=UTC), id="a zone"),
        pytest.param(
            datetime(2026, 11, 27, 18), datetime(2026, 11, 27, 18).astimezone(UTC), id="here"
        ),
        pytest.param(
            "2026-11-27", datetime(2026, 11, 27, 23, 59, 59).astimezone(UTC), id="a date's end"
        ),
        pytest.param(
            date(2026, 11, 27), datetime(2026, 11, 27, 23, 59, 59).astimezone(UTC), id="a date"
        ),
    ],
)
def test_when_it_ends(until: Any, expected: datetime | None) -> None:
    assert moment(until) == expected


@pytest.mark.parametrize("until", ["Friday", "", "2026-13-01", "18:00"])
def test_what_is_no_date(until: str) -> None:
    with pytest.raises(ValueError, match="2026-11-27"):
        moment(until)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (12_345, "12 KiB"),
        (2**32, "4.0 GiB"),
    ],
)
def test_sizes_are_for_reading(number: Any, text: str) -> None:
    assert cards.size(number) == text
