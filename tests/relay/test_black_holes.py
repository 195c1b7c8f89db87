"""Networks that swallow everything without a word, between a relay and each whom it speaks with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from jupyterhub_vmshare.cloud.port import Address, MachineWanted, SeenMachine
from jupyterhub_vmshare.relay.accounts import AccountRow
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fixtures.api import Api
from tests.relay.cables import Cable, Network, network, why_no_network
from tests.relay.entrance import PATIENCE, gone, said
from tests.relay.machine import why_not
from tests.relay.relay_process import RelayProcess
from tests.relay.scene import SshCloud, Stage, serving

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

SOON = 3.0
"""Seconds that the answer of a revoke waits for machines here."""
LONG = 90.0
"""Seconds: a swallowed connection is given up after twenty, and made again within ten."""
CROWD = [f"guest{number}" for number in range(10)]
"""More than are locked at a time."""


@dataclass
class NetworkCloud(SshCloud):
    """Machines that are reached over a cable: the first ones over one, later ones over another."""

    cables: Sequence[Cable] = ()
    doors: dict[str, tuple[str, asyncio.Server]] = field(default_factory=dict)

    async def create_machine(self, wanted: MachineWanted) -> str:
        name = await super().create_machine(wanted)
        socket = self.real[name].socket
        host = self.cables[min(len(self.doors), len(self.cables) - 1)].here

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inside, out = await asyncio.open_unix_connection(str(socket))
            with contextlib.suppress(OSError):
                await asyncio.wait(
                    [
                        asyncio.create_task(_hand_on(*way))
                        for way in ((reader, out), (inside, writer))
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for end in (out, writer):
                end.transport.abort()

        self.doors[name] = host, await asyncio.start_server(carry, host, 0)
        return name

    def _as_seen(self, machine: str) -> SeenMachine:
        seen = super()._as_seen(machine)
        if machine not in self.doors:
            return seen
        host, server = self.doors[machine]
        port = server.sockets[0].getsockname()[1]
        return replace(seen, address=Address(host=host, port=port))


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@dataclass
class Holes(Stage):
    """A service, a relay and two machines, each at the end of a cable."""

    relay: RelayProcess = field(kw_only=True)
    network: Network = field(kw_only=True)
    second: str = ""

    @property
    def port(self) -> int:
        return self.relay.port

    async def knock(self, **more: Any) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            self.relay.host, self.port, known_hosts=None, config=None, agent_path=None, **more
        )

    async def links(self) -> int:
        """How many the relay has."""
        return int((await self.relay.state())[1]["links"])

    @contextlib.contextmanager
    def at(self, machine: str) -> Any:
        """What is done in the block is done on that machine."""
        own, self.id = self.id, machine
        try:
            yield
        finally:
            self.id = own

    async def rows(self) -> list[AccountRow]:
        """The accounts on the machine, as the service has them."""
        return await self.running.service.ways.accounts_on([self.id])

    async def row(self, person: str) -> AccountRow:
        return next(each for each in await self.rows() if each.person == person)

    async def stop_sharing(self, within: float) -> dict[str, Any]:
        """What the answer says of each person's links there."""
        async with asyncio.timeout(within):
            told = await self.api("ana").ask("DELETE", f"/machines/{self.id}/grants")
        return {each["person"]: each for each in told["links"]}

    async def is_locked(self, *people: str) -> None:
        """Wait until the machine has obeyed."""
        open_yet: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONG):
                while open_yet := [
                    each.person
                    for each in await self.rows()
                    if each.person in people and (each.is_open or each.is_to_be_locked)
                ]:
                    await asyncio.sleep(0.05)
        assert open_yet == [], self.relay.log.read_text()

    async def user(self, person: str) -> None:
        """Somebody has accepted an invitation."""
        asked = {"grants": [{"receiver": person}]}
        told = await self.api("ana").ask("POST", f"/machines/{self.id}/users", asked)
        await self.api(person).accept(str(told["results"][0]["grant"]["id"]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holes]:
    if reason := why_not() or why_no_network():
        pytest.skip(reason)
    where = tmp_path_factory.mktemp("holes")
    async with AsyncExitStack() as stack:
        try:
            made = stack.enter_context(network("people", "service", "first", "second"))
        except OSError as error:
            pytest.skip(f"No network can be made here: {error}")
        cables = made.cables
        cloud = NetworkCloud(cables=[cables["first"], cables["second"]])
        stack.callback(cloud.stop)
        running = await serving(stack, where, cloud, address="0.0.0.0:0", cut_within=SOON)
        url = f"http://{cables['service'].here}:{running.service.port}"
        relay = RelayProcess(
            url + running.service.settings.prefix,
            where / "relay.log",
            ("--RunRelay.keepalive=1",),
            host=cables["people"].there,
            inside=made.inside,
        )
        running.service.ways.address = RelayAddress(relay.host, relay.port)
        stack.callback(relay.kill)
        await relay.start()
        found = Holes(running, Api(running, stack), cloud, where, relay=relay, network=made)
        found.id = await found.make()
        found.second = await found.make("other-box")
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Holes) -> AsyncIterator[Holes]:
    """The same for all tests, shared with nobody, with every cable whole before and after."""
    await whole.clear()
    yield whole
    for cable in whole.network.cables.values():
        cable.heal()
    async with asyncio.timeout(LONG):
        while not await whole.relay.is_well():
            await asyncio.sleep(0.1)


async def there(way: Holes, person: str) -> tuple[asyncssh.SSHClientConnection, int]:
    """A connection of theirs, with something left on the machine; and their uid there."""
    conn = await way.enter(person)
    done = await conn.run("id -u; tmux new-session -d 'sleep 1000'", stdin=asyncssh.DEVNULL)
    return conn, int(str(done.stdout))


async def test_a_person_behind_a_black_hole_is_cut_off_all_the_same(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    way.network.cables["people"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert (told["ben"]["confirmed"], told["ben"]["remaining"]) == (True, 0)
    assert way.machine.of(uid) == []
    way.network.cables["people"].heal()
    await gone(conn)


async def test_whoever_is_swallowed_leaves_no_link_behind(way: Holes) -> None:
    """Neither end says goodbye: each asks the other whether it is there."""
    conn = await way.enter("ana", keepalive_interval=1, keepalive_count_max=3)
    await conn.create_process("sleep 1002", term_type="xterm", stdin=asyncssh.DEVNULL)
    with way.at(way.second):
        other = await way.enter("ana")
        cats = await other.create_process("cat")
        cats.stdin.write("here\n")
        assert await cats.stdout.readline() == "here\n"
    assert await way.links() == 2
    way.network.cables["people"].swallow()
    # The relay has hung up on the machine, so what ran in the terminal is gone.
    await until(lambda: not runs(way, "sleep 1002"), LONG)
    await gone(conn)
    way.network.cables["people"].heal()
    async with asyncio.timeout(LONG):
        while await way.links():
            await asyncio.sleep(0.1)
    other.abort()


async def test_a_machine_behind_a_black_hole_is_told_of_and_holds_up_no_other(way: Holes) -> None:
    for person in CROWD:
        way.running.hub.add_person(person)
    grants = [await way.give(person) for person in CROWD]
    crowd = [await there(way, person) for person in CROWD]
    with way.at(way.second):
        await way.user("ben")
        ben, bens = await there(way, "ben")
    way.network.cables["first"].swallow()
    for grant in grants:
        await _over(way, grant)
        await way.running.service.telling.look()
    # Their links are cut at once, whatever the machine says.
    for conn, _ in crowd:
        await gone(conn)
    # By now the helper's connection is given up, and all of them wait for another one.
    await asyncio.sleep(6)
    # Meanwhile the other machine obeys within the time of the answer.
    with way.at(way.second):
        told = await way.stop_sharing(PATIENCE)
        assert (told["ben"]["confirmed"], told["ben"]["remaining"]) == (True, 0), told
        await gone(ben)
        assert way.machine.of(bens) == []
    assert [each.person for each in await way.rows() if each.is_to_be_locked] == CROWD
    way.network.cables["first"].heal()
    await way.is_locked(*CROWD)
    for _, uid in crowd:
        assert way.machine.of(uid) == []


async def test_the_answer_says_which_machine_has_not_confirmed(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    way.network.cables["first"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert told["ben"]["confirmed"] is False
    await gone(conn)
    assert way.machine.of(uid) != [], "nobody can have told it"
    way.network.cables["first"].heal()
    await way.is_locked("ben")
    assert way.machine.of(uid) == []


async def test_all_who_want_to_a_silent_machine_are_told_at_the_same_time(way: Holes) -> None:
    conns = [await way.enter("ana") for _ in range(6)]
    way.network.cables["first"].swallow()
    async with asyncio.timeout(LONG):
        told = await asyncio.gather(*(said(conn) for conn in conns))
    assert {status for status, _ in told} == {255}
    assert all("does not answer" in sentence for _, sentence in told), told
    for conn in conns:
        conn.abort()


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(("service",), id="the service"),
        pytest.param(("service", "first"), id="the service and the machine"),
    ],
)
async def test_an_end_date_fires_while_others_are_swallowed(
    way: Holes, silent: tuple[str, ...]
) -> None:
    grant = await way.give("ben")
    conn, uid = await there(way, "ben")
    ends = datetime.now(UTC) + timedelta(seconds=4)
    await way.ends(grant, ends)
    await way.running.service.telling.look()
    await asyncio.sleep(0.5)  # it is on its way over a loop of this machine's
    for end in silent:
        way.network.cables[end].swallow()
    await gone(conn)
    assert datetime.now(UTC) >= ends
    way.network.cables["first"].heal()
    if "first" in silent:  # it was not told at the time: the service has it told when it is back
        way.network.cables["service"].heal()
    await until(lambda: way.machine.of(uid) == [], LONG)


async def test_a_service_that_is_swallowed_says_what_it_could_not_confirm(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    anas = await way.enter("ana")
    cats = await anas.create_process("cat")
    cats.stdin.write("here\n")
    assert await cats.stdout.readline() == "here\n"
    way.network.cables["service"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert told["ben"]["confirmed"] is False
    assert not conn.is_closed(), "nobody can have told the relay"
    cats.stdin.write("still here\n")
    assert await cats.stdout.readline() == "still here\n"
    way.network.cables["service"].heal()
    async with asyncio.timeout(LONG):
        await conn.wait_closed()
    await way.is_locked("ben")
    assert way.machine.of(uid) == []
    cats.stdin.write("and now\n")
    assert await cats.stdout.readline() == "and now\n"
    anas.abort()


async def _over(way: Holes, grant: str) -> None:
    """It ends as a revoke ends it, and nobody waits for a machine."""
    await way.ends(grant, datetime.now(UTC) - timedelta(seconds=1))


def runs(way: Holes, command: str) -> bool:
    return command in way.machine.run("ps", "-eo", "args=")


async def until(holds: Any, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.05)
