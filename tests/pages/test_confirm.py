"""The confirm page: only its own sign-in, its own form and its own origin delete anything (D12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.configure import CONFIRM, USE
from jupyterhub_vmshare.pages.forms import LIFETIME, Form, FormTokens
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.pages.conftest import Browser, Open, token_in


@dataclass
class Case:
    """ana's folder ``tests`` in her trash; ben could view it, and cleo was invited."""

    folder: str
    api: Api
    service: RunningService
    browser: Browser

    @property
    def path(self) -> str:
        return f"confirm/delete-folder/{self.folder}"

    async def form(self, name: str = "tests") -> dict[str, str]:
        """What the form on the page would send."""
        return {"form": token_in(await self.browser.open(self.path)), "name": name}

    async def is_there(self) -> bool:
        return "tests" in await self.api("ana").folders(state="trashed")


@pytest_asyncio.fixture
async def case(api: Api, service: RunningService, browser_of: Open) -> Case:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    (grant,) = await ana.invite(folder, "view", "ben")
    await api("ben").accept(grant)
    await ana.invite(folder, "edit", "cleo")
    await ana.ask("POST", f"/folders/{folder}/trash")
    return Case(folder, api, service, await browser_of("ana"))


@pytest.mark.asyncio
async def test_it_says_what_goes_and_for_whom(case: Case) -> None:
    page = await case.browser.open(case.path)
    assert page.status_code == 200
    for words in ("tests", "ben", "cleo", "1 of them has not answered", "can&#39;t be undone"):
        assert words in page.text or words.replace("&#39;", "'") in page.text
    assert await case.is_there()


@pytest.mark.asyncio
async def test_the_folders_name_deletes_it_for_everybody(case: Case) -> None:
    answer = await case.browser.confirm(case.path, await case.form())
    assert answer.status_code == 200
    assert "deleted for ever" in answer.text
    assert not await case.is_there()
    assert await case.api("ben").folders() == {}
    assert await case.api("cleo").invitations() == []


@pytest.mark.asyncio
async def test_what_is_not_in_the_trash_is_not_deleted(case: Case) -> None:
    form = await case.form()
    await case.api("ana").ask("POST", f"/folders/{case.folder}/restore")
    page = await case.browser.open(case.path)
    assert (page.status_code, "trash" in page.text) == (409, True)
    assert (await case.browser.confirm(case.path, form)).status_code == 409
    assert "tests" in await case.api("ana").folders()


@pytest.mark.asyncio
async def test_another_name_deletes_nothing_and_asks_again(case: Case) -> None:
    for name in ("", "test", "Tests", "tests/", "tests tests"):
        answer = await case.browser.confirm(case.path, await case.form(name))
        assert answer.status_code == 422, name
        assert "not the folder" in answer.text
        assert await case.is_there()
    again = {"form": token_in(answer), "name": "tests"}
    assert (await case.browser.confirm(case.path, again)).status_code == 200


@pytest.mark.asyncio
async def test_a_name_that_was_typed_decomposed_is_the_same(case: Case) -> None:
    folder = await case.api("ana").make_folder("Größe")
    await case.api("ana").ask("POST", f"/folders/{folder}/trash")
    path = f"confirm/delete-folder/{folder}"
    form = {"form": token_in(await case.browser.open(path)), "name": " Gro\u0308ße "}
    assert (await case.browser.confirm(path, form)).status_code == 200


ODD_HEADERS: list[Any] = [
    pytest.param({"Origin": "https://evil.example"}, id="another site's form"),
    pytest.param({"Origin": "null"}, id="a sandboxed frame's form"),
    pytest.param({"Origin": None}, id="no origin"),
    pytest.param({"Origin": "http://ana.127.0.0.1"}, id="another subdomain's form"),
    pytest.param({"Sec_Fetch_Site": "cross-site"}, id="a cross-site navigation"),
    pytest.param({"Sec_Fetch_Site": "same-site"}, id="a navigation from another subdomain"),
    pytest.param({"Sec_Fetch_Mode": "cors"}, id="a script's fetch"),
    pytest.param({"Sec_Fetch_Mode": "no-cors"}, id="a script's blind fetch"),
    pytest.param({"Sec_Fetch_Dest": "empty"}, id="a fetch that says it navigates"),
    pytest.param({"Sec_Fetch_Dest": "iframe"}, id="a form in a frame"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("headers", ODD_HEADERS)
async def test_no_other_origin_and_no_script(case: Case, headers: dict[str, str | None]) -> None:
    form = await case.form()
    answer = await case.browser.confirm(case.path, form, **headers)
    assert answer.status_code == 403
    assert await case.is_there()


TOKENS: list[Any] = [
    pytest.param(lambda hub: hub.visitor_token("ana"), id="her panel's"),
    pytest.param(lambda hub: hub.server_token("ana"), id="her server's"),
    pytest.param(lambda hub: hub.own_token("ana", (USE, CONFIRM)), id="one of her own"),
    pytest.param(lambda hub: hub.page_token("ana"), id="the very one of the page's login"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("make", TOKENS)
async def test_no_token_in_a_header_whatever_it_is(
    case: Case, make: Callable[[FakeHub], str]
) -> None:
    header = {"Authorization": f"token {make(case.service.hub)}"}
    form = await case.form()
    assert (await case.browser.confirm(case.path, form, **header)).status_code == 403
    assert (await case.browser.open(case.path, **header)).status_code == 403
    case.browser.client.cookies.clear()
    assert (await case.browser.confirm(case.path, form, **header)).status_code == 403
    assert await case.is_there()


@pytest.mark.asyncio
async def test_no_token_in_the_address_or_the_form(case: Case) -> None:
    token = case.service.hub.page_token("ana")
    form = await case.form()
    answer = await case.browser.confirm(f"{case.path}?token={token}", form)
    assert answer.status_code == 403
    answer = await case.browser.confirm(case.path, {**form, "token": token})
    assert answer.status_code == 403
    assert await case.is_there()


@pytest.mark.asyncio
async def test_no_cookie_of_another_client(case: Case) -> None:
    """A signed cookie's value under the name of ours, or a token that nobody signed."""
    form = await case.form()
    own = case.browser.client.cookies.get("service-vmshare") or ""
    for cookie in (
        f"jupyterhub-user-ana={own}",
        f"service-vmshare={case.service.hub.page_token('ana')}",
        "",
    ):
        case.browser.client.cookies.clear()
        answer = await case.browser.confirm(case.path, form, Cookie=cookie)
        assert answer.status_code == 401
    assert await case.is_there()


@pytest.mark.asyncio
async def test_a_session_that_was_ended_a_moment_ago_confirms_nothing(case: Case) -> None:
    """Asked of the hub anew: what is remembered for ten seconds elsewhere does not count."""
    form = await case.form()
    for text, token in list(case.service.hub.tokens.items()):
        if token.owner == "ana" and token.session_id:
            case.service.hub.revoke(text)
    assert (await case.browser.confirm(case.path, form)).status_code == 401
    case.api._made.clear()
    assert await case.is_there()


@pytest.mark.asyncio
async def test_the_form_is_bound_to_its_session(case: Case, browser_of: Open) -> None:
    elsewhere = await browser_of("ana")
    other = token_in(await elsewhere.open(case.path))
    await case.browser.open(case.path)
    answer = await case.browser.confirm(case.path, {"form": other, "name": "tests"})
    assert answer.status_code == 409
    assert await case.is_there()


@pytest.mark.asyncio
async def test_the_form_is_bound_to_its_folder(case: Case) -> None:
    other = await case.api("ana").make_folder("other")
    await case.api("ana").ask("POST", f"/folders/{other}/trash")
    stray = token_in(await case.browser.open(f"confirm/delete-folder/{other}"))
    answer = await case.browser.confirm(case.path, {"form": stray, "name": "tests"})
    assert answer.status_code == 409
    assert await case.is_there()


@pytest.mark.asyncio
async def test_the_form_is_bound_to_what_it_showed(case: Case) -> None:
    form = await case.form()
    ana = case.api("ana")
    await ana.ask("POST", f"/folders/{case.folder}/restore")
    await ana.invite(case.folder, "view", "dan")
    await ana.ask("POST", f"/folders/{case.folder}/trash")
    answer = await case.browser.confirm(case.path, form)
    assert answer.status_code == 409
    assert "out of date" in answer.text
    assert "dan" in answer.text
    assert await case.is_there()


@pytest.mark.asyncio
async def test_the_form_is_over_after_ten_minutes(case: Case) -> None:
    form = await case.form()
    case.service.clock.advance(seconds=LIFETIME)
    assert (await case.browser.confirm(case.path, form)).status_code == 409
    assert await case.is_there()


@pytest.mark.asyncio
async def test_a_forged_form_deletes_nothing(case: Case) -> None:
    await case.browser.open(case.path)
    for token in ("", "x", "1.2.3", "9999999999.aa.", "é", "." * 50):
        answer = await case.browser.confirm(case.path, {"form": token, "name": "tests"})
        assert answer.status_code == 409, token
        assert await case.is_there()


@pytest.mark.asyncio
async def test_a_form_that_is_sent_twice_deletes_once(case: Case) -> None:
    form = await case.form()
    assert (await case.browser.confirm(case.path, form)).status_code == 200
    # "It is being deleted", or it is gone by then.
    assert (await case.browser.confirm(case.path, form)).status_code in (409, 404)
    deleted = await case.api("ana").events("folder.deleted")
    assert len(deleted) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("person", "status"),
    [
        pytest.param("ben", 404, id="who could see it before it was trashed"),
        pytest.param("dan", 404, id="somebody who never could"),
        pytest.param("root-hub", 404, id="a hub admin"),
    ],
)
async def test_somebody_elses_folder(
    case: Case, browser_of: Open, person: str, status: int
) -> None:
    other = await browser_of(person)
    assert (await other.open(case.path)).status_code == status
    form = await case.form()
    assert (await other.confirm(case.path, form)).status_code == status
    assert await case.is_there()


@pytest.mark.asyncio
@pytest.mark.parametrize("rest", ["gnt_" + "0" * 26, "fld_1", "..", "fld_" + "u" * 26])
async def test_an_address_that_is_none(case: Case, rest: str) -> None:
    page = await case.browser.open(f"confirm/delete-folder/{rest}")
    assert page.status_code == 404


@pytest.mark.asyncio
async def test_a_hub_that_is_down_confirms_nothing(case: Case) -> None:
    form = await case.form()
    trouble = case.service.hub.fail("/hub/api/groups*", 503)
    assert (await case.browser.confirm(case.path, form)).status_code == 503
    trouble.times = 0
    case.service.hub.fail("/hub/api/user", 503, times=1)
    assert (await case.browser.confirm(case.path, form)).status_code == 503
    assert await case.is_there()


FORM = Form("session", "ana", "delete", "fld_1", 1)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Form("other", "ana", "delete", "fld_1", 1), id="session"),
        pytest.param(Form("session", "ben", "delete", "fld_1", 1), id="person"),
        pytest.param(Form("session", "ana", "hand_over", "fld_1", 1), id="verb"),
        pytest.param(Form("session", "ana", "delete", "fld_2", 1), id="thing"),
        pytest.param(Form("session", "ana", "delete", "fld_1", 2), id="version"),
        pytest.param(Form("session", "an", "adelete", "fld_1", 1), id="where the parts meet"),
    ],
)
def test_a_forms_token_fits_nothing_else(other: Form) -> None:
    tokens = FormTokens(b"k" * 32, lambda: datetime(2026, 11, 27, tzinfo=UTC))
    assert tokens.fits(tokens.make(FORM), FORM)
    assert not tokens.fits(tokens.make(FORM), other)


def test_a_forms_token_of_another_key_or_time_fits_not() -> None:
    now = [datetime(2026, 11, 27, tzinfo=UTC)]
    ours, theirs = (FormTokens(key * 32, lambda: now[0]) for key in (b"k", b"x"))
    token = ours.make(FORM)
    assert not theirs.fits(token, FORM)
    later = token.replace(token.partition(".")[0], "9999999999")
    assert not ours.fits(later, FORM)
    now[0] += timedelta(seconds=LIFETIME - 1)
    assert ours.fits(token, FORM)
    now[0] += timedelta(seconds=1)
    assert not ours.fits(token, FORM)
