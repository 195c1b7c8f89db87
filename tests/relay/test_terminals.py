"""``jupyter vmshare terminal``: somebody types on a machine, through a real relay."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.tables import machines
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE
from tests.relay.scene import Scene
from tests.relay.screen import Screen

pytestmark = [
    pytest.mark.machines,
    pytest.mark.asyncio(loop_scope="module"),
]
TERMINAL = (sys.executable, "-m", "jupyter_vmshare.cli", "terminal")
PROMPT = r"[$#] "
Open = Callable[..., Screen]


@pytest_asyncio.fixture(loop_scope="module")
async def open_screen(way: Scene, tmp_path: Path) -> AsyncIterator[Open]:
    screens: list[Screen] = []

    def opened(*words: str, person: str = "ana", rows: int = 24, columns: int = 80) -> Screen:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TERM": "xterm-256color",
            "LC_CTYPE": "C.UTF-8",
            "VMSHARE_SERVICE_URL": way.running.url + way.running.service.settings.prefix,
            "JUPYTERHUB_API_TOKEN": way.running.hub.server_token(person),
            "JUPYTERHUB_USER": person,
        }
        command = (*TERMINAL, *(words or ("gpu-box",)))
        screens.append(Screen(command, environment, tmp_path, rows=rows, columns=columns))
        return screens[-1]

    yield opened
    for each in screens:
        each.end()
    # Nothing runs on for the next test.
    await asyncio.to_thread(way.machine.run, "pkill", "tmux", fine=(0, 1))


async def kept(screen: Screen) -> str:
    """The session that a screen shows."""
    return await screen.says("tmux display-message -p 'is #S'", r"is (t[0-9a-f]{6})")


@pytest.mark.scenario("V1")
async def test_they_are_on_the_machine_themselves(way: Scene, open_screen: Open) -> None:
    await way.give("ben")
    screen = open_screen(way.id, person="ben", rows=30, columns=100)
    await screen.sees(PROMPT)
    assert await screen.says("echo I am $(id -un)", r"I am (\w+)\n") == "ben"
    assert await screen.says("echo $TERM of $(tty)", r"(xterm-256color of /dev/pts)") != ""
    assert await screen.says("stty size", r"(\d+ \d+)\n") == "30 100"
    screen.resize(41, 132)
    assert await screen.says("sleep 0.2; stty size", r"(\d+ \d+)\n") == "41 132"
    screen.forget()
    screen.line("exit 7")
    assert await screen.ended() == 7, screen.text


async def test_keys_and_bytes_go_through_as_they_are(open_screen: Open) -> None:
    screen = open_screen()
    await screen.sees(PROMPT)
    screen.line(
        "stty raw -echo; echo ready; head -c 260 | od -An -v -tx1 | tr -d ' \\r\\n'; stty sane"
    )
    await screen.sees("ready")
    everything = bytes(range(256))
    screen.type(everything + "ü€".encode()[:4])
    await screen.sees((everything + "ü€".encode()[:4]).hex())
    screen.forget()
    screen.line("stty sane; printf '\\xff\\x80\\033[38;2;1;2;3mred\\033[m \\360\\237\\220\\240\\n'")
    await screen.sees("red 🐠")
    assert b"\xff\x80\x1b[38;2;1;2;3mred" in screen.raw
    # The key above Enter deletes, Ctrl+C interrupts what runs there and not the terminal.
    assert await screen.says("echo gone\x7f\x7f\x7f\x7fhere", r"\n(here)\n") == "here"
    screen.forget()
    screen.line("sleep 3210")
    await screen.sees("3210")
    screen.type("\x03")
    await screen.sees(r"\^C\n.*" + PROMPT)
    assert await screen.says("echo status $?", r"status (\d+)\n") == "130"


async def test_a_flood_is_shown_whole(open_screen: Open) -> None:
    screen = open_screen()
    await screen.sees(PROMPT)
    screen.forget()
    screen.line("seq 1 200000; echo and the en''d")
    await screen.sees("and the end")
    shown = [int(each) for each in re.findall(r"^(\d+)$", screen.text, re.MULTILINE)]
    assert shown == list(range(1, 200_001))


@pytest.mark.scenario("V7")
async def test_a_revoke_ends_it_within_a_second_and_says_why(way: Scene, open_screen: Open) -> None:
    grant = await way.give("ben")
    screen = open_screen(person="ben")
    await screen.sees(PROMPT)
    uid = int(await screen.says("id -u", r"(\d+)\n"))
    screen.line("sleep 3211")
    await way.until(lambda: "sleep 3211" in way.machine.of(uid))
    screen.forget()
    before = time.monotonic()
    await way.revoke(grant, "ben")
    await screen.sees("not shared with you any more")
    assert time.monotonic() - before < 1
    assert await screen.ended() == 1
    assert "Traceback" not in screen.text
    assert way.machine.of(uid) == []


async def test_the_tick_is_asked(way: Scene, open_screen: Open) -> None:
    await way.give("ben")
    way.rights.without["ben"] = frozenset({"open_terminal"})
    screen = open_screen(person="ben")
    await screen.sees("You may not open a terminal or run programs on this machine")
    assert await screen.ended() == 1
    assert "Traceback" not in screen.text


async def test_what_is_not_theirs_is_refused_in_a_sentence(open_screen: Open) -> None:
    screen = open_screen("mch_00000000000000000000000000", person="dan")
    await screen.sees("You have no machine called")
    assert await screen.ended() == 1


async def test_a_link_that_broke_ends_the_shell_and_enter_opens_another(
    way: Scene, open_screen: Open
) -> None:
    screen = open_screen()
    await screen.sees(PROMPT)
    await screen.says("here=before; echo $here", "(before)")
    screen.forget()
    way.relay.links.close_all("The relay is started again.")
    await screen.sees("The relay is started again")
    await screen.sees("Press Enter for a new shell there")
    screen.forget()
    screen.type("x\r")  # keys but Enter mean nothing
    await screen.sees(PROMPT)
    assert await screen.says("echo [$here]", r"\n(\[\])\n") == "[]"


async def test_what_keeps_running_comes_back_by_itself(way: Scene, open_screen: Open) -> None:
    screen = open_screen("gpu-box", "--keep", rows=20, columns=70)
    await screen.sees(PROMPT)
    assert await screen.says("stty size", r"(\d+ \d+)\n") == "20 70"
    await screen.says("here=before; echo $here", "(before)")
    name = await kept(screen)
    screen.forget()
    way.relay.links.close_all("The relay is started again.")
    await screen.sees("The relay is started again")
    assert await screen.says("", "(.)") != ""
    assert await screen.says("echo [$here]", r"(\[before\])") == "[before]"
    screen.resize(33, 90)
    assert await screen.says("sleep 0.2; stty size", r"(33 90)\n") == "33 90"

    # It runs on when its terminal is killed, and whoever comes back finds it.
    os.kill(screen.pid, 9)
    listed = open_screen("gpu-box", "--list")
    assert name in await listed.sees(r"bash")
    assert await listed.ended() == 0
    again = open_screen("gpu-box", "--go-on", name)
    await again.sees(PROMPT)
    assert await again.says("echo [$here]", r"(\[before\])") == "[before]"
    # Whoever goes on with it elsewhere has it there.
    third = open_screen(way.id, "--go-on", name)
    await third.sees(PROMPT)
    await again.sees(f"It keeps running on gpu-box, as {name}")
    assert await again.ended() == 0
    third.line("exit")
    assert await third.ended() == 0
    assert "keeps running" not in third.text
    listed = open_screen("gpu-box", "--list")
    await listed.sees("None of your terminals keeps running there")


async def test_two_that_keep_running_are_two(open_screen: Open) -> None:
    one, two = open_screen("gpu-box", "--keep"), open_screen("gpu-box", "--keep")
    await one.sees(PROMPT)
    await two.sees(PROMPT)
    assert await kept(one) != await kept(two)


async def test_what_is_gone_is_said(open_screen: Open) -> None:
    screen = open_screen("gpu-box", "--go-on", "tabcdef")
    await screen.sees("What ran in this terminal has ended")
    await screen.sees(PROMPT)
    assert (await kept(screen)) != "tabcdef"
    wrong = open_screen("gpu-box", "--go-on", "x; touch /srv/shared/oh")
    await wrong.sees("is no terminal that keeps running")
    assert await wrong.ended() == 1


async def test_without_tmux_it_is_a_plain_one_and_says_so(way: Scene, open_screen: Open) -> None:
    found = (await asyncio.to_thread(way.machine.run, "sh", "-c", "command -v tmux")).strip()
    await asyncio.to_thread(way.machine.run, "mv", found, f"{found}.away")
    try:
        screen = open_screen("gpu-box", "--keep")
        await screen.sees("tmux is not on the machine")
        await screen.sees(PROMPT)
        assert await screen.says("echo I am $(id -un)", r"I am (\w+)\n") == "ana"
    finally:
        await asyncio.to_thread(way.machine.run, "mv", f"{found}.away", found)


async def test_a_machine_that_is_off_is_started_with_a_word_on_progress(
    way: Scene, open_screen: Open
) -> None:
    ana = way.api("ana")
    await ana.ask("POST", f"/machines/{way.id}/stop")
    async with asyncio.timeout(PATIENCE):
        while (await ana.ask("GET", f"/machines/{way.id}"))["state"] != "stopped":
            await asyncio.sleep(0.02)
    screen = open_screen()
    await screen.sees("gpu-box is off: it is being started")
    await screen.sees(PROMPT)
    assert await screen.says("echo I am $(id -un)", r"I am (\w+)\n") == "ana"


@pytest.mark.scenario("V10")
async def test_one_that_is_open_keeps_the_machine_on_and_one_that_is_left_does_not(
    way: Scene, open_screen: Open
) -> None:
    policy = f"/machines/{way.id}/idle-policy"
    await way.api("ana").ask("PUT", policy, {"minutes": 60})
    await counts_as_used(way)  # how much it computed is known from the second look on
    screen = open_screen("gpu-box", "--keep")
    await screen.sees(PROMPT)
    assert all([await counts_as_used(way) for _ in range(5)])
    os.kill(screen.pid, 9)
    await way.until(lambda: not way.relay.links.held())
    assert await asyncio.to_thread(way.machine.run, "pgrep", "-u", "ana", "tmux")
    async with within(PATIENCE, "A look at which it does nothing"):
        while await counts_as_used(way):
            await asyncio.sleep(0.3)
    await way.api("ana").ask("PUT", policy, {"minutes": None})


async def counts_as_used(way: Scene) -> bool:
    """Whether somebody who looks sees that the machine is used."""
    then = datetime.now(UTC) - timedelta(minutes=55)
    db, mine = way.running.service.db, machines.c.id == way.id
    async with db.write() as tx:
        await tx.conn.execute(machines.update().where(mine).values(active_at=then, heard_at=then))
    async with within(PATIENCE, "A look at the machine's use"):
        while True:
            await way.running.service.telling.ask_for_use()
            await asyncio.sleep(0.3)
            async with db.read() as conn:
                row = (await conn.execute(machines.select().where(mine))).one()
            if row.heard_at is not None and row.heard_at > then:
                break
    return bool(row.active_at > then)


async def test_what_tmux_asks_the_terminal_is_not_shown(open_screen: Open) -> None:
    """JupyterLab shows it again after a reload, and types the answer."""
    screen = open_screen("gpu-box", "--keep")
    await screen.sees(PROMPT)
    assert not re.search(rb"\x1b\[>?0?[cq]", screen.raw)


async def test_nobody_is_asked_where_nobody_can_type(way: Scene, tmp_path: Path) -> None:
    started = await asyncio.create_subprocess_exec(
        *TERMINAL,
        "gpu-box",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "VMSHARE_SERVICE_URL": way.running.url + way.running.service.settings.prefix,
            "JUPYTERHUB_API_TOKEN": way.running.hub.server_token("ana"),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    _, err = await asyncio.wait_for(started.communicate(), PATIENCE)
    assert (started.returncode, err.decode()) == (
        1,
        "This is no terminal: there is nobody to type.\n",
    )
