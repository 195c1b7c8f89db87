"""What new folders, aliases and files may be called, and what is suggested where one is taken."""

from __future__ import annotations

import unicodedata
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.folders.names import alternatives, checked, free_name, new_place


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        pytest.param("tests", "tests", id="a plain name"),
        pytest.param("my data (2026)", "my data (2026)", id="spaces and brackets inside"),
        pytest.param("cafe\u0301", "café", id="a letter in two parts becomes one"),
        pytest.param("👩\u200d🔬 Daten", "👩\u200d🔬 Daten", id="an emoji with a joiner in it"),
        pytest.param("بيانات", "بيانات", id="a script from right to left"),
        pytest.param(".hidden", ".hidden", id="a leading dot"),
        pytest.param("...", "...", id="three dots"),
        pytest.param("a\\b:c*d?", "a\\b:c*d?", id="what other systems can't have"),
        pytest.param("x" * 255, "x" * 255, id="255 bytes"),
    ],
)
def test_a_name_is_taken(given_name: str, kept: str) -> None:
    assert checked(given_name) == kept


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("", "nothing in it", id="nothing"),
        pytest.param("\u200b\u00ad", "nothing in it", id="nothing that can be seen"),
        pytest.param(" tests", "a space", id="a space before"),
        pytest.param("tests\u00a0", "a space", id="a hard space after"),
        pytest.param("a/b", "/", id="a slash"),
        pytest.param(".", "Choose", id="a dot"),
        pytest.param("..", "Choose", id="two dots"),
        pytest.param("a\0b", "control", id="a NUL"),
        pytest.param("a\nb", "control", id="a line break"),
        pytest.param("a\u2028b", "line break", id="a Unicode line break"),
        pytest.param("exe.\u202egpj", "direction", id="a right-to-left override"),
        pytest.param("a\u2066b", "direction", id="an isolate"),
        pytest.param(".vmshare", "kept for the service", id="the service's own"),
        pytest.param(".vmshare-x", "kept for the service", id="one that begins like it"),
        pytest.param("x" * 256, "256 bytes", id="256 bytes"),
        pytest.param("ä" * 128, "256 bytes", id="128 letters of two bytes"),
        pytest.param("\ud800", "Unicode", id="half a surrogate pair"),
    ],
)
def test_a_name_is_refused_and_told_why(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        checked(name)


@pytest.mark.parametrize(
    ("name", "owner", "first"),
    [
        pytest.param("tests", "ana", ["tests (ana)", "tests (ana) 2"], id="somebody else's"),
        pytest.param("tests", None, ["tests 2", "tests 3"], id="one's own"),
        pytest.param("t" * 255, None, ["t" * 253 + " 2", "t" * 253 + " 3"], id="a long one"),
        pytest.param("ä" * 127, "ana", ["ä" * 124 + " (ana)"], id="cut between letters"),
        pytest.param("tests", "a/b", ["tests (a_b)"], id="an owner with a slash"),
    ],
)
def test_what_is_suggested(name: str, owner: str | None, first: list[str]) -> None:
    assert list(islice(alternatives(name, owner), len(first))) == first


def test_a_suggestion_is_never_taken() -> None:
    used = {"tests (ana)", "tests (ana) 2"}
    assert free_name("tests", used, owner="ana") == "tests (ana) 3"


@given(name=st.text(min_size=1, max_size=300), owner=st.none() | st.text(min_size=1, max_size=255))
def test_every_suggestion_is_a_legal_name(name: str, owner: str | None) -> None:
    try:
        name = checked(name)
    except BadInput:
        return
    if owner is not None:
        owner = "".join(letter for letter in owner if unicodedata.category(letter)[0] in "LN")
    choices = list(islice(alternatives(name, owner or None), 5))
    assert [checked(choice) for choice in choices] == [
        unicodedata.normalize("NFC", choice) for choice in choices
    ]
    assert len(set(choices)) == 5


def test_only_the_last_name_of_a_path_is_new() -> None:
    assert new_place("old\nname/cafe\u0301") == ("old\nname", "café")
    for path in ("", "..", "a/..", "a/ b", "/a"):
        with pytest.raises(BadInput):
            new_place(path)
