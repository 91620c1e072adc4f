"""The connector itself: settings, data folder, secrets, service, port, journal – each fault with its own code."""

import os
import socket
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities.card.status import CardStatus, Presence
from connector.journal.journal import Journal
from connector.journal.look import damage, look_at
from connector.platform import share
from connector.platform.lock import InstanceLock
from connector.settings.load import Problem
from connector.support.doctor import Severity, World
from connector.support.doctor.beside import existing_journal, world_beside
from connector.support.doctor.checks import connector as connector_checks
from connector.support.doctor.inside import world_inside
from tests.journal.journal_builders import Scene
from tests.servers.process import free_port
from tests.support.doctor_scene import NOBODY, Practice, looked, told


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


# --- settings


def test_settings_that_are_fine_are_named(practice: Practice) -> None:
    (found,) = practice.looked("settings")
    assert (found.code, found.subject) == ("REGLAGES_OK", str(practice.folder / "connector.toml"))


def test_each_problem_of_the_settings_is_told_in_both_languages(practice: Practice) -> None:
    problem = Problem("spool.root", Text("est faux", "is wrong"), Text("attendu : vrai", "expected right"))
    (found,) = practice.looked("settings", settings=None, problems=[problem])
    assert (found.code, found.subject) == ("REGLAGE_INVALIDE", "spool.root")
    assert (found.detail, found.detail_fr) == ("is wrong; expected right", "est faux ; attendu : vrai")


# --- data folder


def test_a_data_folder_that_is_not_there_yet_is_fine_and_stays_away(practice: Practice) -> None:
    assert practice.told("data folder") == ["DONNEES_NOUVELLES"]
    assert not practice.data.exists()


def test_a_private_data_folder_is_in_order_and_stays_as_it_is(practice: Practice) -> None:
    practice.data.mkdir(mode=0o700)
    assert practice.told("data folder") == ["DONNEES_OK"]
    assert list(practice.data.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="rights of this kind are POSIX")
def test_a_data_folder_for_everybody_is_an_error_and_is_seen_before_it_is_put_right(practice: Practice) -> None:
    practice.data.mkdir()
    practice.data.chmod(0o755)
    world = practice.world()
    practice.data.chmod(0o700)  # as opening the journal does
    (found,) = practice.looked("data folder", data_folder=world.data_folder)
    assert (found.code, found.detail) == ("DONNEES_OUVERTES", "mode 0755")


def test_a_file_in_its_place_is_refused(practice: Practice) -> None:
    practice.data.write_text("x")
    assert practice.told("data folder") == ["DONNEES_REFUSEES"]


def test_a_data_folder_that_cannot_be_written_is_refused(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    practice.data.mkdir(mode=0o700)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(connector_checks, "can_write", refuse)
    (found,) = practice.looked("data folder")
    assert (found.code, found.detail) == ("DONNEES_REFUSEES", "Permission denied")


def test_a_data_folder_on_a_share_or_synchronised_is_an_error(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.values["software"]["data_dir"] = "Dropbox/data"
    (practice.folder / "Dropbox" / "data").mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(share, "_mounts", lambda: f"//nas/x {practice.folder} cifs rw 0 0\n")
    found = practice.looked("data folder")
    assert [one.code for one in found] == ["DONNEES_SUR_PARTAGE", "DONNEES_SYNCHRONISEES"]
    assert found[1].detail == "Dropbox"


# --- secrets


def secret(practice: Practice, content: str, mode: int = 0o600) -> None:
    path = practice.folder / "secret.txt"
    path.write_text(content)
    path.chmod(mode)
    practice.mailbox["identity"] = {"auth": "plain", "password": {"file": "secret.txt"}}


def test_a_secret_that_can_be_had_is_fine_and_never_told(practice: Practice) -> None:
    secret(practice, "hunter2\n")
    (found,) = practice.looked("secrets")
    assert (found.code, found.subject, found.detail) == ("SECRET_OK", "dr-modele, identity.password", "in file")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("content", "mode", "code"), [("", 0o600, "SECRET_ABSENT"), ("hunter2", 0o644, "CLE_PERMISSIONS")]
)
def test_a_secret_that_is_missing_or_open_is_an_error(practice: Practice, content: str, mode: int, code: str) -> None:
    secret(practice, content, mode)
    assert practice.told("secrets") == [code]


def test_a_locked_key_store_is_said_to_be_locked(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    practice.mailbox["identity"] = {"certificate": "alix.p12", "certificate_password": {"keyring": "alix"}}
    import keyring
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        assert practice.told("secrets") == ["SECRET_INDISPONIBLE"]
    finally:
        keyring.set_keyring(before)


# --- service and port


def test_a_connector_that_answers_is_running(practice: Practice) -> None:
    practice.health = {"status": "ok"}
    assert practice.told("service") == ["SERVICE_OK"]


def test_the_connector_looks_at_itself(practice: Practice) -> None:
    practice.data.mkdir()
    with InstanceLock(practice.data):
        assert practice.told("service", is_daemon=True) == ["SERVICE_OK"]


def test_a_connector_that_is_stopped_is_a_warning_and_its_port_is_looked_at(practice: Practice) -> None:
    practice.values["api"] = {"port": free_port()}
    practice.data.mkdir()
    (practice.data / "lock").touch()
    found = practice.looked("service")
    assert [(one.code, one.severity) for one in found] == [
        ("SERVICE_ARRETE", Severity.WARNING), ("PORT_OK", Severity.OK),
    ]  # fmt: skip


def test_somebody_else_at_the_port_is_an_error(practice: Practice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        practice.values["api"] = {"port": other.getsockname()[1]}
        assert practice.told("service") == ["SERVICE_ARRETE", "PORT_OCCUPE"]


@pytest.mark.parametrize("api", [{"port": 0}, {"enabled": False}])
def test_a_port_that_is_not_fixed_is_not_looked_at(practice: Practice, api: dict[str, object]) -> None:
    practice.values["api"] = api
    assert practice.told("service") == ["SERVICE_ARRETE"]


def test_a_connector_that_holds_its_lock_and_does_not_answer_is_an_error(practice: Practice) -> None:
    practice.data.mkdir()
    with InstanceLock(practice.data):
        (found,) = practice.looked("service")
        assert (found.code, found.detail) == ("SERVICE_MUET", f"process {os.getpid()}")
        practice.values["api"] = {"enabled": False}
        assert practice.told("service") == ["SERVICE_OK"]
        (practice.data / "lock").write_text("")
        assert practice.looked("service")[0].detail == "process unknown"


def test_a_lock_that_cannot_be_looked_at_is_not_a_running_connector(practice: Practice) -> None:
    (practice.data / "lock").mkdir(parents=True)
    assert practice.told("service")[0] == "SERVICE_ARRETE"


# --- journal


def journal_file(practice: Practice) -> Path:
    return practice.data / "journal.sqlite"


def test_no_journal_yet_is_fine_and_none_is_made(practice: Practice) -> None:
    assert practice.told("journal") == ["JOURNAL_NOUVEAU"]
    assert practice.told("trace") == []
    assert not practice.data.exists()


def test_a_whole_journal_is_told_with_the_length_of_its_trace(practice: Practice) -> None:
    with practice.journal() as scene:
        scene.sent()
        entries = scene.journal.verify_trace()
    assert practice.told("journal") == ["JOURNAL_OK"]
    (found,) = practice.looked("trace")
    assert (found.code, found.detail) == ("TRACE_OK", f"{entries} entries, unbroken")


def test_a_journal_is_looked_at_while_the_connector_uses_it(practice: Practice) -> None:
    with practice.journal() as scene:
        scene.sent()
        assert practice.told("journal") == ["JOURNAL_OK"]
        assert practice.told("trace") == ["TRACE_OK"]
        scene.sent()


def test_another_file_in_its_place_is_no_journal(practice: Practice) -> None:
    practice.data.mkdir()
    journal_file(practice).write_bytes(b"DUPONT" * 2000)
    (found,) = practice.looked("journal")
    assert found.code == "JOURNAL_ALTERE"
    assert "DUPONT" not in found.detail
    assert practice.told("trace") == []


def test_a_damaged_page_is_found(practice: Practice) -> None:
    with practice.journal() as scene:
        for _ in range(40):
            scene.sent()
    with journal_file(practice).open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        page = 4096
        for start in range(10 * page, size, page):  # all but the first ones, which hold the schema
            file.seek(start)
            file.write(b"\xff" * 512)
    assert practice.told("journal") in (["JOURNAL_ENDOMMAGE"], ["JOURNAL_ALTERE"])


def rewrite(practice: Practice, statement: str) -> None:
    connection = sqlite3.connect(journal_file(practice))
    connection.executescript(f"DROP TRIGGER IF EXISTS trace_no_update; {statement}")
    connection.close()


def test_what_the_database_finds_wrong_is_told(practice: Practice) -> None:
    with practice.journal():
        pass
    rewrite(
        practice,
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = "
        "(SELECT rootpage FROM sqlite_schema WHERE name = 'meta') WHERE name = 'payloads'",
    )
    (found,) = practice.looked("journal")
    assert found.code == "JOURNAL_ENDOMMAGE"
    assert "reference to page" in found.detail


@pytest.mark.parametrize(
    ("revision", "code", "severity"),
    [("0001", "JOURNAL_A_CONVERTIR", Severity.WARNING), ("9999", "JOURNAL_VERSION", Severity.ERROR)],
)
def test_a_journal_of_another_version_is_told_and_left_as_it_is(
    practice: Practice, revision: str, code: str, severity: Severity
) -> None:
    with practice.journal():
        pass
    rewrite(practice, f"UPDATE alembic_version SET version_num = '{revision}'")
    found = practice.looked("journal")
    assert [(one.code, one.severity) for one in found] == [(code, severity), ("JOURNAL_OK", Severity.OK)]
    assert practice.told("trace") == []
    assert practice.told("clock and journal") == ["HORLOGE_SUIT"]
    assert look_at(f"sqlite:///{journal_file(practice)}").revision == revision


def test_a_trace_that_was_changed_is_found(practice: Practice) -> None:
    with practice.journal() as scene:
        scene.sent()
    triggers = sqlite3.connect(journal_file(practice))
    names = [row[0] for row in triggers.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    triggers.close()
    drops = "".join(f"DROP TRIGGER {name};" for name in names)
    rewrite(practice, f"{drops} UPDATE trace SET action = 'nothing' WHERE seq = 2")
    (found,) = practice.looked("trace")
    assert found.code == "TRACE_ALTEREE"
    assert "trace entry 2" in found.detail


def test_rows_that_contradict_each_other_are_found(practice: Practice) -> None:
    with practice.journal() as scene:
        message = scene.prepared()
    rewrite(practice, f"UPDATE messages SET state = 'mystery' WHERE id = '{message}'")
    found = practice.looked("trace")
    assert [one.code for one in found] == ["JOURNAL_INCOHERENT", "TRACE_OK"]
    assert found[0].detail == f"unknown state: {message}"


def test_a_missing_or_wrong_key_is_an_error_and_no_key_is_made(practice: Practice) -> None:
    with practice.journal():
        pass
    key = practice.data / "journal.key"
    kept = key.read_text()
    key.unlink()
    assert practice.told("trace") == ["CLE_ABSENTE"]
    assert not key.exists()
    key.write_text("A" * 43 + "=\n")
    key.chmod(0o600)
    assert practice.told("trace") == ["CLE_FAUSSE"]
    key.write_text(kept)
    assert practice.told("trace") == ["TRACE_OK"]


def test_an_empty_database_is_no_journal_yet(practice: Practice) -> None:
    practice.data.mkdir()
    connection = sqlite3.connect(journal_file(practice))
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    assert practice.told("journal") == ["JOURNAL_NOUVEAU"]


def test_looking_at_a_journal_changes_no_file_of_it(practice: Practice) -> None:
    with practice.journal() as scene:
        scene.sent()
    before = journal_file(practice).read_bytes()
    look_at(f"sqlite:///{journal_file(practice)}")
    assert damage(f"sqlite:///{journal_file(practice)}") == []
    assert journal_file(practice).read_bytes() == before
    assert stat.S_IMODE(journal_file(practice).stat().st_mode) == 0o600


def test_databases_with_a_server_look_after_their_own_files() -> None:
    assert damage("postgresql://nobody@127.0.0.1/x") == []


def test_the_journal_of_a_command_is_the_one_that_is_there(practice: Practice) -> None:
    settings, paths = practice.settings, practice.world().paths
    with existing_journal(settings, paths) as none:
        assert none is None
    with practice.journal() as scene:
        message = scene.sent()
    with existing_journal(settings, paths) as journal:
        assert isinstance(journal, Journal)
        assert journal.outgoing(message).id == message


def test_a_command_without_settings_has_no_journal(tmp_path: Path) -> None:
    world = world_beside(tmp_path / "x.toml", None, [], ask_health=lambda: None, ask_card=lambda: NOBODY)
    with pytest.raises(ConnectorError, match="JOURNAL_INDISPONIBLE"):
        world.open_journal()


# --- the world of the connector that runs


def inside(practice: Practice, scene: Scene, cards: Any) -> World:
    world = practice.world()
    return world_inside(
        settings_path=world.settings_path, settings=practice.settings, problems=[], paths=world.paths,
        clock=practice.clock, services=world.services, trust=world.trust, journal=scene.journal, cards=cards,
        health=lambda: {"status": "ok"},
    )  # fmt: skip


def test_the_running_connector_opens_nothing_twice(practice: Practice) -> None:
    with practice.journal() as scene:
        world = inside(practice, scene, None)
        with world.open_journal() as journal:
            assert journal is scene.journal
        assert told(looked(world, "service")) == ["SERVICE_OK"]
        assert told(looked(world, "trace")) == ["TRACE_OK"]
        assert world.ask_card().status is None
        scene.sent()  # nobody has closed it


def test_the_running_connector_asks_its_own_card_room(practice: Practice) -> None:
    status = CardStatus(Presence.NO_CARD, code="CARTE_ABSENTE", middleware="/opt/cps.so")

    class Cards:
        def status(self) -> CardStatus:
            return status

    practice.mailbox["identity"] = {"card": {}}
    with practice.journal() as scene:
        world = inside(practice, scene, Cards())
        assert world.ask_card().status is status
        assert told(looked(world, "card")) == ["CARTE_ABSENTE"]
