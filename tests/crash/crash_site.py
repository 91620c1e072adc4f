"""A spool, two mailboxes and the real daemon between them, started and killed as often as a test likes.

A laboratory's drops leave through a real Postfix and come back through a real Dovecot to the practitioner whose
mailbox the same daemon reads: one document crosses every hand-over of both directions.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from connector.daemon.store import open_journal
from connector.domain.states import IncomingState, OutgoingState
from connector.journal.journal import Journal
from connector.settings.load import read_settings
from connector.settings.model import Settings
from tests.crash.crash_samples import document, incoming_message, message_id_of
from tests.servers.operator import ELSEWHERE, MailOperator

__all__ = ["CrashSite", "wait_until"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
IDLE_SECONDS = 2.5  # nothing is reached for so long: it waits for news
SETTLE_SECONDS = 6  # Postfix files the copy in Sent within milliseconds of its 250; a loaded machine needs longer

_SETTINGS = """\
[software]
product_reference = "DEV000000"
environment = "test"
data_dir = "{folder}/donnees"
[api]
port = 0
[log]
file = false
[spool]
root = "{folder}/spool"
scan_seconds = 0.5
[journal]
key_store = "file"
[retry]
first_seconds = 0.2
cap_seconds = 1.0
[operators.test]
smtp = {{ host = "localhost", port = {smtp} }}
imap = {{ host = "localhost", port = {imap} }}
sent_folder = "Sent"
files_sent_messages = true
sent_settle_seconds = {settle}
poll_seconds = 0.5
connect_seconds = 20
tls = {{ trust = ["{trust}"], crl = ["{lists}"] }}
[[mailboxes]]
address = "{labo}"
box = "labo"
kind = "APP"
entity = "Laboratoire Exemple"
reply_to_self = true
operator = "test"
identity = {{ certificate = "{labo_file}" }}
outbox = {{ readiness = "drapeau", settle_seconds = 0, markers = true }}
[[mailboxes]]
address = "{doctor}"
box = "cabinet"
title = "Dr"
given = "Alix"
family = "EXEMPLE"
entity = "Cabinet Exemple"
operator = "test"
identity = {{ certificate = "{doctor_file}" }}
outbox = {{ settle_seconds = 0 }}
reception = {{ ok_flag = true{routes} }}
"""


_ROUTES = ', routes = [{{ path = "{folder}/ged", profile = "dossier", go_on = true }}]'


def wait_until(look: Callable[[], object], what: Callable[[], str], *, pause: float = 0.02) -> None:
    """Look again and again until it is so.

    Raises:
        AssertionError: it never was.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > end:
            raise AssertionError(f"not in {PATIENCE_SECONDS:.0f} s: {what()}")
        time.sleep(pause)


@dataclass
class CrashSite:
    """Everything of one scenario.

    Attributes:
        folder: empty; settings, spool and journal go there.
        operator: real servers, shared with others; the mailboxes are ours alone.
    """

    folder: Path
    operator: MailOperator
    dropped: dict[str, bytes] = field(default_factory=dict)  # base name -> document, to be sent
    refused: dict[str, bytes] = field(default_factory=dict)  # base name -> what is no document
    lots: dict[str, tuple[str, ...]] = field(default_factory=dict)  # base name of a lot -> those of its parts
    delivered_by_others: dict[str, bytes] = field(default_factory=dict)  # Message-ID -> document
    exits: Counter[int] = field(default_factory=Counter)
    routed: bool = False  # what the practitioner gets also goes to another place, in another form
    _log_size: int = 0
    _takings: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.labo = self.operator.new_mailbox("labo", domain=ELSEWHERE)
        self.doctor = self.operator.new_mailbox("dr.modele")
        self.config = self.folder / "connector.toml"
        self.config.write_text(
            _SETTINGS.format(
                folder=self.folder, smtp=self.operator.smtp_port, imap=self.operator.imap_port,
                trust=self.operator.trust, lists=self.operator.lists, settle=SETTLE_SECONDS,
                labo=self.labo, doctor=self.doctor,
                routes=_ROUTES.format(folder=self.folder) if self.routed else "",
                labo_file=self.operator.client_file(self.labo), doctor_file=self.operator.client_file(self.doctor),
            )
        )  # fmt: skip
        self.outbox.mkdir(parents=True)  # the LPS drops before the first start

    # --- places ------------------------------------------------------------------------------------------------

    @property
    def box(self) -> Path:
        return self.folder / "spool" / "labo"

    @property
    def outbox(self) -> Path:
        return self.box / "A_ENVOYER"

    @property
    def received(self) -> Path:
        return self.folder / "spool" / "cabinet" / "RECUS"

    @property
    def archive(self) -> Path:
        """The other place."""
        return self.folder / "ged"

    @property
    def taken(self) -> Path:
        """Where the practitioner's software keeps what it took: a folder for each delivery."""
        return self.folder / "lps"

    def received_folders(self) -> list[Path]:
        """Wherever deliveries are now."""
        return [self.received, *sorted(self.taken.glob("*"))]

    @property
    def steps(self) -> Path:
        """What was reached, one line a step, over all processes."""
        return self.folder / "steps.txt"

    @property
    def log(self) -> Path:
        return self.folder / "connector.log"

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.config)

    # --- what the world does -----------------------------------------------------------------------------------

    def drop(self, number: int) -> None:
        """What a laboratory system does: document, sidecar, flag."""
        base = f"REQ{number:04}"
        self.dropped[base] = document(number)
        sidecar = {"version": 1, "reference": base, "destinataires": [{"adresse": str(self.doctor)}]}
        self._put(base, ".xml", self.dropped[base])
        self._put(base, ".mss.json", json.dumps(sidecar).encode())
        self._put(base, ".ok", b"")

    def drop_bad(self, number: int) -> None:
        """A drop that is refused when it is claimed: its sidecar names no address."""
        base = f"BAD{number:04}"
        sidecar = {"version": 1, "reference": base, "destinataires": [{"adresse": "personne"}]}
        self.refused[base] = document(number)
        self._put(base, ".xml", self.refused[base])
        self._put(base, ".mss.json", json.dumps(sidecar).encode())
        self._put(base, ".ok", b"")

    def drop_rejected(self, number: int) -> None:
        """A drop that is refused when it is prepared: a real INS in a test environment."""
        base = f"INS{number:04}"
        sidecar = {"version": 1, "reference": base, "destinataires": [{"adresse": str(self.doctor)}]}
        self.refused[base] = document(number).replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")
        self._put(base, ".xml", self.refused[base])
        self._put(base, ".mss.json", json.dumps(sidecar).encode())
        self._put(base, ".ok", b"")

    def drop_lot(self, number: int) -> None:
        """Two documents and what is none, with an index of the three lines, and a flag."""
        lot, good, bad = f"LOT{number:04}", (f"PA{number:04}", f"PB{number:04}"), f"BAD{number:04}"
        self.dropped |= {base: document(1000 * number + place) for place, base in enumerate(good)}
        self.refused[bad] = b"<html>no document</html>"
        self.lots[lot] = (*good, bad)
        lines = [f"{base}.xml;{self.doctor};{base}" for base in self.lots[lot]]
        for base in self.lots[lot]:
            self._put(base, ".xml", (self.dropped | self.refused)[base])
        self._put(lot, ".mss.csv", "\r\n".join(["fichier;destinataires;reference", *lines, ""]).encode())
        self._put(lot, ".ok", b"")

    def deliver(self, number: int) -> None:
        """A message of somebody else arrives in the practitioner's mailbox."""
        raw = incoming_message(number, sender=self.labo, recipient=self.doctor)
        self.delivered_by_others[message_id_of(raw)] = document(number)
        self.operator.deliver(raw, self.doctor)

    def take_received(self) -> None:
        """What the practitioner's software does: takes each delivery that has its flag, whole, out of the folder."""
        for flag in sorted(self.received.glob("*.ok")):
            prefix = flag.name.removesuffix(".ok")
            index = self.received / f"{prefix}.mss.json"
            names = [piece["nom"] for piece in json.loads(index.read_text(encoding="utf-8"))["fichiers"]]
            self._takings += 1
            place = self.taken / f"{self._takings:04}"
            place.mkdir(parents=True)
            for name in (*names, index.name, flag.name):
                (self.received / name).rename(place / name)

    def _put(self, base: str, suffix: str, content: bytes) -> None:
        part = self.outbox / f".{base}{suffix}.tmp"
        part.write_bytes(content)
        part.rename(self.outbox / f"{base}{suffix}")

    # --- the process -------------------------------------------------------------------------------------------

    def start(self, *plan: str) -> None:
        """Start the real daemon; with a plan under the crash harness."""
        assert self._process is None, "it runs"
        arguments = [*plan, "--record", str(self.steps), "--"] if plan else []
        module = "connector.testing.crash" if plan else "connector"
        with self.log.open("ab") as output:
            self._log_size = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip

    def wait_for_death(self) -> None:
        """Until the process has killed itself with SIGKILL, and by nothing else."""
        process = self._process
        assert process is not None
        try:
            code = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the process did not reach its end\n{self.told()}") from None
        self._process = None
        self.exits[code] += 1
        assert code == -signal.SIGKILL, f"ended with {code}\n{self.told()}"

    def dies_while_busy(self) -> bool:
        """Until the process has killed itself; false when it has had nothing to do for a while instead."""
        self.wait_until_started()
        process = self._process
        assert process is not None
        seen, since = -1, time.monotonic()
        while process.poll() is None and time.monotonic() - since < IDLE_SECONDS:
            size = self.steps.stat().st_size if self.steps.exists() else 0
            if size != seen:
                seen, since = size, time.monotonic()
            time.sleep(0.02)
        if process.poll() is None:
            return False
        self.wait_for_death()
        return True

    def wait_until_started(self) -> None:
        """Until the journal was recovered and the workers begin."""
        start = self._log_size
        self.wait_for(lambda: b"event='recovered'" in self._log_since(start))

    def wait_for(self, look: Callable[[], bool]) -> None:
        """Until something is so, or the process has ended."""
        process = self._process
        assert process is not None
        wait_until(lambda: look() or process.poll() is not None, self.told, pause=0.001)

    def _log_since(self, start: int) -> bytes:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read()

    def kill(self) -> None:
        """SIGKILL from outside; nothing when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self.exits[process.wait()] += 1

    def reached(self) -> list[str]:
        """The steps of all processes under the harness so far."""
        return self.steps.read_text().split() if self.steps.exists() else []

    def told(self) -> str:
        """The end of the log, and where everything is, for a failing test."""
        journal = "\n".join(self._rows()) if self.config.exists() else ""
        files = "\n".join(str(path.relative_to(self.folder)) for path in sorted(everything_below(self.folder)))
        return f"{self.log.read_text()[-3000:]}\nsteps: {self.reached()[-20:]}\n{journal}\n{files}"

    def _environment(self) -> dict[str, str]:
        compiled = self.operator.folder / "pycache"  # shared, so that only the first start compiles
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | {"PYTHONPYCACHEPREFIX": str(compiled)}

    # --- what came of it ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, opened beside the daemon as the commands do."""
        with contextlib.closing(open_journal(self.settings, actor="test")) as journal:
            yield journal

    def make_journal(self) -> None:
        """Make the empty journal now; the first start is then as quick as any other."""
        with self.journal():
            pass

    def wait_until_settled(self) -> None:
        """Until nothing is left to do anywhere: folders, journal, operator."""
        wait_until(self._files_are_settled, self.told)
        wait_until(self._journal_is_settled, self.told)

    def _files_are_settled(self) -> bool:
        assert self._process is None or self._process.poll() is None, f"the daemon ended\n{self.told()}"
        statuses = self.box / "STATUTS"
        states = {path.name.split(".")[0]: _etat(path) for path in statuses.glob("*.statut.json")}
        wanted = dict.fromkeys(self.dropped, "remis") | dict.fromkeys((*self.refused, *self.lots), "erreur")
        expected = len(self.dropped) + len(self.delivered_by_others)
        return (
            states == wanted
            and not any(self.outbox.iterdir())
            and sum(len(list(folder.glob("*.ok"))) for folder in self.received_folders()) >= expected
            and not self.work_left()
        )

    def _journal_is_settled(self) -> bool:
        with self.journal() as journal:
            outgoing = journal.submissions(limit=1000)
            incoming = journal.incoming_messages(limit=5000)
        return (
            all(view.revision == view.reported_revision for view in outgoing)
            and {m.state for view in outgoing for m in view.messages}
            <= {OutgoingState.DELIVERED, OutgoingState.REJECTED}
            and {row.state for row in incoming} <= {IncomingState.ACKNOWLEDGED}
            and not self._operator_is_busy()
            and len(incoming) >= len(self.operator_inbox(self.labo)) + len(self.operator_inbox(self.doctor))
        )

    def _operator_is_busy(self) -> bool:
        queue = self.operator.folder / "postfix" / "queue"
        return any(
            path.is_file()
            for name in ("maildrop", "incoming", "active", "deferred")
            for path in everything_below(queue / name)
        )

    def operator_inbox(self, mailbox: Any, folder: str = "INBOX") -> list[bytes]:
        """Raw messages at the operator."""
        return self.operator.messages(mailbox, folder)

    def work_left(self) -> list[str]:
        """What stands in the work folders beside our own records."""
        found = []
        for box in (self.box, self.received.parent, self.archive):
            work = box / ".travail"
            for path in everything_below(work):
                place = path.relative_to(work)
                records = place.parts[0] == "suivi" and (path.is_dir() or path.suffix == ".json")
                if not records and not (len(place.parts) == 1 and place.name.startswith("livraison")):
                    found.append(f"{box.name}/{place}")
        return found

    def _rows(self) -> Iterator[str]:
        with self.journal() as journal:
            for view in journal.submissions(limit=50):
                states = [f"{m.state} {m.code} due {m.next_attempt_at}" for m in view.messages]
                yield f"{view.source_name}: {states} revision {view.revision}, reported {view.reported_revision}"
            for row in journal.incoming_messages(limit=50):
                yield f"{row.mailbox} {row.uid}: {row.state} {row.code} {row.header_message_id}"


def everything_below(folder: Path) -> Iterator[Path]:
    """Files and folders; one that vanishes meanwhile is left out, where ``rglob`` would raise."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent) / name for name in (*folders, *files))


def _etat(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["etat"])
    except FileNotFoundError:  # replaced this very moment
        return ""
