"""Structured logs: one JSON object a line on stderr, ours and those of every library alike."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from jupyterhub_vmshare.observe import redaction


def configure_logs(level: int | str = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logs of this process to ``stream`` (stderr), redacted, from ``level`` upwards."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter([structlog.stdlib.PositionalArgumentsFormatter(), *shared]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx2", "httpcore2", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _formatter(foreign: list[Processor]) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Without local variables: they are where tokens are.
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def redact(logger: Any, method: str, event: EventDict) -> MutableMapping[str, Any]:
    """The last processor before rendering: nothing passes it unredacted."""
    return {name: redaction.field(name, value) for name, value in event.items()}
