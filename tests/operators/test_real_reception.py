"""Reception from a real Dovecot that demands the client certificate."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from imapclient import IMAPClient

from connector.domain.address import MailboxAddress
from connector.identities import PasswordIdentity, plain
from connector.operators.base import Lookup, ServerMessage
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, PermanentRefusal
from connector.operators.smtp_imap import ImapReceiver
from tests.servers.mail import message
from tests.servers.moody import Proxy
from tests.servers.operator import MailOperator

pytestmark = pytest.mark.servers

Make = Callable[..., ImapReceiver]


@pytest.fixture
def make(operator: MailOperator, mailbox: MailboxAddress) -> Iterator[Make]:
    """Receivers of the test's mailbox; closed at the end."""
    made: list[ImapReceiver] = []

    def build(**changes: object) -> ImapReceiver:
        made.append(ImapReceiver(operator.settings(**changes), operator.identity_for(mailbox)))
        return made[-1]

    yield build
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(make: Make) -> ImapReceiver:
    return make()


@pytest.fixture
def other_client(operator: MailOperator, mailbox: MailboxAddress) -> Iterator[IMAPClient]:
    """The same mailbox through another program, INBOX selected."""
    client = IMAPClient("localhost", operator.imap_port, ssl=False, timeout=20)
    client.starttls(operator.client_context(mailbox))
    client.sasl_login("EXTERNAL", lambda _: b"")
    client.select_folder("INBOX")
    yield client
    client.logout()


@pytest.fixture
def filed(operator: MailOperator, mailbox: MailboxAddress) -> str:
    """Message-ID of a message in the Sent folder."""
    operator.deliver(message(mailbox, message_id="<parti@test>"), mailbox, folder="Sent")
    return "<parti@test>"


def contents(receiver: ImapReceiver, places: list[ServerMessage] | None = None) -> list[bytes]:
    found = receiver.list_new("INBOX", known_after=None) if places is None else places
    return [fetched.content for fetched in receiver.fetch(found)]


def through(proxy: Proxy) -> dict[str, object]:
    return {"host": "localhost", "port": proxy.port}


def test_a_message_is_fetched_byte_for_byte_and_stays_unseen(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver, other_client: IMAPClient
) -> None:
    raw = message(mailbox, message_id="<un@test>", body="Été\r\n.\r\n".encode())
    operator.deliver(raw, mailbox)
    (place,) = receiver.list_new("INBOX", known_after=None)
    (fetched,) = receiver.fetch([place])
    assert fetched.content == raw
    assert (place.message_id, place.size_bytes, place.folder) == ("<un@test>", len(raw), "INBOX")
    assert fetched.received_at.utcoffset() is not None
    other_client.noop()
    assert other_client.search(["UNSEEN"]) == [place.uid]


def test_what_is_done_is_not_new_any_more_and_shows_as_read(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver, other_client: IMAPClient
) -> None:
    for _ in range(3):
        operator.deliver(message(mailbox), mailbox)
    places = receiver.list_new("INBOX", known_after=None)
    receiver.mark_done(places[:2])
    assert receiver.list_new("INBOX", known_after=None) == places[2:]
    other_client.noop()
    assert other_client.search(["SEEN"]) == [place.uid for place in places[:2]]
    assert other_client.search(["KEYWORD", "$MSSConnectorDone"]) == [place.uid for place in places[:2]]


def test_a_message_that_a_person_has_read_elsewhere_is_still_new(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver, other_client: IMAPClient
) -> None:
    operator.deliver(message(mailbox), mailbox)
    other_client.noop()
    other_client.add_flags(other_client.search(), [rb"\Seen"])
    assert len(receiver.list_new("INBOX", known_after=None)) == 1


def test_known_messages_are_not_listed_again(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    for _ in range(3):
        operator.deliver(message(mailbox), mailbox)
    places = receiver.list_new("INBOX", known_after=None)
    second = places[1]
    assert receiver.list_new("INBOX", known_after=(second.uid_validity, second.uid)) == places[2:]
    last = places[2]
    assert receiver.list_new("INBOX", known_after=(last.uid_validity, last.uid)) == []


def test_after_a_change_of_uidvalidity_nothing_counts_as_known(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    operator.deliver(message(mailbox), mailbox)
    (before,) = receiver.list_new("INBOX", known_after=None)
    receiver.close()
    operator.change_uid_validity(mailbox)
    (after,) = receiver.list_new("INBOX", known_after=(before.uid_validity, before.uid))
    assert after.uid_validity != before.uid_validity
    assert contents(receiver, [before]) == []
    receiver.mark_done([before])
    assert receiver.list_new("INBOX", known_after=None) == [after]


def test_a_vanished_message_is_left_out(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver, other_client: IMAPClient
) -> None:
    for _ in range(3):
        operator.deliver(message(mailbox), mailbox)
    places = list(receiver.list_new("INBOX", known_after=None))
    other_client.noop()
    other_client.delete_messages([places[1].uid])
    other_client.expunge()
    receiver.close()
    assert [fetched.place for fetched in receiver.fetch(places)] == [places[0], places[2]]
    receiver.mark_done(places)


def test_many_and_large_messages_come_in_order(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    large = os.urandom(24).hex().encode() + b"\r\n"
    raws = [message(mailbox, body=large * (100_000 if n in (3, 70) else 1)) for n in range(120)]
    for raw in raws:
        operator.deliver(raw, mailbox)
    places = receiver.list_new("INBOX", known_after=None)
    fetched = list(receiver.fetch(places))
    assert [one.place.uid for one in fetched] == sorted(place.uid for place in places)
    assert sorted(one.content for one in fetched) == sorted(raws)


def test_sizes_are_asked_for_when_they_are_not_known(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    operator.deliver(message(mailbox), mailbox)
    (place,) = receiver.list_new("INBOX", known_after=None)
    bare = ServerMessage(place.folder, place.uid_validity, place.uid)
    assert [fetched.place for fetched in receiver.fetch([bare])] == [bare]


@pytest.mark.parametrize(
    ("changes", "if_there", "if_absent"),
    [
        ({}, Lookup.FOUND, Lookup.MISSING),
        ({"files_sent_messages": False}, Lookup.FOUND, Lookup.CANNOT_TELL),
        ({"sent_folder": "Envoyes"}, Lookup.CANNOT_TELL, Lookup.CANNOT_TELL),
        ({"sent_folder": None}, Lookup.CANNOT_TELL, Lookup.CANNOT_TELL),
    ],
    ids=["files everything", "files some", "no such folder", "no folder set"],
)
def test_the_sent_folder_tells_what_left(
    filed: str, make: Make, changes: dict[str, object], if_there: Lookup, if_absent: Lookup
) -> None:
    receiver = make(**changes)
    assert receiver.find_sent(filed) is if_there
    assert receiver.find_sent("<jamais@test>") is if_absent


def test_a_copy_filed_after_the_first_look_is_found(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    assert receiver.find_sent("<tard@test>") is Lookup.MISSING
    operator.deliver(message(mailbox, message_id="<tard@test>"), mailbox, folder="Sent")
    assert receiver.find_sent("<tard@test>") is Lookup.FOUND


def test_looking_into_sent_does_not_disturb_the_inbox(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    operator.deliver(message(mailbox), mailbox)
    places = receiver.list_new("INBOX", known_after=None)
    receiver.find_sent("<rien@test>")
    receiver.mark_done(places)
    assert receiver.list_new("INBOX", known_after=None) == []


def test_waiting_ends_when_a_message_arrives(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    receiver.list_new("INBOX", known_after=None)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        if len(asked) == 1:
            operator.deliver(message(mailbox), mailbox)
        return False

    assert receiver.wait("INBOX", seconds=30, stop=stop) is True
    assert len(receiver.list_new("INBOX", known_after=None)) == 1


def test_what_arrived_before_the_wait_began_is_news(
    operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    receiver.list_new("INBOX", known_after=None)
    operator.deliver(message(mailbox), mailbox)
    assert receiver.wait("INBOX", seconds=30, stop=lambda: False) is True


def test_waiting_ends_without_news_when_told_to_stop(receiver: ImapReceiver) -> None:
    answers = iter([False, False, True, True, True])
    assert receiver.wait("INBOX", seconds=600, stop=lambda: next(answers)) is False


def test_idle_is_renewed_while_the_wait_goes_on(operator: MailOperator, mailbox: MailboxAddress, make: Make) -> None:
    receiver = make(idle_seconds=0.05)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        if len(asked) == 6:
            operator.deliver(message(mailbox), mailbox)
        return False

    assert receiver.wait("INBOX", seconds=30, stop=stop) is True
    assert len(asked) >= 6


def test_a_line_cut_in_idle_is_a_failed_connection_and_then_it_works_again(
    operator: MailOperator, mailbox: MailboxAddress, make: Make
) -> None:
    with Proxy(operator.imap_port) as proxy:
        receiver = make(imap=through(proxy))

        def cut() -> bool:
            proxy.cut()
            return False

        with pytest.raises(ConnectionFailed, match="OPERATEUR_INJOIGNABLE"):
            receiver.wait("INBOX", seconds=30, stop=cut)
        operator.deliver(message(mailbox), mailbox)
        assert len(contents(receiver)) == 1
        assert proxy.connections == 2


def test_a_line_that_died_silently_is_noticed(make: Make, operator: MailOperator) -> None:
    with Proxy(operator.imap_port) as proxy:
        receiver = make(imap=through(proxy), idle_seconds=0.1, answer_seconds=0.3)
        receiver.list_new("INBOX", known_after=None)

        def go_silent() -> bool:
            proxy.stall()
            return False

        with pytest.raises(ConnectionFailed):
            receiver.wait("INBOX", seconds=30, stop=go_silent)
        proxy.heal()
        assert receiver.list_new("INBOX", known_after=None) == []


def test_a_connection_lost_between_two_calls_shows_once(make: Make, operator: MailOperator) -> None:
    with Proxy(operator.imap_port) as proxy:
        receiver = make(imap=through(proxy))
        receiver.list_new("INBOX", known_after=None)
        proxy.cut()
        with pytest.raises(ConnectionFailed):
            receiver.list_new("INBOX", known_after=None)
        assert receiver.list_new("INBOX", known_after=None) == []
        receiver.close()


def test_a_folder_that_is_not_there_is_refused_and_the_connection_lives_on(
    make: Make, operator: MailOperator
) -> None:
    with Proxy(operator.imap_port) as proxy:
        receiver = make(imap=through(proxy))
        with pytest.raises(PermanentRefusal):
            receiver.list_new("Nulle part", known_after=None)
        assert receiver.list_new("INBOX", known_after=None) == []
        assert proxy.connections == 1
        receiver.close()


def test_without_certificate_the_mailbox_stays_shut(operator: MailOperator) -> None:
    identity = PasswordIdentity(credentials=lambda: plain("someone", "secret"), label="someone")
    with pytest.raises(AuthenticationRefused):
        ImapReceiver(operator.settings(), identity).list_new("INBOX", known_after=None)


def test_the_certificate_of_another_authority_opens_nothing(operator: MailOperator, mailbox: MailboxAddress) -> None:
    path = operator.pki.stranger.write(operator.folder / "stranger-imap.pem")
    stranger = operator.identity_for(mailbox, certificate=path)
    with pytest.raises(AuthenticationRefused):
        ImapReceiver(operator.settings(), stranger).list_new("INBOX", known_after=None)


def test_a_certificate_opens_its_own_mailbox_only(operator: MailOperator, mailbox: MailboxAddress) -> None:
    other = operator.new_mailbox("labo")
    wrong = operator.identity_for(mailbox, username=str(other))
    with pytest.raises(AuthenticationRefused):
        ImapReceiver(operator.settings(), wrong).list_new("INBOX", known_after=None)


@pytest.mark.parametrize("auth", ["plain", "login"])
def test_login_and_password_open_the_mailbox(password_operator: MailOperator, auth: str) -> None:
    from connector.settings.model import AuthMethod

    mailbox = password_operator.new_mailbox()
    password_operator.deliver(message(mailbox), mailbox)
    identity = password_operator.identity_for(mailbox, auth=AuthMethod(auth))
    receiver = ImapReceiver(password_operator.settings(), identity)
    assert len(contents(receiver)) == 1
    receiver.close()


def test_a_receiver_in_a_thread_stops_within_a_second_or_so(receiver: ImapReceiver) -> None:
    stop = threading.Event()
    entered = threading.Event()

    def asked() -> bool:
        entered.set()
        return stop.is_set()

    thread = threading.Thread(target=receiver.wait, args=("INBOX",), kwargs={"seconds": 600, "stop": asked})
    thread.start()
    entered.wait(20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
