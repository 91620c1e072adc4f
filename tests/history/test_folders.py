"""Several folders of one mailbox on a real Dovecot: names as people write them, one that is not there, news."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.imap_utf7 import encode as utf7

from connector.domain.address import MailboxAddress
from connector.operators.errors import FolderMissing
from connector.operators.smtp_imap import ImapReceiver
from connector.operators.smtp_imap.folders import spellings
from tests.exchange.exchange_scene import Scene
from tests.servers.mail import message
from tests.servers.operator import MailOperator

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)


@pytest.fixture
def receiver(operator: MailOperator, mailbox: MailboxAddress) -> Iterator[ImapReceiver]:
    made = ImapReceiver(operator.settings(), operator.identity_for(mailbox))
    yield made
    made.close()


def put(operator: MailOperator, mailbox: MailboxAddress, name: str, folder: str = "INBOX") -> None:
    """A message with this subject, in a folder as the server names it."""
    raw = message(mailbox, message_id=f"<{name}@test>")
    operator.deliver(raw, mailbox, folder=folder if folder == "INBOX" else utf7(folder).decode())


def known(scene: Scene) -> list[tuple[str, str]]:
    """Folder as the settings name it, and Message-ID, of everything that was fetched."""
    return sorted((row.folder, row.header_message_id) for row in scene.incoming())


@pytest.mark.servers
def test_folders_are_found_by_the_names_that_people_write(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    put(operator, mailbox, "a")
    put(operator, mailbox, "b", "Résultats.Août 2026")
    put(operator, mailbox, "c", "R&D")
    collector = scene.collector(folders=["INBOX", "Résultats/Août 2026", "R&D"])
    assert collector.run_once(receiver) == 3
    assert known(scene) == [("INBOX", "<a@test>"), ("R&D", "<c@test>"), ("Résultats/Août 2026", "<b@test>")]
    put(operator, mailbox, "d", "Résultats.Août 2026")
    assert collector.run_once(receiver) == 1


@pytest.mark.servers
def test_a_folder_that_is_not_there_is_told_and_the_others_go_on(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    put(operator, mailbox, "a")
    collector = scene.collector(folders=["Absent", "INBOX"])
    assert collector.run_once(receiver) == 1
    assert collector.watched == "INBOX"
    trouble = collector.hindered_by
    assert isinstance(trouble, FolderMissing)
    assert "'Absent'" in trouble.detail
    put(operator, mailbox, "b", "Absent")
    assert collector.run_once(receiver) == 1
    assert collector.watched == "Absent"
    assert collector.lister.refused == {}


@pytest.mark.servers
def test_without_any_of_its_folders_a_mailbox_is_in_trouble(scene: Scene, receiver: ImapReceiver) -> None:
    with pytest.raises(FolderMissing):
        scene.collector(folders=["Absent"]).run_once(receiver)


@pytest.mark.servers
def test_one_folder_numbered_anew_does_not_touch_the_others(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    folders = ["INBOX", "Labo"]
    for number in range(3):
        put(operator, mailbox, f"i{number}")
        put(operator, mailbox, f"l{number}", "Labo")
    assert scene.collector(folders=folders).run_once(receiver) == 6
    before = {mark.folder: mark for mark in scene.journal.folder_marks()}
    receiver.close()
    operator.change_uid_validity(mailbox, "Labo")
    put(operator, mailbox, "l3", "Labo")
    assert scene.collector(folders=folders).run_once(receiver) == 1
    after = {mark.folder: mark for mark in scene.journal.folder_marks()}
    assert after["INBOX"] == before["INBOX"]
    assert after["Labo"].uid_validity != before["Labo"].uid_validity


@pytest.mark.servers
def test_news_in_the_first_folder_are_noticed_although_another_was_listed_last(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, receiver: ImapReceiver
) -> None:
    put(operator, mailbox, "l", "Labo")
    scene.collector(folders=["INBOX", "Labo"]).run_once(receiver)
    put(operator, mailbox, "i")
    assert receiver.wait("INBOX", seconds=30, stop=lambda: False) is True


@given(folder=NAMES, delimiter=st.sampled_from(["", "/", ".", "\\"]), prefix=st.sampled_from(["", "INBOX.", "#mh/"]))
def test_the_name_as_it_was_written_is_tried_first(folder: str, delimiter: str, prefix: str) -> None:
    names = list(spellings(folder, delimiter=delimiter, prefix=prefix))
    assert names[0] == folder
    assert len(set(names)) == len(names) <= 3
    assert names[-1].casefold().startswith(prefix.casefold())
