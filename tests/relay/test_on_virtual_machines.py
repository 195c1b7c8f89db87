"""The scenarios of machines on a real virtual machine, through the service and the relay.

A start takes a minute or two where QEMU has to emulate a processor, so that all tests share one
machine, in this order. Each leaves it as it was.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from jupyter_vmshare.kernels.ends import OUT_OF_MEMORY
from tests.fixtures.virtual_machines import missing_for_virtual_machines
from tests.fixtures.waiting import within
from tests.relay import alike
from tests.relay.test_kernels_over_the_relay import ATTACK
from tests.relay.virtual import PATIENCE, Kernel, Virtual, kernel_on, kernels_of, virtual

pytestmark = [
    pytest.mark.vm,
    pytest.mark.timeout(2 * PATIENCE),
    pytest.mark.asyncio(loop_scope="module"),
]
LINES = 600
TALKS = f"""
import time
for number in range({LINES}):
    print(number, flush=True)
    time.sleep(0.05)
"""
TAKES_ALL = """
taken = []
while True:
    taken.append(b"x" * (16 << 20))
"""
SLEEPS = "import pathlib, time; pathlib.Path('/tmp/sleeps').touch(); time.sleep(3600)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Virtual]:
    if (because := missing_for_virtual_machines()) is not None:
        pytest.skip(because)
    async with virtual(tmp_path_factory.mktemp("virtual")) as made:
        url = made.running.url + made.running.service.settings.prefix
        with pytest.MonkeyPatch.context() as notebook:
            notebook.setenv("VMSHARE_SERVICE_URL", url)
            notebook.setenv("VMSHARE_TOKEN", made.running.hub.server_token("ana"))
            yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Virtual) -> Virtual:
    """The same for all tests, shared with nobody; this is ana's notebook server."""
    await whole.api("ana").ask("DELETE", f"/machines/{whole.id}/grants")
    return whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(whole: Virtual, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kernel]:
    """One of ana's for all tests, as one takes half a minute to start: whoever ends it says so."""
    where = tmp_path_factory.mktemp("kernel")
    async with kernels_of(whole, where) as kernels, kernel_on(whole, kernels) as found:
        yield found


@pytest.mark.scenario("V1")
async def test_ana_makes_a_machine_with_a_drive_and_is_at_home_there(way: Virtual) -> None:
    told = await way.says("whoami; sudo -n whoami; hostname; stat -c %G%a /srv/shared; uname -r")
    *said, kernel = told.split("\n")
    assert said == ["ana", "root", "gpu-box", "users2775"]
    assert kernel != Path("/proc/sys/kernel/osrelease").read_text().strip()
    async with await way.enter("ana") as conn:
        terminal = await conn.create_process(
            "tty; stty size", term_type="xterm", term_size=(90, 30)
        )
        shown = str(await terminal.stdout.read())
    assert shown.startswith("/dev/pts/")
    assert "30 90" in shown
    console = await way.api("ana").ask("GET", f"/machines/{way.id}/console")
    assert console["text"]


@pytest.mark.scenario("V2")
@pytest.mark.scenario("V7")
async def test_ben_is_himself_there_until_ana_takes_it_back(
    way: Virtual,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """His kernel and his terminal end within a second: ten times that where they are emulated."""
    await way.give("ben")
    ben = await way.enter("ben")
    told = await ben.run("whoami; id -u; sudo -n true || echo held; ls /home/ana || echo held")
    name, uid, *held = str(told.stdout).split()
    assert (name, held) == ("ben", ["held", "held"])
    await ben.run("echo mine > /srv/shared/bens", stdin=asyncssh.DEVNULL)
    for line in ("tmux new-session -d 'sleep 1001'", "setsid sleep 1002 >/dev/null 2>&1 &"):
        await ben.run(line, stdin=asyncssh.DEVNULL)
    await way.until_there(int(uid), "1001", "1002")
    monkeypatch.setenv("VMSHARE_TOKEN", way.running.hub.server_token("ben"))
    async with kernels_of(way, tmp_path) as kernels, kernel_on(way, kernels) as bens:
        assert await bens.run("import getpass; print(getpass.getuser())") == "ben\n"
        bens.client.execute("import time; time.sleep(3600)")
        terminal = await ben.create_process(term_type="xterm")
        terminal.stdin.write("echo it is $((40 + 2))\n")
        await terminal.stdout.readuntil("it is 42")
        # The answer comes once the machine has confirmed it, whose processor may be emulated.
        taking = asyncio.create_task(way.api("ana").ask("DELETE", f"/machines/{way.id}/grants"))
        async with within(10, "The end of ben's kernel and terminal"):
            await terminal.wait_closed()
            await ben.wait_closed()
            await bens.ends()
        told_of = await taking
        assert "not shared with you any more" in caplog.text
    [link] = told_of["links"]
    assert (link["person"], link["confirmed"], link["remaining"]) == ("ben", True, 0)
    assert await way.of(int(uid)) == []
    assert await way.says("cat /srv/shared/bens") == "mine"
    status, problem = await way.ask_for_certificate("ben", way.id)
    assert status == 404, problem


@pytest.mark.scenario("V1")
@pytest.mark.scenario("V16")
async def test_a_kernel_of_ones_own_outlives_the_relay(way: Virtual, kernel: Kernel) -> None:
    told = await kernel.run(
        "import getpass, socket; print(getpass.getuser(), socket.gethostname())"
    )
    assert told == "ana gpu-box\n"
    await kernel.run("kept = 41")
    way.relay.kill()
    await way.relay.start()
    assert await kernel.run("print(kept + 1)") == "42\n"


@pytest.mark.scenario("V16")
async def test_a_kernel_is_interrupted_and_loses_nothing_while_packets_are(
    way: Virtual, kernel: Kernel
) -> None:
    await kernel.run("kept = 41")
    talking = asyncio.create_task(kernel.run(TALKS))
    await asyncio.sleep(3)
    async with way.unplugged():
        await asyncio.sleep(20)
    assert (await talking).split() == [str(number) for number in range(LINES)]
    sleeping = asyncio.create_task(kernel.run(SLEEPS, fails="KeyboardInterrupt"))
    await way.until_it_says("test -e /tmp/sleeps && echo there", "there")
    await kernel.manager.interrupt_kernel()
    await sleeping
    assert await kernel.run("print(kept + 1)") == "42\n"


@pytest.mark.scenario("V16")
async def test_another_account_there_gets_at_nothing_of_a_kernel(
    way: Virtual, kernel: Kernel
) -> None:
    await way.give("ben")
    told = await kernel.run("import os, sys; print(os.getpid(), sys.argv[-1])")
    pid, connection = told.split()
    place = str(Path(connection).parent)
    line = shlex.join(("python3", "-c", ATTACK, place, pid))
    assert await way.says(line, by="ben") == "7"
    assert await way.says(f"test -S {place}/door && echo there") == "there"


@pytest.mark.scenario("V16")
async def test_a_kernel_that_takes_all_memory_is_said_to_have_ended_for_that(
    way: Virtual, kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    """And whoever starts it again has an empty one on a machine that is well."""
    kernel.client.execute(TAKES_ALL)
    await kernel.ends()
    assert OUT_OF_MEMORY in caplog.text
    await kernel.manager.restart_kernel()
    await kernel.client.wait_for_ready(timeout=way.patience)
    assert await kernel.run("print('kept' in globals())") == "False\n"


@pytest.mark.scenario("V16")
async def test_a_reboot_in_order_ends_kernels_and_keeps_disks(way: Virtual, kernel: Kernel) -> None:
    before = await way.says("echo mine > file; cat /proc/sys/kernel/random/boot_id")
    await way.api("ana").ask("POST", f"/machines/{way.id}/reboot")
    await kernel.ends()
    # Its drive is there again, by its label.
    await way.until_it_says("mountpoint -q /srv/shared && cat /srv/shared/bens", "mine")
    assert await way.says("cat /proc/sys/kernel/random/boot_id") != before
    assert await way.says("cat file") == "mine"


@pytest.mark.scenario("V3")
async def test_a_user_lets_a_team_mate_in_and_nobody_else(way: Virtual) -> None:
    await alike.lets_a_team_mate_in(way)


@pytest.mark.scenario("V4")
async def test_a_manager_adds_people_and_is_not_near_the_drive(way: Virtual) -> None:
    await alike.a_manager_is_not_near_the_drive(way)


@pytest.mark.scenario("V8")
async def test_ben_leaves_and_his_link_and_programs_end(way: Virtual) -> None:
    await alike.ben_leaves(way)


@pytest.mark.scenario("V13")
async def test_a_drive_comes_grows_while_it_is_used_and_goes(way: Virtual) -> None:
    ana = way.api("ana")
    drive = str((await ana.ask("POST", "/drives", {"name": "data", "size_gib": 1}))["id"])
    path, place = f"/drives/{drive}", f"/srv/drives/{drive[-12:]}"
    await way.until_told(path, state="ready")
    await ana.ask("PUT", f"{path}/writer/{way.id}")
    await way.until_it_says(f"mountpoint -q {place} && echo there", "there")
    async with await way.enter("ana") as conn:
        script = f"exec 3> {place}/shared/held; while sleep 0.1; do echo line >&3; done"
        using = await conn.create_process(f"sudo -n sh -c '{script}'", stdin=asyncssh.DEVNULL)
        await ana.ask("PUT", f"{path}/size", {"size_gib": 2})
        await way.until_told(path, state="ready", size_gib=2)
        # What ext4 keeps for itself is less than a tenth of that.
        await way.until_it_says(f"df --output=size -BG {place} | tail -1 | tr -d ' '", "2G")
        assert using.returncode is None
        await ana.ask("DELETE", f"{path}/machines/{way.id}")
        await way.until_told(path, machines=[])
        await using.wait()  # whoever has a file open there ends
    assert await way.says(f"test -e {place} || echo gone") == "gone"


@pytest.mark.scenario("V11")
async def test_one_that_stops_while_it_is_shared_is_seen_and_started_by_its_users(
    way: Virtual,
) -> None:
    await alike.stops_while_it_is_shared(way)


@pytest.mark.scenario("V14")
async def test_one_that_can_not_be_made_says_why_is_tried_again_and_leaves_nothing(
    way: Virtual,
) -> None:
    await alike.can_not_be_made(way)


@pytest.mark.scenario("V12")
@pytest.mark.scenario("V10")
async def test_a_machine_from_a_snapshot_has_the_software_and_stops_when_idle(
    way: Virtual,
) -> None:
    ana = way.api("ana")
    await way.says("echo tool | sudo -n tee /usr/local/bin/tool")
    told = await ana.ask("POST", f"/machines/{way.id}/snapshots", {"name": "with-tools"})
    await way.until_told(f"/machine-snapshots/{told['id']}", state="ready")
    asked = {"name": "again", "size": "small", "snapshot_id": told["id"], "drive_gib": 0}
    again = str((await ana.ask("POST", "/machines", asked))["id"])
    own, way.id = way.id, again
    try:
        await way.until_it_says("cat /usr/local/bin/tool", "tool")
        assert (await way.row(again)).host_keys != (await way.row(own)).host_keys
        await ana.ask("PUT", f"/machines/{again}/idle-policy", {"minutes": 60})
        async with await way.enter("ana"):
            await way.is_kept_on()
        async with within(way.patience, "The end of a machine that nobody uses"):
            while (await way.seen(again))["state"] != "stopped":
                await way.unused_for(61)
                await way.running.service.telling.ask_for_use()
                await asyncio.sleep(1)
    finally:
        way.id = own


@pytest.mark.scenario("V12")
async def test_another_image_under_the_same_drive_and_people(way: Virtual) -> None:
    await way.give("ben")
    keys = (await way.row(way.id)).host_keys
    await way.says("echo gone | sudo -n tee /etc/gone")
    await way.api("ana").ask("POST", f"/machines/{way.id}/rebuild", {"image": "debian"})
    async with within(way.patience, "Other host keys"):
        while (await way.row(way.id)).host_keys in (keys, None):
            await asyncio.sleep(0.5)
    await way.until_it_says("mountpoint -q /srv/shared && cat /srv/shared/bens", "mine")
    assert await way.says("test -e /etc/gone || echo new") == "new"
    assert await way.says("cat /srv/shared/bens; whoami", by="ben") == "mine\nben"
