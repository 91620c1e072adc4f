"""What every operator promises (:mod:`connector.operators.base`), on real servers and on the doubles."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import WaitingFor
from connector.identities import (
    Identity,
    IdentityServices,
    PasswordIdentity,
    SaslCredentials,
    make_identity,
    plain,
)
from connector.operators.base import Lookup, OutgoingEnvelope, Receiver, Sender, ServerMessage
from connector.operators.errors import FolderMissing, PermanentRefusal
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.model import IdentitySettings, OperatorSettings, SecretRef
from connector.settings.reception import AfterDelivery
from connector.testing.operator import FakeOperator
from tests.servers.clock import WallClock
from tests.servers.mail import Submitter, envelope_for, message
from tests.servers.operator import MailOperator

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
YOU = MailboxAddress("dr.correspondant", "cabinet.mssante.test")


@dataclass
class Holder:
    """An identity that the test can make another one: as when the card is pulled, or the certificate renewed."""

    inner: Identity
    number: int = 0

    @property
    def label(self) -> str:
        return self.inner.label

    def revision(self) -> str:
        return f"{self.inner.revision()}/{self.number}"

    def apply_to(self, context: ssl.SSLContext) -> None:
        self.inner.apply_to(context)

    def sasl(self) -> SaslCredentials | None:
        return self.inner.sasl()

    def needs_person(self) -> WaitingFor | None:
        return self.inner.needs_person()


class Party(Protocol):
    """One operator with two mailboxes."""

    me: MailboxAddress
    you: MailboxAddress
    holder: Holder

    def sender(self) -> Sender: ...

    def receiver(self) -> Receiver: ...

    def deliver(self, raw: bytes) -> None:
        """Put a message into our INBOX."""

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]: ...


@dataclass
class RealParty:
    operator: MailOperator
    me: MailboxAddress
    you: MailboxAddress
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = Holder(self.operator.identity_for(self.me))

    def sender(self) -> Sender:
        return SmtpSender(self.operator.settings(), self.holder)

    def receiver(self) -> Receiver:
        return ImapReceiver(self.operator.settings(), self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(raw, self.me)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return [raw.replace(b"\n", b"\r\n") for raw in self.operator.messages(address, folder)]


@dataclass
class EmbeddedParty:
    operator: EmbeddedOperator
    me: MailboxAddress = ME
    you: MailboxAddress = YOU

    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        identity = IdentitySettings(certificate=self.operator.client_certificate(str(self.me)))
        services = IdentityServices(read_secret=_no_secret, clock=WallClock())
        self.holder = Holder(make_identity(identity, self.me, services))

    def sender(self) -> Sender:
        return SmtpSender(self._settings(), self.holder)

    def receiver(self) -> Receiver:
        return ImapReceiver(self._settings(), self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(str(self.me), raw)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return self.operator.messages(str(address), folder)

    def _settings(self) -> OperatorSettings:
        return OperatorSettings.model_validate({
            "smtp": {"host": "localhost", "port": self.operator.smtp_port},
            "imap": {"host": "localhost", "port": self.operator.imap_port},
            "tls": {"trust": [self.operator.trust_file], "crl": [self.operator.crl_file]},
            "max_message_bytes": 40_000_000,
            "sent_folder": "Sent", "files_sent_messages": True,
        })  # fmt: skip


@dataclass
class FakeParty:
    operator: FakeOperator
    me: MailboxAddress = ME
    you: MailboxAddress = YOU
    holder: Holder = field(default_factory=lambda: Holder(PasswordIdentity(credentials=_password, label=str(ME))))

    def sender(self) -> Sender:
        return self.operator.sender(self.me, self.holder)

    def receiver(self) -> Receiver:
        return self.operator.receiver(self.me, self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(self.me, raw)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return self.operator.messages(address, folder)


def _password() -> SaslCredentials:
    return plain(str(ME), "secret")


def _no_secret(reference: SecretRef) -> str:
    raise AssertionError(f"no secret is needed: {reference}")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedOperator]:
    with EmbeddedOperator(tmp_path / "operator", [str(ME), str(YOU)]) as running:
        yield running


@pytest.fixture(params=[pytest.param("servers", marks=pytest.mark.servers), "embedded", "fake"])
def party(request: pytest.FixtureRequest) -> Party:
    if request.param == "servers":
        operator: MailOperator = request.getfixturevalue("operator")
        return RealParty(operator, operator.new_mailbox(), operator.new_mailbox("dr.correspondant"))
    if request.param == "embedded":
        return EmbeddedParty(request.getfixturevalue("embedded"))
    return FakeParty(FakeOperator([ME, YOU]))


@pytest.fixture
def desk(party: Party) -> Iterator[Submitter]:
    with Submitter(party.sender()) as submitter:
        yield submitter


@pytest.fixture
def receiver(party: Party) -> Iterator[Receiver]:
    made = party.receiver()
    yield made
    made.close()


def arrived(party: Party, address: MailboxAddress, count: int = 1, folder: str = "INBOX") -> list[bytes]:
    """The messages once there are so many."""
    until = time.monotonic() + 30
    while len(found := party.messages(address, folder)) < count and time.monotonic() < until:
        time.sleep(0.02)
    assert len(found) >= count
    return found


def unreceipted(party: Party, *recipients: MailboxAddress) -> OutgoingEnvelope:
    return envelope_for(party.me, *recipients, delivery_receipt=False)


def stranger(party: Party) -> MailboxAddress:
    return MailboxAddress("personne", party.me.domain)


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
