"""Byte ranges and file names in headers."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_vmshare.api.ranges import disposition, range_counts, span_of
from jupyterhub_vmshare.errors import RangeUnsatisfiable


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        pytest.param(None, 10, None, id="no header: all"),
        pytest.param("bytes=0-3", 10, (0, 4), id="the first four"),
        pytest.param("bytes=9-9", 10, (9, 10), id="the last one"),
        pytest.param("bytes=4-", 10, (4, 10), id="from there to the end"),
        pytest.param("bytes=-3", 10, (7, 10), id="the last three"),
        pytest.param("bytes=-30", 10, (0, 10), id="more from the end than there is"),
        pytest.param("bytes=4-99", 10, (4, 10), id="past the end"),
        pytest.param(" BYTES= 0-0 ", 10, (0, 1), id="spaces and capitals"),
        pytest.param("bytes=5-4", 10, None, id="backwards: no range"),
        pytest.param("bytes=-", 10, None, id="nothing: no range"),
        pytest.param("bytes=0-1,3-4", 10, None, id="several: all"),
        pytest.param("lines=0-1", 10, None, id="another unit: all"),
        pytest.param("bytes=a-b", 10, None, id="no numbers: all"),
        pytest.param("bytes=0-" + "9" * 30, 10, None, id="a number too long: all"),
        pytest.param("", 10, None, id="an empty header: all"),
    ],
)
def test_the_span_of_a_range(header: str | None, size: int, span: tuple[int, int] | None) -> None:
    assert span_of(header, size) == span


@pytest.mark.parametrize(
    ("header", "size"),
    [
        pytest.param("bytes=10-", 10, id="right after the end"),
        pytest.param("bytes=50-60", 10, id="far after the end"),
        pytest.param("bytes=-0", 10, id="the last none"),
        pytest.param("bytes=0-0", 0, id="of an empty file"),
    ],
)
def test_a_range_outside_the_file(header: str, size: int) -> None:
    with pytest.raises(RangeUnsatisfiable):
        span_of(header, size)


@given(first=st.integers(0, 30), last=st.none() | st.integers(0, 30), size=st.integers(0, 20))
def test_a_span_lies_in_the_file(first: int, last: int | None, size: int) -> None:
    try:
        span = span_of(f"bytes={first}-{'' if last is None else last}", size)
    except RangeUnsatisfiable:
        assert first >= size
        return
    wanted = bytes(range(size))[first : None if last is None else last + 1]
    assert span is None or bytes(range(size))[span[0] : span[1]] == wanted


@pytest.mark.parametrize(
    ("if_range", "counts"),
    [
        pytest.param(None, True, id="not asked"),
        pytest.param('"a"', True, id="the same content"),
        pytest.param('"b"', False, id="other content"),
        pytest.param('W/"a"', False, id="a weak tag"),
        pytest.param("Sun, 22 Nov 2026 10:00:00 GMT", False, id="a date"),
    ],
)
def test_if_range(if_range: str | None, counts: bool) -> None:
    assert range_counts(if_range, '"a"') is counts


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_name_fits_into_a_header_and_comes_back(name: str) -> None:
    header = disposition("attachment", name)
    assert header.isascii()
    assert header.isprintable()
    plain, exact = header.removeprefix("attachment; filename=").split("; filename*=UTF-8''")
    assert plain[0] == plain[-1] == '"'
    assert not set(plain[1:-1]) & set('"\\%')
    assert unquote(exact) == name
