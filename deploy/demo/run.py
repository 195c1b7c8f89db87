"""``make demo``: a JupyterHub on this machine with people, teams and something to share.

Runs until Ctrl-C. What it keeps is in ``.demo`` of the checkout, or ``--directory``; delete that to
begin anew.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx2

from deploy.demo import accounts, machines
from deploy.demo.machines import Keeper, MachinesRefused
from deploy.demo.mounts import Agent, MountsRefused, check
from deploy.demo.people import HUB_ADMIN, PEOPLE, SERVICE_ACCOUNT, account_of
from deploy.demo.processes import descendants, end, ends_with_us, marked
from deploy.demo.seed import seed, seed_machine
from jupyterhub_vmshare.relay.sealing import new_key

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "node_modules/.bin/configurable-http-proxy"
PREFERRED_PORT = 8000
START_TIMEOUT = 120.0


class DemoFailed(Exception):
    """The demonstration can't run; the message is a sentence."""


@dataclass(frozen=True)
class Demo:
    """Where it lives, and with which secrets."""

    directory: Path
    port: int
    isolated: bool
    password: str
    admin_password: str
    seed_token: str
    agent: Agent | None
    keeper: Keeper | None
    sealing_key: str

    @property
    def url(self) -> str:
        """Where to point the browser."""
        return f"http://127.0.0.1:{self.port}"

    def told_to_the_hub(self) -> str:
        """What ``jupyterhub_config.py`` reads."""
        return json.dumps(
            {
                "directory": str(self.directory),
                "url": self.url,
                "hub_url": f"http://127.0.0.1:{_free_port()}",
                "proxy_api_url": f"http://127.0.0.1:{_free_port()}",
                "service_url": f"http://127.0.0.1:{_free_port()}",
                "proxy_command": [str(PROXY)],
                "accounts": self.isolated,
                "password": self.password,
                "admin_password": self.admin_password,
                "seed_token": self.seed_token,
                "agent_socket": str(self.agent.socket) if self.agent else "",
                "keeper_socket": str(self.keeper.socket) if self.keeper else "",
                "cloud": self.keeper.cloud if self.keeper else None,
                "relay": f"127.0.0.1:{_free_port()}",
                "sealing_key": self.sealing_key,
            }
        )


def main() -> int:
    """Runs the demonstration; the process's exit status."""
    asked = _arguments()
    try:
        with _alone(asked.directory.absolute()) as directory:
            _run(_prepare(directory, asked))
    except DemoFailed as error:
        print(f"!! {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demonstration has ended.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A JupyterHub to try Jupyter VMShare on.")
    parser.add_argument("--directory", type=Path, default=ROOT / ".demo", help="what it keeps")
    parser.add_argument("--port", type=int, help=f"default: {PREFERRED_PORT}, or a free one")
    parser.add_argument("--password", help="of everybody but root-hub; default: drawn once")
    parser.add_argument(
        "--one-account", action="store_true", help="as root too: everything under this account"
    )
    parser.add_argument(
        "--no-machines", action="store_true", help="folders alone: no image is built"
    )
    parser.add_argument(
        "--qemu", action="store_true", help="machines are virtual ones, under QEMU: slower"
    )
    return parser.parse_args()


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[Path]:
    """The directory, for one demonstration at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DemoFailed(f"The demonstration is running already, at {lock.read()}.") from None
        yield directory


def _prepare(directory: Path, asked: argparse.Namespace) -> Demo:
    if not PROXY.exists():
        raise DemoFailed(
            f"{PROXY.name} is missing: make demo installs it (scripts/install.sh hub)."
        )
    directory.chmod(0o711)
    for name, mode in (("hub", 0o700), ("homes", 0o711), ("service", 0o700)):
        (directory / name).mkdir(exist_ok=True)
        (directory / name).chmod(mode)
    # What one that was killed has left behind is still ending, or does not know yet.
    end(marked(f'"directory": "{directory}"'), signal.SIGTERM, 20)
    isolated = _isolate(directory, asked.one_account)
    return Demo(
        directory=directory,
        port=_port(asked.port),
        isolated=isolated,
        agent=_agent(directory, isolated),
        keeper=None if asked.no_machines else _keeper(directory, isolated, _kind(asked)),
        sealing_key=_kept(directory, "sealing-key", None, new_key),
        password=_kept(directory, "password", asked.password, _drawn(6)),
        admin_password=_kept(directory, "admin_password", None, _drawn(24)),
        seed_token=secrets.token_hex(16),
    )


def _port(asked: int | None) -> int:
    if asked:
        if not _is_free(asked):
            raise DemoFailed(f"Port {asked} is taken: name another one, or none.")
        return asked
    return PREFERRED_PORT if _is_free(PREFERRED_PORT) else _free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _isolate(directory: Path, one_account: bool) -> bool:
    """Accounts and homes for everybody, where that is possible; says so where it is not."""
    if os.geteuid() != 0 or one_account:
        print("== People's files are not isolated: everything runs under your one account.")
        print("   What the service refuses, it refuses; but people could read each other's disks.")
        return False
    try:
        accounts.make([*map(account_of, PEOPLE), SERVICE_ACCOUNT])
        for person in PEOPLE:
            accounts.give(directory / "homes" / person, account_of(person))
        accounts.give(directory / "service", SERVICE_ACCOUNT)
        accounts.check_reach(SERVICE_ACCOUNT, directory / "service")
        accounts.check_reach(account_of(PEOPLE[0]), directory / "homes" / PEOPLE[0])
    except accounts.AccountsRefused as refused:
        print(f"== People's files are not isolated: {refused}.")
        print("   Everything runs as root now. In a directory that others can read, such as /srv,")
        print("   everybody gets an account of their own.")
        return False
    return True


def _agent(directory: Path, isolated: bool) -> Agent | None:
    """Folders in running sessions, where that is possible; says so where it is not."""
    try:
        check()
        if not isolated:
            raise MountsRefused("that takes an account for everybody")
    except MountsRefused as refused:
        print(f"== Folders do not appear in running sessions: {refused}.")
        print("   Everything else works: the panel has them all.")
        return None
    return Agent(directory)


def _kind(asked: argparse.Namespace) -> str:
    return machines.QEMU if asked.qemu else machines.SANDBOXES


def _keeper(directory: Path, isolated: bool, kind: str) -> Keeper | None:
    """Machines, where they are possible; says so where they are not."""
    try:
        machines.check(kind)
        if not isolated:
            raise MachinesRefused("that takes an account for everybody")
        keeper = Keeper(directory, kind)
        keeper.prepare(directory / "hub" / "machines.log")
    except MachinesRefused as refused:
        print(f"== There are no machines: {refused}.")
        print("   Folders work all the same.")
        return None
    return keeper


def _drawn(length: int) -> Callable[[], str]:
    return lambda: secrets.token_urlsafe(length)


def _kept(directory: Path, name: str, given: str | None, draw: Callable[[], str]) -> str:
    """A secret that stays the same from run to run."""
    file = directory / "hub" / name
    if given or not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(given or draw())
    return file.read_text().strip()


def _run(demo: Demo) -> None:
    (demo.directory / "lock").write_text(demo.url)
    log = demo.directory / "hub" / "demo.log"
    print(f"== Starting JupyterHub; its log is {log}.", flush=True)
    # SIGINT too: a shell that starts us in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    mounts = demo.agent.running(log.with_name("agent.log")) if demo.agent else nullcontext()
    kept = demo.keeper.running(log.with_name("machines.log")) if demo.keeper else nullcontext()
    with mounts, kept, _hub(demo, log) as hub:
        _wait(demo, hub, log)
        seeded = demo.directory / "hub" / "seeded"
        if not seeded.exists():
            seed(demo.url, demo.seed_token)
            if demo.keeper:
                seed_machine(demo.url, demo.seed_token)
            seeded.touch()
        print(_welcome(demo), flush=True)
        hub.wait()
        raise DemoFailed(f"The hub ended by itself. Its last words are in {log}.")


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _hub(demo: Demo, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The hub's process; on leaving it has ended, with all that it started."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "CONFIGPROXY"))}
    environment = {
        **kept,
        "VMSHARE_DEMO": demo.told_to_the_hub(),
        "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # Of the checkout alone: the operator's own Jupyter configuration stays out.
        "JUPYTER_CONFIG_DIR": str(demo.directory / "hub" / "jupyter"),
    }
    config = Path(__file__).with_name("jupyterhub_config.py")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=demo.directory / "hub",
            env=environment,
            stdout=out,
            stderr=out,
            # Ctrl-C is for us: the hub ends its servers only when it is asked to, alone.
            start_new_session=True,
            preexec_fn=ends_with_us(signal.SIGTERM),
        )
    try:
        yield process
    finally:
        _end(process, environment["CONFIGPROXY_AUTH_TOKEN"])


def _end(process: subprocess.Popen[bytes], proxy_token: str) -> None:
    # A hub that died by itself has left its proxy behind, on the port of the next run.
    family = descendants(process.pid) | marked(proxy_token)
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        process.terminate()
        process.wait(20)
    for pid in [process.pid, *family]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _wait(demo: Demo, hub: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    for path in ("/hub/api", "/services/vmshare/health"):
        while not _answers(demo.url + path):
            if hub.poll() is not None or time.monotonic() > deadline:
                end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise DemoFailed(f"{path} does not answer. The log's end:\n{end}")
            time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def _about(kind: str) -> str:
    if kind == machines.QEMU:
        return "a virtual machine: its first start takes a minute or two without KVM"
    if machines.could_be_virtual():
        return 'a sandbox. A virtual one: make demo ARGS="--qemu --directory=.demo-qemu"'
    return "a sandbox: it shares this host's kernel"


def _welcome(demo: Demo) -> str:
    read = "open the folder, read hello.txt. It is READ-ONLY; ask why."
    if demo.agent:
        read = "open shared/tests in the file browser, read hello.txt. It is READ-ONLY."
    machine = (
        f"""
   6. As ana open JupyterLab's launcher: a notebook and a terminal on gpu-box have cards there.
      It is {_about(demo.keeper.kind)}.
   7. In the panel share gpu-box with ben: once he accepts, they are in his launcher too.
"""
        if demo.keeper
        else ""
    )
    return f"""
== Jupyter VMShare is at   {demo.url}

   people     ana, ben, cleo (team genomics), cleo, dan (team imaging), eve; {HUB_ADMIN} (hub admin)
   password   {demo.password}
   {HUB_ADMIN}   {demo.admin_password}

   Try this, in two windows that share no cookies (one of them private):
   1. Sign in as ana. In the left side bar open "Folders and machines": she owns "tests".
   2. Sign in as ben in the other window, and open the same panel.
   3. As ana share "tests" with ben, at View. Watch ben's panel: the invitation arrives by itself.
   4. As ben accept, {read}
   5. As ana raise him to Edit, or stop sharing. Watch ben's panel.
{machine}
   Projects have pages of their own: {demo.url}/services/vmshare/projects

   Ctrl-C ends everything. The next run finds it as it was; remove {demo.directory} to begin anew.
"""


if __name__ == "__main__":
    sys.exit(main())
