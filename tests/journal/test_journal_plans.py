"""The questions asked while working walk an index, however long the history is."""

from typing import Any

import pytest
from sqlalchemy import event

from connector.journal import documents, hl7_answers, listed, notices, statistics, stories, threads
from connector.journal import statements as sql
from connector.journal.refused import DROP_OLD_REFUSALS, list_refused
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, Scene

_NOW: dict[str, Any] = {"now": EPOCH, "until": EPOCH, "owner": "o", "limit": 1, "target": "sending"}

_SET = {"set": "1.2", "version": 1}
RECEIVED_BEFORE: tuple[tuple[Any, dict[str, Any], str], ...] = (
    (documents._SAME_ID, {"document": "1.2"}, "ix_received_documents_id"),
    (documents._NEWER, _SET, "ix_received_documents_set"),
    (documents._OLDER, _SET, "ix_received_documents_set"),
    (documents._SAME_VERSION, _SET, "ix_received_documents_set"),
    (documents._ABOUT, {}, "ix_received_documents_related"),
)
STEPS = (
    ["sqlite_autoindex_replies_1"], ["ix_replies_to"], ["sqlite_autoindex_received_documents_1"],
    ["ix_received_documents_related"], ["sqlite_autoindex_submissions_1"], ["ix_submissions_replaces"],
)  # fmt: skip

HOT: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "claim_due": (sql.CLAIM_DUE, {**_NOW, "box": BOX}, ["ix_messages_due"]),
    "same_lot": (sql.SAME_LOT, {"submission": "x"}, ["ix_submissions_lot"]),
    "claim_received": (sql.CLAIM_RECEIVED, _NOW, ["ix_messages_state"]),
    "claim_received of one mailbox": (sql.CLAIM_RECEIVED_OF, {**_NOW, "box": BOX}, ["ix_messages_due"]),
    "claim_incoming": (sql.CLAIM_INCOMING, {**_NOW, "box": BOX, "in_state": "seen"}, ["ix_incoming_due"]),
    "next_due": (sql.NEXT_DUE, {"box": BOX}, ["ix_messages_due"]),
    "next_incoming": (sql.NEXT_INCOMING, {"box": BOX, "in_state": "stored"}, ["ix_incoming_due"]),
    "waiting": (sql.MESSAGES_IN_STATE, {"box": BOX, "in_state": "waiting"}, ["ix_messages_due"]),
    "waiting for something": (sql.WAITING_FOR, {"box": BOX, "reasons": ["card", "pin"]}, ["ix_messages_due"]),
    "does anything wait": (sql.ANY_WAITING, {"box": BOX}, ["ix_messages_due"]),
    "does anything wait for it": (sql.ANY_WAITING_FOR, {"box": BOX, "reasons": ["card"]}, ["ix_messages_due"]),
    "a story": (stories.ONE, {"submission": "01A"}, ["sqlite_autoindex_submissions_1"]),
    "to hold": (
        sql.TO_HOLD,
        {**_NOW, "box": BOX, "reasons": ["card", "pin"], "reason": "card", "problem": "CARTE_ABSENTE"},
        ["ix_messages_due"],
    ),
    "to resume": (
        sql.TO_RESUME, {"box": BOX, "reasons": ["card", "pin"], "problems": ["X"], "limit": 1}, ["ix_messages_due"]
    ),
    "expire": (sql.OVERDUE, {"now": EPOCH}, ["ix_messages_state"]),
    "duplicate": (sql.EARLIER_TWIN, {"fingerprint": "f", "since": EPOCH}, ["ix_submissions_fingerprint"]),
    "unreported": (sql.UNREPORTED, {"box": BOX, "limit": 1}, ["ix_submissions_unreported"]),
    "answers to look for": (hl7_answers.ANSWERS_NEWS, {"box": BOX, "limit": 1}, ["ix_submissions_answers"]),
    "answers due": (hl7_answers.ANSWERS_DUE, {"box": BOX, "now": EPOCH, "limit": 1}, ["ix_hl7_answers_due"]),
    "look-alikes": (listed.LOOK_ALIKES, {"box": BOX, "headers": ["<a@b>"]}, ["ix_incoming_header"]),
    "backlog": (listed.BACKLOG, {"box": BOX, "limit": 1}, ["ix_incoming_due"]),
    "same bytes": (sql.SAME_BYTES, {"box": BOX, "sha256": "a", "header": "b", "row": "c"}, ["ix_incoming_same"]),
    "to acknowledge": (sql.TO_ACKNOWLEDGE, {"box": BOX, "limit": 1}, ["ix_incoming_due"]),
    "by Message-ID": (sql.MESSAGE_BY_HEADER, {"header": "h"}, ["ix_messages_header"]),
    "replaced": (sql.EARLIER_FOR_DOCUMENT, {"document": "d", "box": BOX}, ["ix_message_documents_document"]),
    "trace of": (sql.TRACE_OF, {"subjects": ["a"], "limit": 1}, ["ix_trace_subject"]),
    "recover": (sql.ALL_SENDING, {}, ["ix_messages_state"]),
    "open work": (statistics.OPEN_WORK, {}, ["ix_messages_state"]),
    "waiting, by mailbox": (statistics.WAITING, {}, ["ix_messages_state"]),
    **{
        f"attention {number}": (statement, {"since": "01A", "moment": EPOCH, "limit": 9}, ["ix_messages_state"])
        for number, statement in enumerate(statistics.ATTENTION)
    },
    "counts since": (statistics.COUNTS_SINCE, {"oldest": "01A"}, ["messages"]),
    "one day": (statistics.HAPPENED, {"after": 1, "through": 2}, ["sqlite_autoindex_trace_1"]),
    "corrections": (statistics.CORRECTIONS, {"subjects": ["a"]}, ["ix_trace_subject"]),
    "set aside": (statistics.SET_ASIDE, {"boxes": [BOX], "since": "01A"}, ["ix_incoming_due"]),
    "refused, not seen": (list_refused((), unseen=True), {}, ["ix_refused_drops_seen"]),
    "refused, a page": (list_refused(("after",), unseen=False), {"after": "01A"}, ["sqlite_autoindex_refused_drops"]),
    "refused, of a mailbox": (list_refused(("box",), unseen=False), {"box": BOX}, ["ix_refused_drops_mailbox"]),
    **{
        f"received before {number}": (statement, {"box": BOX, "incoming": "01A", **values}, [index])
        for number, (statement, values, index) in enumerate(RECEIVED_BEFORE)
    },
    **{
        f"thread, step {number}": (statement, {"ids": ["01A"]}, indexes)
        for number, (statement, indexes) in enumerate(zip(threads.NEIGHBOURS, STEPS, strict=True))
    },
    "answered": (threads.ANSWERED, {"ids": ["01A"]}, ["sqlite_autoindex_replies_1"]),
    "answering": (threads.ANSWERING, {"ids": ["01A"]}, ["ix_replies_to"]),
    "left under these ids": (threads.OURS, {"box": BOX, "headers": ["h"]}, ["ix_messages_header"]),
    "relations": (documents.RELATIONS_OF, {"ids": ["01A"]}, ["sqlite_autoindex_received_documents_1"]),
    "relations about": (documents.RELATIONS_ABOUT, {"ids": ["01A"]}, ["ix_received_documents_related"]),
    "answers that wait": (
        notices.WAITING,
        {"reasons": ["ACCUSE_ACCORD"], "since": EPOCH, "boxes": [BOX], "limit": 1}, ["ix_notices_message"],
    ),
    "refused, too old": (DROP_OLD_REFUSALS, {"before": EPOCH}, ["ix_refused_drops_at"]),
}  # fmt: skip


def _plan(scene: Scene, statement: Any, values: dict[str, Any]) -> list[str]:
    """How SQLite would go about a statement, exactly as the journal runs it."""
    ran: list[tuple[str, Any]] = []

    def catch(_c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, _many: bool) -> None:
        ran.append((text, parameters))

    engine = scene.journal._store.engine
    event.listen(engine, "before_cursor_execute", catch)
    with engine.connect() as connection:
        connection.execute(statement, values)
        event.remove(engine, "before_cursor_execute", catch)
        text, parameters = ran[-1]
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]


@pytest.mark.parametrize("name", HOT)
def test_a_question_asked_while_working_never_walks_a_whole_table(name: str, scene: Scene) -> None:
    statement, values, indices = HOT[name]
    plan = _plan(scene, statement, values)
    for index in indices:
        assert any(index in line for line in plan), plan
    assert [line for line in plan if line.startswith("SCAN") and "ix_" not in line] == []


@pytest.mark.parametrize("name", ["claim_due", "claim_received", "claim_received of one mailbox", "claim_incoming"])
def test_claiming_needs_no_sorting_of_what_waits(name: str, scene: Scene) -> None:
    statement, values, _ = HOT[name]
    plan = _plan(scene, statement, values)
    assert not any("TEMP B-TREE" in line for line in plan), plan
