"""Giving a file that is under way its name."""

from __future__ import annotations

import os
import stat

from jupyterhub_vmshare.errors import ChangedMeanwhile, NotFound
from jupyterhub_vmshare.storage.port import EntryExists, Target
from jupyterhub_vmshare.storage.posix.handles import Draft
from jupyterhub_vmshare.storage.posix.tree import entry_of, rename_new, shown, told


def check_free(directory: int, name: str, target: Target) -> os.stat_result | None:
    """The file to replace, if there is one; raises where there is something, and no leave."""
    what = shown(target.at)
    there = _there(directory, name, what)
    if target.tag is not None and (there is None or entry_of(name, there).tag != target.tag):
        raise ChangedMeanwhile(f"{what} is not as you saw it any more; load it again.")
    if there is None:
        return None
    if not target.overwrite:
        raise EntryExists(f"{what} is there already. Replace it, or choose another name.")
    if not stat.S_ISREG(there.st_mode):
        raise EntryExists(f"{what} is there and is no file, so an upload can't replace it.")
    return there


def _there(directory: int, name: str, what: str) -> os.stat_result | None:
    try:
        with told(what):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except NotFound:
        return None


def give_name(draft: Draft, directory: int, name: str, overwrite: bool) -> None:
    """Rename the draft into a directory; only with ``overwrite`` over something."""
    if overwrite:
        os.rename(draft.name, name, src_dir_fd=draft.area, dst_dir_fd=directory)
    else:
        rename_new(draft.area, draft.name, directory, name)
