"""What lies in a folder. Paths are relative to it, with ``/`` between parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jupyter_vmshare.client.call import (
    Call,
    Paged,
    Sink,
    Source,
    get,
    nothing,
    reads,
    segment,
    send,
)
from jupyterhub_vmshare.api.contract.batches import (
    ArchiveAsked,
    DeletionResults,
    ManyDeletions,
    ManyMoves,
    MoveResults,
)
from jupyterhub_vmshare.api.contract.events import EventsPage
from jupyterhub_vmshare.api.contract.files import EntriesPage, EntryView, Move, NewDirectory


def entries(
    folder_id: str,
    path: str = "",
    q: str | None = None,
    *,
    order: str = "name",
    descending: bool = False,
) -> Paged[EntryView]:
    """One directory's entries: directories first, then by ``name``, ``size`` or ``modified``."""
    address, how = _path(folder_id, "entries"), ordered(order, descending)
    return Paged(
        lambda after: get(address, EntriesPage, path=path, q=q, after=after, **how),
        lambda page: list(page.items),
    )


def ordered(order: str, descending: bool) -> dict[str, object]:
    """What asks for entries in an order; by name, from the first to the last, goes without."""
    asked: dict[str, object] = {"descending": True} if descending else {}
    # By size or time the service looks at every file for every page: few pages, then.
    return asked if order == "name" else {"order": order, "limit": 1000, **asked}


def entry(folder_id: str, path: str) -> Call[EntryView]:
    """One file or directory."""
    return get(_path(folder_id, "entry"), EntryView, path=path)


def download(folder_id: str, path: str, sink: Sink) -> Call[None]:
    """A file's bytes, handed to ``sink`` as they come; goes on where it broke off."""
    params = {"path": path}
    return Call("GET", _path(folder_id, "download"), nothing, params, sink=sink, repeatable=True)


def upload(
    folder_id: str, path: str, source: Source, *, overwrite: bool = False
) -> Call[EntryView]:
    """Put a file there. One that is there already is left alone unless ``overwrite``."""
    call = send(
        "PUT",
        _path(folder_id, "file"),
        reads(EntryView),
        repeatable=overwrite,
        path=path,
        overwrite=overwrite or None,
    )
    return replace(call, source=source)


def make_directory(folder_id: str, path: str) -> Call[EntryView]:
    """Make a directory; its parent must be there."""
    asked = NewDirectory(path=path)
    return send("POST", _path(folder_id, "directories"), reads(EntryView), asked, key=True)


def move(folder_id: str, source: str, target: str) -> Call[EntryView]:
    """Give a file or directory another path in the same folder; never over something."""
    asked = Move(source=source, target=target)
    return send("POST", _path(folder_id, "moves"), reads(EntryView), asked)


def delete_file(folder_id: str, path: str) -> Call[None]:
    """Delete a file, a link or an empty directory."""
    return send("DELETE", _path(folder_id, "file"), nothing, path=path)


def archive(folder_id: str, paths: Sequence[str], sink: Sink) -> Call[None]:
    """Files and directories as one zip archive; links are left out, and the archive says so."""
    asked = ArchiveAsked(paths=list(paths))
    return replace(send("POST", _path(folder_id, "archive"), nothing, asked), sink=sink)


def move_many(folder_id: str, moves: Mapping[str, str]) -> Call[MoveResults]:
    """Give many files and directories another path, each by itself; never over something."""
    asked = ManyMoves(moves=[Move(source=old, target=new) for old, new in moves.items()])
    return send("POST", _path(folder_id, "relocations"), reads(MoveResults), asked)


def delete_many(
    folder_id: str, paths: Sequence[str], *, recursive: bool = False
) -> Call[DeletionResults]:
    """Delete many, each by itself; directories with all that is in them only if ``recursive``."""
    asked = ManyDeletions(paths=list(paths), recursive=recursive)
    return send("POST", _path(folder_id, "deletions"), reads(DeletionResults), asked)


def events_page(
    before: int | None = None,
    limit: int | None = None,
    *,
    thing: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Call[EventsPage]:
    """What happened, newest first; ``thing``: only to this folder, by its id."""
    span = {"since": since and since.isoformat(), "until": until and until.isoformat()}
    return get("events", EventsPage, before=before, limit=limit, thing=thing, **span)


def _path(folder_id: str, what: str) -> str:
    return f"folders/{segment(folder_id)}/{what}"
