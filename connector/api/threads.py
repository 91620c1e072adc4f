"""What belongs to one message, as one story: received and sent, what recipients said, what senders heard."""

from collections.abc import Callable, Iterator, Sequence

from connector.api.beside import RELATION_NAMES
from connector.api.envelopes import Envelope
from connector.api.render import code_texts, overall_state
from connector.client.models.answers import ThreadEntryModel, ThreadModel
from connector.domain.submission import DocumentAction
from connector.journal.documents import DocumentRelation, RelationKind
from connector.journal.journal import Journal
from connector.journal.notices import NoticeRow
from connector.journal.receipts import ReceiptRow
from connector.journal.records import IncomingMessage, SubmissionView

__all__ = ["thread_of"]

_TOLD_BY_THE_OTHER = (RelationKind.REPLACED_BY, RelationKind.WITHDRAWN_BY)
_ACTIONS = {DocumentAction.REPLACE: "replaces", DocumentAction.DELETE: "withdraws"}


def thread_of(journal: Journal, envelope: Callable[[IncomingMessage], Envelope], start_id: str) -> ThreadModel:
    """Everything that belongs to a received or sent message, oldest first.

    Args:
        journal: knows them.
        envelope: who wrote and what about.
        start_id: of the message.

    Raises:
        UnknownRow: ``INTROUVABLE``.
    """
    members = journal.thread(start_id)
    relations, notices = journal.relations_among(members.received), journal.notices(members.received)
    entries: list[ThreadEntryModel] = []
    for row_id in members.received:
        row = journal.incoming(row_id)
        about = _about(members.answers.get(row_id), relations.get(row_id, ()))
        entries.append(_received(row, envelope(row), about))
        entries += [_notice(notice) for notice in notices.get(row_id, ())]
    for submission_id in members.sent:
        view = journal.submission(submission_id)
        entries.append(_sent(view))
        entries += [_receipt(submission_id, receipt) for receipt in journal.receipts(submission_id)]
    return ThreadModel(entries=_in_order(entries), is_whole=members.is_whole)


def _in_order(entries: Sequence[ThreadEntryModel]) -> list[ThreadEntryModel]:
    """Oldest first; of the same moment, what is told about comes before what tells."""
    about = {entry.id: entry.about for entry in entries if entry.about != entry.id}

    def depth(entry: ThreadEntryModel) -> int:
        steps, place = int(entry.about == entry.id), about.get(entry.id)
        while place is not None and steps < len(entries):
            steps, place = steps + 1, about.get(place)
        return steps

    return sorted(entries, key=lambda entry: (entry.at, depth(entry), entry.id))


def _about(answers: str | None, relations: Sequence[DocumentRelation]) -> tuple[str | None, str]:
    """What a received message is to another one; a document that takes another's place says more than a reply."""
    own = [each for each in relations if each.kind not in _TOLD_BY_THE_OTHER]
    if own:
        return own[0].incoming_id, RELATION_NAMES[own[0].kind]
    return answers, "answers" if answers else ""


def _received(row: IncomingMessage, envelope: Envelope, about: tuple[str | None, str]) -> ThreadEntryModel:
    return ThreadEntryModel(
        kind="received", id=row.id, at=row.received_at or row.state_since, about=about[0], relation=about[1],
        who=envelope.sender, subject=envelope.subject, state=row.state.value, **code_texts(row.code),
    )  # fmt: skip


def _notice(notice: NoticeRow) -> ThreadEntryModel:
    return ThreadEntryModel(
        kind="notice", id=notice.incoming_id, at=notice.at, about=notice.incoming_id, who=notice.actor,
        state=notice.kind.value, text=" ".join(notice.codes), **code_texts(notice.reason),
    )  # fmt: skip


def _sent(view: SubmissionView) -> ThreadEntryModel:
    people = dict.fromkeys(str(each.address) for message in view.messages for each in message.recipients)
    about, relation = next(_reasons(view), (None, ""))
    codes = [message.code for message in view.messages if message.code]
    return ThreadEntryModel(
        kind="sent", id=view.id, at=view.created_at, about=about, relation=relation, who=", ".join(people),
        subject=view.subject or view.reference or view.source_name,
        state=overall_state([message.state for message in view.messages]).value,
        **code_texts(codes[0] if codes else ""),
    )  # fmt: skip


def _reasons(view: SubmissionView) -> Iterator[tuple[str, str]]:
    if view.replaces:
        yield view.replaces, _ACTIONS.get(view.action, "replaces")
    if view.corrects:
        yield view.corrects, "corrects"
    if view.answers:
        yield view.answers.incoming_id, "answers"


def _receipt(submission_id: str, receipt: ReceiptRow) -> ThreadEntryModel:
    code = f"KO_{receipt.integration_code}" if receipt.integration_code else ""
    return ThreadEntryModel(
        kind="receipt", id=submission_id, at=receipt.at, about=submission_id, who=receipt.named, state=receipt.kind,
        text=receipt.text, **code_texts(code),
    )  # fmt: skip
