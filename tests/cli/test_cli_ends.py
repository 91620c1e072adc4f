"""How commands end: exit codes, one sentence for each error, never a traceback; run, demo, version."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from connector import __version__, demo
from connector.cli.exits import Exit, errors_to_person
from connector.daemon import composition
from connector.daemon.endpoint import data_paths
from connector.domain.catalogue import explain
from connector.domain.errors import (
    ConfigurationError,
    ConnectorError,
    IllegalTransition,
    InvalidSubmission,
    NeedsPerson,
    Unavailable,
)
from connector.domain.text import Text
from connector.platform.files import private_folder
from connector.platform.lock import InstanceLock
from connector.settings.load import InvalidSettings, Problem
from tests.cli.terminal import Terminal


def ended(error: Exception) -> int:
    with pytest.raises(typer.Exit) as end, errors_to_person():
        raise error
    return int(end.value.exit_code)


def test_the_exit_codes_are_a_promise() -> None:
    assert {end.name: int(end) for end in Exit} == {
        "OK": 0, "FINDINGS": 1, "USAGE": 2, "SETTINGS": 3, "ALREADY_RUNNING": 4, "FAILED": 5, "NOT_STOPPED": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSettings([Problem("api.port", Text("a", "b"), Text("c", "d"))]), Exit.SETTINGS),
        (ConfigurationError("CLE_ABSENTE", "x"), Exit.SETTINGS),
        (ConnectorError("DEJA_LANCE", "x"), Exit.ALREADY_RUNNING),
        (IllegalTransition("TRANSITION", "x"), Exit.FAILED),
        (InvalidSubmission("INTROUVABLE", "x"), Exit.FAILED),
        (Unavailable("JOURNAL_INDISPONIBLE", "x"), Exit.FAILED),
        (NeedsPerson("SECRET_INDISPONIBLE", "x"), Exit.FAILED),
        (PermissionError(13, "Permission denied", "data"), Exit.FAILED),
        (KeyError("patient DUPONT"), Exit.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_each_error_has_its_exit_code(error: Exception, code: Exit) -> None:
    assert ended(error) == code


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_an_error_says_what_happened_what_to_do_and_its_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setenv("MSS_LANG", lang)
    ended(Unavailable("JOURNAL_INDISPONIBLE", "database is locked [really]"))
    texts = explain("JOURNAL_INDISPONIBLE")
    title, cure = (texts.title_fr, texts.cure_fr) if lang == "fr" else (texts.title_en, texts.cure_en)
    told = capsys.readouterr()
    assert told.err.splitlines() == [f"{title} [JOURNAL_INDISPONIBLE]", cure, "(database is locked [really])"]
    assert told.out == ""


def test_a_fault_of_ours_is_told_without_traceback_and_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(KeyError("patient DUPONT")) == Exit.FAILED
    told = capsys.readouterr().err
    assert "[INTERNE]" in told
    assert "KeyError, test_cli_ends.py:" in told
    assert "DUPONT" not in told
    assert "Traceback" not in told


def test_what_the_system_refuses_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    ended(PermissionError(13, "Permission denied", "/data"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "Permission denied" in line
    assert "/data" in line


@pytest.mark.parametrize("way_out", [typer.Exit(7), typer.Abort(), typer.BadParameter("x"), BrokenPipeError()])
def test_ordinary_ways_out_are_not_errors(way_out: Exception) -> None:
    with pytest.raises(type(way_out)) as end, errors_to_person():
        raise way_out
    assert end.value is way_out


def test_no_error_is_no_exit() -> None:
    with errors_to_person():
        pass


@pytest.mark.parametrize(
    ("environment", "french"),
    [
        ({"MSS_LANG": "en"}, False),
        ({"MSS_LANG": "fr", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LC_ALL": "fr_FR.UTF-8", "LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "C"}, True),
        ({}, True),
    ],
)
def test_the_terminal_speaks_french_unless_english_is_wanted(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], french: bool
) -> None:
    from connector.cli.words import say

    for name in ("MSS_LANG", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert say("oui", "yes") == ("oui" if french else "yes")


def test_version(terminal: Terminal) -> None:
    assert terminal.run("version", config=False).stdout.strip() == __version__


def test_without_a_command_the_help_is_shown(terminal: Terminal) -> None:
    told = terminal.run(config=False).output
    for command in ("run", "status", "demo", "config", "queue", "xdm", "version"):
        assert command in told


# --- run ---


@pytest.mark.parametrize("broken", ['"alix.pem"', '"igc.pem"'])
def test_a_daemon_does_not_start_with_files_that_are_not_there(terminal: Terminal, broken: str) -> None:
    terminal.edit(broken, '"no.pem"')
    result = terminal.run("run")
    assert result.exit_code == Exit.SETTINGS
    assert "no.pem" in result.stderr
    assert not data_paths(terminal.settings).root.exists()


def test_a_daemon_does_not_start_with_settings_that_do_not_fit(terminal: Terminal) -> None:
    terminal.write("[api]\nport = -1\n")
    result = terminal.run("run")
    assert (result.exit_code, "api.port" in result.stderr) == (Exit.SETTINGS, True)


def test_a_second_daemon_is_refused(terminal: Terminal) -> None:
    terminal.edit("[spool]", "[log]\nfile = false\n[spool]")
    with InstanceLock(private_folder(data_paths(terminal.settings).root)):
        result = terminal.run("run")
    assert result.exit_code == Exit.ALREADY_RUNNING
    assert "[DEJA_LANCE]" in result.stderr


@pytest.mark.parametrize(("late", "code"), [([], Exit.OK), (["alix send"], Exit.NOT_STOPPED)])
def test_run_tells_whether_everything_stopped(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, late: list[str], code: Exit
) -> None:
    monkeypatch.setattr(composition, "run_daemon", lambda _settings, _path: late)
    assert terminal.run("run").exit_code == code


# --- demo ---


def plays(monkeypatch: pytest.MonkeyPatch, *, same: bool = True, failure: str = "") -> None:
    """A demonstration without operator and daemon: tests/demo plays the real one."""
    operator = SimpleNamespace(smtp_port=2525, imap_port=1143)
    scene = SimpleNamespace(folder=Path("run-1"), operator=operator, outbox=Path("A_ENVOYER"), inbox=Path("RECUS"))

    @contextlib.contextmanager
    def stage(_folder: Path, *, with_card: bool) -> Iterator[SimpleNamespace]:
        yield scene

    def round_trip(_scene: object, tell: object) -> bool:
        if failure:
            raise demo.DemoFailed(failure)
        assert callable(tell)
        tell("déposé", "dropped", None)
        tell("livré", "delivered", scene.folder / "RECUS/x.xml")
        return same

    monkeypatch.setattr(demo, "stage", stage)
    monkeypatch.setattr(demo, "round_trip", round_trip)


@pytest.mark.parametrize(("same", "code"), [(True, Exit.OK), (False, Exit.FINDINGS)])
def test_the_demo_ends_well_only_with_an_identical_document(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, same: bool, code: Exit
) -> None:
    plays(monkeypatch, same=same)
    result = terminal.run("demo", "--once", config=False)
    assert result.exit_code == code
    told = result.stdout
    assert told.index("SMTP 2525, IMAP 1143") < told.index("✓ déposé") < told.index("✓ livré") < told.index("x.xml")


def test_a_demo_that_fails_says_why(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, failure="failed: [reason]")
    result = terminal.run("demo", "--once", config=False)
    assert result.exit_code == Exit.FAILED
    assert "failed: [reason]" in result.stderr


def test_the_demo_stays_until_ctrl_c(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch)

    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("connector.cli.demo.threading.Event", Interrupted)
    result = terminal.run("demo", config=False)
    assert result.exit_code == Exit.OK
    assert "Ctrl-C pour arrêter." in result.stdout
