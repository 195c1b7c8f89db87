"""The files of a folder at the terminal: lists, copies both ways, names, what is under way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jupyter_vmshare.terminal.showing import DONE, FAILED, Asked, Share, plain, progress, show
from jupyter_vmshare.widgets import cards, moments


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    listed = verb("files", files, "folder")
    listed.add_argument("path", nargs="?", default="", help="a directory")
    add_order(listed)
    got = verb("get", get, "folder", "path")
    got.add_argument("local", nargs="?", default=".", help="a local directory or file name")
    put_ = verb("put", put, "folder")
    put_.add_argument("local", help="a local file, or with -r a directory")
    put_.add_argument("path", nargs="?", help="its path in the folder; its own name by default")
    put_.add_argument("-r", "--recursive", action="store_true", help="a directory with all in it")
    verb("mkdir", mkdir, "folder").add_argument("paths", nargs="+", metavar="path", help="of each")
    verb("stat", stat, "folder", "path")
    zipped = verb("zip", zip_, "folder")
    zipped.add_argument("paths", nargs="*", default=[""], help="what; by default all of it")
    zipped.add_argument("--to", dest="local", default=".", help="a local directory or file name")
    moved = verb("mv", mv, "folder")
    moved.add_argument("paths", nargs="+", metavar="path", help="what, and last its new path")
    removed = verb("rm", rm, "folder")
    removed.add_argument("paths", nargs="+", metavar="path", help="what is to go")
    removed.add_argument("-r", "--recursive", action="store_true", help="full directories, too")
    began = verb("uploads", uploads, "folder")
    began.add_argument("--give-up", metavar="ID", help="forget one of them")
    for transfer in (got, put_, zipped):
        transfer.add_argument("--overwrite", action="store_true", help="replace what is there")


def add_order(command: Any) -> None:
    """Have a command that lists a directory sort it, as ``ls`` does."""
    command.add_argument(
        *("--sort", "-s"),
        choices=("name", "size", "modified"),
        default="name",
        help="by name, or the largest or the newest first; directories come first in any case",
    )
    command.add_argument("--reverse", "-r", action="store_true", help="the other way round")


def order_of(asked: Asked) -> dict[str, Any]:
    """What `add_order` took, as the folder's verbs take it."""
    return {"order": asked.sort, "descending": (asked.sort != "name") != asked.reverse}


def files(asked: Asked) -> int:
    """List a directory of a folder."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        found = folder.files(asked.path, limit=1_000_000, **order_of(asked))
    return show(asked, list(found), found)


def get(asked: Asked) -> int:
    """Copy a file of a folder here."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        target = folder.download(
            asked.path, asked.local, overwrite=asked.overwrite, progress=progress(asked)
        )
    return show(asked, {"local": str(target)}, f"Copied to {cards.visible(str(target))}.")


def put(asked: Asked) -> int:
    """Copy a local file into a folder."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        if asked.recursive:
            told = folder.upload_directory(
                asked.local, asked.path, overwrite=asked.overwrite, progress=progress(asked)
            )
            came = [
                {"path": one.path, "entry": plain(one.entry), "because": one.because}
                for one in told
            ]
            show(asked, came, told)
            return FAILED if told.failed else DONE
        entry = folder.upload(
            asked.local, asked.path, overwrite=asked.overwrite, progress=progress(asked)
        )
    return show(asked, entry, f"Copied to {cards.visible(entry.path)}.")


def mkdir(asked: Asked) -> int:
    """Make directories in a folder."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        made = [folder.mkdir(path) for path in asked.paths]
    return show(asked, made, "\n".join(f"Made: {cards.visible(one.path)}" for one in made))


def stat(asked: Asked) -> int:
    """Say what is known of a file: its size, when it was changed, and by whom."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        entry, who = folder.stat(asked.path), folder.changed_by(asked.path)
    facts = {
        "Path": entry.path,
        "Kind": entry.kind.value,
        "Size": "" if entry.size is None else f"{cards.size(entry.size)} ({entry.size} bytes)",
        "Changed": moments.shown(entry.modified_at),
        "By": who or "not known: long ago, or by a program in a session",
    }
    told = {**plain(entry), "changed_by": who}
    lines = [f"{name}: {cards.visible(value)}" for name, value in facts.items() if value]
    return show(asked, told, "\n".join(lines))


def zip_(asked: Asked) -> int:
    """Copy files and directories of a folder here as one zip archive."""
    with Share() as share:
        target = share.folders.get(asked.folder).download_zip(
            asked.paths, asked.local, overwrite=asked.overwrite, progress=progress(asked)
        )
    return show(asked, {"local": str(target)}, f"Copied to {cards.visible(str(target))}.")


def mv(asked: Asked) -> int:
    """Move or rename files and directories in a folder; several into a directory."""
    *sources, target = asked.paths
    if not sources:
        raise ValueError("Say what to move, and where to.")
    into = len(sources) > 1 or target.endswith("/")
    moves = {
        source: f"{target.rstrip('/')}/{source.rpartition('/')[2]}" if into else target
        for source in sources
    }
    with Share() as share:
        results = share.folders.get(asked.folder).rename_many(moves)
    return _each(asked, results, [result.source for result in results], "Moved")


def rm(asked: Asked) -> int:
    """Delete files and directories in a folder, for good."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        results = folder.delete_many(asked.paths, recursive=asked.recursive)
    return _each(asked, results, [result.path for result in results], "Deleted")


def _each(asked: Asked, results: Sequence[Any], names: Sequence[str], done: str) -> int:
    """What became of each: FAILED if one of them was refused."""
    lines = [
        cards.visible(f"{done}: {name}" if one.problem is None else f"{name}: {one.problem.detail}")
        for name, one in zip(names, results, strict=True)
    ]
    show(asked, list(results), "\n".join(lines))
    return FAILED if any(result.problem for result in results) else DONE


def uploads(asked: Asked) -> int:
    """List your unfinished uploads to a folder; `put` of the same file goes on with one."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        if asked.give_up:
            folder.give_up_upload(asked.give_up)
            return show(asked, None, "Forgotten.")
        found = folder.unfinished_uploads()
    lines = [
        cards.visible(f"{one.id}  {cards.size(one.offset)} of {cards.size(one.length)}  {one.path}")
        for one in found
    ]
    return show(asked, found, "\n".join(lines) or "Nothing is unfinished.")
