"""What counts as a path into a folder."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import parse_path


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        pytest.param("", (), id="nothing is the top"),
        pytest.param("a", ("a",), id="one name"),
        pytest.param("a/b c/d", ("a", "b c", "d"), id="names with slashes between"),
        pytest.param("...", ("...",), id="three dots are a name"),
        pytest.param("..a/.b", ("..a", ".b"), id="leading dots are a name"),
        pytest.param("a\\..\\b", ("a\\..\\b",), id="backslashes separate nothing"),
        pytest.param("%2e%2e/x", ("%2e%2e", "x"), id="percent signs are not decoded again"),
        pytest.param(
            "line\nbreak", ("line\nbreak",), id="what a file system holds can be asked for"
        ),
    ],
)
def test_a_path_is_its_parts(path: str, parts: tuple[str, ...]) -> None:
    assert parse_path(path) == parts


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("..", id="up"),
        pytest.param("a/../../b", id="down, and further up"),
        pytest.param("a/..", id="up at the end"),
        pytest.param(".", id="here"),
        pytest.param("a/./b", id="here in the middle"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("//etc", id="absolute twice"),
        pytest.param("a//b", id="an empty name"),
        pytest.param("a/", id="a slash at the end"),
        pytest.param("a\0b", id="a NUL"),
        pytest.param("x" * 256, id="a name of 256 bytes"),
        pytest.param("ä" * 128, id="a name of 128 letters and 256 bytes"),
        pytest.param("/".join(["abc"] * 1025), id="a path over 4096 bytes"),
        pytest.param("\ud800", id="half a surrogate pair"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(BadInput):
        parse_path(path)
