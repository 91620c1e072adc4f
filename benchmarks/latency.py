"""Latency: from the ready marker to the operator's 250, one document at a time, through ``mss-connector run``."""

import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.inputs import level1, level3
from benchmarks.scene import Place, daemon_process, operator, place, wait_until
from benchmarks.send import MESSAGE_DOCUMENT_BYTES
from benchmarks.table import show, show_ratio
from connector.domain.states import OutgoingState
from connector.journal.journal import Journal
from tests.servers.operator import MailOperator

__all__ = ["run"]

AIM_SECONDS = 0.3


def run(count: int = 20) -> float:
    """Print the table.

    Returns:
        The median for a level 1 document, in seconds.
    """
    with operator() as servers:
        rows = []
        for documents in (level1(MESSAGE_DOCUMENT_BYTES), level3()):
            taken = _latencies(servers, documents.numbered, count)
            milliseconds = sorted(1000 * seconds for seconds in taken)
            rows.append([documents.name, statistics.median(milliseconds), milliseconds[0], milliseconds[-1]])
    show(f"Latency, {count} documents one by one", ["ms", "median", "best", "worst"], rows)
    median = float(str(rows[0][1])) / 1000
    show_ratio("file closed to 250, seconds", median, AIM_SECONDS, at_most=True)
    return median


def _latencies(servers: MailOperator, document: Callable[[int], bytes], count: int) -> list[float]:
    sender, recipient = servers.new_mailbox("labo"), servers.new_mailbox("dr.modele")
    with (
        place(servers, [sender], receive=False, readiness="drapeau", recipient=recipient) as where,
        daemon_process(where), closing(where.journal()) as journal,
    ):  # fmt: skip
        outbox = where.box() / "A_ENVOYER"
        wait_until(outbox.is_dir)
        time.sleep(1.0)
        first = _one(where, journal, outbox, 0, document(0))  # connects, and imports what is needed once
        assert first > 0
        return [_one(where, journal, outbox, number, document(number)) for number in range(1, count + 1)]


def _one(where: Place, journal: Journal, outbox: Path, number: int, content: bytes) -> float:
    """Seconds from the closed marker to the answer as the journal recorded it."""
    (outbox / f"REQ{number:05}.xml").write_bytes(content)
    (outbox / f"REQ{number:05}.ok").write_bytes(b"")
    dropped = datetime.now(UTC)
    wait_until(lambda: journal.counts().get(str(where.addresses[0]), {}).get(f"out:{OutgoingState.SENT}", 0) > number)
    sent = journal.submissions(limit=1)[0].messages[0].state_since
    time.sleep(0.2)  # status files are written meanwhile: the next document meets an idle daemon
    return (sent - dropped).total_seconds()
