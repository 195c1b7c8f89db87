"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read and written. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jupyterhub_vmshare.errors import Malformed, VMShareError
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.uploads.receipt import Checksum, Digest

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
BYTES: Final = "application/offset+octet-stream"
MOST_PARTS: Final = 64

_HASHES: dict[str, Callable[[], Digest]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}
ALGORITHMS: Final = tuple(_HASHES)

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_PART = re.compile(rf"(?:[^\s]*/)?({ID_PATTERN.replace('[a-z]{3}', 'upl')})")
_KEY = re.compile(r"[!-+\--~]{1,100}")
_MOST_METADATA = 16 * 1024


class UnknownProtocol(VMShareError):
    """No version of tus, or another one."""

    status, code = 412, "unknown-tus-version"

    def __init__(self) -> None:
        super().__init__(f"This speaks tus {VERSION}. Send Tus-Resumable: {VERSION}.")


class WrongType(VMShareError):
    """Bytes that do not say that they are the next ones of an upload."""

    status, code = 415, "wrong-content-type"

    def __init__(self) -> None:
        super().__init__(f"Send the bytes of an upload as {BYTES}.")


Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Concat:
    """``parts`` is None for a part, and names the parts for what is joined from them."""

    parts: tuple[str, ...] | None


def demand_version(headers: Headers) -> None:
    """Raises ``UnknownProtocol``."""
    if headers.get("Tus-Resumable") != VERSION:
        raise UnknownProtocol


def demand_bytes(headers: Headers) -> None:
    """Raises ``WrongType``."""
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != BYTES:
        raise WrongType


def number(headers: Headers, name: str) -> int:
    """A header that must be a number. Raises ``Malformed``."""
    given = headers.get(name, "").strip()
    if not _NUMBER.fullmatch(given):
        raise Malformed(f"{name} must say a number of bytes.")
    return int(given)


def checksum(headers: Headers) -> Checksum | None:
    """What the bytes of this request must come to. Raises ``Malformed``."""
    given = headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, value = given.strip().partition(" ")
    if algorithm not in _HASHES:
        raise Malformed(f"Upload-Checksum: give one of {', '.join(ALGORITHMS)}.")
    return Checksum(_HASHES[algorithm](), _decoded(value, "Upload-Checksum"))


def metadata(headers: Headers) -> dict[str, str]:
    """What the client says of the file; values are text here. Raises ``Malformed``."""
    given = headers.get("Upload-Metadata", "")
    if len(given) > _MOST_METADATA:
        raise Malformed(f"Upload-Metadata is longer than {_MOST_METADATA} characters.")
    return decoded(given)


def decoded(given: str) -> dict[str, str]:
    """Keys and values of a header ``Upload-Metadata``. Raises ``Malformed``."""
    found: dict[str, str] = {}
    for pair in given.split(",") if given.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Malformed("Upload-Metadata: keys are ASCII without blanks, and come once.")
        try:
            found[key] = _decoded(value, "Upload-Metadata").decode()
        except UnicodeDecodeError:
            raise Malformed(f"Upload-Metadata: {key} is not UTF-8.") from None
    return found


def concat(headers: Headers) -> Concat | None:
    """Whether this is a part, or joined from parts. Raises ``Malformed``."""
    given = headers.get("Upload-Concat")
    if given is None:
        return None
    word, semicolon, rest = given.strip().partition(";")
    if word == "partial" and not semicolon:
        return Concat(None)
    # Addresses differ with the way here (through a notebook server, or not); ids do not.
    matches = [_PART.fullmatch(address) for address in rest.split()]
    parts = tuple(match[1] for match in matches if match)
    if word != "final" or not parts or len(parts) != len(matches):
        raise Malformed("Upload-Concat is partial, or final; and the addresses of the parts.")
    if len(parts) > MOST_PARTS or len(set(parts)) != len(parts):
        raise Malformed(f"Upload-Concat: {MOST_PARTS} parts at most, each of them once.")
    return Concat(parts)


def _decoded(value: str, where: str) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{where}: this is not Base64.") from None


def header(name: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    """A header in the OpenAPI file."""
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": {"type": "string", **schema},
    }


RESUMABLE: Final = header("Tus-Resumable", required=True, enum=[VERSION])
OFFSET: Final = header("Upload-Offset", required=True, pattern=r"^\d{1,18}$")
LENGTH: Final = header("Upload-Length", pattern=r"^\d{1,18}$")
METADATA: Final = header("Upload-Metadata", maxLength=_MOST_METADATA)
CONCAT: Final = header("Upload-Concat")
CHECKSUM: Final = header("Upload-Checksum")
OVERRIDE: Final = header("X-HTTP-Method-Override", required=True, enum=["PATCH", "DELETE"])
