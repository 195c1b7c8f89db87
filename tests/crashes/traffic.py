"""Random traffic of several people who don't give up: what is not answered is sent again."""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.audit.sse import Sent, listening
from tests.crashes.journal import Journal, KnownFolder, KnownGrant
from tests.crashes.process import PREFIX, Victim
from tests.fakes.hub import FakeHub
from tests.pages.conftest import NAVIGATE, token_in

LEVELS = ("view", "edit", "edit_delete")
TUS, BYTES = {"Tus-Resumable": "1.0.0"}, "application/offset+octet-stream"
FAR = datetime(2040, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


class Somebody:
    """One person with a notebook server, a browser, and patience."""

    def __init__(
        self, name: str, others: list[str], victim: Victim, hub: FakeHub, journal: Journal
    ) -> None:
        self.name, self.others, self.journal = name, others, journal
        self.victim, self.hub = victim, hub
        self.token = hub.visitor_token(name)
        self.heard: list[Sent] = []
        self.random = random.Random(name)
        headers = {"Authorization": f"Bearer {self.token}"}
        self.client = httpx2.AsyncClient(base_url=victim.api_url, headers=headers, timeout=30)
        self.browser = httpx2.AsyncClient(
            base_url=victim.url + PREFIX,
            cookies=hub.sign_in(name),
            follow_redirects=True,
            timeout=30,
        )

    async def close(self) -> None:
        await self.client.aclose()
        await self.browser.aclose()

    # --- asking until there is an answer ---

    async def ask(self, kind: str, method: str, path: str, /, **more: Any) -> httpx2.Response:
        """The answer, however often the service has to be asked for it."""
        return await self._ask(self.client, kind, method, path, **more)

    async def _ask(
        self, client: httpx2.AsyncClient, kind: str, method: str, path: str, /, **more: Any
    ) -> httpx2.Response:
        while True:
            await self.victim.up()
            try:
                answer = await client.request(method, path, **more)
            except httpx2.TransportError:
                await asyncio.sleep(0.05)  # its death takes a moment to be noticed
                continue
            assert answer.status_code < 500, f"{method} {path}: {answer.text}"
            self.journal.answers[kind, answer.status_code] += 1
            return answer

    def key(self) -> dict[str, str]:
        """The header of a request that may be sent again."""
        return {"Idempotency-Key": f"{self.name}-{next(_numbers)}"}

    # --- what there is to choose from ---

    def own_folder(self, state: str = "live") -> KnownFolder | None:
        mine = [
            f for f in self.journal.folders.values() if (f.owner, f.state) == (self.name, state)
        ]
        return self.random.choice(mine[-6:]) if mine else None

    def grant(self, role: str, *states: str) -> KnownGrant | None:
        found = [
            grant
            for grant in self.journal.grants.values()
            if getattr(grant, role) == self.name and grant.state in states
        ]
        return self.random.choice(found[-6:]) if found else None

    # --- folders ---

    async def create(self) -> None:
        name = f"{self.name} {next(_numbers)}"
        told = await self.ask("create", "POST", "/folders", json={"name": name}, headers=self.key())
        assert told.status_code == 201, told.text
        folder = told.json()["id"]
        self.journal.made[name] = folder
        self.journal.folders[folder] = KnownFolder(folder, self.name)

    async def rename(self) -> None:
        if (folder := self.own_folder()) is None:
            return await self.create()
        path, name = f"/folders/{folder.id}", f"{self.name} renamed {next(_numbers)}"
        seen = await self.ask("look", "GET", path)
        headers = {"If-Match": seen.headers.get("ETag", '"1"')}
        told = await self.ask("rename", "PATCH", path, json={"name": name}, headers=headers)
        if told.is_success:
            self.journal.renamed[name] = folder.id
        return None

    async def trash(self) -> None:
        await self._put("live", "trash", "folder.trashed", "trashed")

    async def restore(self) -> None:
        await self._put("trashed", "restore", "folder.restored", "live")

    async def _put(self, state: str, verb: str, event: str, to: str) -> None:
        if (folder := self.own_folder(state)) is None:
            return await (self.create() if state == "live" else self.trash())
        told = await self.ask(verb, "POST", f"/folders/{folder.id}/{verb}")
        if told.is_success:
            self.journal.told[event, folder.id] += 1
        # What was refused was in that state already: the answer before was lost.
        folder.state = to
        return None

    async def delete(self) -> None:
        """For ever, on the service's own page."""
        if (folder := self.own_folder("trashed")) is None:
            return await self.trash()
        path = f"confirm/delete-folder/{folder.id}"
        page = await self._ask(self.browser, "look", "GET", path, headers=NAVIGATE)
        if not page.is_success:
            folder.state = "deleted" if page.status_code == 404 else "live"
            return None
        view = (await self.ask("look", "GET", f"/folders/{folder.id}")).json()
        form = {"form": token_in(page), "name": view.get("name", "")}
        headers = {**NAVIGATE, "Origin": self.victim.url}
        told = await self._ask(self.browser, "delete", "POST", path, data=form, headers=headers)
        if told.is_success:
            self.journal.told["folder.deleted", folder.id] += 1
            folder.state = "deleted"
        return None

    async def upload(self) -> None:
        held = [
            grant.folder
            for grant in self.journal.grants.values()
            if (grant.receiver, grant.state) == (self.name, "active") and grant.level != "view"
        ]
        own = self.own_folder()
        folder = self.random.choice([*held[-4:], *([own.id] if own else [])] or [""])
        if not folder:
            return await self.create()
        place = (folder, f"{self.name} {next(_numbers)}.bin")
        content = self.random.randbytes(self.random.choice((0, 10, 70_000, 300_000)))
        self.journal.tried[place] = content
        query = {"path": place[1], "overwrite": "true"}
        told = await self.ask(
            "upload", "PUT", f"/folders/{folder}/file", params=query, content=content
        )
        if told.is_success:
            self.journal.written.add(place)
        return None

    async def resume(self) -> None:
        """An upload in pieces, gone on with from wherever it stood."""
        if (folder := self.own_folder()) is None:
            return await self.create()
        place = (folder.id, f"{self.name} {next(_numbers)}.tus")
        content = self.random.randbytes(self.random.choice((0, 10, 70_000, 300_000)))
        self.journal.tried[place] = content
        if (path := await self._begin(place, len(content))) is None:
            return None
        while (told := await self.ask("look", "HEAD", path, headers=TUS)).is_success:
            offset = int(told.headers["Upload-Offset"])
            if offset == len(content):
                self.journal.written.add(place)
                return None
            headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": BYTES}
            piece = content[offset : offset + self.random.choice((1_000, 100_000, 300_000))]
            await self.ask("resume", "PATCH", path, headers=headers, content=piece)
        return None

    async def give_up(self) -> None:
        """An upload that nobody goes on with."""
        if (folder := self.own_folder()) is None:
            return await self.create()
        path = await self._begin((folder.id, f"{self.name} {next(_numbers)}.never"), 10)
        if path is not None:
            headers = {**TUS, "Upload-Offset": "0", "Content-Type": BYTES}
            await self.ask("resume", "PATCH", path, headers=headers, content=b"half ")
            await self.ask("give_up", "DELETE", path, headers=TUS)
        return None

    async def _begin(self, place: tuple[str, str], length: int) -> str | None:
        """The path of a new upload; None: the folder is not there any more."""
        told_path = base64.b64encode(place[1].encode()).decode()
        headers = {
            **TUS,
            "Upload-Length": str(length),
            "Upload-Metadata": f"path {told_path},overwrite dHJ1ZQ==",
        }
        told = await self.ask("begin", "POST", f"/folders/{place[0]}/uploads", headers=headers)
        return f"/folders/{place[0]}/uploads/{told.json()['id']}" if told.is_success else None

    # --- sharing ---

    async def invite(self) -> None:
        await self._invite(FAR + timedelta(seconds=next(_numbers)))

    async def brief(self) -> None:
        """An invitation that ends in a moment."""
        soon = datetime.now(UTC) + timedelta(seconds=self.random.choice((0.6, 1.5)))
        await self._invite(soon.replace(microsecond=next(_numbers) % 1000 * 1000))

    async def _invite(self, end: datetime) -> None:
        if (folder := self.own_folder()) is None:
            return await self.create()
        receivers = self.random.sample(self.others, self.random.choice((1, 2)))
        wanted = [
            {"receiver": name, "level": self.random.choice(LEVELS), "ends_at": end.isoformat()}
            for name in receivers
        ]
        path = f"/folders/{folder.id}/grants"
        told = await self.ask("invite", "POST", path, json={"grants": wanted}, headers=self.key())
        if not told.is_success:
            return None
        given = [result["grant"] for result in told.json()["results"] if result["grant"]]
        self.journal.invited[moment(end.isoformat())] = {g["receiver"]["name"] for g in given}
        for one in given:
            self.journal.grants[one["id"]] = KnownGrant(
                one["id"], folder.id, one["receiver"]["name"], self.name, one["level"]
            )
        return None

    async def accept(self) -> None:
        await self._answer("accept", "active")

    async def decline(self) -> None:
        await self._answer("decline", "ended")

    async def _answer(self, verb: str, state: str) -> None:
        if (grant := self.grant("receiver", "pending")) is None:
            return await self.invite()
        told = await self.ask(verb, "POST", f"/invitations/{grant.id}/{verb}")
        if told.is_success:
            event = {"accept": "grant.accepted", "decline": "grant.declined"}[verb]
            self.journal.told[event, grant.id] += 1
        grant.state = state if told.is_success else "ended"
        return None

    async def change(self) -> None:
        if (grant := self.grant("giver", "pending", "active")) is None:
            return await self.invite()
        people = await self.ask("look", "GET", f"/folders/{grant.folder}/people")
        versions = {g["id"]: g["version"] for g in people.json().get("grants", [])}
        end = (FAR + timedelta(seconds=next(_numbers))).isoformat()
        told = await self.ask(
            "change",
            "PATCH",
            f"/grants/{grant.id}",
            json={"level": self.random.choice(LEVELS), "ends_at": end},
            headers={"If-Match": f'"{versions.get(grant.id, 1)}"'},
        )
        if told.is_success:
            self.journal.changed[moment(end)] = grant.id
            grant.level = told.json()["level"]
        return None

    async def revoke(self) -> None:
        await self._take("active")

    async def cancel(self) -> None:
        await self._take("pending")

    async def _take(self, state: str) -> None:
        if (grant := self.grant("giver", state)) is None:
            return await self.invite()
        self._note(grant, await self.ask("revoke", "DELETE", f"/grants/{grant.id}"))
        return None

    async def leave(self) -> None:
        if (grant := self.grant("receiver", "active")) is None:
            return await self.accept()
        self._note(grant, await self.ask("leave", "POST", f"/folders/{grant.folder}/leave"))
        return None

    def _note(self, grant: KnownGrant, told: httpx2.Response) -> None:
        grant.state = "ended"
        for over in told.json().get("ended", []):
            self.journal.ended(over["id"], f"grant.{over['ended_why']}")

    async def teams(self) -> None:
        """Somebody changes teams, and the service is told to look."""
        if self.name in self.hub.groups["genomics"]:
            self.hub.leave(self.name, "genomics")
        else:
            self.hub.join(self.name, "genomics")
        await self.ask("teams", "POST", "/teams/refresh")

    # --- all of it ---

    @property
    def verbs(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Everything people do, by name."""
        folders = (self.create, self.rename, self.trash, self.restore, self.delete, self.upload)
        uploads = (self.resume, self.give_up)
        sharing = (self.invite, self.brief, self.accept, self.decline, self.change)
        ending = (self.revoke, self.cancel, self.leave, self.teams)
        return {act.__name__: act for act in (*folders, *uploads, *sharing, *ending)}

    async def live(self, over: asyncio.Event, wanted: Callable[[], str]) -> None:
        """Do one thing after the other; most often what ``wanted`` says."""
        names = list(self.verbs)
        while not over.is_set():
            name = self.random.choice([*names, *[wanted()] * 8])
            await self.verbs[name or self.random.choice(names)]()

    async def listen(self, over: asyncio.Event) -> None:
        """One stream after the other, each from where the last one broke off."""
        while not over.is_set():
            await self.victim.up()
            last = self.heard[-1].id if self.heard else 0
            try:
                async with listening(self.victim.api_url, self.token, last=last) as stream:
                    await stream.until(lambda s=stream: s.ended or over.is_set(), 600)  # type: ignore[misc]
                    self._hear(stream.events)
            except httpx2.TransportError:
                await asyncio.sleep(0.05)

    def _hear(self, events: list[Sent]) -> None:
        assert all(event.name != "reset" for event in events), "the stream forgot its position"
        self.heard += [event for event in events if event.name != "ready"]


def moment(text: str) -> str:
    """An end date in one spelling, to the millisecond."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.isoformat(timespec="milliseconds")
