"""``python -m bench [NAME…] [--quick] [--rounds N] [--write]``."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from importlib import import_module
from pathlib import Path

from bench import machine, readme

NAMES = (
    "lists",
    "throughput",
    "events",
    "streams",
    "mounts",
    "accepting",
    "explorer",
    "machines",
    "kernels",
    "virtual_machines",
)


def main(argv: list[str] | None = None) -> int:
    """Run benchmarks one after the other, and print (and with ``--write`` keep) what they found."""
    told = _arguments().parse_args(argv)
    _allow_many_connections()
    for name in told.names or NAMES:
        about = machine.described()
        module = import_module(f"bench.{name}")
        extra = {} if told.rounds is None else {"rounds": told.rounds}
        reports = asyncio.run(module.measure(quick=told.quick, **extra))
        section = readme.section(module.TITLE, module.__doc__, reports, about)
        print(section, flush=True)
        if told.write:
            readme.keep(readme.README, name, section)
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="the smallest form: does it run?")
    parser.add_argument("--rounds", type=int, help="how often each side is measured")
    parser.add_argument(
        "--write", action="store_true", help=f"keep it in {Path('bench/README.md')}"
    )
    return parser


def _allow_many_connections() -> None:
    """Two thousand streams are two thousand open files, here and (inherited) in the service."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
