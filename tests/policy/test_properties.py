"""What holds whatever people hold: random holdings, facts and moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jupyterhub_vmshare.policy.decide import actions, decide, effective
from jupyterhub_vmshare.policy.explain import explain
from jupyterhub_vmshare.policy.model import (
    OWNERSHIP,
    Fact,
    Holding,
    Person,
    Target,
    Thing,
    column_of,
)
from jupyterhub_vmshare.policy.tables import ANSWERS, OF_KIND, SERVICE
from jupyterhub_vmshare.words import LEVELS, EndedWhy, GrantState, ThingKind, ThingState
from tests.policy.holdings import AT, FOLDER

FACTS: tuple[Fact, ...] = ("key_half_missing", "workshop_over", "co_owner_remains")
GRANTED = ("grant", "team_grant", "project_grant", "project_override")
NEVER_GATED = {"leave", "decline", "accept_or_decline", "revoke", "revoke_grant"}
TICKS = ("invite", "power", "terminal", "files", "upload", "download", "apps")
TEAMS = st.frozensets(st.sampled_from(["genomics", "imaging"]))
PROJECTS = st.frozensets(st.sampled_from(["reef", "ana"]))
MOMENTS = st.none() | st.integers(-2, 2).map(lambda days: AT + timedelta(days=days))
KINDS = st.sampled_from(list(ThingKind))
ALL_ACTIONS = sorted(
    {action for table in (*OF_KIND.values(), SERVICE) for action in table.rows} | {*ANSWERS, "fly"}
)


@st.composite
def grants(draw: st.DrawFn, kind: ThingKind) -> Holding:
    level = draw(st.sampled_from([*LEVELS[kind], "odd"]))
    state = draw(st.sampled_from([*GrantState, None]))
    return Holding(
        column=column_of(kind, level),
        via=draw(st.sampled_from(GRANTED)),
        level=level,
        giver=draw(st.sampled_from(["ana", "cleo", None])),
        receiver=draw(st.sampled_from(["ben", "genomics", None])),
        state=state,
        ends_at=draw(MOMENTS),
        ended_at=draw(MOMENTS) if state is GrantState.ENDED else None,
        ended_why=draw(st.sampled_from([*EndedWhy, None])),
        answer=draw(st.sampled_from(["none", "accepted", "declined"])),
        ticks=draw(st.frozensets(st.sampled_from(TICKS))),
    )


ROLES = st.sampled_from(
    [
        OWNERSHIP,
        Holding("owner", "project_role"),
        Holding("project_admin", "project_role"),
        Holding("hub_admin", "hub_admin"),
        Holding("nonsense", "project_role"),
    ]
)
PEOPLE = st.builds(
    Person,
    name=st.sampled_from(["ana", "ben"]),
    teams=TEAMS,
    hub_admin=st.booleans(),
    administers=PROJECTS,
    organizer=st.booleans(),
    projects=PROJECTS,
)
TARGETS = st.builds(
    Target,
    person=st.sampled_from(["ana", "ben", "cleo", None]),
    teams=st.none() | TEAMS,
    givers=st.none() | st.frozensets(st.sampled_from(["ana", "ben"])),
)


@st.composite
def things(draw: st.DrawFn, kind: ThingKind | None = None) -> Thing:
    kind = kind or draw(KINDS)
    facts: st.SearchStrategy[Fact] = st.sampled_from(FACTS)
    return Thing(
        id="fld_1",
        kind=kind,
        owner="ana",
        name="tests",
        state=draw(st.sampled_from(list(ThingState))),
        personal=draw(st.booleans()),
        cloneable=draw(st.booleans()),
        tag=draw(st.sampled_from([None, "reef"])),
        project=draw(st.sampled_from([None, "reef"])),
        owner_teams=draw(TEAMS),
        owner_gone=draw(st.booleans()),
        facts=draw(st.frozensets(facts)),
        holdings=tuple(draw(st.lists(grants(kind) | ROLES, max_size=4))),
    )


@given(PEOPLE, st.sampled_from(ALL_ACTIONS), st.none() | things(), st.none() | things(), TARGETS)
@settings(max_examples=250, deadline=None)
def test_decide_always_answers_with_a_rule_and_a_sentence(
    person: Person, action: str, where: Thing | None, other: Thing | None, target: Target
) -> None:
    for listener in (None, "ana", "cleo"):
        said = decide(person, action, where, AT, other, target=target, listener=listener)
        assert said.rule
        assert said.because.endswith(".")
        assert "None" not in said.because
        assert said.allowed == (said.status == 200)
        assert said.allowed or not said.limits


@given(PEOPLE, things(), TARGETS)
@settings(max_examples=120, deadline=None)
def test_404_if_and_only_if_seeing_it_in_a_list_is_refused(
    person: Person, where: Thing, target: Target
) -> None:
    seen = decide(person, "see_in_list", where, AT).allowed
    assert where.kind is not None
    for action in (*OF_KIND[where.kind].rows, *ANSWERS, "fly"):
        said = decide(person, action, where, AT, target=target)
        if not said.allowed:
            assert (said.status == 404) == (not seen), (action, said)


@given(PEOPLE, things())
@settings(max_examples=120, deadline=None)
def test_the_list_of_actions_is_what_decide_allows(person: Person, where: Thing) -> None:
    assert where.kind is not None
    one_by_one = tuple(a for a in OF_KIND[where.kind].rows if decide(person, a, where, AT).allowed)
    assert actions(person, where, AT) == one_by_one
    of_service = tuple(a for a in SERVICE.rows if decide(person, a, None, AT).allowed)
    assert actions(person, None, AT) == of_service


@given(PEOPLE, things(), st.data())
@settings(max_examples=120, deadline=None)
def test_one_more_live_grant_never_takes_away(
    person: Person, where: Thing, data: st.DataObject
) -> None:
    assert where.kind is not None
    more = replace(
        data.draw(grants(where.kind)),
        via=data.draw(st.sampled_from(["grant", "team_grant", "project_grant"])),
        state=GrantState.ACTIVE,
        ends_at=None,
    )
    richer = replace(where, holdings=(*where.holdings, more))
    assert set(actions(person, where, AT)) <= set(actions(person, richer, AT))


@given(PEOPLE, things(FOLDER), st.sampled_from(["view", "edit", "edit_delete"]))
@settings(max_examples=120, deadline=None)
def test_a_cap_never_lets_a_grant_do_more_than_the_override(
    person: Person, where: Thing, level: str
) -> None:
    cap = Holding(level, "project_override", level, state=GrantState.ACTIVE)
    held = tuple(h for h in where.holdings if h.via in GRANTED)
    capped = effective(replace(where, holdings=(*held, cap)), AT)
    order = LEVELS[FOLDER]
    # None: another override, of a level that there is not, caps to nothing.
    if capped is not None and capped.level is not None:
        assert order.index(capped.level) <= order.index(level)


@given(PEOPLE, things(), st.data())
@settings(max_examples=120, deadline=None)
def test_what_has_ended_gives_nothing(person: Person, where: Thing, data: st.DataObject) -> None:
    assert where.kind is not None
    gone = data.draw(grants(where.kind))
    past = [
        replace(gone, state=GrantState.ENDED),
        replace(gone, ends_at=AT),
        replace(gone, ends_at=AT - timedelta(seconds=1)),
        replace(gone, ended_at=AT),
    ]
    richer = replace(where, holdings=(*where.holdings, data.draw(st.sampled_from(past))))
    assert actions(person, richer, AT) == actions(person, where, AT)
    assert effective(richer, AT) == effective(where, AT)


@given(PEOPLE, things(), TARGETS)
@settings(max_examples=120, deadline=None)
def test_gates_and_states_never_block_leaving_declining_and_revoking(
    person: Person, where: Thing, target: Target
) -> None:
    open_one = replace(where, state=ThingState.LIVE, tag=None, facts=where.facts - _SHUTTING)
    for action in NEVER_GATED:
        before = decide(person, action, open_one, AT, target=target).allowed
        assert decide(person, action, where, AT, target=target).allowed == before, action


_SHUTTING = frozenset({"key_half_missing", "workshop_over"})


@given(PEOPLE, things())
@settings(max_examples=120, deadline=None)
def test_a_closed_gate_never_opens_anything(person: Person, where: Thing) -> None:
    open_one = replace(where, tag=None, facts=where.facts - _SHUTTING)
    assert set(actions(person, where, AT)) <= set(actions(person, open_one, AT))


@given(PEOPLE, things(FOLDER))
@settings(max_examples=120, deadline=None)
def test_in_the_trash_a_folder_is_its_owners_alone(person: Person, where: Thing) -> None:
    left = {"leave", "see_in_list", "accept_or_decline"}
    trashed = replace(where, state=ThingState.TRASHED)
    columns = {h.via for h in trashed.holdings if h.column == "owner"}
    assume(not columns)
    assert set(actions(person, trashed, AT)) <= left
    seen = decide(person, "see_in_list", trashed, AT)
    assert seen.limits == (("as_invitation",) if seen.allowed else ())


@given(PEOPLE, things())
@settings(max_examples=120, deadline=None)
def test_the_level_lasts_exactly_until_its_end(person: Person, where: Thing) -> None:
    found = effective(where, AT)
    assume(found is not None)
    assert found is not None
    assert where.kind is not None
    columns = OF_KIND[where.kind].columns
    for moment in sorted({h.ends_at for h in where.holdings if h.ends_at and h.ends_at > AT}):
        later = effective(where, moment)
        still = later is not None and columns.index(later.column) <= columns.index(found.column)
        if found.ends_at is None or moment < found.ends_at:
            assert still
        elif moment == found.ends_at:
            assert not still
        assert (later is None) == (found.gone_at is not None and moment >= found.gone_at)


@given(PEOPLE, things(), st.sampled_from(ALL_ACTIONS))
@settings(max_examples=120, deadline=None)
def test_why_says_what_decide_says_and_hides_what_is_hidden(
    person: Person, where: Thing, action: str
) -> None:
    told = explain(person, action, where, AT)
    assert told.decision == decide(person, action, where, AT)
    live = [source.live for source in told.sources]
    assert live == sorted(live, reverse=True)
    if told.decision.rule == "not_visible":
        assert all(source.kind == "hub_admin" for source in told.sources)
