"""What the service and a keeper of machines say to each other: lines of JSON.

Each connection carries one order and its answer. Orders are read strictly, as the keeper is root:
what comes out of here is a name that it made itself, a mark, or a number in a range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from jupyterhub_vmshare.mounts.fields import BadMessage, Fields

VERSION: Final = 1

# As `ids.new_id` makes them, and as the keeper makes its own.
MARK: Final = r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}"
MACHINE: Final = r"(sbx|qvm)-[0-9a-f]{16}"
DRIVE: Final = r"dsk-[0-9a-f]{16}"
SNAPSHOT: Final = r"snp-[0-9a-f]{16}"
IMAGE: Final = r"[a-z0-9][a-z0-9.-]{0,62}"
HOSTNAME: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SIZE_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_KEY: Final = r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [ -~]*)?"
_MOST_GIB, _MOST_MIB, _MOST_PROCESSORS = 1 << 16, 1 << 26, 4096
_MOST_KEYS: Final = 32

# Why an order was not obeyed, for programs.
BUSY, REFUSED, FULL, MISSING = "busy", "refused", "full", "missing"
NOT_ALLOWED, MALFORMED, FAILED = "not-allowed", "malformed", "failed"

Told = dict[str, Any]


def _size(raw: object) -> Told:
    fields = Fields(raw, "a size")
    found = {
        "id": fields.text("id", pattern=_SIZE_NAME),
        "processors": fields.whole("processors", least=1, most=_MOST_PROCESSORS),
        "memory_mib": fields.whole("memory_mib", least=64, most=_MOST_MIB),
        "disk_gib": fields.whole("disk_gib", least=1, most=_MOST_GIB),
    }
    fields.done()
    return found


def _seed(raw: object) -> Told:
    fields = Fields(raw, "a seed")
    keys = fields.items("authorities")
    if len(keys) > _MOST_KEYS:
        fields.refuse("authorities", f"{_MOST_KEYS} keys at most")
    found = {
        "hostname": fields.text("hostname", pattern=HOSTNAME),
        "machine_id": fields.text("machine_id", pattern=MARK),
        "authorities": [Fields({"key": key}, "a key").text("key", pattern=_KEY) for key in keys],
    }
    fields.done()
    return found


def _or_none(fields: Fields, name: str, pattern: str) -> str | None:
    return None if fields.take(name) is None else fields.text(name, pattern=pattern)


def _wanted(fields: Fields) -> Told:
    found = {
        "mark": fields.text("mark", pattern=MARK),
        "size": _size(fields.take("size")),
        "seed": _seed(fields.take("seed")),
        "image": _or_none(fields, "image", IMAGE),
        "snapshot": _or_none(fields, "snapshot", SNAPSHOT),
    }
    if (found["image"] is None) == (found["snapshot"] is None):
        raise BadMessage("A machine is made from an image or from a snapshot.")
    return found


def _machine(fields: Fields) -> Told:
    return {"machine": fields.text("machine", pattern=MACHINE)}


def _drive(fields: Fields) -> Told:
    return {"drive": fields.text("drive", pattern=DRIVE)}


def _snapshot(fields: Fields) -> Told:
    return {"snapshot": fields.text("snapshot", pattern=SNAPSHOT)}


def _nothing(fields: Fields) -> Told:
    return {}


def _new_drive(fields: Fields) -> Told:
    return {
        "mark": fields.text("mark", pattern=MARK),
        "size_gib": fields.whole("size_gib", least=1, most=_MOST_GIB),
        "clone_of": _or_none(fields, "clone_of", DRIVE),
    }


_READERS: Final[dict[str, Callable[[Fields], Told]]] = {
    "hello": lambda f: {"version": f.whole("version")},
    "images": _nothing,
    "machines": _nothing,
    "machine": _machine,
    "create_machine": _wanted,
    "start_machine": _machine,
    "stop_machine": _machine,
    "reboot_machine": lambda f: {**_machine(f), "hard": f.truth("hard")},
    "resize_machine": lambda f: {**_machine(f), "size": _size(f.take("size"))},
    "rebuild_machine": lambda f: {**_machine(f), "wanted": _read_wanted(f.take("wanted"))},
    "delete_machine": _machine,
    "console_log": lambda f: {**_machine(f), "most_bytes": f.whole("most_bytes", most=1 << 18)},
    "host_keys": _machine,
    "drives": _nothing,
    "drive": _drive,
    "create_drive": _new_drive,
    "extend_drive": lambda f: {**_drive(f), "size_gib": f.whole("size_gib", most=_MOST_GIB)},
    "delete_drive": _drive,
    "attach_drive": lambda f: {**_drive(f), **_machine(f), "read_only": f.truth("read_only")},
    "detach_drive": lambda f: {**_drive(f), **_machine(f)},
    "snapshots": _nothing,
    "snapshot": _snapshot,
    "create_snapshot": lambda f: {**_machine(f), "mark": f.text("mark", pattern=MARK)},
    "delete_snapshot": _snapshot,
}


def _read_wanted(raw: object) -> Told:
    fields = Fields(raw, "what is wanted")
    found = _wanted(fields)
    fields.done()
    return found


def order_of(raw: Told) -> tuple[str, Told]:
    """What an order asks for: its verb, and what goes with it."""
    fields = Fields(raw, "an order")
    verb = fields.one_of("do", _READERS)
    found = _READERS[verb](fields)
    fields.done()
    return verb, found


def refusal(code: str, because: str) -> Told:
    """The answer to an order that was not obeyed."""
    return {"ok": False, "code": code, "because": because}
