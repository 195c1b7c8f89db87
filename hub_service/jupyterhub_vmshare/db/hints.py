"""Hints for query planners."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class not_by_index(FunctionElement[str]):
    """A text column that SQLite does not look up in an index; on PostgreSQL the plain column.

    PostgreSQL knows from its statistics that nearly every thing is a live folder. SQLite has none,
    takes ``kind = ?`` for rare, and would walk through everybody's folders instead of one person's
    grants. A unary plus is SQLite's own way to say so: https://www.sqlite.org/optoverview.html
    """

    inherit_cache = True
    type = String()


@compiles(not_by_index)
def _plain(element: Any, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.clauses, **more))


@compiles(not_by_index, "sqlite")
def _with_plus(element: Any, compiler: Any, **more: Any) -> str:
    return f"+{compiler.process(element.clauses, **more)}"
