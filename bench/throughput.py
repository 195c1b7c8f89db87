"""Requests per second of my list, beside JupyterHub's own list of what is shared with me.

One real JupyterHub runs beside the service, which asks it who calls. Ben has 30 folders in a
database of 100,000 grants, and 30 notebook servers shared with him on the hub. The same load
generator asks, over 16 connections: the service's ``GET /folders`` (on SQLite and on PostgreSQL),
the hub's ``GET /hub/api/users/ben/shared``, and bare tornado for a static answer as long as the
service's. All directly, past the hub's proxy; all with a token but bare tornado.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import databases, load, processes, seed
from bench.rounds import Measure, Report, Series, in_turns, ratios
from bench.wire import Wire
from tests.fixtures.hub_process import HubProcess, free_port, running

TITLE = "The authenticated list beside JupyterHub's own"
SECONDS = 2.0
HUB, BARE = "JupyterHub: GET /users/ben/shared", "bare tornado, a static answer"
_CONFIG = """
from jupyterhub_vmshare.configure import configure
configure(c, url={url!r}, managed=False, api_token={token!r})
c.JupyterHub.log_level = "WARN"
"""
_OWNERS = [f"p{number}" for number in range(seed.FOLDERS)]


async def measure(*, quick: bool = False, rounds: int = 11) -> list[Report]:
    """One report with everybody in it."""
    names = ("SQLite",) if quick else ("SQLite", "PostgreSQL")
    seconds, rounds = (1.0, 1) if quick else (SECONDS, rounds)
    with tempfile.TemporaryDirectory(prefix="vmshare-bench-") as where, contextlib.ExitStack() as s:
        makers = s.enter_context(databases.kinds(Path(where), names))
        process, hub = s.enter_context(_hub(Path(where, "hub")))
        token = process.token_for(seed.PERSON, [f"read:users:shares!user={seed.PERSON}"])
        shared = f"{process.hub_url}/hub/api/users/{seed.PERSON}/shared"
        await _length(shared, token)
        measures: dict[str, Measure] = {HUB: partial(load.per_second, shared, seconds, token)}
        for name, new_url in makers.items():
            url, place = new_url(), Path(where, name)
            seed.build(url, others=1_000 if quick else 100_000)
            server = s.enter_context(processes.service(url, hub, place))
            mine = (f"{server.url}/folders", seconds, hub.tokens[seed.PERSON])
            length = await _length(mine[0], mine[2])
            measures[_of(name)] = partial(load.per_second, *mine)
        page = f"{s.enter_context(processes.bare()).url}/page?size={length}"
        measures[BARE] = partial(load.per_second, page, seconds)
        series = await in_turns(measures, rounds)
    return [_report(series, names, length, seconds)]


def _report(series: Series, names: tuple[str, ...], length: int, seconds: float) -> Report:
    report = Report("All in one run", "requests per second")
    report.add(series, HUB)
    for name in names:
        report.want(f"{_of(name)} beside the hub", ratios(series, _of(name), HUB), at_least=3)
    report.notes.append(
        f"{len(series[HUB])} rounds of {seconds:.0f} s each, {load.CONNECTIONS} connections from "
        f"{load.generator()}; the service's answer has {length:,} bytes."
    )
    return report


@contextlib.contextmanager
def _hub(where: Path) -> Iterator[tuple[HubProcess, processes.Hub]]:
    """A real hub that knows the service, with as many servers shared as there are folders."""
    service_token = secrets.token_hex(16)
    config = _CONFIG.format(url=f"http://127.0.0.1:{free_port()}", token=service_token)
    teams = {seed.TEAM: [seed.PERSON, "cleo"]}
    with running(HubProcess(where, config, groups=teams)) as process:
        process.add_people(*_OWNERS)
        _share_servers(f"sqlite:///{where}/jupyterhub.sqlite")
        mine = process.token_for(seed.PERSON, ["custom:vmshare:use"])
        yield (
            process,
            processes.Hub(f"{process.hub_url}/hub/api", service_token, {seed.PERSON: mine}),
        )


def _share_servers(db_url: str) -> None:
    """What happens when thirty people start their server and share it, without starting them."""
    orm: Any = import_module("jupyterhub.orm")  # has no types
    session = orm.new_session_factory(db_url)()
    receiver = orm.User.find(session, seed.PERSON)
    for owner in _OWNERS:
        spawner = orm.Spawner(user=orm.User.find(session, owner), name="")
        session.add(spawner)
        session.flush()
        orm.Share.grant(session, spawner, receiver)
    session.commit()
    session.close()


async def _length(url: str, token: str) -> int:
    """The answer's bytes, when it has as many items as were made."""
    wire = await Wire.to(url, token)
    told = await wire.ask("GET", "", Accept="application/jupyterhub-pagination+json")
    found = len(told.json()["items"])
    assert found == seed.FOLDERS, f"{url}: {found} items"
    wire.close()
    return len(told.body)


def _of(name: str) -> str:
    return f"the service on {name}: GET /folders"
