"""What the hub service and the agents of the nodes say to each other, as both sides read it.

Lines of JSON; ``docs/reference/mount-protocols.md`` has examples. Orders are read strictly, as the
agent is root. Answers and events are read for what is known of them, so that a newer agent may say
more. The standard library alone is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from jupyterhub_vmshare.mounts.fields import Fields
from jupyterhub_vmshare.mounts.wanted import ACCOUNT_ID as ACCOUNT_ID
from jupyterhub_vmshare.mounts.wanted import FOLDER_ID as FOLDER_ID
from jupyterhub_vmshare.mounts.wanted import SESSION_ID as SESSION_ID
from jupyterhub_vmshare.mounts.wanted import FolderWanted as FolderWanted
from jupyterhub_vmshare.mounts.wanted import SessionWanted as SessionWanted

VERSION: Final = 1


# Orders


@dataclass(frozen=True, slots=True)
class SayHello:
    """What can this node do?"""

    do: ClassVar = "hello"
    version: int = VERSION

    @classmethod
    def take(cls, fields: Fields) -> SayHello:
        return cls(fields.whole("version"))


@dataclass(frozen=True, slots=True)
class SetSession:
    """Make one session have exactly this."""

    do: ClassVar = "session"
    session: SessionWanted

    @classmethod
    def take(cls, fields: Fields) -> SetSession:
        return cls(SessionWanted.parse(fields.take("session")))


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over: its mount goes, and its id is refused from now on."""

    do: ClassVar = "end"
    session: str

    @classmethod
    def take(cls, fields: Fields) -> EndSession:
        return cls(fields.text("session", pattern=SESSION_ID))


@dataclass(frozen=True, slots=True)
class KeepSessions:
    """These live; all others end."""

    do: ClassVar = "keep"
    sessions: tuple[str, ...]

    @classmethod
    def take(cls, fields: Fields) -> KeepSessions:
        found = []
        for name in fields.items("sessions"):
            found.append(Fields({"session": name}, "the list").text("session", pattern=SESSION_ID))
        return cls(tuple(found))


@dataclass(frozen=True, slots=True)
class AskReport:
    """What is there?"""

    do: ClassVar = "report"

    @classmethod
    def take(cls, fields: Fields) -> AskReport:
        return cls()


Order = SayHello | SetSession | EndSession | KeepSessions | AskReport
_ORDERS: Final[dict[str, type[Order]]] = {
    kind.do: kind for kind in (SayHello, SetSession, EndSession, KeepSessions, AskReport)
}


def order_of(raw: dict[str, Any]) -> Order:
    """The order that an object holds."""
    fields = Fields(raw, "an order")
    fields.whole("order")
    kind = _ORDERS[fields.one_of("do", _ORDERS)]
    found = kind.take(fields)
    fields.done()
    return found


def order_json(number: int, order: Order) -> dict[str, Any]:
    """The object that is sent for an order."""
    said = {"order": number, "do": order.do, **asdict(order)}
    if isinstance(order, SetSession):
        for folder in said["session"]["folders"]:
            if not folder["direct"]:
                del folder["direct"]  # an agent of before knows no such key
    return said


# Answers


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that was not obeyed: a code for programs, a sentence for people."""

    code: str
    because: str

    @classmethod
    def parse(cls, raw: object) -> Refusal:
        fields = Fields(raw, "a refusal")
        return cls(fields.text("code"), fields.text("because"))


@dataclass(frozen=True, slots=True)
class GuardSeen:
    """The guard that serves this node's mounts."""

    pid: int
    since: float


@dataclass(frozen=True, slots=True)
class Hello:
    """What a node can do; ``missing`` are sentences for an operator."""

    version: int
    node: str
    can_mount: bool
    missing: tuple[str, ...] = ()
    guard: GuardSeen | None = None

    @classmethod
    def parse(cls, raw: object) -> Hello:
        fields = Fields(raw, "the answer to hello")
        guard = fields.take("guard")
        seen = Fields(guard, "the guard") if guard is not None else None
        return cls(
            version=fields.whole("version"),
            node=fields.text("node"),
            can_mount=fields.truth("can_mount"),
            missing=tuple(str(sentence) for sentence in fields.items("missing")),
            guard=GuardSeen(seen.whole("pid"), seen.number("since")) if seen else None,
        )


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """One folder as one session has it.

    ``state``: ``mounted``; ``ended`` where the end date has passed; ``failed``, and why. ``level``
    is None where the session can't reach the folder. ``direct``: past the guard; where that was
    wanted and is not so, ``because`` says why.
    """

    folder: str
    state: str
    level: str | None = None
    because: str | None = None
    direct: bool = False

    @classmethod
    def parse(cls, raw: object) -> FolderSeen:
        fields = Fields(raw, "a folder")
        return cls(
            fields.text("folder"),
            fields.text("state"),
            fields.text_or_none("level"),
            fields.text_or_none("because"),
            fields.has("direct") and fields.truth("direct"),
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """What an order took away from a running session.

    ``now`` is None where nothing is left. ``known`` are files that the session had seen, ``open``
    descriptors, ``writable`` those of them for writing; ``took`` is in seconds.
    """

    folder: str
    was: str
    now: str | None
    known: int = 0
    open: int = 0
    writable: int = 0
    took: float = 0.0

    @classmethod
    def parse(cls, raw: object) -> Cut:
        fields = Fields(raw, "a cut")
        return cls(
            folder=fields.text("folder"),
            was=fields.text("was"),
            now=fields.text_or_none("now"),
            known=fields.whole("known"),
            open=fields.whole("open"),
            writable=fields.whole("writable"),
            took=fields.number("took"),
        )


@dataclass(frozen=True, slots=True)
class StillHeld:
    """So many processes of a session still have something open of what they had directly, and have
    no more: it can't be taken from them."""

    folder: str
    processes: int

    @classmethod
    def parse(cls, raw: object) -> StillHeld:
        fields = Fields(raw, "what is held")
        return cls(fields.text("folder"), fields.whole("processes"))


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """What a session has now. The mount is at ``<view>/m``."""

    session: str
    version: int
    view: str
    folders: tuple[FolderSeen, ...] = ()
    cut: tuple[Cut, ...] = ()
    held: tuple[StillHeld, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> SessionSeen:
        fields = Fields(raw, "a session")
        held = fields.items("held") if fields.has("held") else []
        return cls(
            session=fields.text("session"),
            version=fields.whole("version"),
            view=fields.text("view", most=4096),
            folders=tuple(FolderSeen.parse(folder) for folder in fields.items("folders")),
            cut=tuple(Cut.parse(cut) for cut in fields.items("cut")),
            held=tuple(StillHeld.parse(one) for one in held),
        )


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Which sessions an order ended; one that was not there (any more) is not named."""

    ended: tuple[str, ...]

    @classmethod
    def parse(cls, raw: object) -> SessionsEnded:
        return cls(_texts(Fields(raw, "the answer").items("ended")))


@dataclass(frozen=True, slots=True)
class Report:
    """All that a node has."""

    sessions: tuple[SessionSeen, ...]

    @classmethod
    def parse(cls, raw: object) -> Report:
        fields = Fields(raw, "a report")
        return cls(tuple(SessionSeen.parse(session) for session in fields.items("sessions")))


Answer = Hello | SessionSeen | SessionsEnded | Report


def answer_json(number: int, answer: Answer | Refusal) -> dict[str, Any]:
    """The object that is sent for an answer."""
    return {"order": number, "ok": not isinstance(answer, Refusal), **asdict(answer)}


# Events


@dataclass(frozen=True, slots=True)
class Expired:
    """An end date was reached: the guard has ended the access by itself."""

    event: ClassVar = "expired"
    session: str
    folder: str


@dataclass(frozen=True, slots=True)
class GuardRestarted:
    """There is a guard (again). These sessions have new mounts, and what they had open answers
    ``ENOTCONN``; none, where it is news to those alone who heard that the node can't mount."""

    event: ClassVar = "guard_restarted"
    sessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody used the session's view any more, so the agent has ended it."""

    event: ClassVar = "lost"
    session: str


Event = Expired | GuardRestarted | Lost


def event_of(raw: dict[str, Any]) -> Event | None:
    """The event that an object holds, or None for one that this version does not know."""
    fields = Fields(raw, "an event")
    match fields.text("event"):
        case Expired.event:
            return Expired(fields.text("session"), fields.text("folder"))
        case GuardRestarted.event:
            return GuardRestarted(_texts(fields.items("sessions")))
        case Lost.event:
            return Lost(fields.text("session"))
    return None


def event_json(event: Event) -> dict[str, Any]:
    """The object that is sent for an event."""
    return {"event": event.event, **asdict(event)}


def _texts(found: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(text) for text in found)
