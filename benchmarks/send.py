"""Sending: a file in the outbox to the operator's 250, against a client that only pushes ready-made messages.

Both use the same Postfix, the same TLS policy and the same number of connections, and take turns. The message of the
bare client is one that the connector made of the same document.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiosmtplib

from benchmarks.inputs import Documents, level1, level3
from benchmarks.scene import Place, count_messages, daemon_thread, operator, place, wait_until
from benchmarks.stages import Stages
from benchmarks.table import show, show_ratio
from connector.daemon import mailbox as building
from connector.daemon.mailbox import MailboxParts, Shared
from connector.daemon.supervisor import Supervisor
from connector.documents.cda import parse
from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState
from connector.exchange import content as reading
from connector.exchange import plan, prepare
from connector.exchange.prepare import Preparer
from connector.exchange.send import Dispatcher
from connector.identities import IdentityServices
from connector.intake import lookout as looking
from connector.intake import outbox as taking
from connector.intake.claim import Claims
from connector.intake.desk import DeskMaker
from connector.intake.layout import KnownFolders, establish
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.journal.journal import Journal
from connector.operators.factory import make_sender
from connector.operators.smtp_imap.sender import SmtpSender
from connector.operators.tls import TlsPolicy
from connector.platform.keystore import resolve_secret
from connector.platform.system import SystemClock, SystemIds
from tests.servers.operator import MailOperator

__all__ = ["MESSAGE_DOCUMENT_BYTES", "SendingParts", "prepared_messages", "run", "staged"]

AIM = 0.7
MESSAGE_DOCUMENT_BYTES = 64_000
"""A level 1 document of this size makes a message of about 137 kB: archive and PDF copy, both in Base64."""


@dataclass(frozen=True)
class _Round:
    bare: float  # documents a second
    whole: float
    sending: float
    preparing: float

    @property
    def ratio(self) -> float:
        return self.whole / self.bare


def run(count: int = 300, rounds: int = 3) -> float:
    """Print the tables.

    Args:
        count: documents in each round.
        rounds: how often everything is measured.

    Returns:
        The median ratio of outbox-to-250 to the bare client.
    """
    documents = level1(MESSAGE_DOCUMENT_BYTES)
    with operator() as servers:
        measured = [_round(servers, documents, count) for _ in range(rounds)]
        size = len(_one_message(servers, documents))
        ratio = statistics.median(one.ratio for one in measured)
        alone = statistics.median(one.sending / one.bare for one in measured)
        best = max(measured, key=lambda one: one.whole)
        show(
            f"Sending, {count} documents, message of {size // 1000} kB",
            ["documents/s", *(f"round {n}" for n in range(1, rounds + 1)), "ratio, median"],
            [
                ["bare aiosmtplib, 2 connections", *(one.bare for one in measured), 1.0],
                ["outbox file to 250 (daemon)", *(one.whole for one in measured), ratio],
                ["sending alone (prepared before)", *(one.sending for one in measured), alone],
                ["preparing alone, one thread", *(one.preparing for one in measured), best.preparing / best.bare],
            ],
        )  # fmt: skip
        show_ratio("outbox to 250 / bare client", ratio, AIM)
        for kind in (documents, level3()):
            _profile(servers, kind, min(count, 100))
    return ratio


def _round(servers: MailOperator, documents: Documents, count: int) -> _Round:
    sender, recipient = servers.new_mailbox("labo"), servers.new_mailbox("dr.modele")
    with place(servers, [sender], receive=False, recipient=recipient) as where:
        drops = staged(where, documents, count)
        message = _one_message(servers, documents)
        bare = asyncio.run(_bare(servers, sender, recipient, [message] * count))
        wait_until(lambda: count_messages(servers, recipient) >= count)
        whole = _whole(where, drops, count)
        wait_until(lambda: count_messages(servers, recipient) >= 2 * count)
    with place(servers, [sender], receive=False, recipient=recipient) as where:
        parts = SendingParts(where)
        with closing(parts.journal):
            preparing = parts.prepare(staged(where, documents, count), count)
            sending = asyncio.run(parts.send(count))
        wait_until(lambda: count_messages(servers, recipient) >= 3 * count)
    return _Round(bare, whole, sending, preparing)


def staged(where: Place, documents: Documents, count: int) -> list[Path]:
    """The files, complete, beside the outbox: dropping is then one rename each, as the folder contract asks."""
    folder = where.folder / "staged"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"REQ{number:05}.xml" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(documents.numbered(number))
    return paths


def _drop(drops: Sequence[Path], outbox: Path) -> None:
    for path in drops:
        path.rename(outbox / path.name)


def _whole(where: Place, drops: Sequence[Path], count: int) -> float:
    """Documents a second through the running daemon; the end is the last 250, as the journal recorded it."""
    with daemon_thread(where) as journal:
        outbox = where.box() / "A_ENVOYER"
        wait_until(outbox.is_dir)
        time.sleep(0.5)  # every worker waits for its bell
        began = SystemClock().now()
        _drop(drops, outbox)
        wait_until(lambda: _in_state(journal, where.addresses[0], OutgoingState.SENT) >= count)
        ended = _last_change(journal, count)
    return count / (ended - began).total_seconds()


def _in_state(journal: Journal, mailbox: MailboxAddress, state: OutgoingState) -> int:
    counts = journal.counts().get(str(mailbox), {})
    wrong = {name: number for name, number in counts.items() if name in ("out:rejected", "out:failed", "out:waiting")}
    assert not wrong, f"documents were not sent: {wrong}"
    return counts.get(f"out:{state}", 0)


def _last_change(journal: Journal, count: int) -> datetime:
    return max(message.state_since for view in journal.submissions(limit=count) for message in view.messages)


async def _bare(
    servers: MailOperator, sender: MailboxAddress, recipient: MailboxAddress, messages: Sequence[bytes]
) -> float:
    """Documents a second of aiosmtplib alone, on as many connections as the connector keeps."""
    settings = servers.settings()
    context = TlsPolicy(settings.tls, servers.identity_for(sender)).context()
    clients = [
        aiosmtplib.SMTP(
            hostname=settings.smtp.host, port=settings.smtp.port, start_tls=True, tls_context=context,
            local_hostname="[127.0.0.1]",
        )
        for _ in range(settings.smtp_connections)
    ]  # fmt: skip
    for client in clients:
        await client.connect()
    waiting = list(messages)

    async def push(client: aiosmtplib.SMTP) -> None:
        while waiting:
            await client.sendmail(str(sender), [str(recipient)], waiting.pop())

    start = time.perf_counter()
    await asyncio.gather(*(push(client) for client in clients))
    seconds = time.perf_counter() - start
    for client in clients:
        await client.quit()
    return len(messages) / seconds


class SendingParts:
    """The rooms of one sending mailbox without their threads."""

    def __init__(self, where: Place) -> None:
        self.journal = where.journal()
        settings, clock, ids = where.settings, SystemClock(), SystemIds()
        known = KnownFolders(where.folder / "folders.json")
        shared = Shared(
            settings=settings, journal=self.journal, clock=clock, ids=ids, supervisor=Supervisor(clock),
            known_folders=known, owner="benchmark", prepare_bells=(),
            desks=DeskMaker(settings, journal=self.journal, clock=clock, ids=ids),
            identities=IdentityServices(read_secret=resolve_secret, clock=clock),
        )  # fmt: skip
        mailbox = settings.mailboxes[0]
        operator_settings = settings.operators[mailbox.operator]
        self.parts: MailboxParts = building.build_mailbox(mailbox, shared)
        self.preparer = Preparer(self.journal, lambda _: self.parts.rules, "benchmark")
        self.layout = establish(settings.spool, mailbox, known)
        self.outbox = Outbox(
            mailbox, self.layout, journal=self.journal, clock=clock, ids=ids,
            desk=lambda: shared.desks.desk(mailbox),
        )  # fmt: skip
        self.reporter = StatusReporter(mailbox, self.layout, journal=self.journal, claims=self.outbox.claims)
        self._settings, self._mailbox, self._operator = settings, mailbox, operator_settings

    def prepare(self, drops: Sequence[Path], count: int) -> float:
        """Take everything, then measure preparing: documents a second."""
        self.take(drops, count)
        start = time.perf_counter()
        self.prepare_all()
        return count / (time.perf_counter() - start)

    def take(self, drops: Sequence[Path], count: int) -> None:
        """From the outbox into the journal."""
        _drop(drops, self.layout.outbox)
        taken = 0
        while taken < count:
            taken += self.outbox.run_once()

    def prepare_all(self) -> None:
        """Everything that was taken."""
        while self.preparer.run_once():
            pass

    async def send(self, count: int, *, parallel: int = 0) -> float:
        """Send everything that is prepared: documents a second, connecting included."""
        clock = SystemClock()
        sender = make_sender(self._mailbox, self._operator, IdentityServices(read_secret=resolve_secret, clock=clock))
        dispatcher = Dispatcher(
            mailbox=self._mailbox.address, journal=self.journal, sender=sender, clock=clock,
            retry=self._settings.retry, owner="benchmark", server="localhost",
            parallel=parallel or self._operator.smtp_connections,
        )  # fmt: skip
        start = time.perf_counter()
        while await dispatcher.run_once():
            pass
        seconds = time.perf_counter() - start
        await sender.close()
        return count / seconds

    def report(self, count: int) -> None:
        """Write every status file."""
        done = 0
        while done < count:
            done += self.reporter.run_once()


def prepared_messages(servers: MailOperator, documents: Documents, count: int) -> list[bytes]:
    """Messages as the connector makes them."""
    sender, recipient = servers.new_mailbox("labo"), servers.new_mailbox("dr.modele")
    with place(servers, [sender], receive=False, recipient=recipient) as where:
        parts = SendingParts(where)
        with closing(parts.journal) as journal:
            parts.prepare(staged(where, documents, count), count)
            views = journal.submissions(limit=count)
            return [journal.payload(message.payload_id or "") for view in views for message in view.messages]


def _one_message(servers: MailOperator, documents: Documents) -> bytes:
    return prepared_messages(servers, documents, 1)[0]


_TAKE = {
    (Outbox, "run_once"): "take: scan, judge",
    (looking, "wholeness"): "take: is it whole",
    (Claims, "begin"): "take: claim (renames, syncs)",
    (Claims, "content"): "take: read",
    (taking, "assemble"): "take: recognise, assemble",
    (Journal, "take"): "take: journal",
}
_PREPARE = {
    (Journal, "claim_received"): "prepare: journal, claim",
    (Journal, "submission"): "prepare: journal, submission",
    (Journal, "payload"): "prepare: journal, bytes",
    (reading, "open_cda"): "prepare: parse the CDA, header",
    (parse, "decode_base64"): "prepare: decode a PDF copy",
    (reading, "inspect_pdf"): "prepare: inspect the PDF",
    (reading, "render_cda_pdf"): "prepare: render the PDF",
    (reading, "pack"): "prepare: XDM package",
    (plan, "compose"): "prepare: compose the message",
    (plan, "prove"): "prepare: prove the finished bytes",
    (prepare, "plan_messages"): "prepare: plan (the rest of it)",
    (Journal, "freeze"): "prepare: journal, freeze",
}
_SEND = {
    (Journal, "claim_due"): "send: journal, claim",
    (Journal, "waiting"): "send: journal, is it blocked",
    (Journal, "letter"): "send: journal, read",
    (SmtpSender, "submit"): "send: SMTP",
    (Journal, "data_begun"): "send: journal, DATA begins",
    (Journal, "record"): "send: journal, answer",
}
_DISK = {(os, "fsync"): "disk: sync of files and folders"}
_REPORT = {
    (StatusReporter, "run_once"): "report: status files, filing",
    (Journal, "unreported"): "report: journal, what is new",
    (Journal, "mark_reported"): "report: journal, done",
}


def _profile(servers: MailOperator, documents: Documents, count: int) -> None:
    sender, recipient = servers.new_mailbox("labo"), servers.new_mailbox("dr.modele")
    with place(servers, [sender], receive=False, recipient=recipient) as where:
        parts = SendingParts(where)
        drops = staged(where, documents, count)
        stages = Stages()
        with closing(parts.journal), stages.watching(_TAKE | _PREPARE | _SEND | _REPORT | _DISK):
            parts.take(drops, count)
            parts.prepare_all()
            asyncio.run(parts.send(count, parallel=1))
            parts.report(count)
        wait_until(lambda: count_messages(servers, recipient) >= count)
    stages.show(f"Where it goes: sending, {documents.name}, one document at a time, one connection", count)
