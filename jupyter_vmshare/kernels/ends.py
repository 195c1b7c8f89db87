"""How kernels on machines end, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from jupyter_vmshare.kernels.channel import NotAllowed
from jupyterhub_vmshare.relay.machine.vmshare_kernels import stream as wire

KILLED: Final = -9
_LONGEST: Final = 500

BROKE: Final = "The link to the machine broke."
LOST: Final = (
    "The kernel is not on the machine any more: what looked after it there has ended. Its"
    " variables are lost."
)
RESTARTED: Final = (
    "The machine was restarted, and the kernel ended with it. Its variables are lost."
)
ANOTHER_VERSION: Final = (
    "This machine speaks of kernels as another version does: restart the machine, and the notebook"
    " server if that does not help."
)
OUT_OF_MEMORY: Final = "The kernel was killed on the machine, since the machine ran out of memory."
PERHAPS_OUT_OF_MEMORY: Final = (
    "The kernel was killed on the machine, most likely because the machine ran out of memory."
)
KILLED_THERE: Final = (
    "The kernel was killed on the machine, and not from this notebook server: by a limit, or by"
    " somebody who is root there."
)


@dataclass(frozen=True, slots=True)
class Death:
    """How a kernel ended: its exit status, or minus the number of the signal."""

    code: int
    because: str | None = None
    """A sentence where the status does not say it."""
    is_final: bool = False
    """Whether nobody should start it again unasked: the person may not, or the machine is off."""


class Gone(NotAllowed):
    """The kernel is not there any more; another may be."""


def why_not(told: dict[str, Any], boot: str) -> NotAllowed | None:
    """What a greeting says instead of being one.

    Args:
        told: The greeting: a root of the machine's own may have written it.
        boot: Which start of the machine the kernel was in, as far as is known.
    """
    if told.get("gone"):
        return Gone(_what_became_of_it(told, boot))
    if isinstance(told.get("refused"), str):
        return NotAllowed(str(told["refused"])[:_LONGEST])
    return None if told.get("version") == wire.VERSION else NotAllowed(ANOTHER_VERSION)


def _what_became_of_it(told: dict[str, Any], boot: str) -> str:
    if isinstance(told.get("because"), str):
        return f"{told['because'][:_LONGEST]} Its variables are lost."
    now = told.get("boot")
    return RESTARTED if boot and isinstance(now, str) and now and now != boot else LOST


def of_process(code: int, state: dict[str, Any]) -> Death:
    """What the supervisor says of the process."""
    if code != KILLED or state.get("asked"):
        return Death(code)
    match state.get("out_of_memory"):
        case True:
            return Death(code, OUT_OF_MEMORY)
        case False:
            return Death(code, KILLED_THERE)
        case _:
            return Death(code, PERHAPS_OUT_OF_MEMORY)
