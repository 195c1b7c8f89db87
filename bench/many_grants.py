"""A thousand grants changed at once, beside the same one by one."""

from __future__ import annotations

import time
from pathlib import Path

from bench import processes, seed
from bench.rounds import Report, in_turns
from bench.wire import Wire

PERSON = "ana"
ONE_BY_ONE, AT_ONCE = "one by one", "at once"


async def changes(where: Path, count: int, rounds: int) -> Report:
    """A folder that so many people have; their level goes up and down, by 1 request or by many."""
    db = _filled(where, count)
    with (
        processes.scripted_hub([PERSON]) as hub,
        processes.service(db, hub, where / "data") as server,
    ):
        wire = await Wire.to(server.url, hub.tokens[PERSON])
        many = _Many(wire, count)
        series = await in_turns({ONE_BY_ONE: many.one_by_one, AT_ONCE: many.at_once}, rounds)
        wire.close()
    report = Report(f"{count:,} grants change their level", "milliseconds a grant")
    report.add(series, ONE_BY_ONE)
    report.notes.append(f"{rounds} rounds; one by one, a tenth of them.")
    return report


def _filled(where: Path, count: int) -> str:
    where.mkdir()
    db = f"sqlite:///{where}/grants.sqlite"
    seed.build_folder(db, seed.folder_id(1), PERSON, [f"p{n}" for n in range(count)])
    return db


class _Many:
    """The grants, each with the version that it is at."""

    def __init__(self, wire: Wire, count: int) -> None:
        self._wire, self._turn = wire, 0
        self._versions = {f"gnt_{f'{n:08}':0>26}": 1 for n in range(count)}

    def _level(self) -> str:
        self._turn += 1
        return ("view", "edit")[self._turn % 2]

    async def at_once(self) -> float:
        """All of them by one request."""
        asked = [{"id": grant, "version": at} for grant, at in self._versions.items()]
        body = {"grants": asked, "level": self._level()}
        begun = time.perf_counter()
        told = (await self._wire.ask("POST", "/grants/change", body)).json()
        took = time.perf_counter() - begun
        for result in told["results"]:
            assert result["problem"] is None, result
            self._versions |= {one["id"]: one["version"] for one in result["grants"]}
        return 1000 * took / len(self._versions)

    async def one_by_one(self) -> float:
        """A tenth of them, a request each."""
        some = list(self._versions)[: max(1, len(self._versions) // 10)]
        level, begun = self._level(), time.perf_counter()
        for grant in some:
            match = {"If-Match": f'"{self._versions[grant]}"'}
            told = await self._wire.ask("PATCH", f"/grants/{grant}", {"level": level}, **match)
            self._versions[grant] = told.json()["version"]
        return 1000 * (time.perf_counter() - begun) / len(some)
