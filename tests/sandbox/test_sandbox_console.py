"""The sandbox on its own: what it prints, what it obeys."""

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox.__main__ import main
from connector.sandbox.console import obey, run_console, settings_toml
from connector.sandbox.moods import Mood, MoodKind, Moods
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.model import Settings

DOCTOR = "dr.modele@test.mssante.example"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedOperator]:
    with EmbeddedOperator(tmp_path_factory.mktemp("bac"), [DOCTOR]) as operator:
        yield operator


@pytest.fixture
def operator(running: EmbeddedOperator) -> Iterator[EmbeddedOperator]:
    yield running
    running.calm()


def say(operator: EmbeddedOperator, *lines: str) -> str:
    out = io.StringIO()
    run_console(operator, lines, out)
    return out.getvalue()


def test_the_printed_settings_are_settings_of_the_connector(operator: EmbeddedOperator) -> None:
    settings = Settings.model_validate(tomllib.loads(settings_toml(operator)))

    assert settings.operators["bac-a-sable"].smtp.port == operator.smtp_port
    assert settings.operators["bac-a-sable"].tls.trust == [operator.trust_file]
    assert settings.mailboxes[0].identity.certificate == operator.client_certificate(DOCTOR)


def test_a_mood_is_put_on_and_taken_off(operator: EmbeddedOperator) -> None:
    obey(operator, ["humeur", "slow_answer", "*", "1", "2.5"])
    slow = operator.moods.take(MoodKind.SLOW_ANSWER)
    obey(operator, ["humeur", "refuse_recipient", DOCTOR])
    obey(operator, ["calme"])

    assert slow is not None
    assert (slow.seconds, slow.address) == (2.5, "")
    assert operator.moods.take(MoodKind.REFUSE_RECIPIENT, DOCTOR) is None


def test_a_message_is_dropped_and_listed(operator: EmbeddedOperator, tmp_path: Path) -> None:
    file = tmp_path / "message.eml"
    file.write_bytes(b"Subject: x\r\n\r\nbonjour\r\n")

    text = say(operator, f"depose {DOCTOR} {file}", f"liste {DOCTOR}", f"liste {DOCTOR} Sent", "coupe")

    assert "1 message(s)\n  23 octets" in text
    assert "0 message(s)" in text
    assert "coupées" in text


@pytest.mark.parametrize(
    "line",
    ["humeur", "humeur bonne", "humeur cut_in_data * souvent", "liste personne@x.fr", f"depose {DOCTOR} /nulle/part"],
)
def test_what_is_not_understood_is_said_and_harmless(operator: EmbeddedOperator, line: str) -> None:
    assert "non compris" in say(operator, line)


def test_help_lists_every_mood(operator: EmbeddedOperator) -> None:
    assert all(mood in say(operator, "aide") for mood in MoodKind)


def test_nothing_is_obeyed_after_the_end(operator: EmbeddedOperator) -> None:
    assert say(operator, "fin", "aide") == ""


def test_the_command_runs_until_the_end_of_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("calme\n"))

    code = main(["--folder", str(tmp_path), "--no-client-certificate", DOCTOR])

    assert code == 0
    assert DOCTOR in capsys.readouterr().out


def test_the_command_ends_on_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("connector.sandbox.__main__.run_console", interrupted)

    assert main(["--folder", str(tmp_path), DOCTOR]) == 0
    assert capsys.readouterr().out.endswith("\n\n")


def test_a_counted_mood_is_used_up() -> None:
    moods = Moods()
    moods.put_on(Mood(kind=MoodKind.MAILBOX_FULL, times=2))

    taken = [moods.take(MoodKind.MAILBOX_FULL, DOCTOR) is not None for _ in range(3)]

    assert taken == [True, True, False]


def test_a_mood_concerns_its_address_in_any_case_and_no_other() -> None:
    moods = Moods()
    moods.put_on(Mood(kind=MoodKind.MAILBOX_FULL, address=DOCTOR.upper()))

    assert moods.take(MoodKind.MAILBOX_FULL, DOCTOR)
    assert moods.take(MoodKind.MAILBOX_FULL, "autre@test.mssante.example") is None
    assert moods.take(MoodKind.REFUSE_RECIPIENT, DOCTOR) is None
