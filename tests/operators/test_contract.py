"""What every sender promises (:mod:`connector.operators.base`), on real servers and on the doubles."""

import pytest

from connector.operators.errors import PermanentRefusal
from tests.operators.contract_party import Party, arrived, stranger, unreceipted
from tests.servers.mail import Submitter, envelope_for


def test_the_bytes_arrive_and_the_answer_names_each_recipient(party: Party, desk: Submitter) -> None:
    envelope = unreceipted(party, party.you)
    acceptance = desk.submit(envelope)
    assert 200 <= acceptance.code < 300
    assert [(answer.address, answer.accepted) for answer in acceptance.recipients] == [(party.you, True)]
    assert arrived(party, party.you)[0].endswith(envelope.content)


def test_on_data_is_called_once_before_anything_arrives(party: Party, desk: Submitter) -> None:
    seen: list[int] = []
    desk.submit(unreceipted(party, party.you), on_data=lambda: seen.append(len(party.messages(party.you))))
    assert seen == [0]


def test_when_on_data_fails_nothing_is_sent(party: Party, desk: Submitter) -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        desk.submit(unreceipted(party, party.you), on_data=fail)
    after = unreceipted(party, party.you)
    desk.submit(after)
    assert [raw.endswith(after.content) for raw in arrived(party, party.you)] == [True]


def test_one_bad_recipient_does_not_sink_the_other(party: Party, desk: Submitter) -> None:
    acceptance = desk.submit(unreceipted(party, stranger(party), party.you))
    assert [answer.accepted for answer in acceptance.recipients] == [False, True]
    assert len(arrived(party, party.you)) == 1


def test_bad_recipients_only_are_a_permanent_refusal_before_data(party: Party, desk: Submitter) -> None:
    begun: list[str] = []
    with pytest.raises(PermanentRefusal) as refusal:
        desk.submit(unreceipted(party, stranger(party)), on_data=lambda: begun.append("data"))
    assert (refusal.value.code, begun) == ("OPERATEUR_REFUS", [])
    assert refusal.value.answer.startswith("550")


def test_a_message_over_size_is_refused_before_data(party: Party, desk: Submitter) -> None:
    limits = desk.run(desk.sender.limits())
    assert limits.max_bytes is not None
    begun: list[str] = []
    large = envelope_for(party.me, party.you, body=b"x" * limits.max_bytes + b"\r\n")
    with pytest.raises(PermanentRefusal, match="TROP_GROS"):
        desk.submit(large, on_data=lambda: begun.append("data"))
    assert begun == []


def test_a_receipt_comes_when_it_is_offered_and_asked_for(party: Party, desk: Submitter) -> None:
    assert desk.run(desk.sender.limits()).offers_dsn
    desk.submit(envelope_for(party.me, party.you, envelope_id="01JDCONTRACT"))
    receipt = arrived(party, party.me)[0]
    assert b"01JDCONTRACT" in receipt
    assert b"Action: delivered" in receipt


def test_a_sender_can_be_closed_twice_and_used_again(party: Party, desk: Submitter) -> None:
    desk.submit(unreceipted(party, party.you))
    for _ in range(2):
        desk.run(desk.sender.close())
    desk.submit(unreceipted(party, party.you))
    assert len(arrived(party, party.you, 2)) == 2


def test_a_session_stays_open_after_a_message_and_ends_when_the_identity_changes(
    party: Party, desk: Submitter
) -> None:
    assert desk.run(desk.sender.drop_stale()) == 0
    desk.submit(unreceipted(party, party.you))
    assert desk.run(desk.sender.drop_stale()) == 1
    party.holder.number += 1
    assert desk.run(desk.sender.drop_stale()) == 0
    desk.submit(unreceipted(party, party.you))
    assert desk.run(desk.sender.drop_stale()) == 1
    desk.run(desk.sender.close())
    assert desk.run(desk.sender.drop_stale()) == 0


def test_a_message_on_its_way_arrives_although_the_identity_changes(party: Party, desk: Submitter) -> None:
    def pull_the_card() -> None:
        party.holder.number += 1

    acceptance = desk.submit(unreceipted(party, party.you), on_data=pull_the_card)
    assert 200 <= acceptance.code < 300
    arrived(party, party.you)
    assert desk.run(desk.sender.drop_stale()) == 0
