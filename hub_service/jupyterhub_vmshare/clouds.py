"""Which cloud the operator named. Adapters are imported by their name, when one is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final, cast

from jupyterhub_vmshare.cloud.port import Cloud

_KEEPERS: Final = {
    "sandbox": (
        f"{__package__}.cloud.sandbox.client:SandboxCloud",
        Path("/run/vmshare-sandboxes/keeper.sock"),
    ),
    "qemu": (f"{__package__}.cloud.qemu.client:QemuCloud", Path("/run/vmshare-qemu/keeper.sock")),
}


def cloud_named(name: str, address: str = "") -> Cloud | None:
    """The cloud of that name; None for no name.

    Args:
        name: ``sandbox``, ``qemu``, or ``package.module:function`` for one that the operator
            brought; the function is called with the address.
        address: Where the adapter finds its cloud; empty: where it is by default.

    Raises:
        ValueError: That is no name of a cloud.
        ImportError, AttributeError: There is no such module, or no such function in it.
    """
    if not name:
        return None
    if name in _KEEPERS:
        adapter, keeper = _KEEPERS[name]
        return cast(Cloud, _found(adapter)(Path(address) if address else keeper))
    return cast(Cloud, _found(name)(address))


def _found(where: str) -> type:
    module, _, attribute = where.partition(":")
    if not attribute:
        raise ValueError(f"{where!r}: write it as sandbox, qemu, or as package.module:function.")
    return cast(type, getattr(import_module(module), attribute))
