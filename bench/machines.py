"""The way into machines beside what it is made of.

A keeper of sandboxes, a relay in a process of its own, and a service on SQLite, which runs in the
process of the load. In turns:

- a machine is made and a command run on it through the relay, from the click to the command's end;
  and the keeper is ordered a machine, until its SSH server says its first word;
- a certificate is signed, and a machine is shown;
- OpenSSH's client sends a stream of zeros, and a line that comes back, through the relay; and to
  the machine's own SSH server;
- ben's right is taken from him: from the request to the end of his connection, and to the answer,
  which comes when nothing runs as him any more;
- somebody who has 200 machines lists them, and somebody who has 10.

Idle links are opened, and the relay's memory and processor looked at.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh

from bench.machine_lists import lists
from bench.machine_streams import latency, throughput
from bench.rounds import Report, in_turns
from jupyterhub_vmshare.cloud.port import Seed
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench
from tests.fixtures.sandboxes import IMAGE, missing_for_sandboxes
from tests.relay.live import Live, live

TITLE = "Machines, and the one way into them"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaivS4A1670AipFRTtL25i9+YMUOXVS6Lr/xhqvsvIS"
_AT_ONCE = 8
_OF_ONE_MACHINE = 50


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """A report for each of the things above."""
    if why := missing_for_sandboxes():
        raise SystemExit(why)
    rounds = 1 if quick else rounds
    with tempfile.TemporaryDirectory(prefix="vmshare-bench-") as where:
        async with _live(Path(where)) as way:
            found = [
                await _created(way, min(rounds, 7)),
                await _certificates(way, rounds, 8 if quick else 200),
                await throughput(way, rounds, 1 if quick else 256),
                await latency(way, rounds, 10 if quick else 300),
                await _revoked(way, rounds),
                await _idle(way, 4 if quick else 200),
            ]
    return [*found, await lists(rounds, 20 if quick else 200)]


@asynccontextmanager
async def _live(where: Path) -> AsyncIterator[Live]:
    os.environ.setdefault("VMSHARE_LOG_LEVEL", "WARNING")
    many = ("--RunRelay.links_of_one=300",)
    async with live(where, relay_options=many) as way:
        yield way


async def _created(way: Live, rounds: int) -> Report:
    """Seconds."""
    bare = Bench(way.keeper.cloud(), IMAGE, "small", "large", patience=60)

    async def through_everything() -> float:
        began = time.perf_counter()
        machine = await way.make(f"new-{new_id('mch')[-6:]}")
        took = await _first_command(way, machine, began)
        await way.api("ana").ask("POST", f"/machines/{machine}/stop")
        await way.state_is("stopped", machine=machine)
        return took

    async def from_the_keeper() -> float:
        began = time.perf_counter()
        mark = new_id("mch")
        wanted = replace(bare.wanted(mark), seed=Seed("box", mark, ()))
        name = await bare.cloud.create_machine(wanted)
        await _first_word(way.keeper.run / "ssh" / f"{name}.sock")
        took = time.perf_counter() - began
        await bare.order(lambda: bare.cloud.delete_machine(name))
        return took

    sides = {"made by the keeper": from_the_keeper, "made, and connected to": through_everything}
    series = await in_turns(sides, rounds)
    report = Report("From nothing to a command on a new machine", "seconds")
    report.add(series, "made by the keeper")
    return report


async def _first_command(way: Live, machine: str, began: float) -> float:
    own, way.id = way.id, machine
    try:
        conn = await way.enter("ana")
        await conn.run("true", check=True, stdin=asyncssh.DEVNULL)
        took = time.perf_counter() - began
        conn.close()
    finally:
        way.id = own
    return took


async def _first_word(door: Path) -> None:
    """What an SSH server says before anything else."""
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(str(door))
            word = await reader.readline()
            writer.close()
            if word.startswith(b"SSH-"):
                return
        except OSError:
            pass
        await asyncio.sleep(0.01)


async def _certificates(way: Live, rounds: int, count: int) -> Report:
    """Requests a second, eight at once."""
    ana = way.api("ana")
    path = f"/machines/{way.id}"

    async def sign() -> None:
        await ana.ask("POST", f"{path}/certificates", {"public_key": _KEY})

    async def show() -> None:
        await ana.ask("GET", path)

    sides = {
        "a machine is shown": lambda: _a_second(show, count),
        "a certificate is signed": lambda: _a_second(sign, count),
    }
    report = Report("Certificates", "a second")
    report.add(await in_turns(sides, rounds), "a machine is shown")
    report.notes.append(f"{count} requests a round, {_AT_ONCE} at once.")
    return report


async def _a_second(ask: Callable[[], Awaitable[None]], count: int) -> float:
    left = iter(range(count))

    async def some() -> None:
        for _ in left:
            await ask()

    began = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return count / (time.perf_counter() - began)


async def _revoked(way: Live, rounds: int) -> Report:
    """Milliseconds."""
    series: dict[str, list[float]] = {"the connection is dead": [], "nothing runs as ben": []}
    for _ in range(rounds):
        grant = await way.give("ben")
        conn = await way.enter("ben")
        for command in ("tmux new-session -d 'sleep 1000'", "setsid sleep 1000 >/dev/null 2>&1 &"):
            await conn.run(command, stdin=asyncssh.DEVNULL)
        await conn.create_process("sleep 1000")
        began = time.perf_counter()
        ended = asyncio.create_task(_ended(conn, began))
        [link] = (await way.revoke(grant))["links"]
        series["nothing runs as ben"].append((time.perf_counter() - began) * 1000)
        series["the connection is dead"].append(await ended)
        if not link["confirmed"]:
            raise SystemExit(f"The machine did not obey: {link}")
    report = Report("From a revoke", "milliseconds")
    report.add(series, "the connection is dead")
    report.want("to the end of the connection", series["the connection is dead"], at_most=1000)
    report.want("to the end of all processes", series["nothing runs as ben"], at_most=1000)
    report.notes.append(f"{rounds} rounds: a terminal, tmux and a daemon in each.")
    return report


async def _ended(conn: asyncssh.SSHClientConnection, began: float) -> float:
    await conn.wait_closed()
    return (time.perf_counter() - began) * 1000


async def _idle(way: Live, count: int) -> Report:
    """A relay with links on which nothing happens."""
    pid = way.relay.pid
    before, own = _resident(pid), way.id
    async with AsyncExitStack() as stack:
        began = time.perf_counter()
        for number in range(count):
            if number and number % _OF_ONE_MACHINE == 0:
                way.id = await way.make(f"more-{number}")
            conn = await stack.enter_async_context(await way.enter("ana"))
            await conn.create_process("cat")
        opened = (time.perf_counter() - began) / count
        seconds, cpu = 2.0 if count < _OF_ONE_MACHINE else 30.0, _processor(pid)
        await asyncio.sleep(seconds)
        cpu = _processor(pid) - cpu
        held = (_resident(pid) - before) / count / 1024
    way.id = own
    report = Report(f"{count} idle links", "each")
    report.add({"milliseconds to open one": [opened * 1000]}, "milliseconds to open one")
    report.compared_to = ""
    report.notes.append(
        f"The relay holds {held:,.0f} KiB for each, and takes {100 * cpu / seconds:.1f} % of a"
        f" processor for all of them together (keep-alives every 15 s)."
    )
    return report


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
