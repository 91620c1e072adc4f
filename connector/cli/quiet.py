"""The technical log during a command: standard output belongs to the answer.

Without it structlog prints every event to standard output, in the middle of what ``--json`` promises to a program.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

__all__ = ["quiet_log"]


@contextmanager
def quiet_log() -> Iterator[None]:
    """Warnings and errors go to standard error, everything else nowhere; afterwards all is as it was."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
