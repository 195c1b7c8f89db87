"""tus 1.0 spoken by hand, header by header, so that it can be spoken wrongly."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterable
from typing import Any

import httpx2

from tests.fixtures.api import Json, Person

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    """The header ``Upload-Metadata``."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()
    )


def checksum(data: bytes, algorithm: str = "sha1") -> dict[str, str]:
    """The header ``Upload-Checksum`` of these bytes."""
    digest = hashlib.new(algorithm, data).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


class Tus:
    """One person's uploads to one folder."""

    def __init__(self, person: Person, folder: str) -> None:
        self.person = person
        self.folder = folder
        self.where = f"/folders/{folder}/uploads"

    async def create(self, length: int, path: str = "big", **more: Any) -> httpx2.Response:
        """The answer to the beginning of an upload."""
        values = {"path": path, **more.pop("metadata", {})}
        headers = {
            **VERSION,
            "Upload-Length": str(length),
            "Upload-Metadata": metadata(**values),
            **more.pop("headers", {}),
        }
        return await self.person.call("POST", self.where, headers=headers, **more)

    async def begin(self, length: int, path: str = "big", **more: Any) -> str:
        """The id of a new upload."""
        return made(await self.create(length, path, **more))

    async def part(self, data: bytes) -> str:
        """The id of a part of which all bytes have come."""
        headers = {**VERSION, "Upload-Length": str(len(data)), "Upload-Concat": "partial"}
        answer = await self.person.call("POST", self.where, headers=headers)
        upload = made(answer)
        if data:
            assert (await self.patch(upload, 0, data)).status_code == 204
        return upload

    async def join(self, parts: list[str], path: str = "big", **more: Any) -> httpx2.Response:
        """The answer to joining parts."""
        addresses = " ".join(f"/anywhere/uploads/{part}" for part in parts)
        headers = {
            **VERSION,
            "Upload-Concat": f"final;{addresses}",
            "Upload-Metadata": metadata(path=path, **more.pop("metadata", {})),
        }
        return await self.person.call("POST", self.where, headers=headers, **more)

    async def patch(
        self,
        upload: str,
        offset: int,
        data: bytes | AsyncIterable[bytes],
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """The answer to the next bytes."""
        told = {**VERSION, **BYTES, "Upload-Offset": str(offset), **(headers or {})}
        return await self.call("PATCH", upload, headers=told, content=data)

    async def head(self, upload: str) -> httpx2.Response:
        """How far an upload is."""
        return await self.call("HEAD", upload, headers=VERSION)

    async def offset(self, upload: str) -> int:
        """How many bytes have come."""
        answer = await self.head(upload)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    async def delete(self, upload: str) -> httpx2.Response:
        """The answer to giving an upload up."""
        return await self.call("DELETE", upload, headers=VERSION)

    async def unfinished(self) -> list[Json]:
        """What the person could go on with."""
        return await self.person.all(self.where)

    async def call(self, method: str, upload: str, **more: Any) -> httpx2.Response:
        """Any request about one upload."""
        return await self.person.call(method, f"{self.where}/{upload}", **more)


def made(answer: httpx2.Response) -> str:
    """The id of what was made."""
    assert answer.status_code == 201, answer.text
    upload = str(answer.json()["id"])
    assert answer.headers["Location"].endswith(f"/uploads/{upload}")
    return upload
