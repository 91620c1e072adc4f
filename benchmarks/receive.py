"""Receiving: a mailbox of XDM messages to inbox folders, against mbsync copying the same messages to a Maildir.

Each gets a fresh mailbox of the same Dovecot with the same messages; they take turns.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from benchmarks.inputs import level1
from benchmarks.scene import daemon_thread, operator, place, wait_until
from benchmarks.send import MESSAGE_DOCUMENT_BYTES, prepared_messages
from benchmarks.stages import Stages
from benchmarks.table import show, show_ratio
from connector.delivery import inbox
from connector.delivery.folder import HandOver
from connector.delivery.inbox import Inbox
from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingEvent
from connector.exchange import opening, unwrap
from connector.exchange.collect import Collector
from connector.exchange.listing import Lister
from connector.exchange.opening import Opener
from connector.identities import IdentityServices
from connector.intake.layout import KnownFolders, establish
from connector.journal.journal import Journal
from connector.operators.factory import make_receiver
from connector.operators.smtp_imap.receiver import ImapReceiver
from connector.platform.keystore import resolve_secret
from connector.platform.system import SystemClock
from tests.servers.operator import MailOperator

__all__ = ["run"]

AIM = 0.3


def run(count: int = 1000, rounds: int = 3) -> float:
    """Print the tables.

    Args:
        count: messages in the mailbox.
        rounds: how often both are measured.

    Returns:
        The median ratio.
    """
    with operator(demands_certificate=False) as servers:
        model = prepared_messages(servers, level1(MESSAGE_DOCUMENT_BYTES), 1)[0]
        measured = [(_mbsync(servers, model, count), _connector(servers, model, count)) for _ in range(rounds)]
        ratio = statistics.median(ours / theirs for theirs, ours in measured)
        show(
            f"Receiving, {count} messages of {len(model) // 1000} kB",
            ["messages/s", *(f"round {n}" for n in range(1, rounds + 1)), "ratio, median"],
            [
                ["mbsync to a Maildir", *(theirs for theirs, _ in measured), 1.0],
                ["mailbox to inbox folder (daemon)", *(ours for _, ours in measured), ratio],
            ],
        )  # fmt: skip
        show_ratio("mailbox to inbox folder / mbsync", ratio, AIM)
        _profile(servers, model, min(count, 200))
    return ratio


def _fill(servers: MailOperator, model: bytes, count: int) -> MailboxAddress:
    """A mailbox with that many messages, which differ in their Message-ID."""
    address = servers.new_mailbox("dr.correspondant")
    for raw in _siblings(model, count):
        servers.deliver(raw, address)
    return address


def _siblings(model: bytes, count: int) -> Iterator[bytes]:
    start = model.index(b"Message-ID: <") + len(b"Message-ID: <")
    for number in range(count):
        yield model[:start] + b"%06d." % number + model[start:]


def _mbsync(servers: MailOperator, model: bytes, count: int) -> float:
    """Messages a second of mbsync, its start included."""
    address = _fill(servers, model, count)
    with place(servers, [], send=False) as where:
        maildir = where.folder / "Maildir"
        config = where.folder / "mbsyncrc"
        config.write_text(_mbsync_config(servers, address, maildir))
        start = time.perf_counter()
        done = subprocess.run(
            ["mbsync", "-q", "-c", str(config), "bench"], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
        copied = sum(len(list((maildir / "INBOX" / name).iterdir())) for name in ("new", "cur"))
        assert copied == count, f"mbsync copied {copied} of {count}: {done.stderr}"
    return count / seconds


def _mbsync_config(servers: MailOperator, address: MailboxAddress, maildir: Path) -> str:
    (maildir / "INBOX").mkdir(parents=True)
    return f"""\
IMAPAccount local
Host localhost
Port {servers.imap_port}
User {address}
Pass {servers.dovecot.PASSWORD}
AuthMechs PLAIN
SSLType STARTTLS
SSLVersions TLSv1.2
CertificateFile {servers.trust}

IMAPStore far
Account local

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX

Channel bench
Far :far:INBOX
Near :near:INBOX
Sync Pull New
SyncState {maildir}/state
"""


def _connector(servers: MailOperator, model: bytes, count: int) -> float:
    """Messages a second of the daemon, from its start to the last delivery as the journal recorded it."""
    address = _fill(servers, model, count)
    with place(servers, [address], send=False) as where:
        start = SystemClock().now()
        with daemon_thread(where) as journal:
            wait_until(lambda: _delivered(journal, address) >= count)
            ended = _last_delivery(journal, count)
        indexes = len(list((where.box() / "RECUS").glob("*.mss.json")))
        assert indexes == count, f"{indexes} of {count} were delivered"
    return count / (ended - start).total_seconds()


def _delivered(journal: Journal, address: MailboxAddress) -> int:
    counts = journal.counts().get(str(address), {})
    assert not counts.get("in:quarantined"), "messages were quarantined"
    return sum(counts.get(f"in:{state}", 0) for state in ("delivered", "acknowledged"))


def _last_delivery(journal: Journal, count: int) -> datetime:
    entries = journal.trace(limit=10 * count)
    return max(entry.at for entry in entries if entry.action == IncomingEvent.DELIVER.value)


_STAGES = {
    (ImapReceiver, "list_new"): "fetch: IMAP, list",
    (ImapReceiver, "fetch"): "fetch: IMAP, bytes",
    (ImapReceiver, "mark_done"): "mark: IMAP",
    (Journal, "note_seen"): "fetch: journal, seen",
    (Journal, "claim_incoming"): "journal: claim",
    (Journal, "store"): "fetch: journal, store",
    (Journal, "payload"): "open: journal, read bytes",
    (opening, "open_message"): "open: parse the mail",
    (opening, "read_receipt"): "open: is it a receipt",
    (unwrap, "recognise"): "open: recognise",
    (unwrap, "read_archive"): "open: XDM (inflate, METADATA, hash)",
    (unwrap, "open_cda"): "open: parse the CDA, header",
    (opening, "arrival_of"): "open: the rest of it",
    (Journal, "record_deliveries"): "deliver: journal",
    (Journal, "record_incoming_many"): "journal: opened, marked",
    (inbox, "lay_out"): "deliver: names, index",
    (HandOver, "hand_over"): "deliver: files (write, sync, rename)",
    (os, "fsync"): "disk: sync of files and folders",
    (Inbox, "settle"): "deliver: settle",
    (Inbox, "deliver"): "deliver: the rest of it",
}


def _profile(servers: MailOperator, model: bytes, count: int) -> None:
    address = _fill(servers, model, count)
    with place(servers, [address], send=False) as where, closing(where.journal()) as journal:
        mailbox, operator_settings, clock = (
            where.settings.mailboxes[0],
            where.settings.operators["local"],
            SystemClock(),
        )
        layout = establish(where.settings.spool, mailbox, KnownFolders(where.folder / "folders.json"))
        lister = Lister(address, journal, mailbox.reception, clock)
        collector = Collector(address, journal, lister, "benchmark", "localhost")
        opener = Opener(address, journal, Inbox(mailbox, layout), clock, "benchmark")
        receiver = make_receiver(
            mailbox, operator_settings, IdentityServices(read_secret=resolve_secret, clock=clock)
        )
        stages = Stages()
        with stages.watching(_STAGES):
            collector.run_once(receiver)
            while opener.run_once() or lister.goes_on():
                collector.run_once(receiver)
            collector.acknowledge(receiver)
        receiver.close()
    stages.show("Where it goes: receiving, one message at a time", count)
