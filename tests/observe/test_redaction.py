"""What looks like a credential never reaches a log line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_vmshare.observe import redaction

TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Authorization: Bearer {SECRET}", id="a bearer header"),
        pytest.param(f"authorization=token {SECRET}", id="the hub's kind of header"),
        pytest.param(f"GET /x?_xsrf={SECRET}&limit=1", id="an XSRF token in an address"),
        pytest.param(f"/oauth_callback?code={SECRET}&state={SECRET}", id="an OAuth callback"),
        pytest.param(f"Cookie: service-vmshare={SECRET}", id="a cookie header"),
        pytest.param(f"{{'api_token': '{SECRET}'}}", id="a dictionary in a message"),
        pytest.param(f'{{"password": "{SECRET} and more"}}', id="JSON in a message"),
        pytest.param(f"postgresql://vmshare:{SECRET}@db/vmshare", id="a database's password"),
        pytest.param(f"[SQL: insert ...]\n[parameters: ('{SECRET}',\n 'b')]", id="SQL parameters"),
    ],
)
def test_text_is_searched(text: str) -> None:
    assert SECRET not in redaction.text(text)
    assert redaction.HIDDEN in redaction.text(text)


def test_a_token_of_the_hub_is_known_by_its_looks() -> None:
    assert TOKEN not in redaction.text(f"unknown: {TOKEN}.")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The chain is whole up to 12:" + "ab" * 32, id="a hash of the chain"),
        pytest.param("folder fld_01k9x4m6qv0000000000000000 was made", id="an id"),
        pytest.param("POST /hub/api/shares/ana/gpu 200", id="a path"),
        pytest.param("ben accepted an invitation from ana", id="a sentence"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redaction.text(text) == text


@pytest.mark.parametrize(
    "key", ["token", "api_token", "Authorization", "cookie", "X-XSRFToken", "db_password", "secret"]
)
def test_a_telling_key_hides_its_value(key: str) -> None:
    assert redaction.field(key, SECRET) == redaction.HIDDEN
    nested = redaction.field("headers", {"inner": [{key: SECRET}]})
    assert SECRET not in str(nested)


def test_an_idempotency_key_is_hashed_so_that_repeats_can_be_seen() -> None:
    first = redaction.field("idempotency_key", "abc")
    assert first == redaction.field("Idempotency-Key", "abc") != redaction.hashed("abd")
    assert "abc" not in first.removeprefix("sha256:")[:3] or len(first) == 19


def test_objects_are_shown_as_redacted_text() -> None:
    assert SECRET not in str(redaction.field("error", ValueError(f"token={SECRET}")))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("limit=5&after=7", "limit=5&after=7", id="harmless"),
        pytest.param("path=results/private.csv", "path=[hidden]", id="a file's name"),
        pytest.param("q=ben", "q=[hidden]", id="whom somebody looks for"),
        pytest.param("_xsrf=abc&token=def", "_xsrf=[hidden]&token=[hidden]", id="credentials"),
        pytest.param("limit=token%3Dabcdefghijk", "limit=token%3D[hidden]", id="in a wrong place"),
    ],
)
def test_a_query_shows_harmless_parameters_only(query: str, shown: str) -> None:
    assert redaction.query(query) == shown


@given(st.text(), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_nothing_breaks_it(key: str, value: object) -> None:
    redaction.field(key, value)
    redaction.query(key)


@pytest.mark.parametrize("piece", ["f", "token", "a-", "'a", "://"])
def test_a_long_text_takes_no_longer_than_it_is_long(piece: str) -> None:
    """Anybody may ask for a path of 60 kB: looked at once for each letter, it took minutes."""
    assert redaction.text(f": {piece * 200_000}").startswith(": ")
