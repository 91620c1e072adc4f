"""How other processes of the machine find the daemon: its address, a tap on its shoulder, its journal."""

import json
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from connector.daemon.endpoint import ask_health, data_paths, forget_endpoint, tell_endpoint
from connector.daemon.nudge import NudgeWatch, nudge
from connector.daemon.store import open_journal
from connector.domain.errors import ConfigurationError
from connector.platform.paths import DataPaths, default_data_dir
from connector.settings.model import JournalSettings, Settings, SoftwareSettings
from tests.cli.terminal import answering, healthy_daemon


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(software=SoftwareSettings(data_dir=tmp_path), journal=JournalSettings(key_store="file"))


@pytest.fixture
def paths(settings: Settings) -> DataPaths:
    return data_paths(settings)


def test_the_data_folder_is_that_of_the_settings_else_that_of_the_system(settings: Settings, tmp_path: Path) -> None:
    assert data_paths(settings).root == tmp_path
    assert data_paths(Settings()).root == default_data_dir()


def test_a_running_daemon_is_found_and_asked(settings: Settings) -> None:
    health = {"status": "ok", "components": []}
    with healthy_daemon(settings, health):
        assert ask_health(settings) == health


def test_the_address_is_readable_by_its_owner_only(paths: DataPaths) -> None:
    tell_endpoint(paths, host="127.0.0.1", port=8723, instance="i", token="t")
    told = json.loads(paths.endpoint.read_text(encoding="utf-8"))
    expected = {"host": "127.0.0.1", "port": 8723, "pid": os.getpid(), "instance": "i", "token": "t"}
    assert told == {**expected, "scheme": "http"}
    if os.name == "posix":
        assert stat.S_IMODE(paths.endpoint.stat().st_mode) == 0o600


def test_a_daemon_that_stopped_is_forgotten_as_often_as_one_likes(settings: Settings, paths: DataPaths) -> None:
    tell_endpoint(paths, host="127.0.0.1", port=8723)
    forget_endpoint(paths)
    forget_endpoint(paths)
    assert ask_health(settings) is None


def test_the_address_of_a_crashed_daemon_is_nobody(settings: Settings, paths: DataPaths) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tell_endpoint(paths, host="127.0.0.1", port=port)
    assert ask_health(settings) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "{}", '{"host": "127.0.0.1"}', '{"host": 1, "port": "x"}', '{"host": null, "port": null}'],
)
def test_a_damaged_address_is_nobody(settings: Settings, paths: DataPaths, content: str) -> None:
    paths.endpoint.write_text(content, encoding="utf-8")
    assert ask_health(settings) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"ok"', b"{}", b"\xff\xfe", b'{"status"'])
def test_another_program_on_the_old_port_is_not_taken_for_the_daemon(
    settings: Settings, paths: DataPaths, body: bytes
) -> None:
    with answering(body) as port:
        tell_endpoint(paths, host="127.0.0.1", port=port)
        assert ask_health(settings) is None


def test_a_program_that_does_not_speak_http_is_not_taken_for_the_daemon(settings: Settings, paths: DataPaths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tell_endpoint(paths, host="127.0.0.1", port=server.getsockname()[1])
        server.settimeout(10)

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"220 smtp.example ESMTP\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        assert ask_health(settings) is None
        thread.join()


# --- nudge ---


def test_each_nudge_is_noticed_once(paths: DataPaths) -> None:
    watch = NudgeWatch(paths)
    assert not watch.came()
    for _ in range(3):
        nudge(paths)
        assert watch.came()
        assert not watch.came()


def test_several_nudges_between_two_looks_are_one(paths: DataPaths) -> None:
    watch = NudgeWatch(paths)
    nudge(paths)
    nudge(paths)
    assert [watch.came(), watch.came()] == [True, False]


def test_a_nudge_of_before_the_start_is_old_news(paths: DataPaths) -> None:
    nudge(paths)
    assert not NudgeWatch(paths).came()


def test_a_nudge_without_a_folder_fails_silently(tmp_path: Path) -> None:
    gone = DataPaths(tmp_path / "gone")
    nudge(gone)
    assert not NudgeWatch(gone).came()


# --- store ---


def test_the_first_opening_makes_a_private_folder_a_key_and_the_journal(settings: Settings, paths: DataPaths) -> None:
    open_journal(settings, actor="test").close()
    assert paths.journal.is_file()
    assert paths.key.is_file()
    if os.name == "posix":
        assert stat.S_IMODE(paths.root.stat().st_mode) == 0o700
        assert stat.S_IMODE(paths.key.stat().st_mode) == 0o600


def test_a_second_process_opens_the_same_journal(settings: Settings) -> None:
    first, second = (open_journal(settings, actor=name) for name in ("daemon", "person"))
    try:
        second.add_trace(action="login")
        assert [entry.actor for entry in first.trace() if entry.action == "login"] == ["person"]
    finally:
        first.close()
        second.close()


def test_a_journal_whose_key_is_gone_gets_no_new_one(settings: Settings, paths: DataPaths) -> None:
    open_journal(settings, actor="test").close()
    paths.key.unlink()
    with pytest.raises(ConfigurationError) as refused:
        open_journal(settings, actor="test")
    assert refused.value.code == "CLE_ABSENTE"
    assert not paths.key.exists()


def test_the_settings_may_name_another_database(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(
        update={"journal": JournalSettings(key_store="file", url=f"sqlite:///{tmp_path / 'other.sqlite'}")}
    )
    open_journal(elsewhere, actor="test").close()
    assert (tmp_path / "other.sqlite").is_file()
    assert not data_paths(settings).journal.exists()
