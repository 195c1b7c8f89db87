"""The caller, other people, and `why`."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.holdings import HoldingsPage, HoldingView
from jupyterhub_vmshare.api.contract.people import (
    Me,
    PeoplePage,
    PersonView,
    QuotaAsked,
    QuotaView,
    TeamsList,
    Why,
)


def me() -> Call[Me]:
    """Who the service takes the caller for, and through which credential."""
    return get("me", Me)


def quota(person: str | None = None) -> Call[QuotaView]:
    """What the caller's folders hold and may hold; a ``person``'s for hub admins."""
    path = "me/quota" if person is None else f"people/{segment(person)}/quota"
    return get(path, QuotaView)


def set_quota(person: str, *, bytes: int | None, folders: int | None) -> Call[QuotaView]:
    """Say what somebody may have; None is no limit. For hub admins."""
    asked = QuotaAsked(bytes=bytes, folders=folders)
    path = f"people/{segment(person)}/quota"
    return send("PUT", path, reads(QuotaView), asked, repeatable=True)


def reset_quota(person: str) -> Call[QuotaView]:
    """Go back to the site's own limits. For hub admins."""
    return send("DELETE", f"people/{segment(person)}/quota", reads(QuotaView), repeatable=True)


def people(q: str = "") -> Paged[PersonView]:
    """Team-mates whose name begins with ``q``, or anybody by their exact name."""
    return Paged(
        lambda after: get("people", PeoplePage, q=q, after=after), lambda page: list(page.items)
    )


def teams() -> Call[TeamsList]:
    """The caller's teams, which a folder can be shared with."""
    return get("teams", TeamsList)


def refresh_teams() -> Call[None]:
    """Have the service look at the hub's groups again now."""
    return send("POST", "teams/refresh", nothing, repeatable=True)


def why(action: str, thing: str | None = None, person: str | None = None) -> Call[Why]:
    """Whether the caller (or ``person``, of the caller's own things) may do ``action``, and why."""
    path = "why" if person is None else f"people/{segment(person)}/why"
    return get(path, Why, action=action, thing=thing)


def holdings(person: str, project: str | None = None) -> Paged[HoldingView]:
    """What somebody holds, and why. The service tells it on its own pages alone."""
    path = f"people/{segment(person)}/things"
    return Paged(
        lambda after: get(path, HoldingsPage, project=project, after=after),
        lambda page: list(page.items),
    )
