"""A small record per submission: the name of its status file, and where its originals are.

``.travail/suivi/<AAAA-MM>/<id>.json``. It is written before anything happens under the names that it holds, so that
a crash is finished under the same names, a later receipt finds its status file, and a retry finds the originals.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from connector.intake.layout import BoxLayout
from connector.platform.files import private_folder, write_atomic

__all__ = ["Record", "Records"]


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of one submission."""

    status: str  # base name in STATUTS
    place: str = ""  # folder of the originals below the box, with "/"; empty while they are claimed
    files: dict[str, str] = field(default_factory=dict)  # name in the drop to name in that folder
    note: str = ""  # name of the note in ERREURS
    former_place: str = ""  # where the originals may still be when a move was interrupted
    former_files: dict[str, str] = field(default_factory=dict)


class Records:
    """The records of one mailbox."""

    def __init__(self, layout: BoxLayout) -> None:
        self._root = layout.work / "suivi"

    def load(self, month: str, submission_id: str) -> Record | None:
        """The record of a submission made in ``month`` (``AAAA-MM``, UTC); ``None`` when there is none."""
        try:
            text = self._path(month, submission_id).read_text("utf-8")
        except FileNotFoundError:
            return None
        return Record(**json.loads(text))

    def find(self, submission_id: str) -> Record | None:
        """The record of a submission of any month."""
        found = (self.load(folder.name, submission_id) for folder in reversed(self.folders()))
        return next((record for record in found if record is not None), None)

    def save(self, month: str, submission_id: str, record: Record) -> None:
        """Write it durably."""
        path = self._path(month, submission_id)
        if not path.parent.is_dir():
            private_folder(path.parent)
        write_atomic(path, json.dumps(asdict(record), ensure_ascii=False).encode("utf-8"))

    def folders(self) -> list[Path]:
        """Every folder that records are in, oldest first."""
        return sorted(path for path in self._root.glob("*") if path.is_dir())

    def _path(self, month: str, submission_id: str) -> Path:
        return self._root / month / f"{submission_id}.json"
