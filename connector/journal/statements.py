"""Every SQL statement of the journal, by name. Built once: SQLAlchemy then finds them in its cache quickly.

Bound values are ``b("name")``; lists are ``many("name")``. An ``update`` without values takes its columns from the
parameters it is run with, so that only what changed is written.
"""

from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, case, delete, func, insert, or_, select, update

from connector.domain.states import IncomingState, OutgoingState
from connector.journal.schema import (
    incoming,
    message_documents,
    message_recipients,
    messages,
    payloads,
    submission_files,
    submissions,
    trace,
    trace_checkpoints,
)

O, I = OutgoingState, IncomingState  # noqa: E741 - the two tables of states
m, s, n = messages.c, submissions.c, incoming.c


def b(name: str) -> BindParameter[Any]:
    """One bound value."""
    return bindparam(name)


def many(name: str) -> BindParameter[Any]:
    """A bound list."""
    return bindparam(name, expanding=True)


# --- payloads ---

ADD_PAYLOAD = insert(payloads)
PAYLOAD = select(payloads.c.sha256, payloads.c.data).where(payloads.c.id == b("payload"))
LETTER = (
    select(payloads.c.id, payloads.c.sha256, payloads.c.data, m.submission_id, s.sealed, s.source)
    .select_from(messages)
    .join(payloads, payloads.c.id == m.payload_id)
    .join(submissions, s.id == m.submission_id)
    .where(m.id == b("message"))
)
PAYLOADS_PRESENT = select(func.count()).select_from(payloads).where(payloads.c.id.in_(many("payloads")))

# --- submissions ---

ADD_SUBMISSION = insert(submissions)
ADD_FILE = insert(submission_files)
SUBMISSIONS = select(submissions).where(s.id.in_(many("submissions")))
SUBMISSION = select(submissions).where(s.id == b("submission"))
BY_REFERENCE = (
    select(submissions)
    .where(
        s.reference_key == b("key"),
        select(m.id).where(m.submission_id == s.id, m.state.not_in(many("failed"))).exists(),
    )
    .order_by(s.id.desc())
    .limit(1)
)
REPLACED_BY = select(s.id).where(s.replaces_id == b("submission")).order_by(s.id.desc()).limit(1)
SET_REPLACES = update(submissions).where(s.id == b("submission")).values(replaces_id=b("earlier"))
_same = submissions.alias()
SAME_LOT = (
    select(s.id)
    .where(s.lot_id == select(_same.c.lot_id).where(_same.c.id == b("submission")).scalar_subquery())
    .order_by(s.id)
)
HAS_SUBMISSION = select(s.id).where(s.id == b("submission"))
ENDING = select(s.id).where(s.id.endswith(b("ending"))).order_by(s.id.desc()).limit(b("limit"))
FILES = (
    select(submission_files)
    .where(submission_files.c.submission_id.in_(many("submissions")))
    .order_by(submission_files.c.submission_id, submission_files.c.position)
)
FIRST_MESSAGE = select(m.id).where(m.submission_id == b("submission"), m.position == 0)
EARLIER_TWIN = (
    select(s.id)
    .join(messages, m.submission_id == s.id)
    .where(
        s.fingerprint == b("fingerprint"),
        s.taken_at >= b("since"),
        m.state.not_in([O.REJECTED, O.CANCELLED, O.DUPLICATE]),
    )
    .order_by(s.taken_at.desc())
    .limit(1)
)
BUMP_SUBMISSION = (
    update(submissions)
    .where(s.id == b("submission"))
    .values(
        revision=s.revision + b("by"),
        unreported=s.source == "folder",
        answers_news=case((s.answers_news.is_not(None), True)),  # stays empty when nobody waits for a ZAM
    )
)
BUMP_AND_TELL = BUMP_SUBMISSION.returning(s.source)
BUMP_FIRST_MESSAGE = (
    update(messages).where(m.submission_id == b("submission"), m.position == 0).values(revision=m.revision + 1)
)
UNREPORTED = (
    select(submissions)
    .where(s.mailbox == b("box"), s.unreported.is_(True))
    .order_by(s.id)
    .limit(b("limit"))
)  # fmt: skip
MARK_REPORTED = (
    update(submissions)
    .where(s.id == b("submission"), s.reported_revision < b("seen"))
    .values(reported_revision=b("seen"), unreported=and_(s.source == "folder", s.revision > b("seen")))
)


def list_submissions(*, states: bool, mailbox: bool, after: bool) -> Select[Any]:
    """Submissions of the LPS, newest first, with the filters that are wanted; our own notices are not among them."""
    statement = select(submissions).where(s.source != "notice").order_by(s.id.desc()).limit(b("limit"))
    if states:
        statement = statement.where(s.id.in_(select(m.submission_id).where(m.state.in_(many("states")))))
    if mailbox:
        statement = statement.where(s.mailbox == b("box"))
    if after:
        statement = statement.where(s.id < b("after"))
    return statement


# --- outgoing messages ---

ADD_MESSAGE = insert(messages)
CHANGE_MESSAGE = update(messages).where(m.id == b("row"))
MESSAGE = select(messages).where(m.id == b("message"))
MESSAGES_OF = (
    select(messages).where(m.submission_id.in_(many("submissions"))).order_by(m.submission_id, m.position)
)  # fmt: skip
MESSAGE_BY_HEADER = select(messages).where(m.header_message_id == b("header"))
MESSAGES_IN_STATE = select(messages).where(m.mailbox == b("box"), m.state == b("in_state")).order_by(m.id)
_WAITS_IN_BOX = (m.mailbox == b("box"), m.state == O.WAITING)
WAITING_FOR = select(messages).where(*_WAITS_IN_BOX, m.waiting_for.in_(many("reasons"))).order_by(m.id)
ANY_WAITING = select(m.id).where(*_WAITS_IN_BOX).limit(1)
ANY_WAITING_FOR = select(m.id).where(*_WAITS_IN_BOX, m.waiting_for.in_(many("reasons"))).limit(1)
EARLIER_FOR_DOCUMENT = (
    select(messages)
    .join(message_documents, message_documents.c.message_id == m.id)
    .where(
        message_documents.c.document_id == b("document"),
        m.mailbox == b("box"),
        m.header_message_id.is_not(None),
        m.state.not_in([O.REJECTED, O.FAILED, O.CANCELLED]),
    )
    .order_by(m.id.desc())
    .limit(1)
)
TO_HOLD = (
    select(messages)
    .where(
        m.mailbox == b("box"),
        or_(
            and_(m.state == O.PREPARED, m.next_attempt_at <= b("now")),
            and_(
                m.state == O.WAITING,
                m.waiting_for.in_(many("reasons")),
                or_(m.waiting_for != b("reason"), m.code != b("problem"), m.code.is_(None)),
            ),
        ),
    )
    .order_by(m.id)
    .limit(b("limit"))
)
TO_RESUME = (
    select(messages)
    .where(
        m.mailbox == b("box"),
        m.state == O.WAITING,
        m.waiting_for.in_(many("reasons")),
        or_(m.code.is_(None), m.code.not_in(many("problems"))),
    )
    .order_by(m.id)
    .limit(b("limit"))
)
_o, _r = messages.alias("older"), messages.alias("unread")
_mine, _theirs = message_recipients.alias("mine"), message_recipients.alias("theirs")
_OLDER_OF_SAME_PATIENT = (
    select(_o.c.id)
    .join(_theirs, _theirs.c.message_id == _o.c.id)
    .join(_mine, _mine.c.order_key == _theirs.c.order_key)
    .where(
        _mine.c.message_id == m.id,
        _o.c.submission_id < m.submission_id,
        _o.c.state.in_([O.PREPARED, O.WAITING, O.SENDING]),
    )
    .correlate(messages)
    .exists()
)
_OLDER_UNREAD = (
    select(_r.c.id)
    .where(_r.c.mailbox == m.mailbox, _r.c.state == O.RECEIVED, _r.c.submission_id < m.submission_id)
    .correlate(messages)
    .exists()
)
_IN_ORDER = and_(~_OLDER_OF_SAME_PATIENT, ~_OLDER_UNREAD)
"""What is about one patient leaves for one recipient in the order in which it came; see ``docs/lab.md``.

Whom an older submission is about is not known before it is prepared, so nothing of a mailbox overtakes that.
"""

NEXT_DUE = (
    select(m.next_attempt_at)
    .where(m.mailbox == b("box"), m.state == O.PREPARED, _IN_ORDER)
    .order_by(m.next_attempt_at, m.id)
    .limit(1)
)
COUNT_OUTGOING = select(m.mailbox, m.state, func.count()).group_by(m.mailbox, m.state)

_FREE = or_(m.claim_until.is_(None), m.claim_until <= b("now"))
_TO_PREPARE = (
    select(m.id)
    .where(m.state == O.RECEIVED, m.next_attempt_at <= b("now"), _FREE)
    .order_by(m.next_attempt_at, m.id)
    .limit(b("limit"))
    .with_for_update(skip_locked=True)
)
_DUE = (
    select(m.id)
    .where(m.mailbox == b("box"), m.state == O.PREPARED, m.next_attempt_at <= b("now"), _IN_ORDER)
    .order_by(m.next_attempt_at, m.id)
    .limit(b("limit"))
    .with_for_update(skip_locked=True)
)
_LEASE = {"claim_owner": b("owner"), "claim_until": b("until")}
CLAIM_RECEIVED = update(messages).where(m.id.in_(_TO_PREPARE)).values(_LEASE).returning(messages)
CLAIM_RECEIVED_OF = (
    update(messages)
    .where(m.id.in_(_TO_PREPARE.where(m.mailbox == b("box"))))
    .values(_LEASE)
    .returning(messages)
)  # fmt: skip
CLAIM_DUE = (
    update(messages)
    .where(m.id.in_(_DUE))
    .values(
        {
            **_LEASE,
            "state": b("target"),
            "state_since": b("now"),
            "revision": m.revision + 1,
            "attempts": m.attempts + 1,
            "data_begun": False,
        }
    )
    .returning(messages)
)
BEGIN_DATA = update(messages).where(m.id == b("row"), m.state == O.SENDING).values(data_begun=True)
RELEASE_CLAIM = (
    update(messages)
    .where(m.id == b("row"), m.state == O.RECEIVED)
    .values(claim_owner=None, claim_until=None, next_attempt_at=b("again"))
)
OVERDUE = select(messages).where(m.state.in_([O.PREPARED, O.WAITING]), m.deadline_at <= b("now")).order_by(m.id)

ADD_RECIPIENT = insert(message_recipients)
RECIPIENTS = (
    select(message_recipients)
    .where(message_recipients.c.message_id.in_(many("messages")))
    .order_by(message_recipients.c.message_id, message_recipients.c.position)
)
DROP_RECIPIENTS = delete(message_recipients).where(message_recipients.c.message_id == b("message"))
CHANGE_RECIPIENT = update(message_recipients).where(
    message_recipients.c.message_id == b("row"), message_recipients.c.address == b("who")
)
ADD_DOCUMENT = insert(message_documents)

# --- incoming ---

ADD_INCOMING = insert(incoming)
CHANGE_INCOMING = update(incoming).where(n.id == b("row"))
INCOMING = select(incoming).where(n.id == b("incoming"))
INCOMING_MANY = select(incoming).where(n.id.in_(many("incoming")))
_INCOMING_DUE = (
    select(n.id)
    .where(
        n.mailbox == b("box"),
        n.state == b("in_state"),
        n.next_attempt_at <= b("now"),
        or_(n.claim_until.is_(None), n.claim_until <= b("now")),
    )
    .order_by(n.next_attempt_at, n.id)
    .limit(b("limit"))
    .with_for_update(skip_locked=True)
)
NEXT_INCOMING = select(func.min(n.next_attempt_at)).where(n.mailbox == b("box"), n.state == b("in_state"))
CLAIM_INCOMING = update(incoming).where(n.id.in_(_INCOMING_DUE)).values(_LEASE).returning(incoming)
SAME_BYTES = (
    select(n.id)
    .where(
        n.mailbox == b("box"),
        n.sha256 == b("sha256"),
        n.header_message_id == b("header"),
        n.state != I.DUPLICATE,
        n.duplicate_of.is_(None),
        n.id != b("row"),
    )
    .order_by(n.id)
    .limit(1)
)
_twin = incoming.alias("twin")
_TWIN_IS_DONE = (
    select(_twin.c.id)
    .where(_twin.c.id == n.duplicate_of, _twin.c.state.in_([I.DELIVERED, I.RECEIPT, I.ACKNOWLEDGED]))
    .exists()
)
TO_ACKNOWLEDGE = (
    select(incoming)
    .where(
        n.mailbox == b("box"),
        n.state.in_([I.DELIVERED, I.RECEIPT, I.DUPLICATE]),
        or_(n.state != I.DUPLICATE, _TWIN_IS_DONE),
    )
    .order_by(n.id)
    .limit(b("limit"))
)
COUNT_INCOMING = select(n.mailbox, n.state, func.count()).group_by(n.mailbox, n.state)


def list_incoming(*, states: bool, mailbox: bool) -> Select[Any]:
    """Incoming messages, newest first, with the filters that are wanted."""
    statement = select(incoming).order_by(n.id.desc()).limit(b("limit"))
    if states:
        statement = statement.where(n.state.in_(many("states")))
    if mailbox:
        statement = statement.where(n.mailbox == b("box"))
    return statement


# --- trace ---

ADD_TRACE = insert(trace)
LAST_TRACE = select(trace.c.seq, trace.c.hash).order_by(trace.c.seq.desc()).limit(1)
LAST_CHECKPOINT = (
    select(trace_checkpoints.c.through_seq, trace_checkpoints.c.hash)
    .order_by(trace_checkpoints.c.through_seq.desc())
    .limit(1)
)
ADD_CHECKPOINT = insert(trace_checkpoints)
TRACE = select(trace).order_by(trace.c.seq.desc()).limit(b("limit"))
TRACE_OF = TRACE.where(trace.c.subject_id.in_(many("subjects")))
TRACE_IN_ORDER = select(trace).order_by(trace.c.seq)
MESSAGE_IDS_OF = select(m.id).where(m.submission_id == b("submission"))
FIRST_TRACE_SINCE = select(func.min(trace.c.seq)).where(trace.c.at >= b("since"))
TRACE_HASH_AT = select(trace.c.hash).where(trace.c.seq == b("seq"))
DROP_TRACE = delete(trace).where(trace.c.seq <= b("through"))
"""Only entries up to the newest checkpoint may go; a trigger sees to it."""

# --- upkeep ---

_SENDING = select(messages).where(m.state == O.SENDING).order_by(m.id)
_DEAD = or_(m.claim_owner == b("owner"), m.claim_until.is_(None), m.claim_until <= b("now"))
ALL_SENDING = _SENDING
DEAD_SENDING = _SENDING.where(_DEAD)
_NO_LEASE = {"claim_owner": None, "claim_until": None}
DROP_ALL_LEASES = update(messages).where(m.state == O.RECEIVED, m.claim_owner.is_not(None)).values(_NO_LEASE)
DROP_DEAD_LEASES = DROP_ALL_LEASES.where(_DEAD)
_OPEN_INCOMING = n.state.in_([I.SEEN, I.STORED, I.OPENED])
DROP_ALL_INCOMING_LEASES = (
    update(incoming).where(_OPEN_INCOMING, n.claim_owner.is_not(None)).values(_NO_LEASE)
)  # fmt: skip
DROP_DEAD_INCOMING_LEASES = DROP_ALL_INCOMING_LEASES.where(
    or_(n.claim_owner == b("owner"), n.claim_until.is_(None), n.claim_until <= b("now"))
)

LIVE = [O.RECEIVED, O.PREPARED, O.SENDING, O.WAITING, O.OUTCOME_UNKNOWN]
"""What still has somewhere to go."""
_FRESH = select(m.submission_id).where(or_(m.state.in_(LIVE), m.state_since >= b("before")))
_FINISHED_SUBMISSION = payloads.c.owner_id.in_(select(s.id).where(s.id.not_in(_FRESH)))
_FINISHED_MESSAGE = payloads.c.owner_id.in_(select(m.id).where(m.submission_id.not_in(_FRESH)))
_FINISHED_INCOMING = payloads.c.owner_id.in_(
    select(n.id).where(n.state.in_([I.ACKNOWLEDGED, I.GONE]), n.state_since < b("before"))
)
FINISHED_PAYLOADS = (
    select(payloads.c.id).where(or_(_FINISHED_SUBMISSION, _FINISHED_MESSAGE, _FINISHED_INCOMING)).limit(b("limit"))
)
DROP_PAYLOADS = delete(payloads).where(payloads.c.id.in_(many("payloads")))
