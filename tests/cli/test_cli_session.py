"""``mss-connector session``: tokens and codes go to the running connector, and stand nowhere on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector.api.codes import CodeDesk
from connector.cli.exits import Exit
from connector.cli.main import app
from connector.domain.address import MailboxAddress
from connector.identities.code import Challenge, CodeRefused, CodeSession, CodeSessions, SessionGrant
from connector.testing.clock import EPOCH, FakeClock
from tests.api.api_scene import ApiScene, settings_of
from tests.cli.running import running
from tests.cli.terminal import Terminal, type_at_terminal
from tests.journal.journal_builders import open_journal

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"
PSC = MailboxAddress("psc", "exemple.mssante.fr")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ApiScene]:
    clock = FakeClock()
    journal = open_journal(tmp_path / "api", clock)
    yield ApiScene(journal, clock)
    journal.close()


def piped(terminal: Terminal, text: str, *arguments: str, lang: str = "fr") -> Result:
    line = ["session", *arguments, "--config", str(terminal.config)]
    return CliRunner().invoke(app, line, input=text, env={"MSS_LANG": lang, "COLUMNS": "200"})


def test_a_token_is_piped_in_and_dropped(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        put = piped(terminal, TOKEN + "\n", "token", "put", "psc", "--expires-in", "120")
        assert put.exit_code == Exit.OK, put.output
        until = (EPOCH + timedelta(seconds=120)).astimezone()
        assert put.stdout.strip() == f"Jeton reçu, valable jusqu'à {until:%H:%M:%S}."
        assert TOKEN not in put.output
        assert scene.tokens.current(PSC) == TOKEN
        forget = piped(terminal, "", "token", "forget", "psc@exemple.mssante.fr", lang="en")
        assert forget.stdout.strip() == "Token forgotten, sessions closed."
    assert not scene.tokens.status(PSC).usable


def test_a_token_that_is_refused_is_not_repeated(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        refused = piped(terminal, "this is no token", "token", "put", "psc")
    assert refused.exit_code == Exit.FAILED
    assert "[JETON_INVALIDE]" in refused.stderr
    assert "this is no token" not in refused.output


def test_nothing_on_standard_input(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert piped(terminal, "", "token", "put", "psc").exit_code == Exit.USAGE


def test_an_unknown_mailbox(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert "[BOITE_INCONNUE]" in piped(terminal, TOKEN, "token", "put", "nobody").stderr
        assert "[API_ROUTE_INCONNUE]" in piped(terminal, TOKEN, "token", "put", "../../x").stderr


def test_without_a_running_connector(terminal: Terminal) -> None:
    result = piped(terminal, TOKEN, "token", "put", "psc")
    assert result.exit_code == Exit.FAILED
    assert "[SERVICE_ARRETE]" in result.stderr


# --- codes ---


class Operator:
    def start(self, login: str, password: str) -> Challenge:
        return Challenge(EPOCH + timedelta(minutes=4), "06 ** ** ** 12")

    def finish(self, code: str) -> SessionGrant:
        if code != "123456":
            raise CodeRefused("CODE_REFUSE", "wrong code", is_final=True)
        return SessionGrant()


@contextmanager
def with_codes(terminal: Terminal, scene: ApiScene) -> Iterator[None]:
    box = MailboxAddress("code", "exemple.mssante.fr")
    mailbox = {
        "address": str(box), "operator": "op", "given": "Zoe", "family": "MODELE",
        "identity": {"auth": "code", "password": {"env": "X"}},
    }  # fmt: skip
    scene.settings = settings_of(mailboxes=[mailbox])
    sessions = CodeSessions()
    sessions.add(box, CodeSession(Operator(), scene.clock))
    scene.codes = CodeDesk(sessions, lambda ref: "password")
    with running(terminal, scene):
        yield


def test_a_session_opens_in_two_steps(terminal: Terminal, scene: ApiScene) -> None:
    with with_codes(terminal, scene):
        assert piped(terminal, "", "code", "status", "code").stdout == "Aucun code n'a été demandé.\n"
        started = piped(terminal, "", "code", "start", "code", lang="en").stdout
        assert started.startswith("The code is expected, sent to 06 ** ** ** 12, until ")
        assert piped(terminal, "123456\n", "code", "give", "code").stdout == "La session est ouverte.\n"


def test_a_refused_code_and_a_person_who_has_checked(terminal: Terminal, scene: ApiScene) -> None:
    with with_codes(terminal, scene):
        piped(terminal, "", "code", "start", "code")
        refused = piped(terminal, "654321\n", "code", "give", "code")
        assert "[CODE_REFUSE]" in refused.stderr
        assert "654321" not in refused.output
        assert piped(terminal, "", "code", "status", "code").stdout == "Verrouillé après trop de refus.\n"
        assert piped(terminal, "", "code", "unlock", "code").stdout == "Aucun code n'a été demandé.\n"


def test_operators_that_send_no_codes_are_said_to_send_none(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert "[CODE_SANS_OPERATEUR]" in piped(terminal, "", "code", "start", "psc").stderr


def test_other_refusals_keep_their_code(terminal: Terminal, scene: ApiScene) -> None:
    with with_codes(terminal, scene):
        assert "[CODE_NON_DEMANDE]" in piped(terminal, "123456", "code", "give", "code").stderr


def test_a_person_types_without_echo(terminal: Terminal, scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    type_at_terminal(monkeypatch)
    with running(terminal, scene):
        put = piped(terminal, TOKEN + "\n", "token", "put", "psc")
    assert put.exit_code == Exit.OK, put.output
    assert TOKEN not in put.output
