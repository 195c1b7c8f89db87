"""Asking the guest agent. It is whoever's is root on the machine: nothing it says is believed."""

from __future__ import annotations

import json
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_LONGEST: Final = 1 << 16
QUICK: Final = 5.0


class NoAnswer(Exception):
    """There is no agent, or it does not obey."""


class Agent:
    """One conversation with the agent of one machine.

    Args:
        path: The socket that leads there.
        patience: Seconds that each answer may take.
    """

    def __init__(self, path: Path, patience: float = QUICK) -> None:
        self._patience = patience
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._told = b""
        try:
            self._socket.settimeout(patience)
            self._socket.connect(str(path))
            self._be_in_step()
        except OSError as error:
            self._socket.close()
            raise NoAnswer(str(error)) from error
        except NoAnswer:
            self._socket.close()
            raise

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *what: object) -> None:
        self._socket.close()

    def ask(self, do: str, **told: Any) -> Any:
        """One order, and what it gave. Raises `NoAnswer`."""
        self._say(do, told)
        answer = self._hear()
        if "error" in answer:
            raise NoAnswer(str(answer["error"])[:200])
        return answer.get("return")

    def say(self, do: str, **told: Any) -> None:
        """One order that is not answered."""
        self._say(do, told)

    def run(self, path: str, *words: str, patience: float) -> bool:
        """Run a program there; whether it went well."""
        started = self.ask("guest-exec", path=path, arg=list(words))
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            state = self.ask("guest-exec-status", pid=_whole(started, "pid"))
            if isinstance(state, dict) and state.get("exited") is True:
                return state.get("exitcode") == 0
            time.sleep(0.2)
        raise NoAnswer("It takes too long.")

    def _be_in_step(self) -> None:
        """What an earlier keeper asked may still be answered: those lines are left out."""
        number = secrets.randbits(31)
        self._socket.sendall(b"\xff")
        self._say("guest-sync", {"id": number})
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if self._hear().get("return") == number:
                return
        raise NoAnswer("It does not answer.")

    def _say(self, do: str, told: dict[str, Any]) -> None:
        order = {"execute": do, **({"arguments": told} if told else {})}
        try:
            self._socket.sendall(json.dumps(order).encode() + b"\n")
        except OSError as error:
            raise NoAnswer(str(error)) from error

    def _hear(self) -> dict[str, Any]:
        while b"\n" not in self._told:
            try:
                more = self._socket.recv(4096)
            except OSError as error:
                raise NoAnswer(str(error)) from error
            if not more or len(self._told) > _LONGEST:
                raise NoAnswer("It hung up.")
            self._told += more
        line, _, self._told = self._told.partition(b"\n")
        with suppress(ValueError):
            found = json.loads(line.strip(b"\xff"))
            if isinstance(found, dict):
                return found
        return {"error": "That is no answer."}


def _whole(told: Any, name: str) -> int:
    if not isinstance(told, dict) or not isinstance(told.get(name), int):
        raise NoAnswer("That is no answer.")
    return int(told[name])
