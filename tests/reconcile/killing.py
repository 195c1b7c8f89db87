"""The named steps of the reconciler, by what leads there: what people want, or what goes wrong."""

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
AMISS = {
    "machines": ("adopt", "accepted", "follow", "broken", "give_up", "lost"),
    "drives": ("adopt", "broken", "give_up", "lost"),
    "attachments": ("give_up",),
    "snapshots": ("adopt", "broken", "give_up", "lost"),
}
"""What nobody asked for: tests/reconcile/test_killed_when_amiss.py."""
NEVER_REFUSED = frozenset({"delete", "discard"})
"""Ordered again and again, whatever the cloud says."""

ORDERS = tuple(
    f"{kind}.{step}.{when}"
    for kind, groups in TAKEN.items()
    for steps in groups.values()
    for step in steps
    for when in _ORDERED
)
WRITTEN = tuple(f"{kind}.{step}.recorded" for kind, steps in ENDS.items() for step in steps)
REFUSED = tuple(
    f"{kind}.{step}.refused"
    for kind, groups in TAKEN.items()
    for steps in groups.values()
    for step in steps
    if step not in NEVER_REFUSED
)
WRITTEN_AMISS = tuple(f"{kind}.{step}.recorded" for kind, steps in AMISS.items() for step in steps)
STEPS = (*ORDERS, *WRITTEN, *REFUSED, *WRITTEN_AMISS)
