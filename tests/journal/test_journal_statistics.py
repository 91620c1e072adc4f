"""What people's pages ask of the journal: days, open work, what needs somebody, lists with search."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingEvent, IncomingState, OutgoingEvent, OutgoingState, WaitingFor
from connector.domain.submission import Recipient
from connector.journal.journal import Journal
from connector.journal.search import folded
from connector.journal.statistics import DayCounts, oldest_id
from connector.journal.vault import Vault
from connector.platform.system import SystemIds
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, KEY, OTHER_BOX, Place, Scene, file_of, stored_bytes, url_of

DAY = timedelta(days=1)


@pytest.fixture
def dated(scene: Scene) -> Scene:
    """The same journal, whose ids carry the time of its clock, as in production."""
    ids = SystemIds(milliseconds=lambda: int(scene.clock.now().timestamp() * 1000))
    journal = Journal.open(url_of(scene.folder), vault=Vault(KEY), clock=scene.clock, ids=ids)
    scene.journal.close()
    scene.journal = journal
    return scene


def arrive(scene: Scene, uid: int, *, mailbox: MailboxAddress = BOX, deliver: bool = True) -> str:
    """A message that was fetched and, unless told otherwise, delivered."""
    scene.journal.note_seen(mailbox, [Place("INBOX", 1, uid)])
    (row,) = scene.journal.claim_incoming(mailbox, state=IncomingState.SEEN, owner="o", limit=9)
    scene.journal.store([stored_bytes(row.id, b"raw %d" % uid, f"<{uid}@x.mssante.fr>")])
    scene.journal.record_incoming(row.id, IncomingEvent.OPEN)
    if deliver:
        scene.journal.record_deliveries([(row.id, f"m-{uid}", [("a.xml", "0" * 64)])])
    return row.id


def counts(scene: Scene, first: datetime, last: datetime) -> DayCounts:
    after, through = scene.journal.numbers_before([first, last])
    return scene.journal.happened(after, through)


def test_a_message_counts_on_the_day_on_which_it_left_whenever_it_was_taken(dated: Scene) -> None:
    held = dated.held(WaitingFor.PIN)
    dated.clock.advance(by=DAY)
    dated.journal.record(held, OutgoingEvent.RESUME)
    dated.journal.claim_due(BOX, owner="o", limit=9)
    dated.journal.record(held, OutgoingEvent.ACCEPT, answer="250 ok")
    assert counts(dated, EPOCH, EPOCH + DAY).sent == 0
    assert counts(dated, EPOCH + DAY, EPOCH + 2 * DAY).sent == 1


def test_each_kind_of_news_is_counted_once(dated: Scene) -> None:
    read, bounced, refused, rejected = dated.sent(), dated.sent(), dated.sending(), dated.taken()
    dated.journal.record(read, OutgoingEvent.RECEIPT_DELIVERED)
    dated.journal.record(read, OutgoingEvent.RECEIPT_READ)
    dated.journal.record(bounced, OutgoingEvent.RECEIPT_FAILED, code="REMISE_ECHEC")
    dated.journal.record(refused, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer="550")
    dated.journal.record(rejected, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    arrive(dated, 1)
    aside = arrive(dated, 2, deliver=False)
    dated.journal.record_incoming(aside, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    assert counts(dated, EPOCH, EPOCH + DAY) == DayCounts(
        sent=2, delivered=1, read=1, failed=3, received=1, set_aside=1
    )


def test_what_left_with_a_remark_counts_as_sent(dated: Scene) -> None:
    sending = dated.sending()
    dated.journal.record(sending, OutgoingEvent.ACCEPT, answer="250 ok", code="OPERATEUR_REFUS")
    assert counts(dated, EPOCH, EPOCH + DAY).sent == 1


def test_a_receipt_is_not_something_received(dated: Scene) -> None:
    receipt = arrive(dated, 1, deliver=False)
    dated.journal.record_incoming(receipt, IncomingEvent.LINK_RECEIPT)
    assert counts(dated, EPOCH, EPOCH + DAY) == DayCounts()
    assert dated.journal.newest_received(limit=9) == []


def test_counts_add_up() -> None:
    assert DayCounts(sent=1, read=2).plus(DayCounts(sent=3, failed=4)) == DayCounts(sent=4, read=2, failed=4)


def test_an_empty_journal_has_no_numbers(dated: Scene) -> None:
    last = dated.journal.last_number()
    assert dated.journal.numbers_before([EPOCH - DAY, EPOCH + DAY]) == [0, last]
    assert dated.journal.happened(last, last) == DayCounts()


def test_the_boundary_between_two_days_is_found_by_time(dated: Scene) -> None:
    numbers = []
    for _ in range(5):
        dated.taken()
        numbers.append(dated.journal.last_number())
        dated.clock.advance(by=DAY)
    moments = [EPOCH + n * DAY for n in range(1, 5)]
    assert dated.journal.numbers_before(moments) == numbers[:4]
    assert dated.journal.numbers_before([EPOCH + 9 * DAY]) == [numbers[-1]]


def test_days_are_still_found_when_old_entries_were_dropped(dated: Scene) -> None:
    dated.taken()
    dated.clock.advance(by=DAY)
    dated.journal.purge(payload_before=EPOCH - DAY, trace_before=dated.clock.now())
    before = dated.journal.last_number()
    dated.clock.advance(by=DAY)
    dated.taken()
    assert dated.journal.numbers_before([EPOCH, EPOCH + 2 * DAY, EPOCH + 3 * DAY])[1:] == [before, before + 1]


def test_every_change_gives_a_new_number(dated: Scene) -> None:
    before = dated.journal.last_number()
    message = dated.taken()
    dated.journal.record(message, OutgoingEvent.CANCEL)
    assert dated.journal.last_number() == before + 2


def test_open_work_says_what_is_waited_for(dated: Scene) -> None:
    dated.held(WaitingFor.PIN)
    dated.held(WaitingFor.PIN)
    dated.held(WaitingFor.NETWORK)
    dated.unknown()
    dated.sent()
    dated.taken()
    dated.prepared()
    work = dated.journal.open_work()
    assert work.waiting == {WaitingFor.PIN: 2, WaitingFor.NETWORK: 1}
    assert (work.under_way, work.unknown, work.total_waiting) == (2, 1, 4)
    assert dated.journal.waiting_counts() == {BOX: {WaitingFor.PIN: 2, WaitingFor.NETWORK: 1}}


def test_attention_is_for_what_a_person_decides(dated: Scene) -> None:
    dated.sent()
    unknown, refused = dated.unknown(), dated.sending()
    dated.journal.record(refused, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer="550")
    rejected = dated.taken()
    dated.journal.record(rejected, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    dated.number = 0
    twin = dated.taken(id="01SUBTWIN00000000000000000")
    assert dated.state(twin) is OutgoingState.DUPLICATE
    found = dated.journal.attention(EPOCH - DAY)
    assert [message.id for message in found] == [twin, rejected, refused, unknown]
    assert [message.id for message in dated.journal.attention(EPOCH - DAY, limit=2)] == [twin, rejected]


def test_old_failures_rest_lost_answers_never(dated: Scene) -> None:
    unknown, refused = dated.unknown(), dated.sending()
    dated.journal.record(refused, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer="550")
    dated.clock.advance(by=DAY)
    assert [message.id for message in dated.journal.attention(dated.clock.now())] == [unknown]


def test_what_was_sent_with_another_recipient_is_settled(dated: Scene) -> None:
    refused = dated.sending()
    dated.journal.record(refused, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer="550")
    submission = dated.message(refused).submission_id
    assert dated.journal.correction_of(submission) is None
    dated.journal.add_trace(action="correct", subject_id=submission, answer="01NEW1")
    dated.journal.add_trace(action="correct", subject_id=submission, answer="01NEW2")
    assert dated.journal.attention(EPOCH - DAY) == []
    assert dated.journal.correction_of(submission) == "01NEW2"


def test_received_messages_come_page_by_page(dated: Scene) -> None:
    first, second = arrive(dated, 1), arrive(dated, 2)
    other = arrive(dated, 3, mailbox=OTHER_BOX, deliver=False)
    newest = dated.journal.newest_received
    assert [m.id for m in newest(limit=2)] == [other, second]
    assert [m.id for m in newest(limit=9, after=second)] == [first]
    assert [m.id for m in newest(limit=9, mailbox=OTHER_BOX)] == [other]
    assert [m.id for m in newest(limit=9, states=[IncomingState.DELIVERED])] == [second, first]


def test_what_was_set_aside_is_counted_per_mailbox_and_time(dated: Scene) -> None:
    aside = arrive(dated, 1, deliver=False)
    dated.journal.record_incoming(aside, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    assert dated.journal.set_aside([BOX], EPOCH - DAY) == 1
    assert dated.journal.set_aside([OTHER_BOX], EPOCH - DAY) == 0
    assert dated.journal.set_aside([BOX], EPOCH + DAY) == 0


@given(moment=st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_the_oldest_id_of_a_moment_sorts_before_every_id_of_it(moment: datetime) -> None:
    aware = moment.replace(tzinfo=EPOCH.tzinfo)
    milliseconds = (aware - datetime(1970, 1, 1, tzinfo=EPOCH.tzinfo)) // timedelta(milliseconds=1)
    made = SystemIds(milliseconds=lambda: milliseconds).ulid()
    earlier = SystemIds(milliseconds=lambda: milliseconds - 1).ulid()
    assert earlier < oldest_id(aware) <= made


# --- search ---


def three(scene: Scene) -> list[str]:
    """Submissions that differ in everything that one can remember of them; oldest first."""
    martin = MailboxAddress.parse("dr.martin@hopital.mssante.fr")
    taken = [
        scene.taken(source_name="REQ1", reference="DOS-77", recipients=(Recipient(martin),)),
        scene.taken(source_name="REQ2", subject="Compte rendu opératoire"),
        scene.taken(source_name="REQ3", files=(file_of(b"<x/>", name="échographie.xml"),)),
    ]
    return [scene.message(message).submission_id for message in taken]


@pytest.mark.parametrize(
    ("text", "found"),
    [("", [2, 1, 0]), ("  ", [2, 1, 0]), ("martin", [0]), ("DOS-77", [0]), ("Operatoire", [1]),
     ("échographie", [2]), ("ECHO req3", [2]), ("echo req1", []), ("req", [2, 1, 0])],
)  # fmt: skip
def test_a_submission_is_found_by_what_is_remembered_of_it(scene: Scene, text: str, found: list[int]) -> None:
    ids = three(scene)
    assert [view.id for view in scene.journal.find(text).items] == [ids[index] for index in found]


def test_a_submission_is_found_by_the_end_of_its_id(scene: Scene) -> None:
    ids = three(scene)
    assert [view.id for view in scene.journal.find(ids[1][-6:].lower()).items] == [ids[1]]


def test_pages_join_without_gap_or_overlap(scene: Scene) -> None:
    for _ in range(7):
        scene.taken()
    seen: list[str] = []
    after: str | None = None
    for _ in range(4):
        page = scene.journal.find("req" if after is None else "", limit=2, after=after)
        page = page if page.items else scene.journal.find(limit=2, after=after)
        seen += [view.id for view in page.items]
        after = page.after
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)
    assert after is None


def test_a_search_stops_at_its_bound_and_says_where_to_go_on(scene: Scene) -> None:
    ids = three(scene)
    page = scene.journal.find("martin", most=2)
    assert (page.items, page.after, page.looked_at) == ((), ids[1], 2)
    further = scene.journal.find("martin", most=2, after=page.after)
    assert [view.id for view in further.items] == [ids[0]]
    assert further.after is None


def test_lists_can_be_narrowed_to_states_and_mailboxes(scene: Scene) -> None:
    sent, waiting = scene.sent(), scene.held()
    elsewhere = scene.taken(mailbox=OTHER_BOX)
    find = scene.journal.find

    def ids(*states: OutgoingState) -> list[str]:
        return [message.id for view in find(states=states).items for message in view.messages]

    assert ids(OutgoingState.SENT, OutgoingState.READ) == [sent]
    assert ids(OutgoingState.WAITING) == [waiting]
    assert [view.messages[0].id for view in find(mailbox=OTHER_BOX).items] == [elsewhere]


def test_more_than_one_batch_is_looked_at(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.search.BATCH", 2)
    ids = three(scene)
    page = scene.journal.find("martin")
    assert [view.id for view in page.items] == [ids[0]]
    assert page.looked_at == 3


def test_accents_and_case_do_not_count() -> None:
    assert folded("ÉCHOgraphie œsophage") == "echographie œsophage"
