"""What each kind of hub token opens: the whole of D12 a, b and d as tables."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.people.credentials import (
    Caller,
    Credential,
    Refusal,
    from_header,
    from_own_cookie,
)
from jupyterhub_vmshare.people.hub import TokenModel
from jupyterhub_vmshare.words import CredentialKind

USE = "custom:vmshare:use"
CONFIRM = "custom:vmshare:confirm"
ORGANIZE = "custom:vmshare:organize"
LOGIN = "6bcea703"

PANEL, KERNEL, PAGE = CredentialKind.PANEL, CredentialKind.KERNEL, CredentialKind.PAGE
FOREIGN = "credential.foreign_server"
SCOPE = "credential.scope"

Opens = tuple[CredentialKind, str | None]


def token(
    name: str, scopes: list[str], session: str | None, *, kind: str = "user", admin: bool = False
) -> TokenModel:
    return TokenModel(name, kind, admin, frozenset(scopes), session)


def case(
    says: str, name: str, scopes: list[str], session: str | None, expected: Opens | str
) -> object:
    return pytest.param(name, scopes, session, expected, id=says)


HEADER = [
    case("ana in her own panel", "ana", [f"{USE}!server=ana/"], LOGIN, (PANEL, "ana/")),
    case(
        "ana in the panel of her server gpu",
        "ana",
        [f"{USE}!server=ana/gpu"],
        LOGIN,
        (PANEL, "ana/gpu"),
    ),
    case("the token of ana's server", "ana", [f"{USE}!server=ana/"], None, (KERNEL, "ana/")),
    case(
        "the token of ana's server gpu", "ana", [f"{USE}!server=ana/gpu"], None, (KERNEL, "ana/gpu")
    ),
    case("a token that ana made for the CLI", "ana", [USE], None, (KERNEL, None)),
    case("the same, filtered to herself", "ana", [f"{USE}!user=ana"], None, (KERNEL, None)),
    case(
        "a token with everything that ana may do",
        "ana",
        [USE, CONFIRM, "tokens!user=ana", "access:servers!user=ana"],
        None,
        (KERNEL, None),
    ),
    case("ben in the panel of ana's server", "ben", [f"{USE}!server=ana/"], LOGIN, FOREIGN),
    case("ben at ana's server gpu", "ben", [f"{USE}!server=ana/gpu"], LOGIN, FOREIGN),
    case("a token of ben's for ana's server", "ben", [f"{USE}!server=ana/"], None, FOREIGN),
    case("an, whose name begins ana's", "an", [f"{USE}!server=ana/"], LOGIN, FOREIGN),
    case("ana at the server of an", "ana", [f"{USE}!server=an/a/"], LOGIN, FOREIGN),
    case("a filter of a server without an owner", "ana", [f"{USE}!server=ana"], LOGIN, FOREIGN),
    case("a filter of an empty server", "ana", [f"{USE}!server="], LOGIN, FOREIGN),
    case("a filter that was left open", "ana", [f"{USE}!server"], LOGIN, FOREIGN),
    case("a filter of another person", "ana", [f"{USE}!user=ben"], None, FOREIGN),
    case("a filter of a group", "ana", [f"{USE}!group=lab"], None, FOREIGN),
    case("an empty filter", "ana", [f"{USE}!"], None, FOREIGN),
    case(
        "one's own and somebody else's server at once",
        "ana",
        [f"{USE}!server=ana/", f"{USE}!server=ben/"],
        LOGIN,
        FOREIGN,
    ),
    case(
        "two servers of one's own at once: whose login was it?",
        "ana",
        [f"{USE}!server=ana/", f"{USE}!server=ana/gpu"],
        LOGIN,
        SCOPE,
    ),
    case("a login through some other client, without a filter", "ana", [USE], LOGIN, SCOPE),
    case("a login filtered to the person alone", "ana", [f"{USE}!user=ana"], LOGIN, SCOPE),
    case(
        "a login without a filter beside one with",
        "ana",
        [USE, f"{USE}!server=ana/"],
        LOGIN,
        SCOPE,
    ),
    case("the login of the service's own pages, as a header", "ana", [CONFIRM], LOGIN, SCOPE),
    case("a server's token from before the service was there", "ana", [], None, SCOPE),
    case("a scope whose name goes on", "ana", [f"{USE}r", f"{USE}:x"], None, SCOPE),
    case("access to the service without its scope", "ana", ["access:services"], None, SCOPE),
]


@pytest.mark.parametrize(("name", "scopes", "session", "expected"), HEADER)
def test_what_a_token_in_the_header_opens(
    name: str, scopes: list[str], session: str | None, expected: Opens | str
) -> None:
    opened = from_header(token(name, [*scopes, f"read:users:name!user={name}"], session))
    if isinstance(expected, str):
        assert isinstance(opened, Refusal)
        assert opened.rule == expected
    else:
        assert isinstance(opened, Credential)
        assert (opened.kind, opened.server, opened.name) == (*expected, name)


COOKIE = [
    case("ana on the service's own pages", "ana", [CONFIRM], LOGIN, (PAGE, None)),
    case("a cookie with a token that is no login", "ana", [CONFIRM], None, SCOPE),
    case("a cookie with a panel's token", "ana", [f"{USE}!server=ana/"], LOGIN, SCOPE),
    case("a scope limited to a server", "ana", [f"{CONFIRM}!server=ana/"], LOGIN, SCOPE),
    case("a cookie without any scope", "ana", [], LOGIN, SCOPE),
]


@pytest.mark.parametrize(("name", "scopes", "session", "expected"), COOKIE)
def test_what_the_services_own_cookie_opens(
    name: str, scopes: list[str], session: str | None, expected: Opens | str
) -> None:
    opened = from_own_cookie(token(name, scopes, session))
    if isinstance(expected, str):
        assert isinstance(opened, Refusal)
        assert opened.rule == expected
    else:
        assert isinstance(opened, Credential)
        assert (opened.kind, opened.server) == expected


def test_a_service_is_no_person() -> None:
    stranger = token("cull-idle", [USE, CONFIRM], None, kind="service")
    assert isinstance(from_header(stranger), Refusal)
    assert isinstance(from_own_cookie(stranger), Refusal)


ADMIN = [
    pytest.param([f"{USE}!server=root-hub/"], LOGIN, id="in the panel"),
    pytest.param([f"{USE}!server=root-hub/"], None, id="with a server's token"),
    pytest.param([USE, ORGANIZE, "admin:users"], None, id="with a token of their own"),
]


@pytest.mark.parametrize(("scopes", "session"), ADMIN)
def test_a_hub_admin_is_none_with_a_token_of_a_notebook_server(
    scopes: list[str], session: str | None
) -> None:
    opened = from_header(token("root-hub", scopes, session, admin=True))
    assert isinstance(opened, Credential)
    assert not opened.hub_admin
    assert not opened.organizer


def test_a_hub_admin_and_an_organizer_are_that_on_the_services_own_pages() -> None:
    opened = from_own_cookie(token("root-hub", [CONFIRM, ORGANIZE], LOGIN, admin=True))
    assert isinstance(opened, Credential)
    assert opened.hub_admin
    assert opened.organizer


@pytest.mark.parametrize(
    ("scopes", "session", "depends"),
    [
        pytest.param([f"{USE}!server=ana/"], None, True, id="a server's token does"),
        pytest.param([f"{USE}!server=ana/"], LOGIN, False, id="a visitor's token does not"),
        pytest.param([USE], None, False, id="a token that the person made does not"),
    ],
)
def test_whether_it_is_read_only_while_the_server_is_shared(
    scopes: list[str], session: str | None, depends: bool
) -> None:
    opened = from_header(token("ana", scopes, session))
    assert isinstance(opened, Credential)
    assert opened.depends_on_shares is depends


def test_the_policy_sees_the_caller_with_what_the_credential_leaves() -> None:
    caller = Caller("ana", PAGE, hub_admin=True, organizer=True, teams=frozenset({"lab"}))
    person = caller.person()
    assert (person.name, person.teams) == ("ana", frozenset({"lab"}))
    assert person.hub_admin
    assert person.organizer
