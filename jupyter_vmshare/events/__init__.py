"""Schemas of the events that the notebook server emits, see ``/api/events/subscribe``."""

from pathlib import Path
from typing import Final

KERNEL: Final = "https://schema.jupyter.org/jupyter_vmshare/kernel/v1"
KERNEL_SCHEMA: Final = Path(__file__).with_name("kernel.yaml")
KERNELSPECS: Final = "https://schema.jupyter.org/jupyter_vmshare/kernelspecs/v1"
KERNELSPECS_SCHEMA: Final = Path(__file__).with_name("kernelspecs.yaml")
