"""A service process in miniature: records events, sequences, and can be killed at a step.

Prints a line for each event whose commit has returned.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.audit.feed import EventFeed
from jupyterhub_vmshare.db.database import Database, NewEvent
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.steps import listening


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kill", nargs=2, metavar=("STEP", "TIME"), default=("", "0"))
    return parser.parse_args()


async def write(url: str, count: int) -> None:
    database = Database(url, check=check)
    if not database.is_sqlite:
        # A predecessor that was killed may hold the lease; the test does not wait for its end.
        async with database.write() as transaction:
            await transaction.conn.exec_driver_sql(
                "update leases set expires_at = 0 where name = 'sequencer'"
            )
    feed = EventFeed(database, Leases(database), poll=0.1)
    await feed.start()
    for _ in range(count):
        async with database.write() as transaction:
            await transaction.record(NewEvent("folder.created", "ana", frozenset({"ana", "ben"})))
        os.write(1, b"committed\n")
        await asyncio.sleep(0.005)
    await feed.stop()
    await database.close()


def main() -> None:
    options = asked()
    step, left = options.kill[0], int(options.kill[1])

    def kill_at(reached: str) -> None:
        nonlocal left
        left -= reached == step
        if reached == step and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with listening(kill_at):
        asyncio.run(write(options.url, options.count))


if __name__ == "__main__":
    main()
