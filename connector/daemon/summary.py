"""The daily summaries as a job of the scheduler: a folder that is away now is tried again."""

from functools import partial

import structlog

from connector.daemon.mailbox import Shared
from connector.domain.errors import ConnectorError
from connector.intake.layout import establish
from connector.intake.summary import DailySummary
from connector.settings.model import MailboxSettings, Settings

__all__ = ["SUMMARY_SECONDS", "summarise"]

_log = structlog.get_logger(__name__)

SUMMARY_SECONDS = 60.0
"""How often it is looked whether a day has ended."""


def summarise(mailbox: MailboxSettings, settings: Settings, shared: Shared) -> None:
    """Write what is due of one mailbox."""
    summary = DailySummary(
        mailbox.address, partial(establish, settings.spool, mailbox, shared.known_folders), shared.journal,
        shared.clock, mailbox.outbox.daily_summary,
    )  # fmt: skip
    try:
        if days := summary.run_once():
            _log.info("summary_written", worker=mailbox.folder, count=days)
    except ConnectorError as error:
        _log.warning("summary_waits", worker=mailbox.folder, code=error.code, detail=error.detail)
    except OSError as error:
        _log.warning("summary_waits", worker=mailbox.folder, detail=type(error).__name__)
