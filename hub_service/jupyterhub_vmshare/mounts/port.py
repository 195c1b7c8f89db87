"""The port to a node's mount agent: what the room asks of it, whoever carries the orders.

The adapter (``agent_client``) is chosen by wiring alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.mounts.messages import (
    Event,
    Hello,
    Refusal,
    SessionSeen,
    SessionsEnded,
    SessionWanted,
)


class AgentUnreachable(VMShareError):
    """The agent of a node does not answer. Whether it obeyed is not known: ask again."""

    status, code = 503, "agent-unreachable"


class AgentRefused(VMShareError):
    """The agent answered that it did not do it; ``why.code`` is one of the protocol's codes."""

    status, code = 503, "agent-refused"

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.because)
        self.why = why


class MountAgent(Protocol):
    """A connection to one agent that keeps itself up. Orders may be said again without harm.

    Each order raises `AgentUnreachable` or `AgentRefused`; ``limit`` is in seconds.
    """

    @property
    def connected(self) -> bool:
        """Whether orders can be sent just now."""

    node: Hello | None

    async def start(self) -> None:
        """Begin to connect; returns at once."""

    async def close(self) -> None:
        """End the connection. The agent and all mounts go on."""

    async def hello(self, *, limit: float | None = None) -> Hello:
        """What the node can do, and what it lacks."""

    async def session(self, wanted: SessionWanted, *, limit: float | None = None) -> SessionSeen:
        """Make the session have exactly this; answers once it holds in full."""

    async def end(self, session: str, *, limit: float | None = None) -> SessionsEnded:
        """End a session for good; no order brings this id back."""

    async def keep(self, sessions: Sequence[str], *, limit: float | None = None) -> SessionsEnded:
        """End every session of the node that is not named."""


Connect = Callable[[Callable[[Event], None], Callable[[Hello], None]], MountAgent]
"""Makes an agent's connection: called with each event, and with each new connection's hello."""
