"""Steps three and four: gates, and which answer with which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from jupyterhub_vmshare.policy.decide import actions, decide
from jupyterhub_vmshare.policy.model import Holding, Person, Target, Thing
from jupyterhub_vmshare.policy.tables import FOLDER as FOLDER_TABLE
from jupyterhub_vmshare.words import EndedWhy, ThingState
from tests.policy.holdings import (
    ADMINISTERS,
    ANA,
    AT,
    BEN,
    DRIVE,
    FOLDER,
    LEADS,
    MACHINE,
    OWNS,
    ROOT,
    SOON,
    give,
    invite,
    over,
    project_folder,
    thing,
)

TRASHED = ThingState.TRASHED


def answer(action: str, *held: Holding, person: Person = BEN, **facts: Any) -> tuple[int, str]:
    decision = decide(person, action, thing(*held, **facts), AT)
    assert decision.because
    return decision.status, decision.rule


class TestTrash:
    OWNERS = (
        *("see_in_list", "see_people", "restore_folder", "delete_folder_for_ever"),
        *("change_level", "revoke"),
    )

    def test_the_owner_sees_it_and_may_restore_delete_and_take_away(self) -> None:
        assert actions(ANA, thing(OWNS, state=TRASHED), AT) == tuple(
            action for action in FOLDER_TABLE.rows if action in self.OWNERS
        )
        assert answer("read_file", OWNS, person=ANA, state=TRASHED) == (409, "gate.state")

    @pytest.mark.parametrize("level", ["view", "edit", "edit_delete"])
    def test_for_everybody_else_it_is_not_there_but_they_may_leave(self, level: str) -> None:
        assert actions(BEN, thing(give(level), state=TRASHED), AT) == ("leave",)
        assert answer("see_in_list", give(level), state=TRASHED) == (404, "not_visible")
        assert answer("read_file", give(level), state=TRASHED) == (404, "not_visible")
        assert answer("see_people", ADMINISTERS, state=TRASHED) == (404, "not_visible")

    def test_an_invitation_to_it_shows_and_waits(self) -> None:
        assert decide(BEN, "see_in_list", thing(invite("view"), state=TRASHED), AT).limits
        assert answer("accept", invite("view"), state=TRASHED) == (409, "gate.state")
        assert answer("decline", invite("view"), state=TRASHED) == (200, "table.decline")
        said = decide(BEN, "accept", thing(invite("view"), state=TRASHED), AT).because
        assert said == (
            "This folder is in the trash, so accepting an invitation has to wait. "
            "ana has to restore it first."
        )

    def test_what_was_accepted_shows_nothing_beside_an_open_invitation(self) -> None:
        where = thing(give("edit_delete"), invite("view"), state=TRASHED)
        assert decide(BEN, "see_in_list", where, AT).limits == ("as_invitation",)
        assert answer("list_files", *where.holdings, state=TRASHED) == (409, "gate.state")

    def test_what_is_not_in_the_trash_is_neither_restored_nor_deleted_for_ever(self) -> None:
        for action in ("restore_folder", "delete_folder_for_ever"):
            assert answer(action, OWNS, person=ANA) == (409, "gate.state")

    def test_nothing_but_ending_access_can_be_done_while_it_is_deleted(self) -> None:
        where = thing(OWNS, state=ThingState.DELETING)
        assert actions(ANA, where, AT) == ("see_in_list", "see_people", "revoke")
        assert actions(BEN, replace(where, holdings=(give("edit"),)), AT) == ("leave",)


class TestProjectGates:
    NEVER: ClassVar = {
        FOLDER: ("leave", "accept_or_decline", "decline", "revoke"),
        MACHINE: (
            *("leave", "accept_or_decline", "decline", "revoke_grant", "stop_sharing_with_all"),
        ),
        DRIVE: ("leave", "accept_or_decline", "decline", "revoke"),
    }
    GATES = (
        ("gate.tag", {"tag": "reef"}),
        ("gate.key", {"facts": frozenset({"key_half_missing"})}),
        ("gate.workshop_over", {"facts": frozenset({"workshop_over"})}),
    )

    @pytest.mark.parametrize(("rule", "facts"), GATES, ids=[rule for rule, _ in GATES])
    def test_a_closed_gate_wins_over_every_source(self, rule: str, facts: dict[str, Any]) -> None:
        for kind, strongest in ((FOLDER, OWNS), (MACHINE, OWNS), (DRIVE, OWNS)):
            open_ones = actions(ANA, thing(strongest, kind=kind, **facts), AT)
            assert set(open_ones) <= {"see_in_list", "see_people", *self.NEVER[kind]}
        assert answer("read_file", give("view"), **facts) == (403, rule)
        assert answer("accept", invite("view"), **facts) == (403, rule)

    @pytest.mark.parametrize(("rule", "facts"), GATES, ids=[rule for rule, _ in GATES])
    def test_a_gate_never_blocks_leaving_declining_or_revoking(
        self, rule: str, facts: dict[str, Any]
    ) -> None:
        for kind, never in self.NEVER.items():
            level = {FOLDER: "view", MACHINE: "use", DRIVE: "attach_read"}[kind]
            where = thing(OWNS, give(level, kind), invite(level, kind), kind=kind, **facts)
            for action in never:
                assert decide(BEN, action, where, AT).allowed, (action, rule)

    def test_hub_admins_stand_before_it_like_everybody(self) -> None:
        gone = thing(owner_gone=True, tag="reef")
        assert not decide(ROOT, "hand_over", gone, AT, target=Target(person="ben")).allowed

    def test_active_members_pass_the_tag(self) -> None:
        tagged = thing(give("view"), tag="reef")
        assert decide(replace(BEN, projects=frozenset({"reef"})), "read_file", tagged, AT).allowed
        assert decide(
            replace(BEN, administers=frozenset({"reef"})), "read_file", tagged, AT
        ).allowed
        other = replace(BEN, projects=frozenset({"other"}))
        assert not decide(other, "read_file", tagged, AT).allowed


def test_the_table_is_asked_before_the_gates() -> None:
    assert answer("delete_file", give("view"), tag="reef") == (403, "grant.level")


def test_a_stranger_learns_nothing() -> None:
    for state in ThingState:
        live, gone = thing(state=state), thing(state=state, name="other", tag="reef")
        for action in (*FOLDER_TABLE.rows, "no_such_action"):
            first, second = (decide(BEN, action, where, AT) for where in (live, gone))
            assert first == second
            assert (first.status, first.rule) == (404, "not_visible")


def test_an_action_that_is_in_no_table_is_refused() -> None:
    assert answer("fly", OWNS, person=ANA) == (403, "table.unknown")
    assert decide(ANA, "fly", None, AT).rule == "table.unknown"
    assert decide(ANA, "fly", Thing("x", None, "ana", "x"), AT).status == 404


class TestTwoThings:
    machine = staticmethod(lambda *held: thing(*held, kind=MACHINE))
    drive = staticmethod(lambda *held: thing(*held, kind=DRIVE))

    @pytest.mark.parametrize(
        ("drive_level", "machine_level", "rule"),
        [
            pytest.param(
                "attach_read", "co_own", "grant.level", id="a reader can not attach to write"
            ),
            pytest.param("attach_write", "use", "grant.level", id="a user can not attach drives"),
            pytest.param("attach_write", "co_own", "table.attach_read_write", id="both say yes"),
        ],
    )
    def test_attaching_asks_both(self, drive_level: str, machine_level: str, rule: str) -> None:
        drive = self.drive(give(drive_level, DRIVE))
        machine = self.machine(give(machine_level, MACHINE))
        decision = decide(BEN, "attach_read_write", drive, AT, machine)
        assert (decision.rule, decision.allowed) == (rule, rule.startswith("table."))

    def test_the_machines_side_asks_the_drive(self) -> None:
        machine = self.machine(OWNS)
        assert decide(
            BEN, "attach_drive", machine, AT, self.drive(give("attach_read", DRIVE))
        ).allowed
        assert decide(BEN, "attach_drive", machine, AT, self.drive()).status == 404

    def test_a_pair_that_no_table_names_is_refused(self) -> None:
        assert not decide(BEN, "rename", self.machine(OWNS), AT, thing(OWNS)).allowed


SENTENCES = [
    pytest.param(
        "delete_file",
        thing(give("view")),
        "You have View on this folder; deleting files needs Edit+Delete. ana can raise your level.",
        id="a level is too low",
    ),
    pytest.param("delete_file", thing(give("edit_delete")), "ana gave you Edit+Delete.", id="yes"),
    pytest.param(
        "read_file",
        thing(give("view", ends_at=SOON)),
        "ana gave you View until 27 Nov 2026 18:00:01 UTC.",
        id="yes, for a while",
    ),
    pytest.param(
        "read_file",
        thing(give("view", ends_at=AT)),
        "Your access (View from ana) ended on 27 Nov 2026 18:00 UTC. ana can give it again.",
        id="the end date has come",
    ),
    pytest.param(
        "delete_file",
        thing(give("view"), over("edit_delete", EndedWhy.REVOKED)),
        "Your access (Edit+Delete from ana) was ended on 26 Nov 2026 18:00 UTC. "
        "You have View on this folder; deleting files needs Edit+Delete. ana can raise your level.",
        id="an ended grant would have allowed it",
    ),
    pytest.param(
        "rename_folder",
        thing(give("edit_delete"), over("edit", EndedWhy.REVOKED)),
        "You have Edit+Delete on this folder; renaming the folder is for its owner, ana.",
        id="an ended grant would not have allowed it",
    ),
    pytest.param(
        "read_file",
        thing(invite("view")),
        "You have not accepted ana's invitation to this folder (View) yet: "
        "reading files waits for that.",
        id="the invitation waits",
    ),
    pytest.param(
        "read_file",
        thing(give("view", via="team_grant")),
        "ana gave genomics View, and you are a member.",
        id="by a team",
    ),
    pytest.param(
        "upload",
        thing(give("view", via="team_grant", answer="none")),
        "You have View on this folder through genomics; uploading needs Edit. "
        "ana can raise your level.",
        id="a team's level is too low",
    ),
    pytest.param(
        "mount_read_only",
        thing(give("view", via="team_grant", answer="none")),
        "You have not accepted the level View that genomics has on this folder yet: "
        "mounting it for reading waits for that.",
        id="a mount waits for a yes",
    ),
    pytest.param(
        "reboot",
        thing(give("use", MACHINE), kind=MACHINE),
        "Your grant on this machine comes without the tick “power”; ana can set it.",
        id="a tick is missing",
    ),
    pytest.param(
        "clone",
        thing(give("view")),
        "ana does not let this folder be copied as a whole.",
        id="not cloneable",
    ),
    pytest.param(
        "upload",
        project_folder(give("view", via="project_grant")),
        "You have View on this folder through reef; uploading needs Edit. "
        "An administrator of reef can raise your level.",
        id="a project's level is too low",
    ),
    pytest.param(
        "upload",
        project_folder(give("edit", via="project_grant"), give("view", via="project_override")),
        "An administrator of the project set your level on this folder to View, and uploading "
        "needs Edit.",
        id="an administrator set a lower level",
    ),
    pytest.param(
        "read_file",
        project_folder(over("edit", EndedWhy.TEAM_LEFT, via="project_grant")),
        "Your access (Edit from ana through reef) ended on 26 Nov 2026 18:00 UTC, with your "
        "membership. An administrator of reef can give it again.",
        id="no member any more",
    ),
    pytest.param(
        "read_file",
        project_folder(give("edit", via="project_grant"), LEADS, state=TRASHED),
        "This folder is in the trash, so reading files has to wait. "
        "An administrator of reef has to restore it first.",
        id="a project's folder in the trash",
    ),
    pytest.param(
        "leave",
        thing(invite("view")),
        "You have not accepted ana's invitation to this folder (View) yet: "
        "there is nothing to leave, only to decline.",
        id="an invitation is not left",
    ),
    pytest.param(
        "accept",
        thing(over("view", EndedWhy.CANCELLED)),
        "Your invitation (View from ana) was taken back on 26 Nov 2026 18:00 UTC. "
        "ana can give it again.",
        id="the invitation was cancelled",
    ),
    pytest.param(
        "accept",
        thing(invite("view", ends_at=AT)),
        "Your invitation (View from ana) ended unanswered on 27 Nov 2026 18:00 UTC. "
        "ana can give it again.",
        id="the invitation ran out",
    ),
    pytest.param(
        "read_file",
        thing(),
        "There is no such folder that you have access to.",
        id="a stranger",
    ),
]


@pytest.mark.parametrize(("action", "where", "because"), SENTENCES)
def test_the_sentence(action: str, where: Thing, because: str) -> None:
    assert decide(BEN, action, where, AT).because == because


OTHERS = [
    pytest.param(
        "delete_file",
        give("view"),
        "ben has View on this folder; deleting files needs Edit+Delete. You can raise ben's level.",
        id="what he lacks",
    ),
    pytest.param("read_file", give("view"), "You gave ben View.", id="what she gave"),
    pytest.param(
        "read_file",
        over("view", EndedWhy.LEFT),
        "ben left this folder (View from you) on 26 Nov 2026 18:00 UTC. You can give it again.",
        id="that he left",
    ),
    pytest.param(
        "read_file",
        invite("view"),
        "ben has not accepted your invitation to this folder (View) yet: "
        "reading files waits for that.",
        id="that he has not answered",
    ),
]


@pytest.mark.parametrize(("action", "held", "because"), OTHERS)
def test_the_owner_reads_about_somebody_else(action: str, held: Holding, because: str) -> None:
    assert decide(BEN, action, thing(held), AT, listener="ana").because == because


@pytest.mark.parametrize("why", list(EndedWhy), ids=str)
def test_every_way_to_end_has_a_sentence_with_its_date(why: EndedWhy) -> None:
    decision = decide(BEN, "read_file", thing(over("edit", why)), AT)
    assert (decision.rule, decision.status) == ("grant.ended", 404)
    assert "Edit from ana" in decision.because
    assert "26 Nov 2026 18:00 UTC" in decision.because


def test_the_grant_that_ended_last_is_named() -> None:
    earlier = over("edit", EndedWhy.REVOKED, ended_at=AT.replace(year=2025))
    assert (
        "View" in decide(BEN, "read_file", thing(earlier, over("view", EndedWhy.LEFT)), AT).because
    )


def test_an_owner_is_not_told_of_what_they_held_before() -> None:
    where = thing(OWNS, over("view", EndedWhy.HANDED_OVER), owner="ben")
    refused = decide(BEN, "leave", where, AT)
    assert refused.rule == "table.leave"
    assert refused.because == "You own this folder; leaving is for the people it is shared with."
