"""``GET vmshare/kernels``: what became of the kernels on machines since this server began.

``{"kernels": [{"kernel_id", "machine", "kernel", "state", "because", "at"}]}``, for a tab that was
not there when the event of `jupyter_vmshare.events` was emitted. One that was shut down is left
out.
"""

from __future__ import annotations

from jupyter_vmshare.kernels.news import board
from jupyter_vmshare.routes.base import Route, allowed


class Kernels(Route):
    """Nothing of it is asked of the service."""

    @allowed("read")
    async def get(self) -> None:
        """All that are known."""
        self.finish({"kernels": board.all()})
