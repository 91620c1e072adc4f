r"""Lots: one claimed drop that means several sendings, each of which is then taken or refused by itself.

Who owns the bytes, step by step (the names in brackets are crash steps), from a claim ``P`` whose files are in
``.travail/P/`` (:mod:`connector.intake.claim`):

1. What has to be made for the parts (sidecars of an index, the messages of a batch) is written into
   ``.travail/P/.lot/<part>/``, with ``.part.json`` in each [``lot.staged``]. The files of the drop have not moved: a
   crash up to here throws the stage away and gives the drop back to ``A_ENVOYER``.
2. ``.travail/P/.lot.json`` is written: identifiers, names and hashes of all parts [``lot.written``]. From now on the
   lot is finished from it, never given back and never split again.
3. ``STATUTS/<lot>.statut.*`` says ``pris`` and names the parts [``lot.told``].
4. Part by part: the files that are this part's alone are renamed into its stage [``lot.file_moved`` each], and the
   stage becomes a claim of its own, ``.travail/<part>/`` [``lot.part_made``]. The usual path takes it from there: the
   journal takes it, or it is refused, with its own status files, originals and note. A part that fails holds up no
   other one.
5. No part has a claim any more: all of them are final. Where the rest goes is written down [``lot.chosen``]; then
   what no part took with it (the index, the batch file, the sidecar, the flags) goes to ``ENVOYES/AAAA-MM``, or to
   ``ERREURS`` with a note when nothing of the lot left [``lot.filed``]; then ``.lot.json`` goes.

``.part.json`` stays in the claim of a part until its files are filed; a claim with it is never given back.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, tzinfo
from pathlib import Path

from connector.domain.catalogue import explain
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import IdSource, reach
from connector.intake.claim import Claims
from connector.intake.filing import LOT_FILE, PART_FILE, STAGE, entries, free_number, move_all, numbered
from connector.intake.layout import BoxLayout
from connector.intake.problem import BadDrop
from connector.intake.record import Records
from connector.intake.results import StatusFiles
from connector.intake.split import Part
from connector.intake.status import Etat, Problem, Status, status_note
from connector.platform.files import fsync_folder, private_folder, remove, rename_durable, safe_name, write_atomic
from connector.platform.together import rename_together, write_together

__all__ = ["LotPart", "Lots"]

_AT_ONCE = 50  # parts whose files are open side by side while they are written


@dataclass(frozen=True, slots=True)
class LotPart:
    """The content of ``.part.json``: what a claim of its own has to know of its lot."""

    lot: str
    base: str
    at: str  # ISO 8601, UTC: when the lot was claimed
    code: str = ""  # why it is refused, when the lot knew already
    detail: str = ""
    french: str = ""

    @property
    def problem(self) -> InvalidSubmission | None:
        """What the lot found wrong with this part."""
        return BadDrop(self.code, self.detail, self.french) if self.code else None


@dataclass(frozen=True, slots=True)
class _Row:
    """One part in the manifest."""

    id: str
    base: str
    kept: list[str]  # files of the drop, below its claim, with "/"
    made: dict[str, str]  # name to SHA-256


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The content of ``.lot.json``."""

    base: str
    at: str  # ISO 8601, UTC
    status: str  # base name in STATUTS
    parts: list[_Row]
    place: str = ""  # where the rest goes, below the box; empty until all parts are final
    files: dict[str, str] = field(default_factory=dict)  # name in the claim to name there
    note: str = ""  # name of the note in ERREURS
    failed: int = 0  # parts of which nothing left


class Lots:
    """The lots of one mailbox.

    Args:
        layout: the folders.
        claims: where lots and parts are.
        files: how status files are written.
        ids: one for each part.
        zone: zone for people; ``None`` = that of the machine.
    """

    def __init__(
        self, layout: BoxLayout, *, claims: Claims, files: StatusFiles, ids: IdSource, zone: tzinfo | None
    ) -> None:
        self._layout = layout
        self._claims = claims
        self._files = files
        self._ids = ids
        self._zone = zone

    def is_lot(self, claim_id: str) -> bool:
        """True for a claim that was split for good."""
        return self._manifest_path(claim_id).exists()

    def part(self, claim_id: str) -> LotPart | None:
        """What a claim knows of its lot; ``None`` for a claim that is none of a lot."""
        try:
            text = (self._claims.folder(claim_id) / PART_FILE).read_text("utf-8")
        except FileNotFoundError:
            return None
        return LotPart(**json.loads(text))

    def begin(self, claim_id: str, base: str, parts: Sequence[Part], now: datetime) -> None:
        """Split a claim for good.

        Raises:
            OSError: not done; the drop goes back to the LPS's folder (:meth:`abandon`, then ``give_back``).
        """
        places = self._claims.places(claim_id)
        rows = [
            _Row(self._ids.ulid(), safe_name(part.base, max_chars=100), [places[name] for name in part.kept],
                 {name: hashlib.sha256(content).hexdigest() for name, content in part.made})
            for part in parts
        ]  # fmt: skip
        self._stage(claim_id, rows, parts, now)
        reach("lot.staged")
        safe = safe_name(base, max_chars=100)
        number = free_number(lambda n: self._files.names(_suffixed(safe, n)))
        self._save(claim_id, _Manifest(safe, now.isoformat(), _suffixed(safe, number), rows))
        reach("lot.written")

    def abandon(self, claim_id: str) -> None:
        """Throw away what was made for parts of a claim that was not split for good; its own files stay."""
        stage = self._stage_of(claim_id)
        if stage.is_dir():
            shutil.rmtree(stage)

    def tell(self, claim_id: str) -> None:
        """Say in ``STATUTS`` that the lot was taken, and what its parts are; may be repeated."""
        manifest = self._load(claim_id)
        if not manifest.place:
            write_together(self._files.content(manifest.status, _status(claim_id, manifest, Etat.PRIS), ""))
        reach("lot.told")

    def hand_over(self, claim_id: str) -> str | None:
        """Make a claim of the next part.

        Returns:
            The identifier of that claim; ``None`` when every part has had its own.

        Raises:
            OSError: not done; call again.
        """
        stage = self._stage_of(claim_id)
        waiting = set(_names(stage))
        row = next((row for row in self._load(claim_id).parts if row.id in waiting), None) if waiting else None
        if row is None:
            return None
        rename_together(self._moves(self._claims.folder(claim_id), row, stage / row.id))
        rename_durable(stage / row.id, self._claims.folder(row.id))
        reach("lot.part_made")
        return row.id

    def close(self, claim_id: str) -> bool:
        """File the rest of a lot when all of its parts are final.

        Returns:
            False while one of them is not; call again later.

        Raises:
            OSError: not done; call again.
        """
        manifest = self._load(claim_id)
        if _names(self._stage_of(claim_id)) or any(self._claims.folder(row.id).exists() for row in manifest.parts):
            return False
        self.abandon(claim_id)
        if not manifest.place:
            manifest = self._chosen(claim_id, manifest)
            self._save(claim_id, manifest)
        reach("lot.chosen")
        self._file(claim_id, manifest)
        reach("lot.filed")
        remove(self._manifest_path(claim_id))
        self._claims.forget(claim_id)
        return True

    def _stage(self, claim_id: str, rows: Sequence[_Row], parts: Sequence[Part], now: datetime) -> None:
        stage = self._stage_of(claim_id)
        self.abandon(claim_id)
        private_folder(stage)
        pairs = list(zip(rows, parts, strict=True))
        for start in range(0, len(pairs), _AT_ONCE):
            some = pairs[start : start + _AT_ONCE]
            for row, _ in some:
                (stage / row.id).mkdir(mode=0o700)
            write_together(
                [file for row, part in some for file in _written(claim_id, stage / row.id, row, part, now)]
            )
        fsync_folder(stage)
        fsync_folder(stage.parent)

    def _moves(self, claim: Path, row: _Row, target: Path) -> Iterable[tuple[Path, Path]]:
        for place in row.kept:
            if (claim / place).exists():  # else it moved before a crash
                yield claim / place, target / Path(place).name
                reach("lot.file_moved")  # the generator goes on when the move is done

    def _chosen(self, claim_id: str, manifest: _Manifest) -> _Manifest:
        """Where the rest goes, and under which names."""
        records = Records(self._layout)
        places = [record.place if (record := records.find(row.id)) else "" for row in manifest.parts]
        left = sorted(place for place in places if place.startswith("ENVOYES"))
        place = left[0] if left else "ERREURS"
        names = _without_empty_folders(self._claims.folder(claim_id))

        def taken(number: int) -> Iterable[Path]:
            yield from (self._layout.box / place / numbered(name, number) for name in names)
            if not left:
                yield self._layout.errors / f"{_suffixed(manifest.base, number)}.erreur.txt"

        number = free_number(taken)
        return replace(
            manifest, place=place, files={name: numbered(name, number) for name in names},
            note="" if left else f"{_suffixed(manifest.base, number)}.erreur.txt", failed=len(places) - len(left),
        )  # fmt: skip

    def _file(self, claim_id: str, manifest: _Manifest) -> None:
        target = self._layout.box / manifest.place
        if not target.is_dir():
            private_folder(target)
        status = _status(claim_id, manifest, Etat.ERREUR if manifest.failed else Etat.ENVOYE)
        told = self._files.content(manifest.status, status, manifest.place)
        if manifest.note:
            told.append((self._layout.errors / manifest.note, status_note(status, self._zone, left=False)))
        write_together(told)
        move_all([self._claims.folder(claim_id)], target, manifest.files)

    def _manifest_path(self, claim_id: str) -> Path:
        return self._claims.folder(claim_id) / LOT_FILE

    def _stage_of(self, claim_id: str) -> Path:
        return self._claims.folder(claim_id) / STAGE

    def _load(self, claim_id: str) -> _Manifest:
        values = json.loads(self._manifest_path(claim_id).read_text("utf-8"))
        return _Manifest(**{**values, "parts": [_Row(**row) for row in values["parts"]]})

    def _save(self, claim_id: str, manifest: _Manifest) -> None:
        text = json.dumps(asdict(manifest), ensure_ascii=False)
        write_atomic(self._manifest_path(claim_id), text.encode("utf-8"))


def _written(lot: str, folder: Path, row: _Row, part: Part, now: datetime) -> list[tuple[Path, bytes]]:
    """What the stage of a part holds before its own files come."""
    problem = part.problem
    told = (problem.code, problem.detail, problem.french) if problem else ()
    about = json.dumps(asdict(LotPart(lot, row.base, now.isoformat(), *told)), ensure_ascii=False)
    return [*((folder / name, content) for name, content in part.made), (folder / PART_FILE, about.encode("utf-8"))]


def _suffixed(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def _without_empty_folders(claim: Path) -> list[str]:
    """What is left of a claim; a folder that the parts emptied (profile "dossier") goes."""
    for name in entries(claim):
        inner = claim / name
        if inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()
    return entries(claim)


def _status(claim_id: str, manifest: _Manifest, etat: Etat) -> Status:
    code = "LOT_PARTIEL" if manifest.failed < len(manifest.parts) else "LOT_REFUSE"
    problems = (Problem(code, explain(code).title_fr),) if etat is Etat.ERREUR else ()
    return Status(
        id=claim_id, reference=None, files=tuple(manifest.files.values()), etat=etat,
        since=datetime.fromisoformat(manifest.at), problems=problems,
        parts=tuple((row.id, row.base) for row in manifest.parts),
    )  # fmt: skip
