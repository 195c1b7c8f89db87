"""HTML for notebooks: everything escaped, JupyterLab's colours, readable by screen readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

Row = Sequence[str]
# Fallbacks are for front ends that have no JupyterLab theme.
_STYLE = (
    "border:1px solid var(--jp-border-color2,#ccc);border-radius:var(--jp-border-radius,2px);"
    "padding:8px 12px;max-width:60em;color:var(--jp-ui-font-color1,inherit);"
    "background:var(--jp-layout-color1,transparent);font-family:var(--jp-ui-font-family,sans-serif)"
)
_LEVELS = {
    **{"view": "View", "edit": "Edit", "edit_delete": "Edit+Delete", "owner": "Owner"},
    "project": "in the project",
    **{"use": "Use", "manage": "Manage", "co_own": "Co-own"},
    **{"attach_read": "Attach to read", "attach_write": "Attach to write"},
}
_QUIET = "color:var(--jp-ui-font-color2,inherit);font-weight:normal"


def card(title: str, *parts: str, note: str = "") -> str:
    """A titled box. ``parts`` are HTML already; title and note are text."""
    quiet = f' <span style="{_QUIET}">{escape(note)}</span>' if note else ""
    heading = f'<div style="font-weight:600">{escape(title)}{quiet}</div>'
    body = heading + "".join(parts)
    return f'<section style="{_STYLE}" aria-label="{escape(title)}">{body}</section>'


def table(caption: str, heads: Row, rows: Iterable[Row], empty: str = "Nothing here.") -> str:
    """A table of texts, or the sentence ``empty``."""
    body = "".join(_row(row) for row in rows)
    if not body:
        return paragraph(empty)
    head = "".join(f'<th scope="col" style="text-align:left">{escape(h)}</th>' for h in heads)
    return (
        f'<table style="margin:4px 0"><caption style="text-align:left;{_QUIET}">{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values; those without a value are left out."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;{_QUIET}">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in pairs
        if value
    )
    return f'<table style="margin:4px 0"><tbody>{rows}</tbody></table>'


def paragraph(text: str) -> str:
    """A sentence."""
    return f'<p style="margin:4px 0">{escape(text)}</p>'


def plain_table(heads: Row, rows: Sequence[Row], empty: str = "Nothing here.") -> str:
    """The same table for a terminal. Control characters in names are shown, never obeyed."""
    if not rows:
        return visible(empty)
    lines = [list(heads), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def visible(text: str) -> str:
    """Text that can't drive a terminal: what is not printable is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def size(number: int | None) -> str:
    """Bytes for reading, in steps of 1024, as quotas are set."""
    if number is None:
        return ""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def level(name: str) -> str:
    """A level for reading."""
    return _LEVELS.get(name, name)


def _row(cells: Row) -> str:
    texts = "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in cells)
    return f"<tr>{texts}</tr>"
