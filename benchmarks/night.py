"""A laboratory's night: thousands of HPRIM results, in bursts, for a few dozen doctors and a thousand patients.

The daemon is a process of its own. Measured is the pace of each tenth, which must not fall as the journal grows, and
the memory. Proved is that every result left once, to its doctor, and those of one patient in their order; shown is
what ``mss-connector status --watch`` says half-way.
"""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from subprocess import Popen

from benchmarks.scene import Place, count_messages, daemon_process, operator, place, rss_mb, wait_until
from benchmarks.table import show, show_ratio
from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState
from connector.journal.journal import Journal
from connector.journal.records import SubmissionView
from connector.settings.load import read_settings
from tests.servers.operator import MailOperator

__all__ = ["run"]

DOCTORS = 24
PATIENTS = 1_000
BURST = 500
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 5_400.0
SHARES = 10
AIM_PACE = 0.8
"""The last share against the second: the journal has grown by then, and the first includes the start."""

_RESULT = (
    "D-{patient:04}\r\nPATIENT{letters}\r\nCamille\r\n12 RUE DES ESSAIS\r\n \r\n62000 ARRAS\r\n"
    "{day:02}/{month:02}/1970\r\n \r\nREQ{number:05}\r\n20/11/2026\r\n        LB LABORATOIRE FICTIF\r\n"
    "        {doctor} DR EXEMPLE Alix\r\n \r\nHémoglobine {value:.1f} g/dL\r\n****LAB****\r\n"
    "RES|Hémoglobine|HB|N|{value:.1f}|g/dL|12.5|15.5|N|F\r\n****FIN****\r\n****FINFICHIER****\r\n"
)


@dataclass
class _Night:
    """What is seen while it goes on."""

    where: Place
    journal: Journal
    process: "Popen[bytes]"
    count: int
    begun: float = field(default_factory=time.monotonic)
    marks: list[tuple[int, float, float]] = field(default_factory=list)  # sent, seconds, MB
    told: str = ""

    def look(self) -> bool:
        """True when everything has left."""
        assert self.process.poll() is None, "the daemon ended"
        assert time.monotonic() - self.begun < PATIENCE_SECONDS, "it does not come to an end"
        counts = self.journal.counts().get(str(self.where.addresses[0]), {})
        wrong = {name: n for name, n in counts.items() if name in ("out:rejected", "out:failed", "out:duplicate")}
        assert not wrong, f"results were not sent: {wrong}"
        sent = counts.get(f"out:{OutgoingState.SENT}", 0)
        if sent >= min(self._next_mark(), self.count):
            self.marks.append((sent, time.monotonic() - self.begun, rss_mb(self.process.pid)))
        if not self.told and sent >= self.count // 2:
            self.told = _status(self.where)
        return sent >= self.count

    def _next_mark(self) -> int:
        if not self.marks:
            return 0
        return (self.marks[-1][0] * SHARES // self.count + 1) * self.count // SHARES

    def rows(self) -> Iterator[list[object]]:
        for (before, since, _), (sent, until, memory) in zip(self.marks, self.marks[1:], strict=False):
            yield [sent, (sent - before) / max(until - since, 0.001), memory]


def run(count: int = 10_000) -> None:
    """Print the tables.

    Args:
        count: results.
    """
    with operator(demands_certificate=False) as servers:
        sender = servers.new_mailbox("labo")
        doctors = {str(100 + n): servers.new_mailbox() for n in range(DOCTORS)}
        with place(servers, [sender], receive=False) as bare:
            where = _with_correspondents(bare, doctors)
            with daemon_process(where) as process, closing(where.journal()) as journal:
                night = _Night(where, journal, process, count)
                _drop(night)
                while not night.look():
                    time.sleep(LOOK_SECONDS)
                _report(night)
                _prove(servers, night, doctors)


def _with_correspondents(where: Place, doctors: dict[str, MailboxAddress]) -> Place:
    rows = "".join(f'{code} = "{address}"\n' for code, address in doctors.items())
    where.config.write_text(where.config.read_text("utf-8") + f"[mailboxes.correspondents]\n{rows}", encoding="utf-8")
    return replace(where, settings=read_settings(where.config))


def _drop(night: _Night) -> None:
    """In bursts, as analysers finish; each file is complete when it is renamed into the outbox."""
    outbox, staged = night.where.box() / "A_ENVOYER", night.where.folder / "staged"
    wait_until(outbox.is_dir)
    staged.mkdir()
    for first in range(0, night.count, BURST):
        paths = [staged / f"REQ{number:05}.hpr" for number in range(first, min(first + BURST, night.count))]
        for number, path in enumerate(paths, first):
            path.write_bytes(_result(number))
        for path in paths:
            path.rename(outbox / path.name)
        night.look()


def _result(number: int) -> bytes:
    patient = number % PATIENTS
    letters = "".join(chr(ord("A") + int(digit)) for digit in f"{patient:04}")
    return _RESULT.format(
        patient=patient, letters=letters, day=patient % 28 + 1, month=patient % 12 + 1, number=number,
        doctor=_doctor(number), value=12 + number % 40 / 10,
    ).encode("cp1252")  # fmt: skip


def _doctor(number: int) -> str:
    return str(100 + number % PATIENTS % DOCTORS)


def _status(where: Place) -> str:
    command = [sys.executable, "-m", "connector", "status", "--watch", "--looks", "1", "--config", str(where.config)]
    root = Path(__file__).resolve().parents[1]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, timeout=60).stdout.strip()


def _report(night: _Night) -> None:
    rows = list(night.rows())
    show(f"A night of {night.count} results", ["sent", "results a second", "memory, MB"], rows)
    print(f"\nHalf-way, `status --watch`:\n\n    {night.told.replace(chr(10), chr(10) + '    ')}\n")
    paces = [float(str(row[1])) for row in rows]
    if len(paces) > 2:
        show_ratio("pace of the last share / of the second", paces[-1] / paces[1], AIM_PACE)


def _prove(servers: MailOperator, night: _Night, doctors: dict[str, MailboxAddress]) -> None:
    """Each result once, to its doctor, and those of a patient in the order of their numbers."""
    wanted = Counter(_doctor(number) for number in range(night.count))
    wait_until(lambda: sum(count_messages(servers, one) for one in doctors.values()) >= night.count)
    arrived = {code: count_messages(servers, address) for code, address in doctors.items()}
    assert arrived == dict(wanted), "each doctor got what is his"
    sent: defaultdict[int, list[tuple[int, datetime]]] = defaultdict(list)
    names = []
    for view in _views(night.journal):
        number = int(view.source_name.removeprefix("REQ"))
        names.append(number)
        sent[number % PATIENTS].append((number, view.messages[0].state_since))
    assert sorted(names) == list(range(night.count)), "each result was taken once"
    wrong = [patient for patient, results in sent.items() if not _in_order(results)]
    assert not wrong, f"results of {len(wrong)} patients left in another order"
    print(f"\n{night.count} results: each arrived once, at its doctor's; those of each patient left in their order.")


def _in_order(results: list[tuple[int, datetime]]) -> bool:
    by_number = [at for _, at in sorted(results)]
    return by_number == sorted(by_number)


def _views(journal: Journal) -> Iterator[SubmissionView]:
    after: str | None = None
    while True:
        page = journal.find(limit=500, after=after)
        yield from page.items
        if page.after is None:
            return
        after = page.after
