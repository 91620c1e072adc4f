"""Doing nothing: memory and processor of ten idle mailboxes. And what a past costs: start, work with a history."""

import asyncio
import hashlib
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from benchmarks.history import grow
from benchmarks.inputs import level3
from benchmarks.scene import Place, daemon_process, operator, place, rss_mb
from benchmarks.send import SendingParts, staged
from benchmarks.table import show, show_ratio
from connector.daemon.endpoint import data_paths
from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingEvent
from connector.domain.submission import FileRole, Recipient, SourceKind, Submission, SubmittedFile
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage
from connector.platform.system import SystemClock, SystemIds
from tests.servers.operator import MailOperator

__all__ = ["run"]

MAILBOXES = 10
AIM_RSS_MB, AIM_CPU_PERCENT, AIM_START_SECONDS, AIM_FLAT = 120.0, 0.5, 2.0, 1.2


def run(seconds: float = 20.0, history: int = 100_000, count: int = 40) -> None:
    """Print the tables.

    Args:
        seconds: how long the idle daemon is watched.
        history: messages in the journal with a past.
        count: documents whose cost in the journal is measured in both.
    """
    with operator() as servers:
        _idle(servers, seconds)
        _past(servers, history, count)


def _idle(servers: MailOperator, seconds: float) -> None:
    addresses = [servers.new_mailbox("secretariat") for _ in range(MAILBOXES)]
    with place(servers, addresses) as where, daemon_process(where) as process:
        time.sleep(min(seconds, 8.0))  # every mailbox has logged in and stands in IDLE
        before = _cpu_seconds(process.pid)
        time.sleep(seconds)
        percent = 100 * (_cpu_seconds(process.pid) - before) / seconds
        resident = rss_mb(process.pid)
    show(
        f"Idle, {MAILBOXES} mailboxes in IDLE for {seconds:.0f} s", ["", "measured"],
        [["RSS, MB", resident], ["CPU, % of one core", percent]],
    )  # fmt: skip
    show_ratio("RSS, MB", resident, AIM_RSS_MB, at_most=True)
    show_ratio("CPU, % of one core", percent, AIM_CPU_PERCENT, at_most=True)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _past(servers: MailOperator, history: int, count: int) -> None:
    sender, recipient = servers.new_mailbox("labo"), servers.new_mailbox("dr.modele")
    with ExitStack() as open_places:
        young, old = (
            open_places.enter_context(place(servers, [sender], receive=False, recipient=recipient)) for _ in range(2)
        )
        for where in (young, old):
            _one_finished(where)
        grow(data_paths(old.settings).journal_url, history)
        starts = [(_start_seconds(young), _start_seconds(old)) for _ in range(3)]
        costs = _costs((young, old), count)
    fresh, aged = (statistics.median(one) for one in zip(*starts, strict=True))
    show(
        f"History of {history} messages", ["", "1 message", f"{history} messages"],
        [["start of the process to /health, s", fresh, aged], ["journal, ms per document", *costs]],
    )  # fmt: skip
    show_ratio("start with a history, seconds", aged, AIM_START_SECONDS, at_most=True)
    show_ratio("cost with a history / without", costs[1] / costs[0], AIM_FLAT, at_most=True)


def _one_finished(where: Place) -> None:
    parts = SendingParts(where)
    with closing(parts.journal):
        parts.prepare(staged(where, level3(), 1), 1)
        asyncio.run(parts.send(1))
        parts.report(1)


def _start_seconds(where: Place) -> float:
    start = time.perf_counter()
    with daemon_process(where):
        return time.perf_counter() - start


def _costs(places: Sequence[Place], count: int) -> list[float]:
    """Median ms of everything that the journal does for one document, in turns."""
    taken: list[list[float]] = [[] for _ in places]
    with ExitStack() as opened:
        journals = [opened.enter_context(closing(where.journal())) for where in places]
        for _ in range(count + 2):
            for where, journal, times in zip(places, journals, taken, strict=True):
                start = time.perf_counter()
                _life(journal, where.addresses[0])
                times.append(1000 * (time.perf_counter() - start))
    return [statistics.median(times[2:]) for times in taken]


def _life(journal: Journal, sender: MailboxAddress) -> None:
    """Taken, prepared, sent, reported: every question that the journal is asked for one document."""
    now, ids, content = SystemClock().now(), SystemIds(), level3().content
    number = ids.ulid()
    content += number.encode()
    file = SubmittedFile("X.xml", FileRole.CDA, content, hashlib.sha256(content).hexdigest())
    submission = Submission(
        id=number, mailbox=sender, source=SourceKind.FOLDER, source_name="X", recipients=(Recipient(sender),),
        files=(file,), created_at=now,
    )  # fmt: skip
    journal.take(submission, deadline_at=now + timedelta(days=2), duplicate_hours=24)
    (message,) = journal.claim_received(owner="benchmark")
    view = journal.submission(message.submission_id)
    journal.earlier_message_for_document(number, sender)
    frozen = FrozenMessage(
        header_message_id=f"<{number}@x>", recipients=(sender,), content=journal.payload(view.files[0].payload_id),
        document_ids=(number,), document_codes=(),
    )  # fmt: skip
    journal.freeze(message.id, [frozen])
    (message,) = journal.claim_due(sender, owner="benchmark", limit=1)
    journal.letter(message.id)
    journal.data_begun(message.id)
    journal.record(message.id, OutgoingEvent.ACCEPT, answer="250 ok", server="localhost")
    for report in journal.unreported(sender):
        journal.mark_reported(report.id, report.revision)
