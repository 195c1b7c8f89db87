"""A stand-in for the share-guard: its control socket, and nothing behind the mounts.

So nothing may look into a mount of its. It runs by itself (it imports nothing of ours), writes down
every order, and has faults that a test can ask for: files of that name in its state directory.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import time
from pathlib import Path
from urllib.parse import quote, unquote

Words = dict[str, str]
LEVELS = ("view", "edit", "edit_delete")


class Refuse(Exception):
    """An order that is answered `error`."""


class StandIn:
    """One guard that serves nobody."""

    def __init__(self, control: str, state: Path) -> None:
        self.state = state
        self.since = time.time()
        self.sessions: dict[str, Words] = {}
        self.fuse: dict[str, int] = {}
        self.folders: dict[tuple[str, str], Words] = {}
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(control)
        self.listening.listen()
        self.agent: socket.socket | None = None

    def run(self) -> None:
        while True:
            ears = [self.listening, *([self.agent] if self.agent else [])]
            ready, _, _ = select.select(ears, [], [], 0.02)
            if self.listening in ready:
                self.agent, _ = self.listening.accept()
            elif self.agent in ready and self.agent is not None:
                self.hear(self.agent)
            self.end_what_is_over()

    def hear(self, agent: socket.socket) -> None:
        packet, fds, _, _ = socket.recv_fds(agent, 65536, 4)
        if not packet:
            self.agent = None
            return
        verb, *pairs = packet.decode("ascii").split(" ")
        words = {key: unquote(value) for key, _, value in (one.partition("=") for one in pairs)}
        with (self.state / "orders").open("a") as file:
            file.write(f"{verb} {words.get('session', '')} {words.get('folder', '')} {len(fds)}\n")
        try:
            if self.fault(f"refuse-{verb}"):
                raise Refuse("failed")
            while self.fault(f"hang-{verb}"):
                time.sleep(0.05)
            said = getattr(self, verb)(words, fds)
            self.say("ok", {"n": words["n"], **said})
        except Refuse as why:
            self.say("error", {"n": words["n"], "code": str(why), "because": "So it was asked."})

    def fault(self, name: str) -> bool:
        return (self.state / name).exists()

    def say(self, verb: str, words: Words) -> None:
        if self.agent is not None:
            text = " ".join([verb, *(f"{key}={quote(value)}" for key, value in words.items())])
            self.agent.send(text.encode())

    def hello(self, words: Words, fds: list[int]) -> Words:
        return {"version": "1", "pid": str(os.getpid()), "since": f"{self.since:.6f}"}

    def session(self, words: Words, fds: list[int]) -> Words:
        if words["session"] in self.sessions:
            raise Refuse("exists")
        (self.fuse[words["session"]],) = fds
        self.sessions[words["session"]] = words
        return {}

    def drop(self, words: Words, fds: list[int]) -> Words:
        if words["session"] not in self.sessions:
            raise Refuse("unknown-session")
        os.close(self.fuse.pop(words["session"]))
        del self.sessions[words["session"]]
        self.folders = {key: w for key, w in self.folders.items() if key[0] != words["session"]}
        return {}

    def folder(self, words: Words, fds: list[int]) -> Words:
        session, key = words["session"], (words["session"], words["folder"])
        if session not in self.sessions:
            raise Refuse("unknown-session")
        if self.fault("end-first") and not fds:
            del self.folders[key]
            end = {"kind": "ended", "session": session, "folder": words["folder"]}
            self.say("event", {**end, "why": "expired"})
        for other, told in self.folders.items():
            if other != key and other[0] == session and told["name"] == words["name"]:
                raise Refuse("name-taken")
        if key not in self.folders and not fds:
            raise Refuse("no-descriptor")
        for fd in fds:
            os.close(fd)
        self.folders[key] = words
        return {"known": "12", "open": "3", "writable": "1", "took": "4000"}

    def remove(self, words: Words, fds: list[int]) -> Words:
        if self.folders.pop((words["session"], words["folder"]), None) is None:
            raise Refuse("unknown-folder")
        return {"known": "12", "open": "3", "writable": "1", "took": "4000"}

    def report(self, words: Words, fds: list[int]) -> Words:
        for told in self.sessions.values():
            self.say("session", {**told, "n": words["n"]})
        for told in self.folders.values():
            known = {"known": "12"}
            if self.fault("short-report"):
                known = {"grant": ""}
            said = {**told, "n": words["n"], **known}
            self.say("folder", {key: value for key, value in said.items() if value})
        return {}

    def quit(self, words: Words, fds: list[int]) -> Words:
        self.say("ok", {"n": words["n"]})
        raise SystemExit(0)

    def end_what_is_over(self) -> None:
        for (session, folder), told in list(self.folders.items()):
            if told["until"] != "-" and float(told["until"]) <= time.time():
                del self.folders[session, folder]
                end = {"kind": "ended", "session": session, "folder": folder, "why": "expired"}
                self.say("event", {**end, "known": "0", "open": "0", "writable": "0"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option in ("--control", "--state", "--uid", "--gid"):
        parser.add_argument(option, required=True)
    told = parser.parse_args()
    if (Path(told.state) / "dies").exists():
        raise SystemExit("The stand-in dies, as it was asked to.")
    StandIn(told.control, Path(told.state)).run()
