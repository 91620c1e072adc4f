"""From the files of a claimed drop to an order. Pure."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from connector.documents.recognise import role_of
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, SourceKind, Submission, SubmittedFile
from connector.intake.compose import Order, compose
from connector.intake.drop import is_sidecar
from connector.intake.inputs.n1 import Desk
from connector.intake.problem import BadDrop
from connector.intake.scan import is_flag
from connector.intake.sidecar import Sidecar, read_sidecar

__all__ = ["ClaimedDrop", "as_file", "assemble"]


@dataclass(frozen=True, slots=True)
class ClaimedDrop:
    """The bytes of a drop after its claim."""

    id: str  # ULID, becomes that of the submission
    base: str
    files: Sequence[tuple[str, bytes]]
    lot: str | None = None  # claim from which it was split


def assemble(drop: ClaimedDrop, desk: Desk, limits: Limits, said: Sidecar | None = None) -> Submission:
    """Make the submission that a drop means.

    Args:
        drop: names and bytes.
        desk: the mailbox, and what making a document needs.
        limits: bounds of reading.
        said: what was said besides the files, by a door that has no sidecars.

    Raises:
        InvalidSubmission: the drop cannot be sent as it is; mostly :class:`BadDrop`, with a French sentence.
        ConfigurationError: a document has to be made, and the mailbox is not set up for it.
    """
    files = tuple(as_file(name, content) for name, content in drop.files)
    sidecar = said or _sidecar(files, limits) or Sidecar()
    return compose(Order(drop.id, SourceKind.FOLDER, drop.base, files, sidecar, drop.lot), desk, limits)


def as_file(name: str, content: bytes) -> SubmittedFile:
    """A file with what it is for us, found out from its name and its content."""
    shown = unicodedata.normalize("NFC", name)
    return SubmittedFile(shown, _role(shown, content), content, hashlib.sha256(content).hexdigest())


def _role(name: str, content: bytes) -> FileRole:
    if is_flag(name):
        return FileRole.FLAG
    if is_sidecar(name):
        return FileRole.SIDECAR
    return role_of(content)


def _sidecar(files: Sequence[SubmittedFile], limits: Limits) -> Sidecar | None:
    found = [file for file in files if file.role is FileRole.SIDECAR]
    if len(found) > 1:
        raise BadDrop(
            "SIDECAR_INVALIDE", f"{len(found)} sidecars in one drop",
            "Le dépôt contient plusieurs fichiers d'accompagnement ; n'en gardez qu'un.",
        )  # fmt: skip
    return read_sidecar(found[0].name, found[0].content, limits) if found else None
