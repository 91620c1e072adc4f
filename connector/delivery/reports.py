"""What the LPS says of a delivery: two small files that any software can write into the folder that it reads.

``<prefix>.integre``
    Everything is integrated: it counts as taken. Empty, or whatever the software likes to write.
``<prefix>.echec``
    It could not be integrated, so somebody still has to: it does not count as taken. Each line: a code of the volet
    of reception (900 to 906), then words; the code of a line without one, and of an empty file, is 906.

A report is read when it has not changed between two looks, told [``report.told``], and deleted: what it says is in
the journal then, and with the sender. One about nothing that was delivered goes to ``ERREURS/RECEPTION`` with a note.

Source rule: lps-folder-conventions 8.6; mssante-client-rules 8 (codes of a failed integration).
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from connector.delivery.watch import FOLDER
from connector.domain.catalogue import explain
from connector.domain.errors import ConnectorError, InvalidSubmission, Unavailable
from connector.domain.legacy_text import note
from connector.domain.ports import reach
from connector.exchange.notices import FAILURE_LABELS, NoticeDesk
from connector.mail.text import decode_text
from connector.platform.files import (
    free_name,
    private_folder,
    read_regular_file,
    remove,
    rename_durable,
    unavailable,
    write_atomic,
)

__all__ = ["ReportReader", "failures_of", "possible_prefixes"]

_log = structlog.get_logger(__name__)

DONE, FAILED = ".integre", ".echec"
OTHER = "906"
_ACTOR = "LPS"
_MAX_BYTES = 16_384
_MOST_FAILURES = 50
_LINE = re.compile(r"\s*(\d{3})?\b[\s:;,.-]*(.*)")


class _Places(Protocol):
    @property
    def received(self) -> Path: ...

    @property
    def errors(self) -> Path: ...


@dataclass(slots=True)
class ReportReader:
    """Reads the reports in the folder of one mailbox.

    Args:
        places: its folders.
        desk: notes what was taken, and tells the sender.
        delivered_under: id of the message that was delivered under the longest of some prefixes.
    """

    places: _Places
    desk: NoticeDesk
    delivered_under: Callable[[Sequence[str]], str | None]
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    def run_once(self) -> int:
        """Tell what the reports say that have not changed since the last look.

        Returns:
            How many were told.

        Raises:
            Unavailable: folder or journal; what is left is told at the next look.
        """
        try:
            found = dict(_reports(self.places.received))
            steady = [name for name, stamp in found.items() if self._seen.get(name) == stamp]
            self._seen = {name: stamp for name, stamp in found.items() if name not in steady}
            for name in sorted(steady):
                self._tell(self.places.received / name)
        except OSError as error:
            raise unavailable(error) from error
        return len(steady)

    @property
    def is_pending(self) -> bool:
        """True when the last look found a report that may still have been written."""
        return bool(self._seen)

    def _tell(self, path: Path) -> None:
        incoming_id = self.delivered_under(possible_prefixes(path.stem))
        if incoming_id is None:
            self._set_aside(path, "COMPTE_RENDU_INCONNU")
            return
        try:
            content = read_regular_file(path, max_bytes=_MAX_BYTES)
        except FileNotFoundError:  # its author has thought better of it
            return
        except InvalidSubmission:
            self._set_aside(path, "COMPTE_RENDU_ILLISIBLE")
            return
        try:
            self._pass_on(incoming_id, path.suffix.lower(), content)
        except Unavailable:
            raise
        except ConnectorError as error:  # the message itself cannot be answered any more
            _log.warning("report_not_told", id=incoming_id, code=error.code, detail=error.detail)
            self._set_aside(path, error.code)
            return
        reach("report.told")
        remove(path)

    def _pass_on(self, incoming_id: str, suffix: str, content: bytes) -> None:
        if suffix == DONE:
            self.desk.take(incoming_id, by=FOLDER)
            return
        (code, words), *further = failures_of(content)
        self.desk.report_integration_failure(incoming_id, code, words, _ACTOR, further=further)

    def _set_aside(self, path: Path, code: str) -> None:
        """Kept where a person looks for what went wrong."""
        folder = self.places.errors / "RECEPTION"
        private_folder(folder)
        target = free_name(folder, path.name)
        texts = explain(code)
        told = note(
            f"Un compte rendu d'intégration de votre logiciel n'a pas pu être exploité : {path.name}",
            f"Ce qui s'est passé\n  {texts.title_fr}", f"Que faire\n  {texts.cure_fr}", f"Code : {code}",
        )  # fmt: skip
        write_atomic(target.with_name(f"{target.name}.erreur.txt"), told)
        rename_durable(path, target)
        _log.warning("report_set_aside", code=code)


def failures_of(content: bytes) -> list[tuple[str, str]]:
    """Code and words of each line of an ``.echec`` file; never empty (pure).

    A number that is no code of the table stays among the words.
    """
    found = [_failure(line) for line in decode_text(content).splitlines() if line.strip()]
    return found[:_MOST_FAILURES] or [(OTHER, "")]


def _failure(line: str) -> tuple[str, str]:
    read = _LINE.match(line)
    if read is None or read[1] not in FAILURE_LABELS:
        return OTHER, line.strip()
    return read[1], read[2].strip()


def possible_prefixes(stem: str) -> list[str]:
    """The stem itself, and what it begins with up to each separator: a report may be named like one file (pure)."""
    cuts = [place.start() for place in re.finditer(r"[_.\-]", stem)]
    return [stem, *(stem[:cut] for cut in cuts if cut)]


def _reports(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, and size with time of change, of each report."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.lower().endswith((DONE, FAILED)) and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    stat = entry.stat(follow_symlinks=False)
                    yield entry.name, (stat.st_size, stat.st_mtime_ns)
