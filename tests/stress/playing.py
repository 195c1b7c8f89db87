"""Histories of one seed: rounds, each in a new folder, and the shortest that shows a mistake."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.mounts.guard.conftest import staged
from tests.mounts.guard.program import Died, Stuck
from tests.mounts.guard.stage import Stage
from tests.stress import racing
from tests.stress.calls import Call, Drawer
from tests.stress.world import World, Wrong

CALLS = 1500
"""A round's."""
FOREVER = 1_000_000
"""Seconds for which what is own stays fresh: longer than any history."""
LOOKS_EVERY, LISTS_EVERY = 250, 20
RACE_EVERY, RACE_CALLS, RACE_DEADLINE = 3, 3000, 300.0
"""Every third round is a race; how much each of its programs does."""
LONGEST_SEARCH = 300.0
"""Seconds for making a history shorter."""


@dataclass
class Played:
    """What was done by one seed."""

    seed: str
    rounds: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Failed(Exception):
    """A round went wrong; its words say how to see it again."""


def level_of(chance: random.Random) -> str:
    """ben's level in a round."""
    return chance.choice(("edit_delete", "edit_delete", "edit"))


def play_round(stage: Stage, seed: str, count: Callable[[str], None]) -> None:
    """One history. The seed alone decides what happens in it.

    Raises:
        Failed: With the shortest part of the history that shows it, too.
    """
    chance = random.Random(seed)
    level, history = level_of(chance), list[Call]()
    world = World.of(stage, level)
    drawer = Drawer(chance, explorer=level != "edit")
    try:
        for number in range(CALLS):
            if number % LISTS_EVERY == 0:
                drawer.known = world.names()
            history.append(drawer.draw())
            count(history[-1].what)
            world.play(history[-1])
            if number % LOOKS_EVERY == LOOKS_EVERY - 1:
                world.compare(opens=level != "edit")
        world.compare(opens=True)
    except (Wrong, Stuck) as wrong:
        short = shortest(level, history)
        calls = "\n".join(f"    {call!r}," for call in short)
        raise Failed(f"SEED={seed} ({level}), call {len(history)}: {wrong}\n{calls}") from wrong
    finally:
        world.close()


def race_round(stage: Stage, seed: str, count: Callable[[str], None]) -> None:
    """Four programs at once, and then all that they have written is looked for.

    Raises:
        Failed: Something is not there, or was not found by its own program.
    """
    chance = random.Random(seed)
    folder, sessions = stage.folder(), [stage.session("ben"), stage.session("dan")]
    for number in range(racing.FILES):
        folder.put(f"shared{number}", bytes(racing.STRIPE * racing.STRIPES), 0o666)
    folder.put(racing.LOG)
    for name in racing.DIRECTORIES:
        folder.make(name)
    for session in sessions:
        stage.give(session, folder, "edit_delete")
    programs = [sessions[n % 2].program() for n in range(racing.PROGRAMS)]
    try:
        for n, program in enumerate(programs):
            top = sessions[n % 2].path("tests")
            program.begin(racing.race, top, n, chance.randrange(1 << 30), RACE_CALLS)
        kept = [program.end(RACE_DEADLINE) for program in programs]
        count("race")
        roots = [(session, session.path("tests")) for session in sessions]
        wrong = racing.missing(str(folder.disk), kept)
        wrong += [word for session, root in roots for word in session(racing.missing, root, kept)]
    except (Stuck, Died, RuntimeError) as problem:
        raise Failed(f"SEED={seed} (race): {problem}") from problem
    finally:
        for session in sessions:
            stage.drop(session)
    if wrong:
        raise Failed(f"SEED={seed} (race): {wrong[:5]}")


def shows(stage: Stage, level: str, calls: Sequence[Call]) -> str | None:
    """What is wrong after these calls; None: nothing."""
    world = World.of(stage, level)
    try:
        for call in calls:
            world.play(call)
        world.compare(opens=True)
    except (Wrong, Stuck) as wrong:
        return str(wrong)
    finally:
        world.close()
    return None


def shortest(level: str, history: list[Call]) -> list[Call]:
    """Fewer calls that still show something wrong: parts are left out as long as they do."""
    until, kept, part = time.monotonic() + LONGEST_SEARCH, list(history), len(history) // 2
    with staged(fresh_seconds=FOREVER) as stage:
        while part and time.monotonic() < until:
            at, before = 0, len(kept)
            while at < len(kept) and time.monotonic() < until:
                less = kept[:at] + kept[at + part :]
                if less and shows(stage, level, less):
                    kept = less
                else:
                    at += part
            if part == 1 and len(kept) == before:
                break
            part = max(1, part // 2)
    return kept


def play(seed: str, seconds: float, rest: float = 0.0) -> Played:
    """Rounds until the time is over, or the one round that the seed names ("7-12").

    Args:
        seed: Of all rounds, or with a round's number.
        seconds: How long.
        rest: For how much of the time it took to sleep after each round.
    """
    played = Played(seed)
    begun = time.monotonic()
    with staged(fresh_seconds=FOREVER) as stage:
        while True:
            round_began = time.monotonic()
            one = seed if "-" in seed else f"{seed}-{played.rounds}"
            number = int(one.rpartition("-")[2])
            kind = race_round if number % RACE_EVERY == RACE_EVERY - 1 else play_round
            kind(stage, one, lambda what: played.calls.update((what,)))
            played.rounds += 1
            played.seconds = time.monotonic() - begun
            if "-" in seed or played.seconds >= seconds:
                return played
            time.sleep(rest * (time.monotonic() - round_began))
