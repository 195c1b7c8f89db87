"""From a folder's id to a handle on its files, with no path that anybody else could say."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.messages import ACCOUNT_ID, FOLDER_ID

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_NAMED: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_COUNTED: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NoTree(Exception):
    """The folder's files can't be reached; the text is a sentence that says why."""


class Trees:
    """The folder store, as ``storage.posix.store`` lays it out: ``root/<shard>/<id>/files``.

    Args:
        root: The store's directory, as the operator names it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def owner(self) -> tuple[int, int]:
        """The uid and gid of the service: who the store belongs to."""
        found = os.stat(self.root)
        return found.st_uid, found.st_gid

    def open(self, folder: str) -> int:
        """The top of a folder's tree, as an ``O_PATH`` descriptor."""
        return self._walk(*_home(folder), "files")

    def open_account(self, folder: str) -> int | None:
        """The account in which the folder's bytes are counted, to read and write; None where the
        service counts them in none."""
        home = self._walk(*_home(folder))
        try:
            named = os.open("account", _NAMED, dir_fd=home)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NoTree(f"The folder's account can't be read: {error.strerror}.") from None
        finally:
            os.close(home)
        try:
            account = os.read(named, 64).decode("ascii", "replace").strip()
        finally:
            os.close(named)
        return self._open_named(account)

    def _open_named(self, account: str) -> int | None:
        if not re.fullmatch(ACCOUNT_ID, account):
            raise NoTree("The name of the folder's account is damaged in the store.")
        area = self._walk(".accounts")
        try:
            found = os.open(account, _COUNTED, dir_fd=area)
        except FileNotFoundError:
            return None  # the service makes it anew
        except OSError as error:
            raise NoTree(f"The folder's account can't be opened: {error.strerror}.") from None
        finally:
            os.close(area)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise NoTree("The folder's account is no file in the store.")
        return found

    def _walk(self, *names: str) -> int:
        """A directory of the store, as an ``O_PATH`` descriptor.

        Each step opens one name in the directory before it, and no link: `O_DIRECTORY` refuses
        one that is opened by `O_NOFOLLOW`. What belongs to somebody else than the store, or lies
        on another file system, is none of the store.
        """
        try:
            current = os.open(self.root, _DIRECTORY)
        except OSError as error:
            raise NoTree(f"The store can't be opened: {error.strerror}.") from None
        top = os.fstat(current)
        try:
            for name in names:
                below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
                os.close(current)
                current = below
                found = os.fstat(current)
                if (found.st_uid, found.st_dev) != (top.st_uid, top.st_dev):
                    raise NoTree("The folder's directory in the store belongs to somebody else.")
        except FileNotFoundError:
            os.close(current)
            raise NoTree("The files of this folder are not in the store of this node.") from None
        except OSError as error:
            os.close(current)
            raise NoTree(f"The folder can't be opened in the store: {error.strerror}.") from None
        except NoTree:
            os.close(current)
            raise
        return current


def _home(folder: str) -> tuple[str, str]:
    if not re.fullmatch(FOLDER_ID, folder):
        raise NoTree("This is no folder's id.")
    return folder[-2:], folder
