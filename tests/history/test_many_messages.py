"""A large mailbox on a real Dovecot that is restarted and numbered anew in the middle: each message once."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.ports import watch_steps
from connector.domain.states import IncomingState as I
from connector.exchange.collect import Collector
from connector.operators.errors import OperatorError
from connector.operators.smtp_imap import ImapReceiver
from tests.exchange.exchange_scene import Scene
from tests.servers.mail import message
from tests.servers.operator import MailOperator

pytestmark = pytest.mark.servers

COUNT = 2_000
FULL = 20_000
RECENT = 150
RESTARTS = (3, 11, 24)  # at the so-manieth group of bytes that is stored
RENUMBERED = (17, 31)


@pytest.fixture
def receiver(operator: MailOperator, mailbox: MailboxAddress) -> Iterator[ImapReceiver]:
    made = ImapReceiver(operator.settings(), operator.identity_for(mailbox))
    yield made
    made.close()


def fill(operator: MailOperator, mailbox: MailboxAddress, count: int) -> list[str]:
    """So many small messages, as a delivery agent leaves them; gives back their Message-IDs."""
    ids = [f"<{number:05}@test>" for number in range(count)]
    for message_id in ids:
        operator.deliver(message(mailbox, message_id=message_id), mailbox)
    return ids


def work(scene: Scene, collector: Collector, receiver: ImapReceiver) -> None:
    """Everything that can be done, as the daemon's threads would."""
    while collector.run_once(receiver) or scene.open_mail() or collector.lister.goes_on():
        pass
    collector.run_once(receiver)


def delivered(scene: Scene) -> list[str]:
    return [arrival.message_id for arrival in scene.inbox.delivered.values()]


def disturbed(actions: dict[int, Callable[[], None]]) -> Callable[[str], None]:
    """Does something to the server at the so-manieth group of messages that was stored."""
    groups = 0

    def watch(step: str) -> None:
        nonlocal groups
        groups += step == "journal.stored"
        if step == "journal.stored" and groups in actions:
            actions.pop(groups)()

    return watch


def test_two_thousand_messages_come_once_although_the_server_is_restarted_and_numbered_anew(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    ids = fill(operator, mailbox, COUNT)

    def restored() -> None:
        operator.dovecot.stop()
        operator.change_uid_validity(mailbox)
        operator.dovecot.start()

    actions = dict.fromkeys(RESTARTS, operator.dovecot.restart) | dict.fromkeys(RENUMBERED, restored)
    collector, lost = scene.collector(), 0
    watch_steps(disturbed(actions))
    try:
        while len(scene.inbox.delivered) < COUNT or collector.lister.goes_on():
            try:
                collector.run_once(receiver)
            except OperatorError:
                lost += 1
            scene.open_mail()
    finally:
        watch_steps(None)
    while scene.journal.to_acknowledge(scene.collector().mailbox):
        with suppress(OperatorError):
            collector.run_once(receiver)

    assert actions == {}
    assert lost > 0
    assert sorted(delivered(scene)) == ids
    assert list(receiver.list_new("INBOX", known_after=None)) == []
    (mark,) = scene.journal.folder_marks()
    assert not mark.has_history_left


def test_after_a_new_numbering_duplicates_are_told_by_their_headers(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    ids = fill(operator, mailbox, 300)
    collector = scene.collector()
    work(scene, collector, receiver)
    receiver.close()
    operator.change_uid_validity(mailbox)
    for path in operator.maildir(mailbox).glob("cur/*"):
        path.rename(path.parent.parent / "new" / path.name.partition(":")[0])  # flags are lost too
    twin = message(mailbox, message_id=ids[0], body=b"Un autre contenu.\r\n")
    operator.deliver(twin, mailbox)
    fetched = Counter[str]()
    watch_steps(lambda step: fetched.update([step]))
    try:
        work(scene, collector, receiver)
    finally:
        watch_steps(None)
    assert fetched["journal.stored"] == 1
    assert Counter(delivered(scene)) == Counter([*ids, ids[0]])
    assert Counter(scene.incoming_states()) == {I.ACKNOWLEDGED: 601}


def test_of_twenty_thousand_messages_only_those_of_the_last_days_are_looked_at(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    now = scene.clock.now().timestamp()
    old = now - timedelta(days=400).total_seconds()
    ids = []
    for number in range(FULL):
        path = operator.deliver(message(mailbox, message_id=f"<{number:05}@test>"), mailbox)
        os.utime(path, (now, now if number >= FULL - RECENT else old))  # INTERNALDATE of a Maildir
        ids.append(f"<{number:05}@test>")
    collector = scene.collector(first_connection="days", first_days=30)
    work(scene, collector, receiver)
    assert delivered(scene) == ids[-RECENT:]
    (mark,) = scene.journal.folder_marks()
    assert (mark.total, mark.looked) == (RECENT, RECENT)
    assert len(scene.journal.incoming_messages(limit=FULL)) == RECENT
