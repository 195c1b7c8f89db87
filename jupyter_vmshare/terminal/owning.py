"""What the owner of folders does at the terminal: quota, copies, the trash, snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.terminal.filing import add_order, order_of
from jupyter_vmshare.terminal.showing import DONE, FAILED, Asked, Share, progress, reached, show
from jupyter_vmshare.widgets import cards, moments
from jupyter_vmshare.widgets.connect import VMShare
from jupyter_vmshare.widgets.folders import Folder
from jupyterhub_vmshare.api.contract.grants import InSessions

_LOOK_EVERY: Final = 0.2
_FAST: Final = (
    "Fast mounts at View and Edit+Delete. Access to what is open of one ends with the session, and "
    "not with a revoke."
)


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    verb("quota", quota)
    verb("clone", clone, "folder", "name")
    verb("copies", copies).add_argument("--give-up", metavar="ID", help="one of them")
    settings_ = verb("settings", settings, "folder")
    may = settings_.add_mutually_exclusive_group(required=True)
    may.add_argument("--cloneable", action="store_true", help="others may copy it")
    may.add_argument("--not-cloneable", dest="cloneable", action="store_false")
    may.add_argument(
        "--fast", action="store_true", help="mount it directly at View and Edit+Delete"
    )
    may.add_argument("--not-fast", dest="fast", action="store_false")
    settings_.set_defaults(cloneable=None, fast=None)
    verb("holders", holders, "folder")
    verb("end-sessions", end_sessions, "folder").add_argument(
        "people", nargs="*", help="of these people alone"
    )
    verb("trash", trash, "folder").add_argument(
        "--force", action="store_true", help="also while others have it in a running session"
    )
    verb("restore", restore, "folder").add_argument("--as", dest="name", help="under another name")
    _snapshots(verb)


def _snapshots(verb: Callable[..., Any]) -> None:
    verb("snapshots", snapshots, "folder")
    verb("snapshot", snapshot, "folder")
    every = verb("snapshot-every", snapshot_every, "folder")
    every.add_argument(
        "hours", type=int, nargs="?", help="hours between two; 0 ends it; left out: say how it is"
    )
    every.add_argument("--keep", type=int, default=24, help="how many of those are kept (24)")
    listed = verb("snapshot-files", snapshot_files, "folder", "snapshot")
    listed.add_argument("path", nargs="?", default="", help="a directory")
    add_order(listed)
    got = verb("snapshot-get", snapshot_get, "folder", "snapshot", "path")
    got.add_argument("local", nargs="?", default=".", help="a local directory or file name")
    got.add_argument("--overwrite", action="store_true", help="replace what is there")
    back = verb("restore-file", restore_file, "folder", "snapshot", "path")
    back.add_argument("--as", dest="target", help="to another path in the folder")
    back.add_argument("--overwrite", action="store_true", help="replace what is there")
    verb("delete-snapshot", delete_snapshot, "folder", "snapshot")


def quota(asked: Asked) -> int:
    """Say what your folders hold together, and may hold."""
    with Share() as share:
        found = share.quota
    return show(asked, found.view, found)


def clone(asked: Asked) -> int:
    """Copy a folder as one of your own, and wait until it is there."""
    with Share() as share:
        made = share.folders.get(asked.folder).clone(asked.name)
        while made.state.value == "copying":
            time.sleep(_LOOK_EVERY)
            made = share.client.clone(made.id)
    said = made.because or f"{made.files} files, {cards.size(made.bytes)}: {made.name}."
    show(asked, made, cards.visible(said))
    return DONE if made.state.value == "done" else FAILED


def copies(asked: Asked) -> int:
    """List the copies of folders that you asked for; give one up that is under way."""
    with Share() as share:
        if asked.give_up:
            share.give_up_copy(asked.give_up)
            return show(asked, {"given_up": asked.give_up}, "Given up.")
        found = share.copies
    return show(asked, list(found), found)


def settings(asked: Asked) -> int:
    """Say what others may do with your folder, beside their levels."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        if asked.fast is not None:
            return _choose_fast(asked, folder)
        folder.change_settings(cloneable=asked.cloneable)
    may = "may" if folder.view.cloneable else "may not"
    return show(asked, folder.view, f"Others {may} copy it.")


def _choose_fast(asked: Asked, folder: Folder) -> int:
    held = folder.choose_fast(asked.fast)
    said = _FAST if asked.fast else "No fast mounts any more."
    return show(asked, folder.view, f"{said}\n{held!r}" if held else said)


def holders(asked: Asked) -> int:
    """List the sessions that hold your folder, though it was taken from them."""
    with Share() as share:
        found = _of_any_state(share, asked.folder).holders()
    return show(asked, list(found), found)


def end_sessions(asked: Asked) -> int:
    """Stop the sessions that hold your folder, with everything that runs in them."""
    with Share() as share:
        told = _of_any_state(share, asked.folder).end_sessions(asked.people or None)
    show(asked, list(told), told)
    return DONE if all(one.stopped for one in told) else FAILED


def _of_any_state(share: VMShare, folder: str) -> Folder:
    try:
        return share.folders.get(folder)
    except NotFound:
        return share.folders.get(folder, "trashed")


def trash(asked: Asked) -> int:
    """Put a folder in the trash; it can be restored."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        told = folder.trash(force=asked.force)
    gone = folder.view.deleted_at
    until = [f"It is deleted for ever at {moments.shown(gone)}."] if gone else []
    done = " ".join(["In the trash.", *until, *reached(told)])
    return show(asked, folder.view, done + still_held(told, asked.folder))


def still_held(cut: InSessions, folder: str) -> str:
    """How to end the sessions in which a change left something that can't be cut; often nothing."""
    if not cut.holders:
        return ""
    people = ", ".join(sorted({holder.person for holder in cut.holders}))
    return f"\njupyter vmshare end-sessions {folder} ends those sessions, of {people}."


def restore(asked: Asked) -> int:
    """Take a folder out of the trash, with everybody it was shared with."""
    with Share() as share:
        folder = share.folders.get(asked.folder, "trashed")
        folder.restore(asked.name)
    return show(asked, folder.view, folder)


def snapshots(asked: Asked) -> int:
    """List the snapshots of your folder."""
    with Share() as share:
        found = share.folders.get(asked.folder).snapshots()
    return show(asked, list(found), found)


def snapshot(asked: Asked) -> int:
    """Make a snapshot of your folder, and wait until it is whole."""
    with Share() as share:
        made = share.folders.get(asked.folder).snapshot()
        while made.state.value == "making":
            time.sleep(_LOOK_EVERY)
            made = share.client.snapshot(made.folder_id, made.id)
    said = made.because or f"{made.id}: {made.files} files, {cards.size(made.bytes)} of its own."
    show(asked, made, cards.visible(said))
    return DONE if made.state.value == "done" else FAILED


def snapshot_every(asked: Asked) -> int:
    """Have snapshots of your folder made by themselves, or say whether they are."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        if asked.hours is None:
            policy = folder.snapshot_policy
        else:
            policy = folder.snapshot_every(asked.hours or None, asked.keep)
    hours = policy.every_hours
    said = f"Every {hours} hours; {policy.keep} are kept." if hours else "None by themselves."
    return show(asked, policy, said)


def snapshot_files(asked: Asked) -> int:
    """List a directory as it was when a snapshot was made."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        found = folder.files_then(asked.snapshot, asked.path, 1_000_000, **order_of(asked))
    return show(asked, list(found), found)


def snapshot_get(asked: Asked) -> int:
    """Copy a file here as it was when a snapshot was made."""
    with Share() as share:
        target = share.folders.get(asked.folder).download_then(
            *(asked.snapshot, asked.path, asked.local),
            overwrite=asked.overwrite,
            progress=progress(asked),
        )
    return show(asked, {"local": str(target)}, f"Copied to {cards.visible(str(target))}.")


def restore_file(asked: Asked) -> int:
    """Take a file of a snapshot back into your folder."""
    with Share() as share:
        entry = share.folders.get(asked.folder).restore_file(
            asked.snapshot, asked.path, target=asked.target, overwrite=asked.overwrite
        )
    return show(asked, entry, f"Back at {cards.visible(entry.path)}.")


def delete_snapshot(asked: Asked) -> int:
    """Delete a snapshot of your folder."""
    with Share() as share:
        share.folders.get(asked.folder).delete_snapshot(asked.snapshot)
    return show(asked, {"deleted": asked.snapshot}, "Deleted.")
