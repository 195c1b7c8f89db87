"""Images for sandboxes: a tree that machines begin with, and never write to."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from jupyterhub_vmshare.cloud import image
from jupyterhub_vmshare.cloud.image import ImageWanted


def build(wanted: ImageWanted, state: Path, log: TextIO) -> Path:
    """Make an image of sandboxes."""
    return image.build(wanted, state, log, _tree)


def _tree(wanted: ImageWanted, place: Path, log: TextIO) -> None:
    image.debian(image.recipe(wanted), place / "root", log)
