"""What this site's cloud offers: images, sizes, and what its adapter can do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jupyterhub_vmshare.cloud.port import Capabilities, Cloud, CloudUnreachable, Image, Size
from jupyterhub_vmshare.errors import BadInput, Conflict

_FRESH: Final = 60.0

NO_CLOUD: Final = (
    "This site offers no machines: its administrator has not named a cloud that makes them."
)


class NoCloud(Conflict):
    """The service was started without a cloud."""

    code = "no-cloud"

    def __init__(self) -> None:
        super().__init__(NO_CLOUD)


@dataclass(frozen=True, slots=True)
class Offer:
    """What machines can be made from, and how large."""

    images: Sequence[Image]
    sizes: Sequence[Size]

    def image(self, image_id: str) -> Image:
        """Raises ``BadInput``."""
        for image in self.images:
            if image.id == image_id:
                return image
        raise BadInput("There is no such image. Choose one of those that are offered.")

    def size(self, size_id: str) -> Size:
        """Raises ``BadInput``."""
        for size in self.sizes:
            if size.id == size_id:
                return size
        raise BadInput("There is no such size. Choose one of those that are offered.")

    def fitting(self, size_id: str, disk_gib: int | None) -> Size:
        """A size whose disk has room for an image or a snapshot. Raises ``BadInput``."""
        size = self.size(size_id)
        if disk_gib is not None and size.disk_gib < disk_gib:
            raise BadInput(
                f"{size.name} has a disk of {size.disk_gib} GiB, and this needs {disk_gib} GiB. "
                "Choose a larger size."
            )
        return size


class Offers:
    """The cloud's offer, asked for again after a minute; None where there is no cloud."""

    def __init__(self, cloud: Cloud | None) -> None:
        self.cloud = cloud
        self._known: Offer | None = None
        self._asked = float("-inf")

    @property
    def can(self) -> Capabilities | None:
        """What the adapter can do; None without one."""
        return None if self.cloud is None else self.cloud.capabilities

    def demand(self) -> Capabilities:
        """What the adapter can do. Raises ``NoCloud``."""
        if self.cloud is None:
            raise NoCloud
        return self.cloud.capabilities

    async def now(self) -> Offer:
        """What is offered. Never to be called inside a transaction.

        While the cloud does not answer, what it offered last still stands.

        Raises:
            NoCloud, CloudUnreachable
        """
        if self.cloud is None:
            raise NoCloud
        if self._known is not None and time.monotonic() - self._asked < _FRESH:
            return self._known
        try:
            known = Offer(await self.cloud.images(), await self.cloud.sizes())
        except CloudUnreachable:
            if self._known is None:
                raise
            return self._known
        self._known, self._asked = known, time.monotonic()
        return known
