"""Notices on the desktop: the texts reach the system's program as data, and nothing ever raises."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.api.page.herald import Herald
from connector.api.page.need import Facts
from connector.domain.states import WaitingFor
from connector.platform.notice import LinuxNotices, MacNotices, Notices, WindowsNotices, system_notices
from connector.platform.notice.command import LONGEST, one_line, ran

HOSTILE = "'; rm -rf / \" $(x) `y` <b>&\n\x00\x1b[31m"


class Ran:
    """What would have been run."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.code = 0

    def __call__(self, command: list[str], *, env: dict[str, str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        self.commands.append(list(command))
        self.environments.append(env)
        return subprocess.CompletedProcess(command, self.code)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Ran:
    found = Ran()
    monkeypatch.setattr(subprocess, "run", found)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return found


def test_linux_gets_title_and_escaped_text_as_arguments(system: Ran) -> None:
    assert LinuxNotices().show("Titre", HOSTILE)
    (command,) = system.commands
    assert command[0] == "/usr/bin/notify-send"
    assert command[-3:-1] == ["--", "Titre"]
    assert "&lt;b&gt;&amp;" in command[-1]
    assert "\n" not in command[-1]


def test_linux_without_libnotify_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not LinuxNotices().show("a", "b")


def test_macos_gets_the_texts_behind_a_fixed_script(system: Ran) -> None:
    assert MacNotices().show("Titre", HOSTILE)
    (command,) = system.commands
    assert command[-2:] == ["Titre", one_line(HOSTILE)]
    assert [HOSTILE in part for part in command[:-2]] == [False] * len(command[:-2])


def test_windows_gets_the_texts_by_the_environment(system: Ran) -> None:
    assert WindowsNotices().show("Titre", HOSTILE)
    assert system.environments[0]["MSS_NOTICE_TITLE"] == "Titre"
    assert system.environments[0]["MSS_NOTICE_TEXT"] == one_line(HOSTILE)
    assert not any("Titre" in part or "rm -rf" in part for part in system.commands[0])


def test_a_program_that_fails_is_no_error(system: Ran) -> None:
    system.code = 1
    assert not LinuxNotices().show("a", "b")


def test_a_program_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert not ran([str(tmp_path / "nothing")])


def test_a_program_is_run_with_what_is_added_to_the_environment(tmp_path: Path) -> None:
    script = "import os, sys; sys.exit(os.environ.get('MSS_NOTICE_TEXT') != 'x' or 'PATH' not in os.environ)"
    assert ran([sys.executable, "-c", script], {"MSS_NOTICE_TEXT": "x"})
    assert not ran([sys.executable, "-c", script], {"MSS_NOTICE_TEXT": "y"})
    assert "MSS_NOTICE_TEXT" not in os.environ


def test_a_program_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.platform.notice.command.SECONDS", 0.05)
    assert not ran([sys.executable, "-c", "import threading; threading.Event().wait(30)"])


def test_texts_are_one_line_of_bounded_length() -> None:
    assert one_line("a\n\tb\x00c  d") == "a b c d"
    assert len(one_line("x" * 1000)) == LONGEST


@pytest.mark.parametrize(
    ("platform", "kind"), [("win32", WindowsNotices), ("darwin", MacNotices), ("linux", LinuxNotices)]
)
def test_each_system_has_its_own(monkeypatch: pytest.MonkeyPatch, platform: str, kind: type[Notices]) -> None:
    monkeypatch.setattr("connector.platform.notice.sys.platform", platform)
    assert isinstance(system_notices(), kind)


# --- when ---


class Desktop:
    """Keeps what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []

    def show(self, title: str, text: str) -> bool:
        self.shown.append((title, text))
        return True


CALM, PIN = Facts(), Facts(waiting={WaitingFor.TOKEN: 2})
PASSING = Facts(waiting={WaitingFor.NETWORK: 5})


def told(*looks: Facts, lang: str = "fr") -> list[str]:
    desktop, waiting = Desktop(), list(looks)
    herald = Herald(lambda: waiting.pop(0), desktop, lang)
    for _ in looks:
        herald.look()
    return [text for _, text in desktop.shown]


def test_one_notice_when_it_begins_and_one_when_it_is_settled() -> None:
    first = "Connectez-vous à Pro Santé Connect dans votre logiciel. 2 messages attendent."
    assert told(CALM, PIN, PIN, PIN, PIN, CALM, CALM, CALM) == [first, "C'est réglé : tout repart."]


def test_what_comes_and_goes_at_once_is_not_told() -> None:
    assert told(CALM, PIN, CALM, PIN, CALM, CALM) == []


def test_trouble_that_is_gone_for_a_moment_is_not_settled() -> None:
    assert len(told(PIN, PIN, CALM, PIN, PIN)) == 1


def test_what_passes_by_itself_calls_nobody() -> None:
    assert told(PASSING, PASSING, PASSING) == []


def test_another_trouble_in_the_same_spell_is_not_told_again() -> None:
    other = Facts(waiting={WaitingFor.CODE: 1})
    assert len(told(PIN, PIN, other, other, PIN, PIN)) == 1


def test_the_next_spell_is_told_again_in_the_language_of_the_person() -> None:
    shown = told(PIN, PIN, CALM, CALM, PIN, PIN, lang="en")
    assert len(shown) == 3
    assert shown[1] == "It is settled: everything goes on."
