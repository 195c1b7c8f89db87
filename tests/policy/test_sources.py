"""Step one: what counts as a source, and for which actions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jupyterhub_vmshare.policy.decide import actions, decide, effective
from jupyterhub_vmshare.policy.model import Holding, Target, Via
from jupyterhub_vmshare.words import EndedWhy, GrantState, ThingKind
from tests.policy.holdings import (
    ADMINISTERS,
    ANA,
    AT,
    BEFORE,
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


def may(action: str, *held: Holding, **facts: Any) -> bool:
    return decide(BEN, action, thing(*held, **facts), AT).allowed


def test_a_grant_ends_at_its_date_to_the_second() -> None:
    assert may("read_file", give("view", ends_at=SOON))
    assert not may("read_file", give("view", ends_at=AT))
    assert not may("read_file", give("view", ends_at=BEFORE))


@pytest.mark.parametrize("why", list(EndedWhy), ids=str)
def test_an_ended_grant_gives_nothing(why: EndedWhy) -> None:
    assert actions(BEN, thing(over("edit_delete", why)), AT) == ()


def test_a_grant_with_an_end_in_its_record_gives_nothing_whatever_its_state_says() -> None:
    assert actions(BEN, thing(give("view", ended_at=BEFORE)), AT) == ()
    assert actions(BEN, thing(give("view", state=None)), AT) == ()


def test_an_invitation_gives_nothing_but_the_answer() -> None:
    assert actions(BEN, thing(invite("edit_delete")), AT) == ("see_in_list", "accept_or_decline")
    shown = decide(BEN, "see_in_list", thing(invite("view")), AT)
    assert shown.limits == ("as_invitation",)


def test_an_invitation_that_ran_out_can_not_be_accepted() -> None:
    assert actions(BEN, thing(invite("view", ends_at=AT)), AT) == ()


def test_the_strongest_source_decides() -> None:
    held = (give("view"), give("edit", via="team_grant"), give("edit_delete", ends_at=AT))
    assert may("upload", *held)
    assert not may("delete_file", *held)
    assert may("delete_file", give("view"), give("edit_delete", via="team_grant"))


class TestTeams:
    WAITING = ("mount_read_only", "mount_read_write", "choose_alias")

    def test_a_teams_folder_counts_at_once_but_for_mounts_and_aliases(self) -> None:
        unanswered = thing(give("edit", via="team_grant", answer="none"))
        accepted = thing(give("edit", via="team_grant"))
        before, after = actions(BEN, unanswered, AT), actions(BEN, accepted, AT)
        assert set(after) - set(before) == set(self.WAITING)
        assert set(before) - set(after) == {"accept_or_decline"}
        assert decide(BEN, "see_in_list", unanswered, AT).limits == ()

    def test_ones_own_grant_does_not_wait_for_the_teams(self) -> None:
        held = (give("view"), give("edit", via="team_grant", answer="none"))
        assert may("mount_read_only", *held)
        assert not may("mount_read_write", *held)

    @pytest.mark.parametrize(("kind", "level"), [(MACHINE, "co_own"), (DRIVE, "co_own")])
    def test_nothing_counts_before_accepting_on_a_machine(
        self, kind: ThingKind, level: str
    ) -> None:
        unanswered = thing(give(level, kind, "team_grant", answer="none"), kind=kind)
        assert actions(BEN, unanswered, AT) == ("see_in_list", "accept_or_decline")
        assert effective(unanswered, AT) is None

    def test_a_declined_grant_gives_nothing_but_may_still_be_accepted(self) -> None:
        for via in ("team_grant", "project_grant"):
            declined = thing(give("edit_delete", via=via, answer="declined"))
            assert actions(BEN, declined, AT) == ("accept_or_decline",)
            assert decide(BEN, "accept", declined, AT).allowed
            assert decide(BEN, "see_in_list", declined, AT).status == 404
            assert effective(declined, AT) is None

    def test_declining_for_oneself_leaves_other_sources(self) -> None:
        held = (give("view"), give("edit_delete", via="team_grant", answer="declined"))
        assert may("read_file", *held)
        assert not may("delete_file", *held)


class TestProjects:
    def test_an_administrator_sees_a_persons_folder_and_opens_nothing_in_it(self) -> None:
        assert actions(BEN, thing(ADMINISTERS), AT) == ("see_in_list", "see_people")

    def test_a_projects_role_never_owns_what_is_personal(self) -> None:
        assert actions(BEN, thing(LEADS), AT) == ()

    def test_administrators_own_the_projects_folders(self) -> None:
        assert decide(BEN, "rename_folder", project_folder(LEADS), AT).allowed

    def test_a_projects_folder_is_left_by_leaving_the_project(self) -> None:
        refused = decide(BEN, "leave", project_folder(give("edit", via="project_grant")), AT)
        assert (refused.rule, refused.status) == ("if.personal", 403)
        assert "leaving that project" in refused.because

    def test_an_override_replaces_the_projects_level(self) -> None:
        raised = (give("view", via="project_grant"), give("edit_delete", via="project_override"))
        lowered = (give("edit_delete", via="project_grant"), give("view", via="project_override"))
        assert decide(BEN, "delete_file", project_folder(*raised), AT).allowed
        assert not decide(BEN, "upload", project_folder(*lowered), AT).allowed
        assert decide(BEN, "read_file", project_folder(*lowered), AT).allowed

    @pytest.mark.parametrize("via", ["grant", "team_grant", "project_grant"])
    def test_a_lower_override_caps_every_other_grant(self, via: Via) -> None:
        where = project_folder(give("edit_delete", via=via), give("view", via="project_override"))
        refused = decide(BEN, "delete_file", where, AT)
        assert (refused.rule, refused.status) == ("grant.override", 403)
        assert "View" in refused.because
        assert effective(where, AT).level == "view"  # type: ignore[union-attr]

    def test_the_projects_level_does_not_come_back_when_the_override_is_declined(self) -> None:
        declined = give("view", via="project_override", answer="declined")
        where = project_folder(give("edit", via="project_grant"), declined)
        assert actions(BEN, where, AT) == ("accept_or_decline",)

    def test_an_override_does_not_raise_other_grants_nor_cap_ownership(self) -> None:
        high = give("edit_delete", via="project_override", answer="declined")
        assert not decide(BEN, "upload", project_folder(give("view"), high), AT).allowed
        low = give("view", via="project_override")
        assert decide(BEN, "rename_folder", project_folder(LEADS, low), AT).allowed

    def test_of_two_overrides_the_lower_caps(self) -> None:
        both = [give(level, via="project_override") for level in ("edit_delete", "view")]
        for held in (both, both[::-1]):
            assert not decide(BEN, "upload", project_folder(give("edit"), *held), AT).allowed

    def test_an_override_that_is_over_caps_nothing(self) -> None:
        held = (give("edit"), give("view", via="project_override", ends_at=AT))
        assert decide(BEN, "upload", project_folder(*held), AT).allowed

    def test_overrides_are_of_folders_alone(self) -> None:
        held = (give("manage", MACHINE), give("use", MACHINE, "project_override"))
        assert decide(BEN, "read_console_log", thing(*held, kind=MACHINE), AT).allowed
        only = thing(give("manage", MACHINE, "project_override"), kind=MACHINE)
        assert actions(BEN, only, AT) == ()


class TestHubAdmins:
    def test_the_hubs_admin_scope_opens_nothing(self) -> None:
        for kind in (FOLDER, MACHINE, DRIVE):
            assert actions(ROOT, thing(kind=kind), AT) == ()
            assert decide(ROOT, "see_in_list", thing(kind=kind), AT).status == 404

    def test_a_leavers_folder_can_be_handed_over_but_not_to_oneself(self) -> None:
        gone = thing(owner_gone=True)
        assert decide(ROOT, "hand_over", gone, AT, target=Target(person="ben")).allowed
        assert not decide(ROOT, "hand_over", gone, AT, target=Target(person="root-hub")).allowed
        assert not decide(ROOT, "hand_over", thing(), AT, target=Target(person="ben")).allowed
        assert not decide(ROOT, "read_file", gone, AT).allowed

    def test_it_does_not_come_from_a_holding(self) -> None:
        claimed = Holding("hub_admin", "hub_admin")
        assert not decide(BEN, "hand_over", thing(claimed, owner_gone=True), AT).allowed


class TestEffective:
    def test_the_owner_has_no_end(self) -> None:
        found = effective(thing(OWNS, give("view", ends_at=SOON)), AT)
        assert found is not None
        assert (found.level, found.ends_at, found.gone_at) == ("owner", None, None)

    def test_nobody_has_nothing(self) -> None:
        assert effective(thing(), AT) is None
        assert effective(thing(invite("edit")), AT) is None
        assert effective(thing(give("edit", ends_at=AT)), AT) is None

    def test_the_level_ends_when_its_last_source_does(self) -> None:
        later = replace(give("edit", ends_at=SOON), grant_id="gnt_2")
        latest = SOON.replace(hour=20)
        found = effective(thing(later, give("edit", via="team_grant", ends_at=latest)), AT)
        assert found is not None
        assert (found.level, found.ends_at, found.gone_at) == ("edit", latest, latest)

    def test_access_may_outlast_the_level(self) -> None:
        found = effective(thing(give("edit", ends_at=SOON), give("view")), AT)
        assert found is not None
        assert (found.level, found.ends_at, found.gone_at) == ("edit", SOON, None)
        assert found.holding.level == "edit"

    def test_an_override_that_ends_uncovers_what_it_capped(self) -> None:
        held = (give("edit"), give("view", via="project_override", ends_at=SOON))
        found = effective(project_folder(*held), AT)
        assert found is not None
        assert (found.level, found.ends_at, found.gone_at) == ("view", None, None)


def test_the_actions_of_the_service_are_those_of_a_person_without_a_thing() -> None:
    assert "create_folder" in actions(ANA, None, AT)
    assert "see_system_health" not in actions(ANA, None, AT)
    assert "see_system_health" in actions(ROOT, None, AT)


def test_pending_is_not_live_even_with_a_yes_of_the_person() -> None:
    odd = replace(give("edit", via="team_grant"), state=GrantState.PENDING)
    assert not may("upload", odd)
