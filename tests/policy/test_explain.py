"""`why`: the decision with its sources."""

from __future__ import annotations

from jupyterhub_vmshare.policy.explain import explain
from jupyterhub_vmshare.words import EndedWhy
from tests.policy.holdings import ANA, AT, BEN, OWNS, ROOT, give, invite, over, thing


def test_why_names_every_source_live_ones_first() -> None:
    held = (
        over("edit_delete", EndedWhy.REVOKED, grant_id="gnt_old"),
        give("view", via="team_grant", answer="none", grant_id="gnt_team"),
        invite("edit", grant_id="gnt_new"),
        give("view", grant_id="gnt_own"),
    )
    told = explain(BEN, "delete_file", thing(*held), AT)
    assert not told.decision.allowed
    assert [(source.grant_id, source.live) for source in told.sources] == [
        ("gnt_own", True),
        ("gnt_old", False),
        ("gnt_team", False),
        ("gnt_new", False),
    ]
    assert told.sources[1].ended_why == "revoked"
    assert told.sources[2].receiver == "genomics"


def test_an_owners_source_is_ownership() -> None:
    (source,) = explain(ANA, "invite", thing(OWNS), AT).sources
    assert (source.kind, source.level, source.live) == ("owner", "owner", True)


def test_a_stranger_gets_no_sources() -> None:
    assert explain(BEN, "read_file", thing(), AT).sources == ()


def test_a_hub_admin_reads_that_the_scope_opens_nothing() -> None:
    told = explain(ROOT, "read_file", thing(), AT)
    assert [source.kind for source in told.sources] == ["hub_admin"]
    assert told.decision.status == 404
