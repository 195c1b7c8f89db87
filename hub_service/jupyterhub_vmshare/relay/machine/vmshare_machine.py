#!/usr/bin/python3 -IS
"""The service's hand on a machine: accounts, drives, activity. As root, with Python alone.

It lies on every machine as ``/usr/local/sbin/vmshare-machine``:

``setup``       at each boot, before sshd: the host key, whom sshd believes, and /srv/shared
``principals``  asked by sshd who may log in as an account: nobody, while it is locked
``serve``       what the relay's own certificate is forced to run: orders as JSON lines on stdin,
                ``{"id": 1, "do": "lock", …}``, each answered by ``{"id": 1, "done": {…}}``, or by
                ``refused`` with a sentence, or ``failed`` where something is broken

Nothing of an order becomes shell text; names, ids and paths are checked here, whoever sent them.
"""

import contextlib
import fcntl
import grp
import json
import os
import pwd
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ETC, STATE = Path("/etc/vmshare"), Path("/var/lib/vmshare")
HOST_KEY, AUTHORITIES = ETC / "ssh_host_ed25519_key", ETC / "machine_authorities.pub"
SHARED, SPARE = Path("/srv/shared"), STATE / "spare"
DRIVES = Path(__file__).resolve().with_name("vmshare-drives")
UIDS, KERNELS = range(20_000, 60_000), "/usr/local/lib/vmshare_kernels"
NO_ONE = 65_533
"""A uid that nobody has: who does the killing can't be killed by the person."""
TO_DIE, LONGEST = 10.0, 1 << 20

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_PUBLIC = re.compile(
    r"(ssh|ecdsa)-[a-z0-9@.-]{3,60} [A-Za-z0-9+/]{40,4000}={0,2}( [\w@.:+-]{1,100})?"
)

Answer = dict[str, Any]


class Refused(Exception):
    """An order that is not obeyed; the sentence says why."""


@contextlib.contextmanager
def remembered() -> Iterator[dict[str, Any]]:
    """The accounts that the service made here, by name; written back, and one at a time."""
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        accounts = read_accounts()
        yield accounts
        write(STATE / "accounts.json", json.dumps(accounts, sort_keys=True), 0o644)


def read_accounts() -> dict[str, Any]:
    """What ``principals`` reads as well, which is not root."""
    try:
        found: dict[str, Any] = json.loads((STATE / "accounts.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all."""
    draft = path.with_name(f"{path.name}.new")  # sudo looks at no name with a dot
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(handle, "w") as file:
        os.fchmod(handle, mode)
        file.write(text)
        file.flush()
        os.fsync(handle)
    draft.rename(path)


def seed() -> dict[str, Any]:
    """What the machine was told when it was made; it holds no secret."""
    found: dict[str, Any] = json.loads((ETC / "seed.json").read_text())
    return found


def run(*command: str, fine: tuple[int, ...] = (0,)) -> str:
    """A program without a shell; what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode not in fine:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise Refused(f"{command[0]} failed on the machine: {said or done.returncode}")
    return done.stdout


def given(order: Answer, name: str, shape: re.Pattern[str]) -> str:
    """A text of the order that has the right shape."""
    value = order.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise Refused(f"The order's {name} is not one.")
    return value


def number(order: Answer, name: str, among: range) -> int:
    """A number of the order that lies in the range."""
    value = order.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value not in among:
        raise Refused(f"The order's {name} is not one.")
    return value


def newer(order: Answer, known: Answer | None) -> int:
    """The order's version; an older one than was obeyed comes too late."""
    version = number(order, "version", range(1 << 62))
    if known is not None and version < known["version"]:
        raise Refused("A newer order for this account was obeyed already.")
    return version


def account(order: Answer) -> tuple[str, int]:
    """Name and uid of one of our accounts, or of one that may become ours."""
    name, uid = given(order, "name", _NAME), number(order, "uid", UIDS)
    with contextlib.suppress(KeyError):
        if pwd.getpwnam(name).pw_uid != uid:
            raise Refused(f"The machine has another account called {name}.")
    with contextlib.suppress(KeyError):
        if pwd.getpwuid(uid).pw_name != name:
            raise Refused(f"The machine has another account with the uid {uid}.")
    return name, uid


def ensure(order: Answer) -> Answer:
    """The account is there and open, with sudo or without."""
    name, uid = account(order)
    sudo = order.get("sudo") is True
    with remembered() as accounts:
        known = accounts.get(name)
        version = newer(order, known)
        if name not in {each.pw_name for each in pwd.getpwall()}:
            make(name, uid)
        # useradd leaves an account that sshd without PAM takes for a locked one.
        run("usermod", "--password", "*", "--expiredate", "", name)
        allow_sudo(name, sudo)
        killed = kill_all(name, uid)[0] if known and known.get("sudo") and not sudo else 0
        accounts[name] = {"uid": uid, "open": True, "sudo": sudo, "version": version}
    return {"home": f"/home/{name}", "processes": killed}


def make(name: str, uid: int) -> None:
    """A new account. Without subordinate uids: what ran under one would survive a lock."""
    none = ("--key", "SUB_UID_COUNT=0", "--key", "SUB_GID_COUNT=0", "--key", "HOME_MODE=0700")
    where = ("--create-home", "--home-dir", f"/home/{name}", "--shell", "/bin/bash")
    who = ("--uid", str(uid), "--gid", "users", "--no-user-group", "--password", "*")
    run("useradd", *none, *where, *who, name)
    home = os.open(f"/home/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.fchown(home, uid, grp.getgrnam("users").gr_gid)
    os.fchmod(home, 0o700)
    os.close(home)


def allow_sudo(name: str, sudo: bool) -> None:
    """Root without a password, or not."""
    rule = Path(f"/etc/sudoers.d/vmshare-{name}")
    if sudo and rule.parent.is_dir():
        write(rule, f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    else:
        rule.unlink(missing_ok=True)


def lock(order: Answer) -> Answer:
    """Nobody logs in as this account, and nothing runs as it: cron, at, tmux and daemons too."""
    name, uid = account(order)
    newer(order, read_accounts().get(name))
    try:
        shut(order, name, uid)
    except (OSError, Refused):
        kill_all(name, uid)  # who fills the disk fills what is made free, too
        raise
    killed, remaining = kill_all(name, uid)
    return {"processes": killed, "remaining": remaining}


def shut(order: Answer, name: str, uid: int) -> None:
    """No certificate opens the account, and no job of cron's or at's runs: it is over."""
    with remembered() as accounts:
        version = newer(order, accounts.get(name))
        accounts[name] = {"uid": uid, "open": False, "sudo": False, "version": version}
    if name in {each.pw_name for each in pwd.getpwall()}:
        run("usermod", "--password", "!", "--expiredate", "1", name)
        allow_sudo(name, False)
        Path(f"/var/lib/systemd/linger/{name}").unlink(missing_ok=True)


def kill_all(name: str, uid: int) -> tuple[int, int]:
    """Until none remain: how many were seen, and how many can't die (they wait for a disk)."""
    seen: set[int] = set()
    until, quiet = time.monotonic() + TO_DIE, 0
    while quiet < 3:
        there = of_person(name, uid)
        if there and time.monotonic() > until:
            return len(seen), len(there)
        seen |= there
        quiet = 0 if there else quiet + 1
        kill_as(uid)
        for pid in there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return len(seen), 0


def kill_as(uid: int) -> None:
    """All at once, so that nothing forks away: as that person, but not to be killed by them."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresuid(NO_ONE, uid, 0)
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(child, 0)


def of_person(name: str, uid: int) -> set[int]:
    """Their processes, what they began through sudo and said so, and sshd's own for their links."""
    found = set()
    for pid in processes():
        with contextlib.suppress(OSError, IndexError, ValueError):
            status = Path(f"/proc/{pid}/status").read_text()
            uids = {int(each) for each in status.split("\nUid:", 1)[1].split("\n", 1)[0].split()}
            theirs = uid in uids or (uids == {0} and is_theirs(pid, name, uid))
            if theirs and "\nState:\tZ" not in status:
                found.add(pid)
    return found


def is_theirs(pid: int, name: str, uid: int) -> bool:
    """Whether a process of root's is there for them."""
    title = Path(f"/proc/{pid}/cmdline").read_bytes()
    if title.startswith((f"sshd: {name} ".encode(), f"sshd: {name}@".encode())):
        return True
    return f"SUDO_UID={uid}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def processes() -> Iterator[int]:
    """All pids but our own."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            yield int(entry.name)


def share(place: Path) -> None:
    """A directory in which everybody works: what is made in it is the group's to change."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.fchown(handle, 0, grp.getgrnam("users").gr_gid)
    os.fchmod(handle, 0o2775)
    # A default ACL, since a umask of 022 would take the group's write bit away.
    entries = ((0x01, 7), (0x04, 7), (0x20, 5))
    packed = b"".join(struct.pack("<HHI", tag, bits, 0xFFFFFFFF) for tag, bits in entries)
    with contextlib.suppress(OSError):  # a file system without ACLs
        os.setxattr(handle, "system.posix_acl_default", struct.pack("<I", 2) + packed)
    os.close(handle)


def drives(order: Answer) -> Answer:
    """Exactly these drives are mounted; a second program does it, and says what it did."""
    done = subprocess.run(
        (str(DRIVES),), input=json.dumps(order.get("drives")), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise Refused(done.stderr.strip()[-500:] or "The machine's drives can't be looked after.")
    answer: Answer = json.loads(done.stdout)
    for each in answer["drives"]:
        if each["mounted"] and not each["read_only"]:
            share(Path(each["mount"]))
    return answer


def activity(_order: Answer) -> Answer:
    """Seconds of CPU that all processes have used, and how many each person has."""
    ticks, people = 0, dict[str, int]()
    names = {each["uid"]: name for name, each in read_accounts().items()}
    for pid in processes():
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(each) for each in fields[11:15])
            name = names.get(Path(f"/proc/{pid}").stat().st_uid)
            if name is not None:
                people[name] = people.get(name, 0) + 1
    return {"cpu_seconds": ticks / os.sysconf("SC_CLK_TCK"), "processes": people}


def listener(order: Answer) -> Answer:
    """Whose program listens on a port of this machine (a uid); None: nobody's."""
    port = f":{number(order, 'port', range(1, 65_536)):04X}"
    uids = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            uids += [int(row[7]) for row in rows if row[3] == "0A" and row[1].endswith(port)]
    return {"uids": sorted(set(uids))}


def authorities(order: Answer) -> Answer:
    """From whom sshd takes certificates. It reads the file each time."""
    lines = order.get("lines")
    if not isinstance(lines, list) or not 0 < len(lines) <= 20:
        raise Refused("The order's lines are none.")
    checked = [given({"line": line}, "line", _PUBLIC) for line in lines]
    write(AUTHORITIES, "".join(f"{line}\n" for line in checked), 0o644)
    return {}


def hello(_order: Answer) -> Answer:
    """Which machine this is, and which versions of which accounts were obeyed."""
    return {"machine": seed()["machine_id"], "accounts": read_accounts()}


ORDERS: dict[str, Callable[[Answer], Answer]] = {
    each.__name__: each for each in (activity, authorities, drives, ensure, hello, listener, lock)
}


def obeyed(order: Answer) -> Answer:
    """What came of it; once more with the room kept for it, if somebody has filled the disk."""
    do = ORDERS[order["do"]]
    try:
        return do(order)
    except (OSError, Refused):
        shutil.rmtree(SPARE, ignore_errors=True)
        return do(order)
    finally:
        with contextlib.suppress(OSError):  # bytes, and names of files
            SPARE.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in set(map(str, range(16))) - set(os.listdir(SPARE)):
                (SPARE / name).write_bytes(bytes(1 << 16))


def serve() -> None:
    """Orders, until the relay hangs up."""
    for line in iter(lambda: sys.stdin.buffer.readline(LONGEST), b""):
        try:
            order = json.loads(line)
            answer = {"id": order["id"], "done": obeyed(order)}
        except Refused as refused:
            answer = {"id": order["id"], "refused": str(refused)}
        except (KeyError, TypeError, ValueError):
            answer = {"id": None, "failed": "This is no order that this machine knows."}
        except OSError as error:
            answer = {"id": order["id"], "failed": f"{type(error).__name__}: {error.strerror}"}
        print(json.dumps(answer), flush=True)


def principals(name: str) -> None:
    """The one principal with which somebody may log in as this account."""
    machine = seed()["machine_id"]
    if name == "root":
        print(f"vmshare@{machine}")
    elif read_accounts().get(name, {}).get("open") is True:
        print(f"{name}@{machine}")


def setup() -> None:
    """Make what a new machine lacks. Prints the host key, for the console of a real machine."""
    os.umask(0o022)
    for directory in (STATE, Path("/run/sshd")):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not HOST_KEY.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(HOST_KEY))
    if not AUTHORITIES.exists():
        write(AUTHORITIES, "".join(f"{line}\n" for line in seed()["authorities"]), 0o644)
    SHARED.mkdir(parents=True, exist_ok=True)
    if not stat.S_IMODE(SHARED.stat().st_mode) & 0o2000:
        share(SHARED)
    run(sys.executable, "-IS", "-m", "compileall", "-q", KERNELS, fine=(0, 1))  # or each start does
    public = Path(f"{HOST_KEY}.pub").read_text().strip()
    print("-----BEGIN SSH HOST KEY KEYS-----", public, "-----END SSH HOST KEY KEYS-----", sep="\n")


def main() -> None:
    """One of the three."""
    match sys.argv[1:]:
        case ["setup"]:
            setup()
        case ["principals", name]:
            principals(name)
        case ["serve"]:
            serve()
        case _:
            sys.exit("Say: vmshare-machine setup | principals ACCOUNT | serve")


if __name__ == "__main__":
    main()
