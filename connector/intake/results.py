"""Telling the LPS: status files, markers and notes, and the last journey of the originals.

One round per submission with news; every step may be interrupted and is done again under the same names:

1. The names are chosen and recorded (:mod:`connector.intake.record`).
2. Status files, markers and note are written [``status.written``].
3. When everything is final, the originals go from ``.travail/<id>`` to ``ENVOYES/AAAA-MM`` (something left) or
   ``ERREURS`` (nothing left: refused, failed, duplicate, cancelled) [``status.filed``].
4. The journal notes what was reported [``status.reported``]; news since then come with the next round.

The originals of a duplicate go to ``ERREURS`` with a note that says how to force it: they stay findable, and nobody
takes them for sent. When a person makes it leave later, they move on to ``ENVOYES`` and the note goes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from connector.domain.errors import Unavailable
from connector.domain.ports import reach
from connector.intake.acknowledge import acceptance
from connector.intake.claim import Claims
from connector.intake.filing import entries, free_number, move_all, numbered
from connector.intake.layout import BoxLayout
from connector.intake.ledger import ReportLedger
from connector.intake.record import Record, Records
from connector.intake.status import Etat, Status, describe, is_final, status_json, status_note, status_txt, was_sent
from connector.journal.records import SubmissionView
from connector.platform.files import private_folder, remove, safe_name, unavailable
from connector.platform.together import write_together
from connector.settings.model import MailboxSettings, OutboxSettings

__all__ = ["StatusFiles", "StatusReporter"]

_FAILED = (Etat.ERREUR, Etat.DOUBLON, Etat.ANNULE)
_SUCCEEDED = (Etat.SANS_NOUVELLES, Etat.ENVOYE, Etat.REMIS, Etat.LU)


class StatusFiles:
    """The files of ``STATUTS`` for one status, under a base name that is already ours.

    Args:
        layout: the folders.
        wanted: which files the settings ask for.
        zone: zone of the text form; ``None`` = that of the machine.
    """

    def __init__(self, layout: BoxLayout, wanted: OutboxSettings, zone: tzinfo | None) -> None:
        self._folder = layout.statuses
        self._wanted = wanted
        self._zone = zone

    @property
    def wants_hl7_answers(self) -> bool:
        """True when HL7 v2 messages are answered by a file."""
        return self._wanted.hl7_answers

    def names(self, base: str) -> list[Path]:
        """Every name that a base may use."""
        suffixes = (".statut.json", ".statut.txt", ".envoye", ".erreur", ".ack")
        return [self._folder / f"{base}{suffix}" for suffix in suffixes]

    def content(self, base: str, status: Status, place: str) -> list[tuple[Path, bytes]]:
        """What the settings ask for, to be written together."""
        files = []
        if self._wanted.status_txt:
            files.append((self._folder / f"{base}.statut.txt", status_txt(status, self._zone)))
        if self._wanted.status_json:
            files.append((self._folder / f"{base}.statut.json", status_json(status, place)))
        if self._wanted.markers and status.etat in _FAILED:
            reason = status_txt(status, self._zone).split(b"TEXTE=")[-1] if status.problems else b""
            files.append((self._folder / f"{base}.erreur", reason))
        elif self._wanted.markers and status.etat in _SUCCEEDED:
            files.append((self._folder / f"{base}.envoye", b""))
        return files

    def answer(self, base: str, ack: bytes | None) -> list[tuple[Path, bytes]]:
        """The answer to an HL7 v2 message, when there is one and the settings ask for it."""
        return [(self._folder / f"{base}.ack", ack)] if ack and self._wanted.hl7_answers else []

    def remove_stale(self, base: str, status: Status) -> None:
        """Take away the marker that is no longer true."""
        if self._wanted.markers and status.etat in (*_FAILED, *_SUCCEEDED):
            stale = ".envoye" if status.etat in _FAILED else ".erreur"
            (self._folder / f"{base}{stale}").unlink(missing_ok=True)


class StatusReporter:
    """Reports the submissions of one mailbox.

    Args:
        mailbox: its settings.
        layout: its folders.
        journal: where the news are.
        zone: zone for people; ``None`` = that of the machine.
    """

    def __init__(
        self, mailbox: MailboxSettings, layout: BoxLayout, *, journal: ReportLedger, claims: Claims,
        zone: tzinfo | None = None,
    ) -> None:  # fmt: skip
        self._address = mailbox.address
        self._layout = layout
        self._journal = journal
        self._claims = claims
        self._zone = zone
        self._records = Records(layout)
        self._files = StatusFiles(layout, mailbox.outbox, zone)

    def run_once(self) -> int:
        """Report everything that has news.

        Returns:
            How many submissions were reported.

        Raises:
            Unavailable: ``SPOOL_ABSENT``, ``SPOOL_REFUSE``, ``DISQUE_PLEIN``, ``FICHIER_OCCUPE`` or the journal's
                own; what was not reported comes again.
        """
        views = self._journal.unreported(self._address, limit=100)
        if views:
            self._layout.check()
        held: Unavailable | None = None
        done = 0
        for view in views:
            try:
                self._report(view)
                done += 1
            except OSError as error:
                held = unavailable(error)
        if held is not None and not done:
            raise held
        return done

    def _report(self, view: SubmissionView) -> None:
        status = describe(view)
        record = self._record(view, status)
        files = self._files.content(record.status, status, record.place)
        if not view.reported_revision:  # the first word about it, and the only answer: the LPS may take it away
            files += self._files.answer(record.status, acceptance(view))
        if record.note and status.needs_note:
            text = status_note(status, self._zone, left=was_sent(view))
            files.append((self._layout.errors / record.note, text))
        write_together(files)
        self._files.remove_stale(record.status, status)
        reach("status.written")
        if record.place:
            self._file(view.id, record)
        self._tidy(view, status, record)
        reach("status.filed")
        self._journal.mark_reported(view.id, view.revision)
        reach("status.reported")

    def _record(self, view: SubmissionView, status: Status) -> Record:
        """The record as it must be before this round acts, saved when it changed."""
        known = self._records.load(_month(view.created_at), view.id)
        record = known or Record(self._status_name(view))
        place = self._place(view)
        if (
            place
            and place != record.place
            and not (place.startswith("ENVOYES") and record.place.startswith("ENVOYES"))
        ):
            record = self._moved(view, record, place)
        if status.needs_note and not record.note:
            record = replace(record, note=self._note_name(view))
        if record != known:
            self._records.save(_month(view.created_at), view.id, record)
        return record

    def _status_name(self, view: SubmissionView) -> str:
        base = _safe(view.source_name)
        number = free_number(lambda n: self._files.names(_suffixed(base, n)))
        return _suffixed(base, number)

    def _place(self, view: SubmissionView) -> str:
        if not is_final(view):
            return ""
        if not was_sent(view):
            return "ERREURS"
        left = min(message.state_since for message in view.messages)
        return f"ENVOYES/{left.astimezone(self._zone).strftime('%Y-%m')}"

    def _moved(self, view: SubmissionView, record: Record, place: str) -> Record:
        names = list(record.files) or entries(self._claims.folder(view.id)) or [file.name for file in view.files]
        target = self._layout.box / place
        base = _safe(view.source_name)

        def taken(number: int) -> Iterable[Path]:
            yield from (target / numbered(name, number) for name in names)
            if place == "ERREURS":
                yield self._layout.errors / f"{_suffixed(base, number)}.erreur.txt"

        number = free_number(taken)
        files = {name: numbered(name, number) for name in names}
        note = f"{_suffixed(base, number)}.erreur.txt" if place == "ERREURS" else record.note
        return replace(
            record, place=place, files=files, note=note, former_place=record.place, former_files=record.files
        )

    def _note_name(self, view: SubmissionView) -> str:
        base = _safe(view.source_name)
        number = free_number(lambda n: [self._layout.errors / f"{_suffixed(base, n)}.erreur.txt"])
        return f"{_suffixed(base, number)}.erreur.txt"

    def _file(self, submission_id: str, record: Record) -> None:
        """Move the originals; done again after a crash, it finds those that are still on the way."""
        target = self._layout.box / record.place
        claim = self._claims.folder(submission_id)
        if not claim.is_dir() and not record.former_place:
            return
        if not target.is_dir():
            private_folder(target)
        move_all([claim], target, record.files)
        if record.former_place:
            former = self._layout.box / record.former_place
            onward: Mapping[str, str] = {
                record.former_files[name]: record.files[name] for name in record.former_files
            }
            move_all([former], target, onward)
        self._claims.forget(submission_id)

    def _tidy(self, view: SubmissionView, status: Status, record: Record) -> None:
        """Take away a note that is no longer true, and close an interrupted move."""
        tidy = replace(record, former_place="", former_files={})
        if record.note and not status.needs_note:
            remove(self._layout.errors / record.note)
            tidy = replace(tidy, note="")
        if tidy != record:
            self._records.save(_month(view.created_at), view.id, tidy)


def _month(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m")


def _safe(base: str) -> str:
    return safe_name(base, max_chars=100)


def _suffixed(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"
