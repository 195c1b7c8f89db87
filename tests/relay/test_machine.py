"""What lies on a machine: accounts that are opened and locked, and a door for the relay alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest

from jupyterhub_vmshare.relay.certificates import HELPER
from tests.relay.conftest import MACHINE_ID, Signers, new_key
from tests.relay.machine import Machine

_PATIENCE = 20.0
_uids = iter(range(21_000, 22_000))


def until(holds: Callable[[], Any]) -> Any:
    """Wait for an outcome."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.fixture
def uid() -> int:
    return next(_uids)


def opened(machine: Machine, uid: int, *, sudo: bool = False) -> str:
    """An account of its own for one test."""
    name = f"p{uid}"
    told = machine.order("ensure", name=name, uid=uid, sudo=sudo, version=1)
    assert told["done"] == {"home": f"/home/{name}", "processes": 0}
    return name


async def enter(
    machine: Machine, account: str, key: asyncssh.SSHKey, certificate: str | None, **more: Any
) -> asyncssh.SSHClientConnection:
    """A connection straight to the machine's sshd, as the relay makes it."""
    known = asyncssh.import_public_key(machine.host_key)
    shown: Any = key if certificate is None else (key, asyncssh.import_certificate(certificate))
    return await asyncssh.connect(
        "machine",
        sock=machine.connection(),
        username=account,
        client_keys=[shown],
        known_hosts=([known], [], []),
        config=None,
        agent_path=None,
        **more,
    )


def test_an_account_is_private_has_its_uid_and_no_more(machine: Machine, uid: int) -> None:
    name = opened(machine, uid)
    assert machine.run("stat", "-c", "%a %u %g", f"/home/{name}").split() == [
        "700",
        str(uid),
        "100",
    ]
    assert name not in machine.run("cat", "/etc/subuid", "/etc/subgid")
    assert machine.run("id", "-Gn", name).split() == ["users"]
    machine.run("test", "!", "-e", f"/etc/sudoers.d/vmshare-{name}")


def test_sudo_comes_and_goes_with_the_order(machine: Machine, uid: int) -> None:
    name = opened(machine, uid, sudo=True)
    assert machine.run("runuser", "-u", name, "--", "sudo", "-n", "id", "-u").strip() == "0"
    machine.order("ensure", name=name, uid=uid, sudo=False, version=2)
    assert machine.run("runuser", "-u", name, "--", "sudo", "-n", "id", fine=(1,)) == ""


def test_what_one_makes_in_the_shared_directory_another_changes(machine: Machine) -> None:
    ana, ben = opened(machine, next(_uids)), opened(machine, next(_uids))
    shell = f"umask 022; mkdir -p /srv/shared/{ana}; echo one > /srv/shared/{ana}/file"
    machine.run("runuser", "-u", ana, "--", "sh", "-c", shell)
    machine.run("runuser", "-u", ben, "--", "sh", "-c", f"echo two >> /srv/shared/{ana}/file")
    assert machine.run("cat", f"/srv/shared/{ana}/file") == "one\ntwo\n"
    machine.run("runuser", "-u", ben, "--", "ls", f"/home/{ana}", fine=(2,))


BAD_ORDERS = [
    pytest.param({"name": "root", "uid": 20_500}, "another account called root", id="root's name"),
    pytest.param({"name": "daemon", "uid": 20_500}, "another account", id="a system's name"),
    pytest.param({"name": "ana", "uid": 0}, "uid is not one", id="root's uid"),
    pytest.param({"name": "ana", "uid": 19_999}, "uid is not one", id="a uid out of the range"),
    pytest.param({"name": "ana", "uid": True}, "uid is not one", id="no number at all"),
    pytest.param({"name": "a;reboot", "uid": 20_500}, "name is not one", id="shell text"),
    pytest.param({"name": "-ana", "uid": 20_500}, "name is not one", id="an option"),
    pytest.param({"name": "a\nb", "uid": 20_500}, "name is not one", id="two lines"),
    pytest.param({"name": "../etc", "uid": 20_500}, "name is not one", id="a path"),
    pytest.param({"name": "a" * 32, "uid": 20_500}, "name is not one", id="too long"),
    pytest.param({"name": "ana", "uid": 20_500, "version": -1}, "version", id="no version"),
]


@pytest.mark.parametrize("do", ["ensure", "lock"])
@pytest.mark.parametrize(("order", "says"), BAD_ORDERS)
def test_an_order_that_makes_no_sense_changes_nothing(
    machine: Machine, do: str, order: dict[str, Any], says: str
) -> None:
    before = machine.run("cat", "/etc/passwd", "/etc/shadow")
    assert says in machine.order(do, **{"version": 1, **order})["refused"]
    assert machine.run("cat", "/etc/passwd", "/etc/shadow") == before


def test_a_uid_that_is_somebody_elses_is_refused(machine: Machine, uid: int) -> None:
    opened(machine, uid)
    assert "uid" in machine.order("ensure", name="other", uid=uid, version=9)["refused"]


def test_an_older_order_comes_too_late(machine: Machine, uid: int) -> None:
    """A link that was allowed before a revoke must not open the account after it."""
    name = opened(machine, uid)
    machine.order("lock", name=name, uid=uid, version=5)
    assert "newer order" in machine.order("ensure", name=name, uid=uid, version=4)["refused"]
    assert machine.run("/usr/local/sbin/vmshare-machine", "principals", name) == ""
    machine.order("ensure", name=name, uid=uid, version=6)
    principal = machine.run("/usr/local/sbin/vmshare-machine", "principals", name)
    assert principal == f"{name}@{MACHINE_ID}\n"


SURVIVORS = [
    pytest.param("sleep 1000 &", id="a job in the background"),
    pytest.param("nohup sleep 1000 >/dev/null 2>&1 &", id="nohup"),
    pytest.param("tmux -L t new-session -d 'sleep 1000'", id="tmux"),
    pytest.param("setsid sh -c 'setsid sleep 1000 &' &", id="a daemon that forked twice"),
    pytest.param("(trap '' TERM HUP INT; exec sleep 1000) &", id="one that is deaf to signals"),
    pytest.param(
        'sh -c \'f() { sleep 0.01; setsid sh -c "$0" & exit; }; while :; do sleep 0.01;'
        " (sleep 1000 &) ; done' >/dev/null 2>&1 &",
        id="one that forks and forks",
    ),
    pytest.param("unshare --user --map-root-user --pid --fork sleep 1000 &", id="a user namespace"),
    pytest.param("echo 'sleep 1000' | at now 2>/dev/null; sleep 1000 &", id="at"),
]


@pytest.mark.parametrize("left", SURVIVORS)
def test_a_lock_ends_everything_that_somebody_left(machine: Machine, uid: int, left: str) -> None:
    name = opened(machine, uid)
    machine.run("runuser", "-u", name, "--", "sh", "-c", f"exec >/dev/null 2>&1; cd; {left}")
    assert until(lambda: machine.of(uid))
    done = machine.order("lock", name=name, uid=uid, version=2)["done"]
    assert done["processes"] >= 1
    assert done["remaining"] == 0
    assert machine.of(uid) == []


def test_what_was_begun_through_sudo_ends_too(machine: Machine, uid: int) -> None:
    name = opened(machine, uid, sudo=True)
    machine.run(
        *("runuser", "-u", name, "--", "sh", "-c"),
        "sudo -n setsid sleep 1234 >/dev/null 2>&1 &",
    )
    assert until(lambda: "sleep 1234" in machine.run("ps", "-eo", "args="))
    machine.order("lock", name=name, uid=uid, version=2)
    assert "sleep 1234" not in machine.run("ps", "-eo", "args=")


def test_nobody_elses_processes_are_touched(machine: Machine, uid: int) -> None:
    name, other = opened(machine, uid), opened(machine, next(_uids))
    for who in (name, other):
        machine.run("runuser", "-u", who, "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 &")
    machine.order("lock", name=name, uid=uid, version=2)
    assert machine.of(int(other[1:])) == ["sleep 1000"]
    machine.run("pgrep", "-x", "cron")
    machine.order("lock", name=other, uid=int(other[1:]), version=2)


ASK_PAM = """
import ctypes, sys
pam = ctypes.CDLL("libpam.so.0")
talk = (ctypes.c_void_p * 2)()
handle = ctypes.c_void_p()
service, name = sys.argv[1].encode(), sys.argv[2].encode()
assert pam.pam_start(service, name, talk, ctypes.byref(handle)) == 0
pam.pam_strerror.restype = ctypes.c_char_p
print(pam.pam_strerror(handle, pam.pam_acct_mgmt(handle, 0)).decode())
"""


def test_cron_and_at_run_nothing_for_a_locked_account(machine: Machine, uid: int) -> None:
    """Debian's cron and at ask PAM, and the account is over."""
    name = opened(machine, uid)
    machine.run("runuser", "-u", name, "--", "crontab", "-", given="* * * * * sleep 1000\n")
    lingers = f"/var/lib/systemd/linger/{name}"
    machine.run("sh", "-c", f"mkdir -p $(dirname {lingers}) && touch {lingers}")
    machine.order("lock", name=name, uid=uid, version=2)
    machine.run("test", "!", "-e", lingers)
    # A job is run in a minute at the earliest, so PAM is asked for them, as both of them ask it.
    for program in ("cron", "atd"):
        assert "common-account" in machine.run("cat", f"/etc/pam.d/{program}")
    asked = machine.run("python3", "-c", ASK_PAM, "cron", name)
    assert "Success" not in asked
    machine.order("ensure", name=name, uid=uid, version=3)
    assert "Success" in machine.run("python3", "-c", ASK_PAM, "cron", name)


@pytest.mark.asyncio
async def test_the_relays_certificate_opens_the_account_that_it_names(
    machine: Machine, signers: Signers, uid: int
) -> None:
    name, key = opened(machine, uid), new_key()
    shown = signers.issuer().for_account(key.convert_to_public(), name, MACHINE_ID, None)
    async with await enter(machine, name, key, shown) as conn:
        assert (await conn.run("id -u")).stdout == f"{uid}\n"


OTHER_MACHINE = MACHINE_ID[:-1] + "2"
LATER = timedelta(hours=-1)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(lambda s, k, n: s.issuer().for_account(k, n, OTHER_MACHINE, None),
                     id="another machine's certificate"),
        pytest.param(lambda s, k, n: s.issuer().for_account(k, "somebody", MACHINE_ID, None),
                     id="somebody else's certificate"),
        pytest.param(lambda s, k, n: s.issuer(at=datetime.now(UTC) + LATER).for_account(
            k, n, MACHINE_ID, None), id="an expired certificate"),
        pytest.param(lambda s, k, n: s.issuer("people").for_person(k, n, MACHINE_ID),
                     id="what a person shows the relay"),
        pytest.param(lambda s, k, n: s.issuer("people").for_account(k, n, MACHINE_ID, None),
                     id="one that the people's authority signed"),
        pytest.param(lambda s, k, n: s.issuer().for_account(k, n, MACHINE_ID, "10.9.9.9"),
                     id="one that is good from the relay's address only"),
        pytest.param(lambda s, k, n: s.issuer().for_helper(k, MACHINE_ID, None),
                     id="the helper's certificate"),
        pytest.param(lambda s, k, n: None, id="a key without a certificate"),
    ],
)  # fmt: skip
@pytest.mark.asyncio
async def test_no_other_certificate_opens_it(
    machine: Machine,
    signers: Signers,
    uid: int,
    shown: Callable[[Signers, asyncssh.SSHKey, str], str | None],
) -> None:
    name, key = opened(machine, uid), new_key()
    # A key in the person's own home must not help.
    line = key.convert_to_public().export_public_key().decode()
    machine.run(
        *("runuser", "-u", name, "--", "sh", "-c"),
        f"mkdir -m 700 /home/{name}/.ssh; cat > /home/{name}/.ssh/authorized_keys",
        given=line,
    )
    with pytest.raises(asyncssh.PermissionDenied):
        await enter(machine, name, key, shown(signers, key.convert_to_public(), name))


@pytest.mark.asyncio
async def test_a_locked_account_opens_to_no_certificate(
    machine: Machine, signers: Signers, uid: int
) -> None:
    name, key = opened(machine, uid), new_key()
    shown = signers.issuer().for_account(key.convert_to_public(), name, MACHINE_ID, None)
    machine.order("lock", name=name, uid=uid, version=2)
    with pytest.raises(asyncssh.PermissionDenied):
        await enter(machine, name, key, shown)


@pytest.mark.asyncio
async def test_a_lock_ends_a_connection_that_its_certificate_opened(
    machine: Machine, signers: Signers, uid: int
) -> None:
    name, key = opened(machine, uid), new_key()
    shown = signers.issuer().for_account(key.convert_to_public(), name, MACHINE_ID, None)
    conn = await enter(machine, name, key, shown)
    await asyncio.to_thread(machine.order, "lock", name=name, uid=uid, version=2)
    async with asyncio.timeout(_PATIENCE):
        await conn.wait_closed()


@pytest.mark.asyncio
async def test_the_helpers_certificate_runs_the_helper_and_nothing_else(
    machine: Machine, signers: Signers
) -> None:
    key = new_key()
    shown = signers.issuer().for_helper(key.convert_to_public(), MACHINE_ID, None)
    async with await enter(machine, "root", key, shown) as conn:
        told = await conn.run("touch /srv/owned; id", input='{"id": 1, "do": "hello"}\n')
        assert f'"machine": "{MACHINE_ID}"' in str(told.stdout)
        machine.run("test", "!", "-e", "/srv/owned")
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.open_connection("127.0.0.1", 22)


@pytest.mark.asyncio
async def test_sshd_itself_forwards_nothing_but_to_its_own_loopback(
    machine: Machine, signers: Signers, uid: int
) -> None:
    name, key = opened(machine, uid), new_key()
    shown = signers.issuer().for_account(key.convert_to_public(), name, MACHINE_ID, None)
    async with await enter(machine, name, key, shown) as conn:
        for host in ("10.0.0.1", "169.254.169.254", "machine"):
            with pytest.raises(asyncssh.ChannelOpenError) as refused:
                await conn.open_connection(host, 80)
            assert refused.value.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
        with pytest.raises(asyncssh.ChannelListenError):
            await conn.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 9)
        with pytest.raises(asyncssh.ChannelListenError):
            await conn.forward_remote_path("/tmp/sock", "/tmp/other")


def test_a_new_generation_of_authorities_is_believed_at_once(
    machine: Machine, signers: Signers
) -> None:
    lines = machine.run("cat", "/etc/vmshare/machine_authorities.pub").split("\n")[:-1]
    other = " ".join(new_key().export_public_key().decode().split()[:2])
    assert "done" in machine.order("authorities", lines=[other, *lines])
    assert machine.run("cat", "/etc/vmshare/machine_authorities.pub").startswith(other)
    assert "refused" in machine.order("authorities", lines=["cert-authority * everybody"])
    assert "refused" in machine.order("authorities", lines=[])
    machine.order("authorities", lines=lines)


def test_its_principal_for_root_is_the_helpers(machine: Machine) -> None:
    told = machine.run("/usr/local/sbin/vmshare-machine", "principals", "root")
    assert told == f"{HELPER}@{MACHINE_ID}\n"
    assert machine.run("/usr/local/sbin/vmshare-machine", "principals", "daemon") == ""


def test_activity_counts_processes_and_seconds(machine: Machine, uid: int) -> None:
    name = opened(machine, uid)
    before = machine.order("activity")["done"]["cpu_seconds"]
    machine.run(
        *("runuser", "-u", name, "--", "sh", "-c"),
        "timeout 1000 sh -c 'while :; do :; done' >/dev/null 2>&1 &",
    )
    until(lambda: machine.order("activity")["done"]["cpu_seconds"] > before + 0.1)
    now = machine.order("activity")["done"]
    assert now["cpu_seconds"] > before + 0.1
    assert now["processes"][name] >= 1
    machine.order("lock", name=name, uid=uid, version=2)


def test_it_knows_whose_program_listens(machine: Machine, uid: int) -> None:
    name = opened(machine, uid)
    assert machine.order("listener", port=8_901)["done"] == {"uids": []}
    serve = "python3 -m http.server --bind 127.0.0.1 8901 >/dev/null 2>&1 &"
    machine.run("runuser", "-u", name, "--", "sh", "-c", serve)
    assert until(lambda: machine.order("listener", port=8_901)["done"] == {"uids": [uid]})
    machine.order("lock", name=name, uid=uid, version=2)
