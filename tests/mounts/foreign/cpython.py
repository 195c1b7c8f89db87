"""CPython's own tests of files, and which of them end otherwise in a mount.

They come from the system (Debian's `libpython3.11-testsuite`), and run with its Python. Nothing of
them is changed: they are told where to make their files.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

PYTHON: Final = Path("/usr/bin/python3")
MODULES: Final = (
    "test_bufio", "test_compileall", "test_dbm", "test_dbm_dumb", "test_dbm_ndbm", "test_fcntl",
    "test_file", "test_filecmp", "test_fileinput", "test_fileio", "test_genericpath", "test_glob",
    "test_gzip", "test_import", "test_io", "test_mailbox", "test_mmap", "test_os", "test_pathlib",
    "test_posix", "test_posixpath", "test_py_compile", "test_shelve", "test_shutil", "test_stat",
    "test_tarfile", "test_tempfile", "test_unicode_file_functions", "test_zipfile",
    "test_zipimport",
)  # fmt: skip
LONGEST: Final = 240.0

_NO_FIFO: Final = "There are no fifos and sockets: the test leaves itself out."
_NO_SET_ID: Final = "Set-id bits are dropped: the test leaves itself out."
_KEPT: Final = "What a file's or a directory's maker needs is not taken from its mode."
_OPEN: Final = "A directory whose write bit was taken away can be written to: levels decide."
_OPEN_SKIPPED: Final = f"{_OPEN[:-1]}, and the test leaves itself out."
DIFFERENCES: Final = {
    "test_import.PycacheTests.test_unwritable_directory": _OPEN,
    "test_os.MakedirTests.test_exist_ok_s_isgid_directory": _NO_SET_ID,
    "test_os.MakedirTests.test_mode": _KEPT,
    "test_pathlib.PathTest.test_is_fifo_true": _NO_FIFO,
    "test_pathlib.PathTest.test_mkdir_parents": _KEPT,
    "test_pathlib.PosixPathTest.test_is_fifo_true": _NO_FIFO,
    "test_pathlib.PosixPathTest.test_mkdir_parents": _KEPT,
    "test_posix.PosixTester.test_mkfifo": _NO_FIFO,
    "test_posix.TestPosixDirFd.test_mkfifo_dir_fd": _NO_FIFO,
    "test_py_compile.PyCompileTestsWithSourceEpoch.test_exceptions_propagate": _OPEN,
    "test_py_compile.PyCompileTestsWithoutSourceEpoch.test_exceptions_propagate": _OPEN,
    "test_shutil.TestCopy.test_copyfile_named_pipe": _NO_FIFO,
    "test_shutil.TestCopyTree.test_copytree_named_pipe": _NO_FIFO,
    "test_shutil.TestRmTree.test_on_error": _OPEN,
    "test_stat.TestFilemodeCStat.test_fifo": _NO_FIFO,
    "test_stat.TestFilemodeCStat.test_mode": _KEPT,
    "test_stat.TestFilemodeCStat.test_socket": _NO_FIFO,
    "test_stat.TestFilemodePyStat.test_fifo": _NO_FIFO,
    "test_stat.TestFilemodePyStat.test_mode": _KEPT,
    "test_stat.TestFilemodePyStat.test_socket": _NO_FIFO,
    "test_tempfile.TestMkdtemp.test_read_only_directory": _OPEN_SKIPPED,
    "test_tempfile.TestMkstempInner.test_read_only_directory": _OPEN_SKIPPED,
}
"""Each test that ends otherwise in a mount, and why. All follow from the differences that
`docs/reference/posix.md` lists."""


def lacking() -> str | None:
    """What is not installed here, as a sentence."""
    if not PYTHON.exists():
        return f"There is no {PYTHON}."
    found = subprocess.run([PYTHON, "-c", "import test.test_os"], capture_output=True, check=False)
    if found.returncode:
        return "The system's Python has no tests: `make test-mounts` installs them on Debian."
    return None


def run(directory: str, module: str) -> dict[str, str]:
    """How each test of a module ends, with its files in this directory: by its name."""
    os.makedirs(f"{directory}/{module}/tmp")
    report = Path(os.environ["HOME"]) / f"{module}-{os.getpid()}.xml"
    where = f"{directory}/{module}"
    environment = {key: os.environ[key] for key in ("PATH", "HOME")}
    environment |= {"TMPDIR": f"{where}/tmp", "LANG": "C.UTF-8"}
    command = [str(PYTHON), "-m", "test", "-u", "none", "--tempdir", where]
    command += ["--junit-xml", str(report), module]
    subprocess.run(
        command,
        env=environment,
        cwd=where,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONGEST,
        check=False,
    )
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 (CPython wrote it just now)
    return {name_of(case): ending_of(case) for case in cases}


def name_of(case: ElementTree.Element) -> str:
    """Without the package that all have in common."""
    return (case.get("name") or "").removeprefix("test.")


def ending_of(case: ElementTree.Element) -> str:
    """`passed`, `skipped`, or the last words of a failure."""
    for bad in (*case.iter("failure"), *case.iter("error")):
        return f"failed: {(bad.text or '')[-500:]}"
    return "passed" if case.find("skipped") is None else "skipped"


def kind(ending: str | None) -> str:
    """An ending without its words, in which names of files are new each time."""
    return (ending or "not there").partition(":")[0]
