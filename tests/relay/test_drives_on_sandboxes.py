"""Every cell of the table of drives whose effect is seen on a machine, on live machines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncssh
import httpx2
import pytest
import pytest_asyncio

from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.columns import HOLDERS, give_up, held, hold, own_machine, table
from tests.relay.entrance import PATIENCE
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

ACTIONS = ("attach_read_only", "attach_read_write", "detach", "extend", "clone")
"""What changes what a machine has."""
ASKED = frozenset(
    {
        *("see_in_list", "see_people", "rename", "delete", "open_to_project", "invite"),
        *("change_level", "revoke", "leave", "accept_or_decline", "hand_over"),
    }
)
"""What the service answers for, whatever runs: ``tests/machines``, and the pages of the service."""
COLUMNS = held("drive_levels")
DEVICES = "find /dev -type b; ls /dev | grep -E '^(loop|sd|vd|dm-|mapper)'"


async def test_no_action_of_the_table_is_forgotten() -> None:
    assert set(table("drive_levels")) == {*ACTIONS, *ASKED}
    assert set(COLUMNS) == set(table("drive_levels")["clone"]) - {"action", "project_admin"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("drives")) as made:
        yield made


class Trying:
    """Somebody with a machine of their own, and a drive of ana's that nobody has."""

    def __init__(self, way: Live, person: str, own: str, drive: str, *, owner: str = "ana") -> None:
        self.way, self.person, self.own, self.drive = way, person, own, drive
        self.owner = owner  # who sees it in any case
        self.place = f"/srv/drives/{drive[-12:]}"

    async def call(self, method: str, path: str, **more: object) -> httpx2.Response:
        answer = await self.way.api(self.person).call(method, path, **more)
        assert answer.is_success or answer.status_code in (403, 404), answer.text
        return answer

    async def says(self, script: str) -> str:
        """What a shell of root's on their machine writes; they are its owner."""
        first, self.way.id = self.way.id, self.own
        try:
            conn = await self.way.enter(self.person)
            done = await conn.run("sudo -n sh", input=script)
            conn.close()
        finally:
            self.way.id = first
        return str(done.stdout)

    async def could(self) -> set[str]:
        """What of the table they can do, by what their machine has of it."""
        found = {"attach_read_only"} if await self.reads() else set()
        found |= {"attach_read_write"} if await self.writes() else set()
        found |= {"detach"} if await self.detaches() else set()
        found |= {"extend"} if await self.extends() else set()
        return found | ({"clone"} if await self.clones() else set())

    async def reads(self) -> bool:
        """Attached to read: not even root writes to it, nor to a device below it."""
        on = f"/drives/{self.drive}/readers/{self.own}"
        if not (await self.call("PUT", on)).is_success:
            return False
        await self.is_on("ro")
        script = f"cat {self.place}/shared/given; touch {self.place}/x || echo refused"
        again = f"mount -o remount,rw {self.place} || echo refused"
        assert (
            await self.says(f"exec 2>/dev/null; {script}; {again}") == "given\nrefused\nrefused\n"
        )
        assert await self.says(DEVICES) == ""
        await self.off()
        return True

    async def writes(self) -> bool:
        """Attached to write: what they write there is on it, wherever it is then."""
        on = f"/drives/{self.drive}/writer/{self.own}"
        if not (await self.call("PUT", on)).is_success:
            return False
        await self.is_on("rw")
        assert await self.says(f"echo {self.person} > {self.place}/by; cat {self.place}/by") == (
            f"{self.person}\n"
        )
        assert await self.says(DEVICES) == ""
        await self.off()
        return True

    async def detaches(self) -> bool:
        """It is taken off ana's machine, on which it is, by who holds the drive alone."""
        mine = self.way.id
        await self.way.api("ana").ask("PUT", f"/drives/{self.drive}/readers/{mine}")
        await self.is_on("ro", machine=mine)
        gone = await self.call("DELETE", f"/drives/{self.drive}/machines/{mine}")
        if not gone.is_success:
            assert await self.flags(mine) == "ro"
            await self.way.api("ana").ask("DELETE", f"/machines/{mine}/drives/{self.drive}")
        await self.is_on("", machine=mine)
        return gone.is_success

    async def extends(self) -> bool:
        """Its file system is larger on the machine that has it."""
        mine, before = self.way.id, await self.size()
        await self.way.api("ana").ask("PUT", f"/drives/{self.drive}/writer/{mine}")
        await self.is_on("rw", machine=mine)
        asked = {"size_gib": before + 1}
        done = await self.call("PUT", f"/drives/{self.drive}/size", json=asked)
        if done.is_success:
            async with asyncio.timeout(2 * PATIENCE):
                while await self.gib(mine) < before + 0.9:
                    await asyncio.sleep(0.05)
        await self.way.api("ana").ask("DELETE", f"/machines/{mine}/drives/{self.drive}")
        await self.is_on("", machine=mine)
        return done.is_success

    async def clones(self) -> bool:
        """A copy of it on their own machine has what it has."""
        asked = {"name": f"copy of {self.drive}"}
        done = await self.call("POST", f"/drives/{self.drive}/clones", json=asked)
        if not done.is_success:
            return False
        made = str(done.json()["id"])
        copy = Trying(self.way, self.person, self.own, made, owner=self.person)
        await copy.is_ready()
        await copy.call("PUT", f"/drives/{copy.drive}/writer/{self.own}")
        await copy.is_on("rw")
        assert await copy.says(f"cat {copy.place}/shared/given") == "given\n"
        await copy.off()
        return True

    # --- what is seen ---

    async def flags(self, machine: str) -> str:
        """How it is mounted there; empty: it is not."""
        options = ("findmnt", "-n", "-o", "OPTIONS", self.place)
        return (await self.way.inside(*options, machine=machine)).stdout.partition(",")[0].strip()

    async def gib(self, machine: str) -> float:
        told = (
            await self.way.inside("df", "-B1", "--output=size", self.place, machine=machine)
        ).stdout
        return int(told.split()[-1]) / (1 << 30)

    async def is_on(self, wanted: str, *, machine: str = "") -> None:
        """Wait until it is mounted so, and the service knows."""
        where, seen = machine or self.own, None
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * PATIENCE):
                while (seen := (await self.flags(where), await self.states())) != (
                    wanted,
                    ["attached"] if wanted else [],
                ):
                    await asyncio.sleep(0.05)
                return
        raise AssertionError(f"The drive is {seen} on {where}, and not {wanted!r}.")

    async def states(self) -> list[str]:
        told = await self.way.api(self.owner).ask("GET", f"/drives/{self.drive}")
        return [str(each["state"]) for each in told["machines"]]

    async def size(self) -> int:
        return int((await self.way.api(self.owner).ask("GET", f"/drives/{self.drive}"))["size_gib"])

    async def is_ready(self) -> None:
        async with asyncio.timeout(2 * PATIENCE):
            while (await self.way.api(self.owner).ask("GET", f"/drives/{self.drive}"))[
                "state"
            ] != "ready":
                await asyncio.sleep(0.05)

    async def off(self) -> None:
        """Their machine has it no more: they are its owner."""
        await self.way.api(self.person).ask("DELETE", f"/machines/{self.own}/drives/{self.drive}")
        await self.is_on("")


async def loose(way: Live, name: str) -> str:
    """A drive of ana's with something on it, on no machine."""
    made = await way.api("ana").ask("POST", "/drives", {"name": name, "size_gib": 1})
    drive = Trying(way, "ana", way.id, str(made["id"]))
    await drive.is_ready()
    await way.api("ana").ask("PUT", f"/drives/{drive.drive}/writer/{way.id}")
    await drive.is_on("rw")
    await drive.says(f"echo given > {drive.place}/shared/given")
    await drive.off()
    return drive.drive


@pytest.mark.scenario("V5")
@pytest.mark.parametrize("column", COLUMNS)
async def test_a_live_machine_has_of_a_drive_what_the_table_says(way: Live, column: str) -> None:
    person, drive = HOLDERS[column], await loose(way, f"data for {column}")
    own = await own_machine(way, person)
    grant = await hold(way, column, drive)
    cells = {action: table("drive_levels")[action][column] for action in ACTIONS}
    assert set(cells.values()) <= {"yes", "no"}
    try:
        could = await Trying(way, person, own, drive).could()
        assert could == {action for action, cell in cells.items() if cell == "yes"}
    finally:
        await give_up(way, column, drive, grant)


async def test_a_drive_that_is_taken_back_leaves_the_machine_it_is_on(way: Live) -> None:
    """And whoever has a file of it open there is ended."""
    drive, own = await loose(way, "taken back"), await own_machine(way, "ben")
    grant = await hold(way, "attach_write", drive)
    trying = Trying(way, "ben", own, drive)
    await trying.call("PUT", f"/drives/{drive}/writer/{own}")
    await trying.is_on("rw")
    first, way.id = way.id, own
    try:
        conn = await way.enter("ben")
        tail = await conn.create_process(f"exec tail -f {trying.place}/shared/given")
        assert await tail.stdout.readline() == "given\n"
        assert grant is not None
        await way.revoke(grant)
        await trying.is_on("")
        async with asyncio.timeout(PATIENCE):
            await tail.wait_closed()
        assert (await conn.run(f"ls {trying.place}", stdin=asyncssh.DEVNULL)).stdout == ""
        conn.close()
    finally:
        way.id = first
