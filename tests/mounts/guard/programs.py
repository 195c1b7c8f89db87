"""Programs that people use at Edit, and what comes of them: on a tree of their own while it is
fresh and later, and on a tree that somebody else made.

`docs/explanation/edit-and-programs.md` is this table for people.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tests.mounts.guard import saving

Deed = str | Callable[[], None]
EPERM: Final = "Operation not permitted"
EXISTS: Final = "File exists"
FORBIDDEN: Final = "Permission denied"
PARTLY: Final = "warning: unable to unlink"
"""It does what it should, and leaves behind what it can't remove."""


@dataclass(frozen=True)
class Use:
    """A program's use: `prepare` makes the tree, `act` is what is looked at. Both are shell
    scripts or functions, with the tree as working directory. What is expected is `ok`, or words
    that the failing program says."""

    name: str
    prepare: Deed
    act: Deed
    later: str = "ok"
    others: str = "ok"
    fresh: str = "ok"
    modules: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    check: str = field(default="true")
    """A script that holds after an `act` that is expected to be ok."""


WHEEL: Final = """
import sys, zipfile
version = sys.argv[1]
info = f"tool-{version}.dist-info"
with zipfile.ZipFile(f"tool-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tool/__init__.py", f"version = {version!r}\\n")
    said = f"Metadata-Version: 2.1\\nName: tool\\nVersion: {version}\\n"
    wheel.writestr(f"{info}/METADATA", said)
    said = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    wheel.writestr(f"{info}/WHEEL", said)
    wheel.writestr(f"{info}/RECORD", "")
"""
PIP: Final = (
    "$PYTHON -m pip install --quiet --no-index --no-deps --disable-pip-version-check "
    "--no-warn-script-location"
)
GIT: Final = """
git init -q .
for n in 1 2 3; do
  echo "line $n" >> file; echo $n > file$n; git add .; git commit -qm "change $n"
done
git checkout -q -b topic HEAD~1
echo topic > topic; git add topic; git commit -qm topic
touch -d @1500000000 file* topic  # so that git believes its index, and reads nothing again
git status
"""
CHECKOUT: Final = "git checkout -q master && git status --porcelain | (! grep .)"
REBASE: Final = "git rebase -q master && git status --porcelain | (! grep .)"
GC: Final = "git gc -q --prune=now; ! git count-objects | grep -v ^0"
GIT_TOOLS: Final = ("git",)
TAR: Final = "mkdir tree; echo one > tree/file; tar -cf archive.tar tree; echo two > tree/file"


USES: Final = (
    Use(
        "Jupyter saves a notebook",
        saving.notebook,
        saving.notebook,
        check="grep -q nbformat n.ipynb",
    ),
    Use("Jupyter saves a text file", saving.text, saving.text),
    Use("Jupyter renames a notebook", saving.notebook, saving.rename, others=FORBIDDEN),
    Use(
        "Jupyter deletes a notebook",
        saving.notebook,
        saving.delete,
        later=FORBIDDEN,
        others=FORBIDDEN,
    ),
    Use(
        "an editor saves by a draft and a rename",
        "echo old > file",
        "echo new > .draft && mv .draft file",
        check="grep -q new file",
    ),
    Use("git init", "true", "git init -q . && git status", tools=GIT_TOOLS),
    Use(
        "git add and commit",
        GIT,
        "echo more >> file && git add . && git commit -qm more",
        tools=GIT_TOOLS,
        check='git fsck --strict && test -z "$(git status --porcelain)"',
    ),
    Use("git checkout", GIT, CHECKOUT, later=EPERM, others=EPERM, tools=GIT_TOOLS),
    Use("git rebase", GIT, REBASE, later=EPERM, others=EPERM, tools=GIT_TOOLS),
    Use("git gc", GIT, GC, others=PARTLY, tools=GIT_TOOLS),
    Use("sqlite with journal_mode=DELETE", partial(saving.database, "delete"), saving.row),
    Use("sqlite with journal_mode=WAL", partial(saving.database, "wal"), saving.row),
    Use("sed -i", "echo one > file", "sed -i s/one/two/ file", check="grep -q two file"),
    Use(
        "pip install --target",
        '$PYTHON -c "$WHEEL" 1.0',
        f"{PIP} --target target tool-1.0-py3-none-any.whl",
        check="test -f target/tool/__init__.py",
    ),
    Use(
        "pip install --target --upgrade",
        f'$PYTHON -c "$WHEEL" 1.0; $PYTHON -c "$WHEEL" 2.0; {PIP} --target target tool-1.0*.whl',
        f"{PIP} --target target --upgrade tool-2.0*.whl",
        later=EPERM,
        others=EPERM,
    ),
    Use(
        "vim with its own settings",
        "echo one > file",
        "vim -u NONE -N -es -c 's/one/two/' -c wq file && grep -q two file",
        tools=("vim",),
    ),
    Use(
        "vim with backupcopy=yes",
        "echo one > file",
        "vim -u NONE -N -es -c 'set backupcopy=yes' -c 's/one/two/' -c wq file && grep -q two file",
        tools=("vim",),
    ),
    Use(
        "rsync",
        "mkdir target; echo one > target/file; mkdir source; echo other > source/file",
        "rsync -rt source/ target/",
        check="grep -q other target/file",
        tools=("rsync",),
    ),
    Use(
        "rsync --delete",
        "mkdir target source; echo one > target/file",
        "rsync -rt --delete source/ target/",
        later=EPERM,
        others=EPERM,
        tools=("rsync",),
    ),
    Use(
        "tar makes an archive",
        "mkdir tree; echo one > tree/file",
        "tar -cf archive.tar tree",
        check="tar -tf archive.tar | grep -q tree/file",
    ),
    Use(
        "tar unpacks where nothing is",
        TAR,
        "mkdir there && tar -xf archive.tar -C there",
        check="grep -q one there/tree/file",
    ),
    Use("tar unpacks over what is there", TAR, "tar -xf archive.tar", later=EXISTS, others=EXISTS),
    Use("tar --overwrite", TAR, "tar --overwrite -xf archive.tar", check="grep -q one tree/file"),
    Use("parquet is written and read", saving.parquet, saving.parquet, modules=("pyarrow",)),
    Use("HDF5 is written, changed and read", saving.hdf5, saving.hdf5_change, modules=("h5py",)),
    Use("mv within the tree", "echo one > file; mkdir sub", "mv file sub/file", others=EPERM),
    Use("rm", "echo one > file", "rm -f file", later=EPERM, others=EPERM),
    Use("rm -r", "mkdir tree; echo one > tree/file", "rm -rf tree", later=EPERM, others=EPERM),
    Use("a build removes what it made just now", "true", "echo x > a.tmp && mv a.tmp a && rm a"),
)


class Failed(Exception):
    """A script ended with an error; the message is what it said."""


def do(deed: Deed, directory: str) -> str:
    """Do it in this directory, as a program of the session; what it says."""
    os.chdir(directory)
    if not isinstance(deed, str):
        deed()
        return ""
    done = subprocess.run(
        ["sh", "-ec", deed], env=_environment(), capture_output=True, timeout=60, check=False
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        raise Failed(said)
    return said


def _environment() -> dict[str, str]:
    author = {"NAME": "ben", "EMAIL": "ben@example.org"}
    git = {
        f"GIT_{who}_{key}": word for who in ("AUTHOR", "COMMITTER") for key, word in author.items()
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "LANG": "C",
        "PYTHON": saving.INTERPRETER,
        "WHEEL": WHEEL,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "master",
        **git,
    }
