"""Requests per second: wrk where Debian's is installed, else a small generator of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time

from bench.wire import Wire

CONNECTIONS = 16


def generator() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "bench/load.py (wrk is not installed)"


async def per_second(url: str, seconds: float, token: str = "", accept: str = "") -> float:
    """Answers per second over ``CONNECTIONS`` connections; anything but 2xx ends the benchmark."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return await _own(url, seconds, token)
    # wrk counts in whole seconds.
    told = [f"-c{CONNECTIONS}", "-t1", f"-d{max(1, round(seconds))}s", "--timeout=10s"]
    headers = [f"Authorization: Bearer {token}"] * bool(token) + [f"Accept: {accept}"] * bool(
        accept
    )
    for header in headers:
        told += ["-H", header]
    out = await _output(wrk, *told, url)
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None, out
    return float(found[1])


async def _own(url: str, seconds: float, token: str) -> float:
    command = [sys.executable, "-m", "bench.load", url, str(seconds), token]
    return float(await _output(*command))


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def _count(url: str, until: float, token: str) -> int:
    wire, done = await Wire.to(url, token), 0
    while time.perf_counter() < until:
        await wire.ask("GET", "")
        done += 1
    wire.close()
    return done


async def main(url: str, seconds: float, token: str) -> None:
    began = time.perf_counter()
    counts = [_count(url, began + seconds, token) for _ in range(CONNECTIONS)]
    done = sum(await asyncio.gather(*counts))
    print(done / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
