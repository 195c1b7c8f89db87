"""Snapshots of trees: whole copies beside the tree, which nobody ever changes.

``<home>/snapshots/<id>`` is one. A file that did not change since the snapshot before is the same
file under another name there: that is safe between snapshots, since no one writes in them. It would
not be between a snapshot and the living tree, where programs change files in place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.storage.port import shelf_of
from jupyterhub_vmshare.storage.posix.booked import SNAPSHOTS, Booked, home_of
from jupyterhub_vmshare.storage.posix.charging import Charge, directories_in
from jupyterhub_vmshare.storage.posix.copying import Copying
from jupyterhub_vmshare.storage.posix.purging import fresh_name
from jupyterhub_vmshare.storage.posix.tree import walked

_MIXED: Final = re.compile(rf"(?P<tree>{ID_PATTERN})@(?P<snapshot>{ID_PATTERN})")


class Shelved(Booked):
    """What a `PosixStore` does with snapshots. ``_gone`` is where trees go to be purged."""

    _gone = -1

    async def take_snapshot(
        self,
        folder_id: str,
        snapshot_id: str,
        earlier: str | None,
        tell: Callable[[int, int], bool],
    ) -> None:
        """Make a snapshot of a tree; what an earlier attempt left is thrown away first."""
        await self._copies.run(lambda: self._take(folder_id, snapshot_id, earlier, tell))

    def _take(
        self,
        folder_id: str,
        snapshot_id: str,
        earlier: str | None,
        tell: Callable[[int, int], bool],
    ) -> None:
        self._drop(folder_id, snapshot_id)
        charge = self._charge_of_snapshots(folder_id)
        if charge.account is not None:
            charge.accounts.add(charge.account, charge.tree, 0)
        with ExitStack() as stack:
            source = stack.enter_context(self._tree(folder_id))
            home = stack.enter_context(self._home(folder_id))
            with suppress(FileExistsError):
                os.mkdir(SNAPSHOTS, 0o700, dir_fd=home)
            shelf = stack.enter_context(walked(home, (SNAPSHOTS,)))
            os.mkdir(snapshot_id, 0o700, dir_fd=shelf)
            os.fsync(shelf)
            target = stack.enter_context(walked(shelf, (snapshot_id,)))
            before = None
            if earlier is not None:
                with suppress(FileNotFoundError):
                    before = stack.enter_context(walked(shelf, (earlier,)))
            Copying(source, target, charge, tell, earlier=before).run()

    async def drop_snapshot(self, folder_id: str, snapshot_id: str) -> None:
        """Take a snapshot out of reach; `purge` frees its space. Idempotent."""
        await self._copies.run(lambda: self._drop(folder_id, snapshot_id))

    def _drop(self, folder_id: str, snapshot_id: str) -> None:
        with suppress(FileNotFoundError, NotFound):
            with self._home(folder_id) as home, walked(home, (SNAPSHOTS,)) as shelf:
                freed = _held_alone(shelf, snapshot_id)
                os.rename(snapshot_id, fresh_name(), src_dir_fd=shelf, dst_dir_fd=self._gone)
                os.fsync(shelf)
            self._charge_of_snapshots(folder_id).grow(-freed)

    def _charge_of_snapshots(self, folder_id: str) -> Charge:
        charge = self._charge(folder_id)
        return Charge(charge.accounts, charge.account, shelf_of(folder_id))

    @contextmanager
    def _tree(self, folder_id: str) -> Iterator[int]:
        """The top of a folder's tree, or of a snapshot of it (`in_snapshot`)."""
        mixed = _MIXED.fullmatch(folder_id)
        with ExitStack() as stack:
            if mixed is None:
                yield stack.enter_context(super()._tree(folder_id))
                return
            way = (*home_of(mixed["tree"]), SNAPSHOTS, mixed["snapshot"])
            try:
                top = stack.enter_context(walked(self._root, way))
            except FileNotFoundError:
                raise NotFound("This snapshot is not in the store.") from None
            yield top


def _held_alone(shelf: int, snapshot_id: str) -> int:
    """The bytes of a snapshot's files that no other one on the shelf has.

    One that was thrown away keeps its names of a file until it is purged: so a second name, if any,
    is looked for in the others. They have it at the same place, the next ones most likely.
    """
    names = sorted(os.listdir(shelf))
    at = names.index(snapshot_id) if snapshot_id in names else 0
    others = [*names[at + 1 :], *reversed(names[:at])]
    alone = 0
    with walked(shelf, (snapshot_id,)) as top:
        for place, files in directories_in(top):
            linked = {name: status for name, status in files.items() if status.st_nlink > 1}
            for other in others:
                linked = _not_in(shelf, (other, *place), linked)
            alone += sum(s.st_size for n, s in files.items() if n in linked or s.st_nlink == 1)
    return alone


def _not_in(
    shelf: int, at: tuple[str, ...], files: dict[str, os.stat_result]
) -> dict[str, os.stat_result]:
    """Those of the files that a directory of another snapshot has not."""
    if not files:
        return files
    try:
        with walked(shelf, at) as there:
            return {name: s for name, s in files.items() if not _is_at(there, name, s)}
    except (FileNotFoundError, NotADirectoryError):
        return files


def _is_at(directory: int, name: str, status: os.stat_result) -> bool:
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, status)
