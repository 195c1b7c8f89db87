"""What Python programs do in the directory they stand in, by the libraries people use."""

from __future__ import annotations

import importlib
import os
import sqlite3
import sys
from contextlib import closing
from typing import Any, Final

import nbformat.v4
from jupyter_server.services.contents.largefilemanager import LargeFileManager

INTERPRETER: Final = sys.executable


def _contents() -> Any:
    manager: Any = LargeFileManager(root_dir=os.getcwd(), delete_to_trash=False)
    manager.checkpoints.root_dir = os.environ["HOME"]
    return manager


def notebook() -> None:
    """As JupyterLab's Save does it."""
    making: Any = nbformat.v4
    content = making.new_notebook(cells=[making.new_markdown_cell(os.urandom(8).hex())])
    _contents().save({"type": "notebook", "format": "json", "content": content}, "/n.ipynb")


def text() -> None:
    """A text file, in the same way."""
    content = os.urandom(8).hex()
    _contents().save({"type": "file", "format": "text", "content": content}, "/n.txt")
    with open("n.txt") as file:
        assert file.read() == content


def rename() -> None:
    """The file browser's Rename."""
    _contents().rename_file("/n.ipynb", "/other.ipynb")


def delete() -> None:
    """The file browser's Delete."""
    _contents().delete_file("/n.ipynb")


def database(mode: str) -> None:
    """A database in this journal mode."""
    with closing(sqlite3.connect("data.sqlite")) as made:
        (got,) = made.execute(f"PRAGMA journal_mode={mode}").fetchone()
        assert got == mode
        made.execute("CREATE TABLE rows (number INTEGER)")
        made.commit()


def row() -> None:
    """One more row, and everything whole."""
    with closing(sqlite3.connect("data.sqlite", timeout=20)) as made:
        made.execute("INSERT INTO rows VALUES (1)")
        made.commit()
        assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert made.execute("SELECT count(*) FROM rows").fetchone() == (1,)


def parquet() -> None:
    """Write a table and read it back."""
    pyarrow, files = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    table = pyarrow.table({"x": list(range(1000))})
    files.write_table(table, "table.parquet")
    assert files.read_table("table.parquet") == table


def hdf5() -> None:
    """A file with one data set."""
    h5py = importlib.import_module("h5py")
    with h5py.File("data.h5", "w") as file:
        file["x"] = list(range(1000))


def hdf5_change() -> None:
    """Change it in place, and read it back."""
    h5py = importlib.import_module("h5py")
    with h5py.File("data.h5", "r+") as file:
        file["x"][0] = 7
        file.require_dataset("y", shape=(10,), dtype="i8")
    with h5py.File("data.h5", "r") as file:
        assert file["x"][0] == 7


_HELD: Final[list[sqlite3.Connection]] = []


def hold_wal() -> None:
    """A database in WAL mode, that stays open with something in its log."""
    database("wal")
    _HELD.append(sqlite3.connect("data.sqlite"))
    _HELD[0].execute("INSERT INTO rows VALUES (1)")
    _HELD[0].commit()


def let_go() -> None:
    """Close what `hold_wal` holds."""
    _HELD.pop().close()


def is_whole() -> None:
    """sqlite finds nothing wrong."""
    with closing(sqlite3.connect("data.sqlite")) as made:
        assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
