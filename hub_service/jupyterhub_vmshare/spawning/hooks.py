"""The spawner's hooks: the operator's own, and ours beside them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Final

from jupyterhub_vmshare.spawning.sessions import MountsOfSessions

Hook = Callable[[Any], Any]


class BeforeSpawn:
    """``Spawner.pre_spawn_hook``: first the operator's, whose failure fails the start as ever."""

    trait: Final = "pre_spawn_hook"

    def __init__(self, theirs: Hook | None, mounts: MountsOfSessions) -> None:
        self.theirs, self.mounts = theirs, mounts

    async def __call__(self, spawner: Any) -> None:
        """Called by the hub before each start."""
        await _call(self.theirs or _of_the_class(spawner, self.trait), spawner)
        await self.mounts.prepare(spawner)

    def __repr__(self) -> str:
        return f"{self.theirs!r}, then {self.mounts!r}"


class AfterStop:
    """``Spawner.post_stop_hook``: first ours, so that access ends whatever theirs does."""

    trait: Final = "post_stop_hook"

    def __init__(self, theirs: Hook | None, mounts: MountsOfSessions) -> None:
        self.theirs, self.mounts = theirs, mounts

    async def __call__(self, spawner: Any) -> None:
        """Called by the hub after each end, also of servers that ended while it was down."""
        await self.mounts.end(spawner)
        await _call(self.theirs or _of_the_class(spawner, self.trait), spawner)

    def __repr__(self) -> str:
        return f"{self.mounts!r}, then {self.theirs!r}"


def chained(
    present: Hook | None, kind: type[BeforeSpawn] | type[AfterStop], mounts: MountsOfSessions
) -> BeforeSpawn | AfterStop:
    """``kind`` with what is configured now as the operator's; ours is never in it twice."""
    theirs = present.theirs if isinstance(present, kind) else present
    return kind(theirs, mounts)


async def _call(hook: Hook | None, spawner: Any) -> None:
    if hook is not None:
        done = hook(spawner)
        if isawaitable(done):
            await done


def _of_the_class(spawner: Any, trait: str) -> Hook | None:
    # A spawner's class may bring a hook of its own, which a configured one replaces.
    default: Hook | None = spawner.trait_defaults(trait)
    return default
