"""``mss-connector status``: did it leave, did it arrive, what must I do."""

from dataclasses import replace

import pytest

from connector.cli.exits import Exit
from connector.domain.states import IncomingEvent, OutgoingEvent
from connector.journal.listed import FolderMark
from connector.support.health import Component, Condition
from tests.cli.terminal import Terminal, healthy_daemon
from tests.journal.journal_builders import BOX, CC, OTHER_BOX, Place, Scene


def busy(scene: Scene) -> None:
    """Three left, one is on its way, two need a person, one failed, one was cancelled; one came, one is set aside."""
    for _ in range(3):
        scene.sent()
    scene.unknown()
    scene.held()
    cancelled, expired = scene.prepared(), scene.prepared()
    scene.journal.record(cancelled, OutgoingEvent.CANCEL)
    scene.journal.record(expired, OutgoingEvent.EXPIRE, code="DELAI_DEPASSE")
    scene.prepared()
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid) for uid in (1, 2)])
    broken = scene.journal.incoming_messages(mailbox=BOX)[0]
    scene.journal.record_incoming(broken.id, IncomingEvent.QUARANTINE, code="XDM_INVALIDE")


def test_an_idle_connector_names_its_mailboxes_and_that_the_service_is_off(terminal: Terminal) -> None:
    result = terminal.run("status")
    assert result.exit_code == Exit.OK
    assert result.stdout.splitlines() == ["Le service n'est pas lancé.", str(BOX), "  rien pour le moment"]


def test_an_idle_connector_in_english(terminal: Terminal) -> None:
    lines = terminal.run("status", lang="en").stdout.splitlines()
    assert lines == ["The service is not running.", str(BOX), "  nothing yet"]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "3 partis, 1 en cours, 2 vous attendent, 1 en échec, 1 annulé, 1 à ouvrir, 1 mis à l'écart"),
        ("en", "3 left, 1 on its way, 2 waiting for you, 1 failed, 1 cancelled, 1 being opened, 1 set aside"),
    ],
)
def test_counts_are_told_in_words_with_the_command_that_shows_what_needs_a_person(
    terminal: Terminal, lang: str, words: str
) -> None:
    with terminal.journal() as scene:
        busy(scene)
    lines = terminal.run("status", lang=lang).stdout.splitlines()
    assert f"  {words}" in lines
    commands = [line.partition("→ ")[2] for line in lines if "→ " in line]
    assert len(commands) == 2
    shown = [terminal.run(*command.split()[1:]) for command in commands]
    assert [result.exit_code for result in shown] == [Exit.OK, Exit.OK]
    assert [len(terminal.json(*command.split()[1:])) for command in commands] == [2, 1]


def test_a_mailbox_that_is_no_longer_in_the_settings_is_still_shown(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        scene.taken(mailbox=OTHER_BOX)
    assert str(OTHER_BOX) in terminal.run("status").stdout


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "  reprise de l'existant, INBOX : 1\xa0200 / 20\xa0000 messages"),
        ("en", "  going through what was there, INBOX: 1\xa0200 / 20\xa0000 messages"),
    ],
)
def test_how_far_an_old_mailbox_has_been_gone_through(terminal: Terminal, lang: str, words: str) -> None:
    mark = FolderMark(
        mailbox=BOX, folder="INBOX", uid_validity=1, listed_uid=20_000, history_uid=1_200, history_end=20_000,
        total=20_000, looked=1_200,
    )  # fmt: skip
    with terminal.journal() as scene:
        scene.journal.set_folder_mark(mark, why="first connection, all")
    assert words in terminal.run("status", lang=lang).stdout.splitlines()
    assert terminal.json("status")["histories"] == {str(BOX): {"INBOX": {"looked": 1_200, "total": 20_000}}}
    with terminal.journal() as scene:
        scene.journal.set_folder_mark(replace(mark, history_uid=20_000), why="test")
    assert terminal.json("status")["histories"] == {}


def test_programs_get_health_and_counts(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        scene.sent()
    assert terminal.json("status") == {
        "health": None, "counts": {str(BOX): {"out:sent": 1}}, "refused": {}, "histories": {},
    }  # fmt: skip
    health = Component("connector").as_dict()
    with healthy_daemon(terminal.settings, health):
        assert terminal.json("status")["health"] == health


@pytest.mark.parametrize(
    ("condition", "fr", "en"),
    [
        (Condition.OK, "Service : en marche", "Service: running"),
        (Condition.WAITING, "Service : en attente", "Service: waiting"),
        (Condition.ERROR, "Service : en panne", "Service: broken"),
    ],
)
def test_a_running_service_is_described(terminal: Terminal, condition: Condition, fr: str, en: str) -> None:
    with healthy_daemon(terminal.settings, Component("connector", condition).as_dict()):
        assert terminal.run("status").stdout.splitlines()[0] == fr
        assert terminal.run("status", lang="en").stdout.splitlines()[0] == en


def test_what_hinders_the_service_is_told_with_its_cure(terminal: Terminal) -> None:
    hindered = Component("send", Condition.WAITING, code="CERTIFICAT_EXPIRE")
    tree = Component("connector", parts=(Component("alix", parts=(hindered,)), Component("journal")))
    with healthy_daemon(terminal.settings, tree.as_dict()):
        french, english = terminal.run("status").stdout, terminal.run("status", lang="en").stdout
    assert "send : Le certificat de la boîte a expiré." in french
    assert "→ Demandez un nouveau certificat" in french
    assert "send: The certificate of the mailbox has expired." in english
    assert "→ Ask for a new certificate" in english
    assert "journal" not in french


def test_a_health_of_another_version_does_not_break_the_status(terminal: Terminal) -> None:
    with healthy_daemon(terminal.settings, {"status": "splendid"}):
        assert terminal.run("status").stdout.splitlines()[0] == "Service : ?"


def test_no_recipient_is_named(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        busy(scene)
    assert str(CC) not in terminal.run("status").output


def test_invalid_settings_are_said(terminal: Terminal) -> None:
    terminal.write("[api]\nport = -1\n")
    assert terminal.run("status").exit_code == Exit.SETTINGS
