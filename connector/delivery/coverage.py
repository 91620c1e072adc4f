"""Whether a software gets a whole message under its profile, or a report would be missing. Pure.

The same report comes up to four times in one message (text, PDF, HPRIM, CDA; lps-folder-conventions 1.6), and a
profile that gives one of these forms has given it. What is left out beside it must not be another report: whatever
cannot be told for sure counts as missing, since a message that is shown once more harms nobody.
"""

from collections.abc import Sequence

from connector.delivery.pieces import Piece
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, PartRole
from connector.exchange.identity import agree

__all__ = ["leaves_out"]

_FORMS = (PartRole.PDF, PartRole.HPRIM)  # in which a report comes by itself
_REPORTS = (PartRole.CDA, PartRole.PDF, PartRole.HPRIM, PartRole.HTML, PartRole.HL7)


def leaves_out(arrival: Arrival, pieces: Sequence[Piece], *, has_index: bool) -> bool:
    """True when something of the message is given in no form.

    Args:
        arrival: the message.
        pieces: what is given of it.
        has_index: the software is told by an index what each document is, e.g. that it withdraws an earlier one; a
            message of HL7 says so itself.
    """
    if not pieces:
        return True
    given = {piece.file.sha256 for piece in pieces}
    told = {document.sha256 for document in arrival.documents if _is_told(document, pieces, given)}
    said = {piece.file.source.sha256 for piece in pieces if piece.file.role is PartRole.HL7 and piece.file.source}
    said |= given if has_index else set()
    if any(one.action is DocumentAction.DELETE and one.sha256 not in said for one in arrival.documents):
        return True
    reports = sum(_reports_in(piece) for piece in pieces)
    missing = [document for document in arrival.documents if document.sha256 not in told]
    has_results = len(missing) <= reports and all(_has_result(document, pieces) for document in missing)
    if not has_results and not _has_copies(arrival, pieces):
        return True
    left = [part for part in arrival.parts if part.sha256 not in given and not _repeats(part, told | given)]
    return any(_is_apart(part, arrival, reports, left) for part in left)


def _is_told(document: ArrivalDocument, pieces: Sequence[Piece], given: set[str]) -> bool:
    """True when it is given itself, or in a form that was made from it, or as the PDF that it carries."""
    if document.sha256 in given or any(_is_of(piece, document) for piece in pieces):
        return True
    return document.pdf is not None and any(piece.content == document.pdf for piece in pieces)


def _is_of(piece: Piece, document: ArrivalDocument) -> bool:
    return piece.file.source is not None and piece.file.source.sha256 == document.sha256


def _has_result(document: ArrivalDocument, pieces: Sequence[Piece]) -> bool:
    """True when a result about the same patient is given."""
    of = document.patient
    patients = (one for piece in pieces if piece.file.part for one in piece.file.part.patients)
    return of is not None and any(agree(of, one) for one in patients)


def _has_copies(arrival: Arrival, pieces: Sequence[Piece]) -> bool:
    """True when as many PDFs came, and are given, as documents: senders attach a copy of each (Ref#2 ECO.2.1.5)."""
    copies = sum(piece.file.role is PartRole.PDF and piece.file.part is not None for piece in pieces)
    return copies >= len(arrival.documents)


def _reports_in(piece: Piece) -> int:
    if piece.file.role not in _REPORTS:
        return 0
    return max(1, len(piece.file.part.patients)) if piece.file.part else 1


def _repeats(part: ArrivalPart, given: set[str]) -> bool:
    return bool(part.duplicate_of) and part.duplicate_of in given


def _is_apart(part: ArrivalPart, arrival: Arrival, reports: int, left: Sequence[ArrivalPart]) -> bool:
    """True for what is no further form of a report that is given: one PDF, or one result, for each of them."""
    if part.role is PartRole.XDM:  # what is in it is looked at by itself
        return not arrival.documents
    if part.role in _FORMS:
        return sum(one.role is part.role for one in left) > reports
    return True
