"""``jupyterhub-vmshare agent status``: does this node's agent run, and what has it mounted?"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.fields import BadMessage, object_of
from jupyterhub_vmshare.mounts.messages import (
    AskReport,
    Hello,
    Order,
    Refusal,
    Report,
    SayHello,
    SessionSeen,
    order_json,
)

_PATIENCE: Final = 10.0


class NoAnswer(Exception):
    """The agent can't be asked; the text is a sentence for the operator."""


def ask(path: Path) -> tuple[Hello, Report]:
    """What the agent that listens at ``path`` says of its node."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(path))
            connection.sendall(_line(1, SayHello()) + _line(2, AskReport()))
            answers = _answers(connection)
            return Hello.parse(answers[1]), Report.parse(answers[2])
    except FileNotFoundError:
        raise NoAnswer(f"No agent listens at {path}: start it as root.") from None
    except OSError as error:
        raise NoAnswer(f"The agent at {path} can't be asked: {error.strerror or error}.") from None
    except BadMessage as error:
        raise NoAnswer(f"The agent at {path} says what makes no sense: {error}") from None


def _line(number: int, order: Order) -> bytes:
    return json.dumps(order_json(number, order)).encode() + b"\n"


def _answers(connection: socket.socket) -> dict[int, dict[str, object]]:
    found: dict[int, dict[str, object]] = {}
    for line in connection.makefile("rb"):
        answer = object_of(line)
        if "event" in answer:
            continue
        if answer.get("ok") is not True:
            raise NoAnswer(Refusal.parse(answer).because)
        found[int(answer["order"])] = answer
        if len(found) == 2:
            break
    else:
        raise NoAnswer("The agent hung up.")
    return found


def lines(hello: Hello, report: Report) -> Iterator[str]:
    """What an operator wants to read. Ids and levels; no name of a file or a person."""
    yield f"{hello.node}: {'can mount' if hello.can_mount else 'CAN NOT MOUNT'}"
    yield from (f"  missing: {sentence}" for sentence in hello.missing)
    yield f"  guard: {f'process {hello.guard.pid}' if hello.guard else 'none'}"
    yield f"  sessions: {len(report.sessions)}"
    for session in report.sessions:
        yield from _session(session)


def _session(session: SessionSeen) -> Iterator[str]:
    yield f"    {session.session} at {session.view}"
    for folder in session.folders:
        because = f": {folder.because}" if folder.because else ""
        yield f"      {folder.folder} {folder.state} {folder.level or ''}".rstrip() + because
