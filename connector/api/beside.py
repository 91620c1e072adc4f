"""What is known of received messages besides their rows and their content, and how it goes over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from connector.api.render import code_texts
from connector.client.models.answers import NoticeModel, RelationModel
from connector.exchange.notices import WAITS_FOR_PERSON
from connector.journal.documents import DocumentRelation, RelationKind
from connector.journal.inbox import TakenMark
from connector.journal.journal import Journal
from connector.journal.notices import NoticeRow
from connector.journal.threads import ReceivedFacts

__all__ = ["RELATION_NAMES", "Beside", "beside", "beside_fields", "beside_one", "notice_model", "waits"]

_K = RelationKind
RELATION_NAMES: Mapping[RelationKind, str] = MappingProxyType({
    _K.DUPLICATE: "duplicate_of", _K.CONFLICT: "conflicts_with", _K.SAME_VERSION: "same_version_as",
    _K.REPLACES: "replaces", _K.REPLACED_BY: "replaced_by", _K.WITHDRAWS: "withdraws",
    _K.WITHDRAWN_BY: "withdrawn_by",
})  # fmt: skip
"""The words of the API for what a document is to another one."""


NOTHING_FOUND = ReceivedFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Everything of one message; frozen, so that it tells whether an answer that was made is still true."""

    mark: TakenMark | None = None
    facts: ReceivedFacts = NOTHING_FOUND
    relations: tuple[DocumentRelation, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    answers: str | None = None  # submission that it answers
    answered_by: tuple[str, ...] = ()  # submissions
    untaken_since: datetime | None = None  # stands in the LPS's folder for too long


def beside(journal: Journal, incoming_ids: Sequence[str]) -> dict[str, Beside]:
    """The same for several messages, by row id; asks the journal a few questions, however many they are."""
    if not incoming_ids:
        return {}
    marks, facts = journal.taken_marks(incoming_ids), journal.facts_of(incoming_ids)
    relations, notices = journal.relations_among(incoming_ids), journal.notices(incoming_ids)
    answered, answering = journal.answered(incoming_ids), journal.answering(incoming_ids)
    untaken = journal.overdue_among(incoming_ids)
    return {
        each: Beside(
            mark=marks.get(each), facts=facts.get(each, NOTHING_FOUND), relations=relations.get(each, ()),
            notices=tuple(notices.get(each, ())), answers=answered.get(each), answered_by=answering.get(each, ()),
            untaken_since=untaken.get(each),
        )
        for each in incoming_ids
    }  # fmt: skip


def beside_one(journal: Journal, incoming_id: str) -> Beside:
    """The same for one message."""
    return beside(journal, [incoming_id])[incoming_id]


def beside_fields(found: Beside) -> dict[str, Any]:
    """For the models of the inbox."""
    mark, facts = found.mark, found.facts
    return {
        "taken_at": mark.at if mark else None, "taken_by": mark.by if mark else "", "alerts": list(facts.alerts),
        "warnings": list(facts.warnings), "identity": facts.identity,
        "relations": [
            RelationModel(kind=RELATION_NAMES[each.kind], inbox_id=each.incoming_id) for each in found.relations
        ],
        "notices": [notice_model(notice) for notice in found.notices],
        "answers": found.answers, "answered_by": list(found.answered_by), "untaken_since": found.untaken_since,
    }  # fmt: skip


def waits(notice: NoticeRow) -> bool:
    """True while a person still decides whether it is sent."""
    return notice.message_id is None and notice.reason in WAITS_FOR_PERSON


def notice_model(notice: NoticeRow) -> NoticeModel:
    """One answer of ours."""
    return NoticeModel(
        slot=notice.slot.value, kind=notice.kind.value, at=notice.at, actor=notice.actor, codes=list(notice.codes),
        message=notice.submission_id, state=notice.state.value if notice.state else "",
        needs_decision=waits(notice), **code_texts(notice.reason),
    )  # fmt: skip
