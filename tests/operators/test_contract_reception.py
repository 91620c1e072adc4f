"""What every receiver promises (:mod:`connector.operators.base`), on real servers and on the doubles."""

from datetime import timedelta
from functools import partial

import pytest

from connector.operators.base import Lookup, Receiver, ServerMessage
from connector.operators.errors import FolderMissing
from connector.settings.reception import AfterDelivery
from tests.operators.contract_party import Party, arrived, unreceipted
from tests.servers.mail import Submitter, message


def test_new_messages_are_listed_fetched_and_done(party: Party, receiver: Receiver) -> None:
    raws = [message(party.me, message_id=f"<{n}@test>") for n in range(3)]
    for raw in raws:
        party.deliver(raw)
    places = receiver.list_new("INBOX", known_after=None)
    assert sorted(place.message_id for place in places) == ["<0@test>", "<1@test>", "<2@test>"]
    assert [place.uid for place in places] == sorted(place.uid for place in places)
    fetched = list(receiver.fetch(places))
    assert [one.place for one in fetched] == list(places)
    assert sorted(one.content for one in fetched) == raws
    assert all(one.received_at.utcoffset() is not None for one in fetched)
    assert list(receiver.list_new("INBOX", known_after=None)) == list(places)
    receiver.mark_done(places[:2])
    assert list(receiver.list_new("INBOX", known_after=None)) == list(places[2:])


def test_what_is_known_is_left_out_unless_uidvalidity_differs(party: Party, receiver: Receiver) -> None:
    for _ in range(2):
        party.deliver(message(party.me))
    first, second = receiver.list_new("INBOX", known_after=None)
    assert list(receiver.list_new("INBOX", known_after=(first.uid_validity, first.uid))) == [second]
    assert list(receiver.list_new("INBOX", known_after=(first.uid_validity, second.uid))) == []
    assert list(receiver.list_new("INBOX", known_after=(first.uid_validity + 1, 99))) == [first, second]


def test_a_folder_is_listed_in_parts(party: Party, receiver: Receiver) -> None:
    for number in range(5):
        party.deliver(message(party.me, message_id=f"<{number}@test>"))
    everything = receiver.list_new("INBOX", known_after=None)
    validity, last = everything[0].uid_validity, everything[-1].uid
    found: list[ServerMessage] = []
    while part := receiver.list_new(
        "INBOX", known_after=(validity, found[-1].uid if found else 0), through=last - 1, limit=2
    ):
        assert len(part) <= 2
        found += part
    assert found == list(everything[:-1])
    anew = receiver.list_new("INBOX", known_after=(validity + 1, last), through=1, limit=2)
    assert list(anew) == list(everything[:2])


def test_what_is_described_is_what_is_fetched(party: Party, receiver: Receiver) -> None:
    party.deliver(message(party.me, message_id="<un@test>", body=b"x" * 5_000))
    (place,) = receiver.list_new("INBOX", known_after=None)
    (fetched,) = receiver.fetch([place])
    assert (place.size_bytes, place.received_at) == (len(fetched.content), fetched.received_at)


def test_a_survey_counts_without_fetching(party: Party, receiver: Receiver) -> None:
    empty = receiver.survey("INBOX")
    assert (empty.count, empty.newest) == (0, None)
    for _ in range(3):
        party.deliver(message(party.me))
    places = receiver.list_new("INBOX", known_after=None)
    receiver.mark_done(places[:1])
    survey = receiver.survey("INBOX")
    assert (survey.count, survey.uid_validity) == (2, places[0].uid_validity)
    assert survey.uid_next == places[-1].uid + 1
    newest = places[-1].received_at
    assert newest is not None
    assert survey.newest == newest
    assert receiver.survey("INBOX", since=newest + timedelta(days=3)).count == 0
    assert list(receiver.list_new("INBOX", known_after=None, since=newest + timedelta(seconds=1))) == []
    assert len(receiver.list_new("INBOX", known_after=None, since=newest)) >= 1


def test_a_folder_that_is_not_there_has_a_name(receiver: Receiver) -> None:
    for ask in (receiver.survey, partial(receiver.list_new, known_after=None)):
        with pytest.raises(FolderMissing, match="Nulle part") as missing:
            ask("Nulle part")
        assert missing.value.code == "DOSSIER_BOITE_ABSENT"


@pytest.mark.parametrize("after", [AfterDelivery.MOVE, AfterDelivery.DELETE])
def test_what_is_moved_or_deleted_is_gone_and_nothing_else(
    party: Party, receiver: Receiver, after: AfterDelivery
) -> None:
    raws = [message(party.me, message_id=f"<{n}@test>") for n in range(3)]
    for raw in raws:
        party.deliver(raw)
    move_to = "Traités" if after is AfterDelivery.MOVE else ""
    places = receiver.list_new("INBOX", known_after=None)
    kept, done = places[0], places[1:]
    for _ in range(2):  # as after a crash before it was noted
        receiver.mark_done(done, after=after, move_to=move_to)
    assert list(receiver.list_new("INBOX", known_after=None)) == [kept]
    if after is AfterDelivery.MOVE:
        assert list(receiver.list_new("Traités", known_after=None)) == []  # there, and marked
        target = receiver.survey("Traités")
        uids = range(max(1, target.uid_next - 3), target.uid_next)
        there = receiver.fetch([ServerMessage("Traités", target.uid_validity, uid) for uid in uids])
        assert {one.content for one in there} == set(raws) - {one.content for one in receiver.fetch([kept])}
        receiver.mark_done([kept], after=after, move_to="INBOX")
    (left,) = party.messages(party.me)
    assert kept.message_id.encode() in left


def test_what_is_flagged_is_not_new_any_more(party: Party, receiver: Receiver) -> None:
    party.deliver(message(party.me))
    places = receiver.list_new("INBOX", known_after=None)
    receiver.mark_done(places, after=AfterDelivery.FLAG)
    assert list(receiver.list_new("INBOX", known_after=None)) == []
    assert len(party.messages(party.me)) == 1


def test_what_is_not_there_is_left_out(party: Party, receiver: Receiver) -> None:
    party.deliver(message(party.me))
    (place,) = receiver.list_new("INBOX", known_after=None)
    elsewhere = ServerMessage("INBOX", place.uid_validity + 1, place.uid, 100)
    never = ServerMessage("INBOX", place.uid_validity, place.uid + 50, 100)
    assert [one.place for one in receiver.fetch([elsewhere, never, place])] == [place]
    receiver.mark_done([elsewhere, never])
    assert list(receiver.list_new("INBOX", known_after=None)) == [place]
    assert list(receiver.fetch([])) == []
    receiver.mark_done([])


def test_the_sent_folder_knows_what_left(party: Party, desk: Submitter, receiver: Receiver) -> None:
    envelope = unreceipted(party, party.you)
    assert receiver.find_sent(envelope.message_id) is Lookup.MISSING
    desk.submit(envelope)
    arrived(party, party.me, folder="Sent")
    assert receiver.find_sent(envelope.message_id) is Lookup.FOUND


def test_waiting_ends_with_news(party: Party, receiver: Receiver) -> None:
    receiver.list_new("INBOX", known_after=None)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        if len(asked) == 1:
            party.deliver(message(party.me))
        return False

    assert receiver.wait("INBOX", seconds=20, stop=stop) is True


def test_waiting_ends_without_news_when_told_to_stop(receiver: Receiver) -> None:
    assert receiver.wait("INBOX", seconds=600, stop=lambda: True) is False


def test_waiting_ends_without_news_when_the_time_is_over(receiver: Receiver) -> None:
    receiver.list_new("INBOX", known_after=None)
    assert receiver.wait("INBOX", seconds=0.05, stop=lambda: False) is False


def test_a_receiver_can_be_closed_twice_and_used_again(party: Party, receiver: Receiver) -> None:
    party.deliver(message(party.me))
    receiver.close()
    receiver.close()
    assert len(receiver.list_new("INBOX", known_after=None)) == 1


def test_a_receiver_ends_its_session_when_the_identity_changes(party: Party, receiver: Receiver) -> None:
    assert receiver.drop_stale() is False
    receiver.list_new("INBOX", known_after=None)
    assert receiver.drop_stale() is True
    party.holder.number += 1
    assert receiver.drop_stale() is False
    receiver.list_new("INBOX", known_after=None)
    assert receiver.drop_stale() is True


def test_waiting_ends_when_the_identity_changes(party: Party, receiver: Receiver) -> None:
    receiver.list_new("INBOX", known_after=None)

    def stop() -> bool:
        party.holder.number += 1
        return False

    assert receiver.wait("INBOX", seconds=600, stop=stop) is False
    assert receiver.drop_stale() is False
