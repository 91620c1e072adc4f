"""Where it plays: real Postfix and Dovecot, a journal on the disk, the daemon as a thread or as a process."""

import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from connector.daemon.composition import Daemon
from connector.daemon.endpoint import ask_health, data_paths
from connector.daemon.store import open_journal
from connector.domain.address import MailboxAddress
from connector.journal.journal import Journal
from connector.settings.load import read_settings
from connector.settings.model import Settings
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki

__all__ = ["Place", "count_messages", "daemon_process", "daemon_thread", "operator", "place", "rss_mb", "wait_until"]

PATIENCE_SECONDS = 120.0


@contextmanager
def operator(*, demands_certificate: bool = True) -> Iterator[MailOperator]:
    """Postfix and Dovecot with a PKI of their own."""
    servers = MailOperator(Pki(), demands_certificate=demands_certificate)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@dataclass(frozen=True)
class Place:
    """A fresh data folder and spool with settings for some mailboxes."""

    folder: Path
    config: Path
    settings: Settings
    operator: MailOperator
    addresses: Sequence[MailboxAddress] = field(default_factory=list)

    def box(self, index: int = 0) -> Path:
        """The folders of a mailbox."""
        return self.settings.spool.root / self.settings.mailboxes[index].folder

    def journal(self) -> Journal:
        """The journal of these settings; the caller closes it."""
        return open_journal(self.settings, actor="benchmark")


@contextmanager
def place(
    servers: MailOperator, addresses: Sequence[MailboxAddress], *, send: bool = True, receive: bool = True,
    readiness: str = "stable", recipient: MailboxAddress | None = None,
) -> Iterator[Place]:  # fmt: skip
    """Settings for these mailboxes in a new folder, which is removed at the end.

    Args:
        servers: the operator.
        addresses: the mailboxes.
        send: they send.
        receive: they receive.
        readiness: profile of the outbox; ``stable`` without any settling.
        recipient: who gets what is dropped without a sidecar.
    """
    folder = Path(tempfile.mkdtemp(prefix="mss-bench-"))
    try:
        text = _software(folder) + _operator_table(servers)
        for index, address in enumerate(addresses):
            text += _mailbox(servers, address, index, recipient, readiness, send=send, receive=receive)
        config = folder / "connector.toml"
        config.write_text(text, encoding="utf-8")
        yield Place(folder, config, read_settings(config), servers, list(addresses))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def daemon_thread(where: Place) -> Iterator[Journal]:
    """The whole daemon in this process, so that its start is not measured; gives its journal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with closing(where.journal()) as journal:
        daemon = Daemon(where.settings, data_paths(where.settings), journal, where.config)
        thread = threading.Thread(target=daemon.run, name="daemon")
        thread.start()
        try:
            yield journal
        finally:
            daemon.asked_to_stop.set()
            thread.join()


@contextmanager
def daemon_process(where: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """``mss-connector run``, as a person starts it; given when it answers on ``/health``."""
    command = [sys.executable, "-m", "connector", "run", "--config", str(where.config)]
    with (where.folder / "daemon.out").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=Path(__file__).resolve().parents[1])
    try:
        wait_until(lambda: ask_health(where.settings) is not None or process.poll() is not None, pause=0.01)
        assert process.poll() is None, (where.folder / "daemon.out").read_text(errors="replace")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until(holds: Callable[[], bool], *, pause: float = 0.05) -> None:
    """Look again and again until something is true.

    Raises:
        TimeoutError: it never was.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"nothing came in {PATIENCE_SECONDS:.0f} s")
        time.sleep(pause)


def count_messages(servers: MailOperator, address: MailboxAddress, folder: str = "INBOX") -> int:
    """How many messages a mailbox holds, by its files."""
    maildir = servers.maildir(address, folder)
    return sum(1 for name in ("new", "cur") if (maildir / name).is_dir() for _ in (maildir / name).iterdir())


def rss_mb(pid: int) -> float:
    """What a process occupies now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def _software(folder: Path) -> str:
    return f"""\
[software]
product_reference = "DEV000000"
environment = "test"
data_dir = {_quoted(folder / "data")}

[api]
port = 0

[spool]
root = {_quoted(folder / "spool")}

[journal]
key_store = "file"

[log]
level = "warning"
"""


def _operator_table(servers: MailOperator) -> str:
    values = servers.settings_for()
    return f"""
[operators.local]
smtp = {{ host = "{values["smtp"]["host"]}", port = {values["smtp"]["port"]} }}
imap = {{ host = "{values["imap"]["host"]}", port = {values["imap"]["port"]} }}
tls = {{ trust = [{_quoted(servers.trust)}], crl = [{_quoted(servers.lists)}] }}
sent_folder = "Sent"
files_sent_messages = true
"""


def _mailbox(
    servers: MailOperator, address: MailboxAddress, index: int, recipient: MailboxAddress | None, readiness: str, *,
    send: bool, receive: bool,
) -> str:  # fmt: skip
    identity = servers.identity_settings(address)
    proof = (
        f"certificate = {_quoted(identity.certificate)}"
        if identity.certificate
        else f'auth = "plain", password = {{ file = {_quoted(servers.folder / "password")} }}'
    )
    if identity.certificate is None:
        (servers.folder / "password").chmod(0o600)
    return f"""
[[mailboxes]]
address = "{address}"
box = "boite-{index}"
kind = "APP"
entity = "Laboratoire Exemple"
reply_to_self = true
operator = "local"
send = {json.dumps(send)}
receive = {json.dumps(receive)}
identity = {{ {proof} }}
[mailboxes.outbox]
readiness = "{readiness}"
settle_seconds = 0
default_recipients = {json.dumps([str(recipient)] if recipient else [])}
"""


def _quoted(path: object) -> str:
    return json.dumps(str(path))
