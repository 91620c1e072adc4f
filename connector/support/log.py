"""The technical log: events with fields, never sentences, never patient data.

Fields are admitted by an allow-list: one that is not listed is dropped, and counted in ``dropped_fields`` so that
a test can demand that nothing is. What is listed holds identifiers, counts, codes and server names – no names of
files that come from an LPS, no subjects, no addresses of patients.
"""

import logging
import logging.handlers
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from connector.settings.model import LogSettings

__all__ = ["ALLOWED_FIELDS", "configure_log", "keep_allowed_fields"]

ALLOWED_FIELDS = frozenset({
    "action", "attempts", "box", "code", "component", "count", "detail", "duration_ms", "error", "event", "exc_info",
    "exception", "folder_count", "host", "id", "level", "logger", "outcome", "pause_seconds", "pid", "port",
    "restarts", "server", "size_bytes", "state", "step", "submission", "timestamp", "url", "version", "worker",
    "dropped_fields",
})  # fmt: skip

_MEGABYTE = 1_000_000
_NOISY = (
    "aiosqlite", "alembic", "apscheduler", "httpcore", "httpx", "imapclient", "mail.log", "uvicorn.access",
)  # fmt: skip


def configure_log(settings: LogSettings, folder: Path | None) -> None:
    """Send the log to standard error and, when wanted, to ``<folder>/logs/connector.log``.

    Args:
        settings: level, format, file or not.
        folder: data folder; ``None`` for commands that only print.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.file and folder is not None:
        logs = folder / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                logs / "connector.log", maxBytes=5 * _MEGABYTE, backupCount=4, encoding="utf-8"
            )
        )
    _install(handlers, settings)


def _install(handlers: list[logging.Handler], settings: LogSettings) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        keep_allowed_fields,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.format == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # a dead observer is noticed and replaced by us
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def keep_allowed_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not on the list; say how many were dropped."""
    internal = {"_record", "_from_structlog"}
    dropped = [key for key in event if key not in ALLOWED_FIELDS and key not in internal]
    for key in dropped:
        del event[key]
    if dropped:
        event["dropped_fields"] = len(dropped)
    return event
