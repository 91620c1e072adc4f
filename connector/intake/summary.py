"""The daily summary of one mailbox: a line for everything that was given to us, for a laboratory's morning round.

``STATUTS/resume-AAAA-MM-JJ.csv`` (UTF-8 with BOM, ``;``: spreadsheets open it) and ``.txt`` (numbers, and what needs
somebody). A day is written once: ``.travail/suivi/resume.json`` remembers the last one, after the files are there; a
crash in between writes the same files again. A connector that was off writes what it missed, the last seven days at
most.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.domain.legacy_text import note
from connector.domain.ports import Clock
from connector.intake.layout import BoxLayout
from connector.intake.status import Etat, Status, describe
from connector.journal.records import SubmissionView
from connector.journal.search import Page
from connector.platform.files import private_folder, write_atomic
from connector.platform.together import write_together

__all__ = ["DailySummary"]

_MOST_DAYS = 7
_PAGE = 100
_NEEDS_SOMEBODY = (Etat.ERREUR, Etat.A_VERIFIER, Etat.ATTENTE_CARTE, Etat.DOUBLON, Etat.SANS_NOUVELLES)
_COLUMNS = ("heure", "reference", "nom", "destinataires", "etat", "code", "texte")
_WORDS = {
    Etat.ERREUR: "en échec", Etat.A_VERIFIER: "à vérifier", Etat.ATTENTE_CARTE: "en attente d'une personne",
    Etat.DIFFERE: "en attente", Etat.DOUBLON: "doublons mis de côté", Etat.ANNULE: "annulés", Etat.PRIS: "en cours",
    Etat.CONTROLE: "en cours", Etat.EN_FILE: "en cours", Etat.SANS_NOUVELLES: "sans nouvelles",
    Etat.ENVOYE: "envoyés", Etat.REMIS: "remis", Etat.LU: "lus",
}  # fmt: skip


class SummaryLedger(Protocol):
    """What the summary asks of the journal."""

    def find(
        self, text: str = ..., *, mailbox: MailboxAddress | None = ..., since: datetime | None = ...,
        until: datetime | None = ..., limit: int = ..., after: str | None = ...,
    ) -> Page:  # fmt: skip
        """Submissions, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class DailySummary:
    """Writes the summaries of one mailbox.

    Args:
        mailbox: whose.
        open_layout: its folders.
        journal: what was given.
        clock: what time it is.
        hour: ``HH:MM`` of the machine's zone; a day ends there.
        zone: zone for people; ``None`` = that of the machine.
    """

    mailbox: MailboxAddress
    open_layout: Callable[[], BoxLayout]
    journal: SummaryLedger
    clock: Clock
    hour: str
    zone: tzinfo | None = None

    def run_once(self) -> int:
        """Write every summary that is due.

        Returns:
            How many days.

        Raises:
            Unavailable: ``SPOOL_ABSENT`` and so on: comes again.
            OSError: the same.
        """
        layout = self.open_layout()
        marker = layout.work / "suivi" / "resume.json"
        due = list(self._due(_last(marker.read_text("utf-8") if marker.exists() else "")))
        for day in due:
            self._write(layout, day)
            if not marker.parent.is_dir():
                private_folder(marker.parent)
            write_atomic(marker, json.dumps({"jour": day.isoformat()}).encode())
        return len(due)

    def _due(self, last: date | None) -> Iterator[date]:
        """The days that have ended and were not told; a first start begins with the one that ends next."""
        now = self.clock.now().astimezone(self.zone)
        ended = now.date() if now >= self._end(now.date()) else now.date() - timedelta(days=1)
        if last is None:
            yield ended
            return
        day = max(last + timedelta(days=1), ended - timedelta(days=_MOST_DAYS - 1))
        while day <= ended:
            yield day
            day += timedelta(days=1)

    def _end(self, day: date) -> datetime:
        """When a day ends: at the hour of the setting, on that date."""
        local = datetime.combine(day, time.fromisoformat(self.hour))
        return local.replace(tzinfo=self.zone) if self.zone else local.astimezone()

    def _write(self, layout: BoxLayout, day: date) -> None:
        since, until = self._end(day - timedelta(days=1)), self._end(day)
        told = [describe(view) for view in self._submissions(since, until)]
        told.reverse()
        stem = layout.statuses / f"resume-{day.isoformat()}"
        write_together([
            (stem.with_suffix(".csv"), _csv(told, self.zone)),
            (stem.with_suffix(".txt"), _text(told, since, until)),
        ])  # fmt: skip

    def _submissions(self, since: datetime, until: datetime) -> Iterator[SubmissionView]:
        after: str | None = None
        while True:
            page = self.journal.find(mailbox=self.mailbox, since=since, until=until, limit=_PAGE, after=after)
            yield from page.items
            if page.after is None:
                return
            after = page.after


def _last(text: str) -> date | None:
    try:
        return date.fromisoformat(json.loads(text)["jour"])
    except (ValueError, KeyError, TypeError):
        return None


def _csv(told: Iterable[Status], zone: tzinfo | None) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in told:
        problem = next(iter(one.problems), None)
        writer.writerow([
            one.since.astimezone(zone).strftime("%d/%m/%Y %H:%M:%S"), _cell(one.reference or ""),
            _cell(", ".join(one.files)), _cell(", ".join(str(each.address) for each in one.recipients)),
            one.etat.value, problem.code if problem else "", _cell(problem.text) if problem else "",
        ])  # fmt: skip
    return buffer.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    """A spreadsheet must not take it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _text(told: list[Status], since: datetime, until: datetime) -> bytes:
    counts = Counter(_WORDS[one.etat] for one in told)
    needs = [one for one in told if one.etat in _NEEDS_SOMEBODY]
    head = f"Résumé du {since:%d/%m/%Y %H:%M} au {until:%d/%m/%Y %H:%M}"
    numbers = "\n".join(f"  {count} {word}" for word, count in sorted(counts.items())) or "  rien"
    lines = [
        f"  {one.reference or next(iter(one.files), one.id)} : {_WORDS[one.etat]}"
        + "".join(f" – {problem.text}" for problem in one.problems[:1])
        for one in needs
    ]
    return note(head, f"{len(told)} envoi(s)\n{numbers}", *(["À regarder\n" + "\n".join(lines)] if lines else []))
