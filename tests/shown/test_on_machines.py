"""Shared folders on a real sandbox, through a real relay, from real sessions with a real guard."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.fixtures.mounted_hub import eventually
from tests.fixtures.showing_site import Site

pytestmark = pytest.mark.machines
PLACE = "/home/ben/shared"
# Holds a file open, and writes down at which moment it could not be read any more.
HOLDING = """
import os, time
file = os.open("shared/{name}/data.txt", os.O_RDONLY)
open("held", "w").close()
while True:
    try:
        os.pread(file, 100, 0)
    except OSError as error:
        open("cut.new", "w").write(f"{{time.time()}} {{error.errno}}")
        os.rename("cut.new", "cut")
        break
    time.sleep(0.02)
"""


@pytest.fixture
def ben(site: Site) -> Iterator[Site]:
    """Ben may use the machine and has a session; nothing is shown."""
    site.let_in("ben")
    site.hub.kernel("ben")
    assert site.mounted() == []
    yield site
    with site.hub.person("ana") as ana:
        ana.delete(f"/machines/{site.machine}/grants").raise_for_status()
    site.until_mounted()


def shared(site: Site, name: str, level: str) -> tuple[str, str]:
    """A folder of ana's that ben has and shows on the machine; it and the grant."""
    folder = site.hub.folder("ana", name, data_txt=b"data\n")
    grant = site.hub.share(folder, "ana", "ben", level)
    site.choose("ben", folder).raise_for_status()
    site.until_mounted(f"{PLACE}/{name}")
    return folder, grant


def test_nothing_appears_without_a_choice_and_none_is_made_unread(ben: Site) -> None:
    hub = ben.hub
    folder = hub.folder("ana", "unread", data_txt=b"data\n")
    hub.share(folder, "ana", "ben", "edit_delete")
    eventually(lambda: hub.listed("ben"), lambda names: "unread" in names)
    refused = ben.choose("ben", folder, acknowledged=False)
    assert (refused.status_code, refused.json()["code"]) == (409, "not-acknowledged")
    assert refused.json()["detail"].startswith("ana is root on gpu-box")
    # A command of his own there would show what is mounted, had it been.
    assert not ben.on_machine("ben", "test -e shared").ok
    assert ben.mounted() == []
    assert ben.standing("ben") == []


def test_a_folder_is_there_at_the_level_that_its_person_has(ben: Site) -> None:
    hub = ben.hub
    folder, grant = shared(ben, "levels", "view")
    assert ben.on_machine("ben", "cat shared/levels/data.txt").stdout == "data\n"
    assert not ben.on_machine("ben", "echo x > shared/levels/new").ok
    assert not ben.on_machine("ben", "echo x >> shared/levels/data.txt").ok
    hub.change(folder, grant, "ana", level="edit")

    def writes() -> bool:
        return ben.on_machine("ben", "echo mine >> shared/levels/data.txt").ok

    eventually(writes)
    for refused in ("rm shared/levels/data.txt", "mv shared/levels/data.txt shared/levels/x"):
        assert not ben.on_machine("ben", refused).ok, refused
    seen = hub.kernel("ben").say("print(open('shared/levels/data.txt').read())")
    assert seen.strip() == "data\nmine"
    hub.change(folder, grant, "ana", level="edit_delete")
    eventually(lambda: ben.on_machine("ben", "rm shared/levels/data.txt").ok)
    assert ben.on_machine("ben", "ls shared/levels").stdout == ""


def test_a_revoke_cuts_open_files_there_too(ben: Site) -> None:
    _, grant = shared(ben, "cut", "edit")
    holding = HOLDING.format(name="cut")
    ben.on_machine("ben", "rm -f held cut")
    ben.on_machine("ben", f"nohup python3 -c '{holding}' >/dev/null 2>&1 &")
    eventually(lambda: ben.on_machine("ben", "test -e held").ok)
    at = float(ben.inside("date", "+%s.%N").stdout)
    ben.hub.revoke(grant, "ana")
    eventually(lambda: ben.on_machine("ben", "test -e cut").ok)
    cut = float(ben.on_machine("ben", "cat cut").stdout.split()[0])
    assert cut - at < 10, f"{cut - at:.2f} s"  # it takes one
    ben.until_mounted()
    assert not ben.on_machine("ben", "test -e shared/cut").ok


def test_nobody_else_on_the_machine_can_enter(ben: Site) -> None:
    shared(ben, "mine", "edit_delete")
    ben.inside("chmod", "755", "/home/ben", PLACE)
    try:
        for account in ("0", "65534"):
            words = ("setpriv", f"--reuid={account}", "--clear-groups", "ls", f"{PLACE}/mine")
            done = ben.inside(*words)
            assert done.returncode != 0, account
            assert "Permission denied" in done.stderr
        # Who is root can become ben, and then can: this is what the sentence is for.
        uid = ben.inside("id", "-u", "ben").stdout.strip()
        done = ben.inside(
            "setpriv", f"--reuid={uid}", "--regid=users", "--clear-groups", "ls", f"{PLACE}/mine"
        )
        assert done.stdout == "data.txt\n"
    finally:
        ben.inside("chmod", "700", "/home/ben")


def test_root_there_finds_what_was_chosen_and_no_other_folder_of_theirs(ben: Site) -> None:
    shared(ben, "chosen", "view")
    secret = ben.hub.folder("ana", "kept-back", secret_txt=b"not for machines")
    ben.hub.share(secret, "ana", "ben", "edit_delete")
    eventually(lambda: ben.hub.listed("ben"), lambda names: "kept-back" in names)
    uid = ben.inside("id", "-u", "ben").stdout.strip()
    # In whichever process's view of the file system: root can enter each.
    told = ben.inside("sh", "-c", "cat /proc/[0-9]*/mountinfo").stdout
    mounts = {line.split()[4] for line in told.splitlines() if " - fuse." in line}
    assert mounts == {f"{PLACE}/chosen"}
    script = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'"
    known = ben.inside("sh", "-c", script).stdout
    assert "vmshare_folders.py" in known
    for held in ("kept-back", secret, "JUPYTERHUB_API_TOKEN", "VMSHARE_TOKEN"):
        assert held not in known, held
    # As ben, which root can become.
    become = ("setpriv", f"--reuid={uid}", "--regid=users", "--clear-groups")
    found = ben.inside(*become, "find", "/home/ben", "-name", "*.txt").stdout
    assert found.split() == [f"{PLACE}/chosen/data.txt"]
    for way in ("kept-back", "chosen/../kept-back", "chosen/../../shared/kept-back"):
        assert ben.inside(*become, "ls", f"{PLACE}/{way}").returncode != 0


def test_what_is_taken_back_is_gone_and_comes_again_when_chosen_again(ben: Site) -> None:
    folder, _ = shared(ben, "again", "view")
    # Somebody works in there, which must keep nothing.
    ben.on_machine("ben", "cd shared/again && (nohup sleep 300 >/dev/null 2>&1 &)")
    ben.unchoose("ben", folder)
    ben.until_mounted()
    ben.choose("ben", folder).raise_for_status()
    ben.until_mounted(f"{PLACE}/again")
    assert ben.on_machine("ben", "cat shared/again/data.txt").stdout == "data\n"


def test_a_choice_ends_with_the_machine_and_does_not_come_back_with_it(ben: Site) -> None:
    shared(ben, "lost", "view")
    with ben.hub.person("ana") as ana:
        ana.delete(f"/machines/{ben.machine}/grants").raise_for_status()
    ben.until_mounted()
    ben.let_in("ben")
    assert ben.on_machine("ben", "true").ok
    with ben.hub.person("ben") as client:
        assert client.get("/shown-folders").json()["items"] == []
    assert ben.mounted() == []


def test_after_a_killed_notebook_server_it_is_there_again(ben: Site) -> None:
    shared(ben, "killed", "view")
    kernel = ben.hub.kernel("ben")
    told = kernel.say("import os; print(os.getppid())")
    os.kill(int(told), signal.SIGKILL)
    ben.until_mounted()
    kernel.close()
    del ben.hub.kernels["ben"]
    ben.hub.hub.process.stop_server("ben")
    ben.hub.kernel("ben")
    ben.until_mounted(f"{PLACE}/killed")
    assert ben.on_machine("ben", "cat shared/killed/data.txt").stdout == "data\n"


def test_after_a_killed_sshfs_it_is_there_again(ben: Site) -> None:
    shared(ben, "sshfs", "view")
    before = ben.inside("pidof", "sshfs").stdout
    ben.inside("kill", "-9", *before.split())

    def another() -> bool:
        found = ben.inside("pidof", "sshfs").stdout
        return bool(found) and found != before

    eventually(another)
    eventually(lambda: ben.on_machine("ben", "cat shared/sshfs/data.txt").stdout == "data\n")


def test_after_a_reboot_of_the_machine_it_is_there_again(ben: Site) -> None:
    shared(ben, "reboot", "view")
    before = ben.keeper.machine_pids()
    with ben.hub.person("ana") as ana:
        ana.post(f"/machines/{ben.machine}/reboot", json={}).raise_for_status()
    eventually(ben.keeper.machine_pids, lambda now: now not in ([], before))
    ben.until_mounted(f"{PLACE}/reboot")
    assert ben.on_machine("ben", "cat shared/reboot/data.txt").stdout == "data\n"


def test_what_is_in_the_way_there_is_left_alone_and_said(ben: Site) -> None:
    ben.on_machine("ben", "mkdir -p shared/busy && echo mine > shared/busy/own")
    folder = ben.hub.folder("ana", "busy", data_txt=b"data\n")
    ben.hub.share(folder, "ana", "ben", "view")
    ben.choose("ben", folder).raise_for_status()

    def because() -> str:
        return " ".join(str(each["because"]) for each in ben.standing("ben"))

    eventually(because, lambda said: "in use for something else" in said)
    assert ben.on_machine("ben", "cat shared/busy/own").stdout == "mine\n"
    ben.unchoose("ben", folder)
    ben.on_machine("ben", "rm -r shared/busy")


def test_a_session_that_ends_takes_it_along(ben: Site) -> None:
    shared(ben, "over", "view")
    ben.hub.stop_session("ben")
    ben.until_mounted()
