"""The named steps of the reconciler, by what people do that leads there."""

from __future__ import annotations

_ORDERED = ("marked", "ordered", "recorded")
TAKEN: dict[str, dict[str, tuple[str, ...]]] = {
    "machines": {
        "create": ("create", "start", "stop", "reboot", "resize", "rebuild", "delete"),
        "discard": ("discard",),
    },
    "drives": {"create": ("create", "extend", "delete"), "discard": ("discard",)},
    "attachments": {"attach": ("attach", "detach")},
    "snapshots": {"create": ("create", "delete"), "discard": ("discard",)},
}
ENDS = {
    "machines": ("read_keys", "settle", "forget"),
    "drives": ("settle", "forget"),
    "attachments": ("settle", "forget"),
    "snapshots": ("settle", "forget"),
}
ORDERS = tuple(
    f"{kind}.{step}.{when}"
    for kind, groups in TAKEN.items()
    for steps in groups.values()
    for step in steps
    for when in _ORDERED
)
WRITTEN = tuple(f"{kind}.{step}.recorded" for kind, steps in ENDS.items() for step in steps)
REFUSED = ("machines.create.refused",)
STEPS = (*ORDERS, *WRITTEN, *REFUSED)
