"""Sessions in containers: the view comes in as a volume, by traits that the spawner has anyway.

The directory of the view is bound and not the mount in it, with *slave* propagation: what the agent
mounts there, and mounts again after a guard's death, appears in the container that runs. A link to
it in the person's own files is made inside, by the server extension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any, Final

from jupyterhub.spawner import Spawner

VIEW: Final = "VMSHARE_VIEW"
"""In the session's environment: the directory that has its shared folders in it."""
INSIDE: Final = "/srv/vmshare-view"
"""Where the view is in the container."""
_VOLUME: Final = "vmshare-view"
JOVYAN: Final = (1000, 100)
"""Uid and gid of people in Jupyter's own images."""

_MIGHTY: Final = frozenset({"ALL", "SYS_ADMIN", "CAP_SYS_ADMIN", "SYS_PTRACE", "CAP_SYS_PTRACE"})
_TOO_FREE: Final = (
    "Sessions of this hub run in containers with rights of the machine's administrator "
    "({which}), which no level of a folder would hold back."
)


def is_docker(kind: type[Spawner]) -> bool:
    """Whether it starts containers on the machine of its Docker daemon; Swarm chooses another."""
    names = {base.__name__ for base in kind.__mro__}
    return "DockerSpawner" in names and "SwarmSpawner" not in names


def is_kubernetes(kind: type[Spawner]) -> bool:
    """Whether it starts pods."""
    return any(base.__name__ == "KubeSpawner" for base in kind.__mro__)


async def rights_of_docker(spawner: Any) -> dict[str, Any]:
    """What the operator says of a container that is about to be made.

    Raises ``LookupError`` with a sentence where that is more than a session may have.
    """
    host = spawner.extra_host_config
    if callable(host):
        host = host(spawner)
        if isawaitable(host):
            host = await host
    if too_free := ", ".join(_too_free(host)):
        raise LookupError(_TOO_FREE.format(which=too_free))
    return dict(host)


def give_docker(spawner: Any, view: str, host: Mapping[str, Any]) -> None:
    """Put the view into the container, which may gain no further rights."""
    options = host.get("security_opt") or []
    spawner.extra_host_config = {
        **host,
        "security_opt": list(dict.fromkeys([*options, "no-new-privileges"])),
    }
    bound = {"bind": INSIDE, "mode": "rw", "propagation": "rslave"}
    spawner.volumes = {**spawner.volumes, view: bound}
    spawner.environment = {**spawner.environment, VIEW: f"{INSIDE}/m"}


async def rights_of_pod(spawner: Any) -> dict[str, Any]:
    """The security context of a pod that is about to be made.

    Raises ``LookupError`` with a sentence where the pod's rights are more than a session may have.
    """
    container = await _said(spawner, spawner.container_security_context)
    pod = await _said(spawner, spawner.pod_security_context)
    capabilities = (container.get("capabilities") or {}).get("add") or ()
    host = {
        "privileged": spawner.privileged or container.get("privileged"),
        "cap_add": capabilities,
        "pid_mode": "host" if spawner.extra_pod_config.get("hostPID") else None,
        "security_opt": ["no-new-privileges=false"] * bool(spawner.allow_privilege_escalation),
    }
    found = [*_too_free(host)]
    for context in (container, pod):
        if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
            found.append("seccomp=unconfined")
    if found:
        raise LookupError(_TOO_FREE.format(which=", ".join(found)))
    return pod


def give_pod(spawner: Any, view: str, node: str, pod: Mapping[str, Any]) -> None:
    """Put the view into the pod, on the node where the agent has made it."""
    volume = {"name": _VOLUME, "hostPath": {"path": view, "type": "DirectoryOrCreate"}}
    mount = {"name": _VOLUME, "mountPath": INSIDE, "mountPropagation": "HostToContainer"}
    spawner.volumes = _with(spawner.volumes, volume)
    spawner.volume_mounts = _with(spawner.volume_mounts, mount)
    # What Docker filters by itself, Kubernetes filters when it is asked to.
    spawner.pod_security_context = {"seccompProfile": {"type": "RuntimeDefault"}, **pod}
    spawner.node_selector = {**spawner.node_selector, "kubernetes.io/hostname": node}
    spawner.environment = {**spawner.environment, VIEW: f"{INSIDE}/m"}


async def _said(spawner: Any, value: Any) -> dict[str, Any]:
    found = value(spawner) if callable(value) else value
    return dict(await found if isawaitable(found) else found or {})


def _with(present: Any, added: dict[str, Any]) -> Any:
    # A list or a dictionary, as the operator has it.
    return {**present, _VOLUME: added} if isinstance(present, dict) else [*present, added]


def _too_free(host: Mapping[str, Any]) -> Sequence[str]:
    found = [name for name in ("privileged",) if host.get(name)]
    found += sorted(_MIGHTY.intersection(str(cap).upper() for cap in host.get("cap_add") or ()))
    found += [
        option
        for option in host.get("security_opt") or ()
        if str(option).replace(":", "=") in ("seccomp=unconfined", "no-new-privileges=false")
    ]
    if str(host.get("pid_mode") or "") == "host":
        found.append("pid_mode=host")
    return found
