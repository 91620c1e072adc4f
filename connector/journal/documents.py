"""Documents that were received, and how each stands to those before it: the same again, newer, older, withdrawn.

What a document is to the others is decided once, when it is noted, and remembered: a message that is opened again
after a crash is told the same, whatever has come in between.

Source rules: Ségur LGC.MDV.06 and SC.CDA/INT.18 (a document that was integrated already is recognised by its id, and
by setId with versionNumber); versions in the CDA: setId, versionNumber, relatedDocument RPLC; action D withdraws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, bindparam, insert, select

from connector.domain.address import MailboxAddress
from connector.domain.submission import DocumentAction
from connector.journal.rows import AnyRow, known
from connector.journal.schema import received_documents
from connector.journal.store import JournalPart, Writing, clipped
from connector.journal.threads import note_opened

__all__ = ["DocumentRelation", "ReceivedDocument", "ReceivedDocuments", "ReceivedMessage", "RelationKind"]

MAX_ID_CHARS = 255

_d = received_documents.c
_ADD = insert(received_documents)
_OF = select(received_documents).where(_d.incoming_id == bindparam("incoming")).order_by(_d.position)
_OTHERS = (
    select(received_documents)
    .where(_d.mailbox == bindparam("box"), _d.incoming_id != bindparam("incoming"))
    .order_by(_d.incoming_id.desc())
    .limit(1)
)
_SAME_ID = _OTHERS.where(_d.document_id == bindparam("document"))
_NEWER = _OTHERS.where(_d.set_id == bindparam("set"), _d.version > bindparam("version"))
_OLDER = (
    _OTHERS.where(_d.set_id == bindparam("set"), _d.version < bindparam("version"))
    .order_by(None)
    .order_by(_d.version.desc(), _d.incoming_id.desc())
)
_SAME_VERSION = _OTHERS.where(_d.set_id == bindparam("set"), _d.version == bindparam("version"))
_ABOUT = (
    select(received_documents).where(_d.related_id == bindparam("incoming")).order_by(_d.incoming_id, _d.position)
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_RELATED = select(_d.incoming_id, _d.relation, _d.related_id).order_by(_d.incoming_id, _d.position)
RELATIONS_OF = _RELATED.where(_d.incoming_id.in_(_ids), _d.related_id.is_not(None))
RELATIONS_ABOUT = _RELATED.where(_d.related_id.in_(_ids))


class RelationKind(StrEnum):
    """How a received document stands to one that another message brought, in the words of the index."""

    DUPLICATE = "doublon_de"  # same id, same bytes
    CONFLICT = "conflit_avec"  # same id, other bytes: one of them is wrong
    SAME_VERSION = "meme_version_que"  # same setId and versionNumber under another id
    REPLACES = "remplace"  # names it as its predecessor, or is a later version of its setId
    REPLACED_BY = "remplace_par"  # a later version of its setId came first
    WITHDRAWS = "retire"  # action D
    WITHDRAWN_BY = "retire_par"  # told of the other one, never kept


_TOLD_TO_THE_OTHER = {
    RelationKind.REPLACES: RelationKind.REPLACED_BY,
    RelationKind.WITHDRAWS: RelationKind.WITHDRAWN_BY,
}


@dataclass(frozen=True, slots=True)
class DocumentRelation:
    """What one document is to an earlier one."""

    kind: RelationKind
    incoming_id: str  # of the message that brought the other


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedDocument:
    """What is remembered of a received document; nothing that names a patient."""

    document_id: str  # XDS uniqueId form
    sha256: str  # lower-case hex of the file
    set_id: str = ""
    version: int | None = None
    replaces: str = ""  # id of the document that it names as its predecessor
    action: DocumentAction = DocumentAction.FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """The documents of one message, and what was found in the whole; see :class:`OpenedFacts`."""

    incoming_id: str
    documents: tuple[ReceivedDocument, ...] = ()
    alerts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    identity: str = ""
    answers: tuple[str, ...] = ()


class ReceivedDocuments(JournalPart):
    """What came, and what it stands for."""

    def note_received(
        self, mailbox: MailboxAddress, items: Sequence[ReceivedMessage]
    ) -> dict[str, tuple[DocumentRelation | None, ...]]:
        """Remember the documents of opened messages and what was found, in one transaction, each message once.

        Relations and alerts are told in the trace when a message is noted for the first time.

        Returns:
            By message, for each of its documents: what it is to one received before; ``None`` when it is new.
        """
        if not items:
            return {}
        with self._store.write() as writing:
            note_opened(writing, mailbox, items)
            wanted = [item for item in items if item.documents or item.alerts]
            told = {item.incoming_id: _note_one(writing, mailbox, item) for item in wanted}
        return {item.incoming_id: told.get(item.incoming_id, ()) for item in items}

    def relations_of(self, incoming_id: str) -> tuple[DocumentRelation | None, ...]:
        """What each document of a message was to those before it, in the order of the documents."""
        with self._store.read() as connection:
            return _relations(connection.execute(_OF, {"incoming": incoming_id}).all())

    def related_to(self, incoming_id: str) -> tuple[DocumentRelation, ...]:
        """What came later and concerns a document of this message: ``incoming_id`` is that of the later one."""
        with self._store.read() as connection:
            rows = connection.execute(_ABOUT, {"incoming": incoming_id}).all()
        return tuple(DocumentRelation(known(RelationKind, row.relation), row.incoming_id) for row in rows)

    def relations_among(self, incoming_ids: Sequence[str]) -> dict[str, tuple[DocumentRelation, ...]]:
        """What several messages are to others, seen from each, by row id: also that a later one replaces it.

        Each relation once, however many documents have it; messages without any are left out.
        """
        found: dict[str, dict[DocumentRelation, None]] = {}
        with self._store.read() as connection:
            ids = {"ids": list(incoming_ids)}
            for row in connection.execute(RELATIONS_OF, ids):
                relation = DocumentRelation(known(RelationKind, row.relation), row.related_id)
                found.setdefault(row.incoming_id, {})[relation] = None
            for row in connection.execute(RELATIONS_ABOUT, ids):
                inverse = _TOLD_TO_THE_OTHER.get(known(RelationKind, row.relation))
                if inverse is not None:
                    found.setdefault(row.related_id, {})[DocumentRelation(inverse, row.incoming_id)] = None
        return {incoming_id: tuple(relations) for incoming_id, relations in found.items()}


def _note_one(
    writing: Writing, mailbox: MailboxAddress, item: ReceivedMessage
) -> tuple[DocumentRelation | None, ...]:
    found = writing.run(_OF, {"incoming": item.incoming_id}).all()
    if found:
        told = _relations(found)
        return tuple(told[place] if place < len(told) else None for place in range(len(item.documents)))
    relations = tuple(_relation(writing, mailbox, item.incoming_id, document) for document in item.documents)
    rows = [
        _row(mailbox, item, position, document, relation)
        for position, (document, relation) in enumerate(zip(item.documents, relations, strict=True))
    ]
    writing.run(_ADD, rows or [_row(mailbox, item, 0, ReceivedDocument(document_id="", sha256=""), None)])
    for relation in filter(None, relations):
        _tell(writing, mailbox, item.incoming_id, relation)
    if item.alerts:
        writing.note("alert", mailbox=mailbox, subject_id=item.incoming_id, outcome=" ".join(item.alerts))
    return relations


def _tell(writing: Writing, mailbox: MailboxAddress, incoming_id: str, relation: DocumentRelation) -> None:
    """Whoever follows the events learns it for both messages."""
    outcome = f"{relation.kind} {relation.incoming_id}"
    writing.note("relate", mailbox=mailbox, subject_id=incoming_id, outcome=outcome)
    if (told := _TOLD_TO_THE_OTHER.get(relation.kind)) is not None:
        outcome = f"{told} {incoming_id}"
        writing.note("relate", mailbox=mailbox, subject_id=relation.incoming_id, outcome=outcome)


def _relation(
    writing: Writing, mailbox: MailboxAddress, incoming_id: str, document: ReceivedDocument
) -> DocumentRelation | None:
    """The first that holds: the same id; a newer version; its named predecessor; an older version; the same one."""
    places = {"box": mailbox, "incoming": incoming_id}
    for kind, statement, values in _questions(document):
        earlier = writing.run(statement, {**places, **values}).first()
        if earlier is not None:
            is_same_id = kind is RelationKind.DUPLICATE
            return DocumentRelation(_kind_of_same(document, earlier) if is_same_id else kind, earlier.incoming_id)
    return None


def _questions(document: ReceivedDocument) -> Iterator[tuple[RelationKind, Any, dict[str, Any]]]:
    """What to ask, in order, and what an answer means."""
    yield RelationKind.DUPLICATE, _SAME_ID, {"document": _key(document.document_id)}
    if document.action is DocumentAction.DELETE:
        return
    in_set = {"set": _key(document.set_id), "version": document.version}
    has_set = bool(document.set_id) and document.version is not None
    if has_set:
        yield RelationKind.REPLACED_BY, _NEWER, in_set
    if document.replaces:
        yield RelationKind.REPLACES, _SAME_ID, {"document": _key(document.replaces)}
    if has_set:
        yield RelationKind.REPLACES, _OLDER, in_set
        yield RelationKind.SAME_VERSION, _SAME_VERSION, in_set


def _kind_of_same(document: ReceivedDocument, earlier: AnyRow) -> RelationKind:
    if document.action is DocumentAction.DELETE:
        return RelationKind.WITHDRAWS
    return RelationKind.DUPLICATE if earlier.sha256 == document.sha256 else RelationKind.CONFLICT


def _row(
    mailbox: MailboxAddress, item: ReceivedMessage, position: int, document: ReceivedDocument,
    relation: DocumentRelation | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "incoming_id": item.incoming_id, "position": position, "mailbox": mailbox,
        "document_id": _key(document.document_id), "set_id": _key(document.set_id), "version": document.version,
        "sha256": document.sha256, "relation": relation.kind if relation else None,
        "related_id": relation.incoming_id if relation else None,
    }  # fmt: skip


def _key(identifier: str) -> str:
    return clipped(identifier, MAX_ID_CHARS) or ""


def _relations(rows: Sequence[AnyRow]) -> tuple[DocumentRelation | None, ...]:
    return tuple(
        DocumentRelation(known(RelationKind, row.relation), row.related_id) if row.relation else None
        for row in rows
        if row.document_id
    )
