"""``mss-connector card``: what is wrong and what to do, one PIN typed without echo, nothing given twice."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector.cli import card_room
from connector.cli.card_room import LocalCards
from connector.cli.exits import Exit
from connector.cli.main import app
from connector.cli.place import card_settings_at
from connector.domain.errors import NeedsPerson
from connector.identities.card.status import CardStatus, Presence
from connector.settings.load import InvalidSettings
from connector.settings.model import Settings
from connector.testing.clock import EPOCH, FakeClock
from tests.api.api_scene import PIN, ApiScene, FakeCards, card_token
from tests.cli.running import running
from tests.cli.terminal import Terminal, type_at_terminal
from tests.journal.journal_builders import open_journal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ApiScene]:
    clock = FakeClock()
    journal = open_journal(tmp_path / "api", clock)
    yield ApiScene(journal, clock)
    journal.close()


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input counts as a terminal."""
    type_at_terminal(monkeypatch)


def cards_of(scene: ApiScene) -> FakeCards:
    assert scene.cards is not None
    return scene.cards


def card(terminal: Terminal, *arguments: str, text: str = "", lang: str = "fr") -> Result:
    line = ["card", *arguments, "--config", str(terminal.config)]
    return CliRunner().invoke(app, line, input=text, env={"MSS_LANG": lang, "COLUMNS": "200"})


# --- status and list ---


@pytest.mark.parametrize(
    ("presence", "code", "said", "exit_code"),
    [
        (Presence.NO_MIDDLEWARE, "CARTE_LOGICIEL_ABSENT", "logiciel de la carte", Exit.FINDINGS),
        (Presence.NO_READER, "LECTEUR_ABSENT", "Aucun lecteur", Exit.FINDINGS),
        (Presence.NO_CARD, "CARTE_ABSENTE", "Aucune carte dans le lecteur", Exit.FINDINGS),
        (Presence.UNKNOWN_CARD, "CARTE_INCONNUE", "Carte inconnue", Exit.FINDINGS),
        (Presence.PIN_NEEDED, "PIN", "Le code de la carte est attendu", Exit.FINDINGS),
        (Presence.LAST_TRY, "PIN_DERNIER_ESSAI", "Un seul essai reste", Exit.FINDINGS),
        (Presence.BLOCKED, "CARTE_BLOQUEE", "Carte bloquée", Exit.FINDINGS),
        (Presence.FAILED, "CARTE_DEFAILLANTE", "La carte ne répond pas", Exit.FINDINGS),
        (Presence.LOCKED, "", "Carte présente, verrouillée", Exit.OK),
        (Presence.OPEN, "", "Carte ouverte", Exit.OK),
    ],
)
def test_each_presence_has_its_sentence_its_cure_and_its_exit_code(
    terminal: Terminal, scene: ApiScene, *, presence: Presence, code: str, said: str, exit_code: Exit
) -> None:
    scene.cards = FakeCards(presence, (), code)
    with running(terminal, scene):
        result = card(terminal, "status")
        english = card(terminal, "status", lang="en")
    assert said in result.stdout
    assert result.exit_code == exit_code
    assert ("→" in result.stdout) is bool(code)
    assert (f"({code})" in english.stdout) is bool(code)
    assert "/opt/libcps.so" in result.stdout


def test_the_status_names_readers_and_cards(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        shown = card(terminal, "status").stdout
        program = terminal_json(terminal, "status")
    assert "lecteur : Lecteur 0" in shown
    assert "2800001234 899700012345, le code de la carte est attendu" in shown
    assert program["presence"] == "pin_needed"


def terminal_json(terminal: Terminal, *arguments: str) -> dict[str, object]:
    import json

    result = card(terminal, *arguments, "--json")
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize(
    ("days", "words"),
    [(91, ()), (90, ("dans 90 jour(s)",)), (7, ("dans 7 jour(s)",)), (0, ("dans 0 jour(s)",)), (-1, ("expiré",))],
)
def test_the_list_shows_whose_card_it_is_and_when_it_expires(
    terminal: Terminal, scene: ApiScene, days: int, words: tuple[str, ...]
) -> None:
    token = card_token(tries_left_low=True, code="PIN")
    assert token.certificate is not None
    end = EPOCH + timedelta(days=days)
    certificate = replace(
        token.certificate, not_after=end, surname="MODELE", given_name="ALIX", organization="[bold]CABINET[/bold]"
    )
    cards_of(scene).tokens = (replace(token, certificate=certificate),)
    with running(terminal, scene):
        result = card(terminal, "list")
    assert result.exit_code == Exit.OK
    for word in (
        "titulaire : ALIX MODELE", "numéro national : 899700012345", "profession : Médecin",
        "structure : [bold]CABINET[/bold]", "émetteur : TEST AC PERSONNES", f"échéance : {end.astimezone():%d/%m/%Y}",
        "il reste moins d'essais", "(PIN)", *words,
    ):  # fmt: skip
        assert word in result.stdout
    assert ("dans" in result.stdout.partition("échéance")[2]) is any("dans" in word for word in words)


def test_the_list_for_programs_and_without_cards(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        import json

        (token,) = json.loads(card(terminal, "list", "--json").stdout)
        assert token["certificate"]["holder"] == "899700012345"
        scene.cards = cards_of(scene)
        cards_of(scene).tokens, cards_of(scene).presence = (), Presence.NO_CARD
        empty = card(terminal, "list", lang="en")
    assert empty.exit_code == Exit.FINDINGS
    assert "No card in the reader." in empty.stdout


def test_a_card_without_certificate_is_listed_by_its_label(terminal: Terminal, scene: ApiScene) -> None:
    cards_of(scene).tokens = (card_token(Presence.UNKNOWN_CARD, certificate=None, label="Vitale"),)
    with running(terminal, scene):
        shown = card(terminal, "list").stdout
    assert "Vitale, carte inconnue" in shown
    assert "titulaire" not in shown


# --- unlock ---


@pytest.mark.usefixtures("typing")
def test_the_pin_is_typed_without_echo_and_given_once(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        result = card(terminal, "unlock", text=f"{PIN}\n")
    assert result.exit_code == Exit.OK, result.output
    assert result.stdout.endswith("Carte ouverte.\n")
    assert PIN not in result.output
    assert cards_of(scene).given == [(PIN, "2800001234", False)]


@pytest.mark.usefixtures("typing")
def test_a_person_who_gives_up_at_the_question_gives_nothing(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert card(terminal, "unlock", text="").exit_code == 1
    assert cards_of(scene).given == []


@pytest.mark.usefixtures("typing")
def test_a_wrong_pin_is_said_and_not_tried_again(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        result = card(terminal, "unlock", text="0000\n")
    assert result.exit_code == Exit.FAILED
    assert "[PIN_FAUX]" in result.stderr
    assert len(cards_of(scene).given) == 1


def test_there_is_no_argument_for_a_pin(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert card(terminal, "unlock", PIN).exit_code == Exit.USAGE
        assert card(terminal, "unlock", "--pin", PIN).exit_code == Exit.USAGE
        assert card(terminal, "unlock", text=f"{PIN}\n").exit_code == Exit.USAGE  # neither terminal nor --pin-stdin
    assert cards_of(scene).given == []


def test_a_script_may_pipe_the_pin_and_the_help_advises_against_it(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        assert card(terminal, "unlock", "--pin-stdin", text=f"{PIN}\n").exit_code == Exit.OK
        assert card(terminal, "lock").stdout == "Carte présente, verrouillée.\n"
        cards_of(scene).tokens = (card_token(Presence.LOCKED),)
        assert card(terminal, "unlock", "--pin-stdin", text="").exit_code == Exit.USAGE
    assert cards_of(scene).given == [(PIN, "2800001234", False)]
    assert "Déconseillé" in card(terminal, "unlock", "--help").stdout


@pytest.mark.usefixtures("typing")
@pytest.mark.parametrize(("answer", "given"), [("y\n", [(PIN, "2800001234", True)]), ("\n", []), ("n\n", [])])
def test_the_last_try_needs_an_explicit_word(
    terminal: Terminal, scene: ApiScene, answer: str, given: list[tuple[str, str, bool]]
) -> None:
    cards_of(scene).tokens = (card_token(Presence.LAST_TRY),)
    with running(terminal, scene):
        result = card(terminal, "unlock", text=f"{answer}{PIN}\n")
    assert "Il ne reste qu'un essai" in result.stderr
    assert cards_of(scene).given == given
    assert (result.exit_code == Exit.OK) is bool(given)


@pytest.mark.parametrize("accept", [True, False])
def test_a_script_says_so_for_the_last_try(terminal: Terminal, scene: ApiScene, accept: bool) -> None:
    cards_of(scene).tokens = (card_token(Presence.LAST_TRY),)
    options = ["--accept-last-try"] if accept else []
    with running(terminal, scene):
        card(terminal, "unlock", "--pin-stdin", *options, text=f"{PIN}\n")
    assert cards_of(scene).given == [(PIN, "2800001234", accept)]  # what is refused is the card room's business


def test_a_reader_with_a_pad_takes_the_pin_itself(terminal: Terminal, scene: ApiScene) -> None:
    cards_of(scene).tokens = (card_token(pin_pad=True),)
    with running(terminal, scene):
        result = card(terminal, "unlock")
    assert result.exit_code == Exit.OK, result.output
    assert "Saisissez le code sur le lecteur." in result.stderr
    assert cards_of(scene).given == [(None, "2800001234", False)]


def test_an_open_card_is_not_asked_again(terminal: Terminal, scene: ApiScene) -> None:
    cards_of(scene).tokens = (card_token(Presence.OPEN),)
    with running(terminal, scene):
        assert card(terminal, "unlock").stdout == "Carte ouverte.\n"
    assert cards_of(scene).given == []


@pytest.mark.usefixtures("typing")
def test_of_several_cards_one_is_named(terminal: Terminal, scene: ApiScene) -> None:
    cards_of(scene).tokens = (card_token(serial="1"), card_token(serial="2"))
    with running(terminal, scene):
        several = card(terminal, "unlock", text=f"{PIN}\n")
        named = card(terminal, "unlock", "--serial", "2", text=f"{PIN}\n")
        nobody = card(terminal, "unlock", "--serial", "3", text=f"{PIN}\n")
    assert "[CARTES_MULTIPLES]" in several.stderr
    assert named.exit_code == Exit.OK
    assert nobody.exit_code == Exit.FAILED
    assert cards_of(scene).given == [(PIN, "2", False)]


def test_a_blocked_card_is_said_to_be_blocked(terminal: Terminal, scene: ApiScene) -> None:
    scene.cards = FakeCards(Presence.BLOCKED, (card_token(Presence.BLOCKED, code="CARTE_BLOQUEE"),), "CARTE_BLOQUEE")
    with running(terminal, scene):
        assert "[CARTE_BLOQUEE]" in card(terminal, "unlock").stderr


# --- test ---


@pytest.mark.usefixtures("typing")
def test_a_try_asks_for_the_pin_when_it_must(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        result = card(terminal, "test", text=f"{PIN}\n")
        assert result.exit_code == Exit.OK, result.output
        assert "La carte a signé (SHA256_RSA_PKCS)." in result.stdout
        cards_of(scene).tokens = (card_token(Presence.OPEN),)
        assert "The card has signed" in card(terminal, "test", lang="en").stdout


# --- without a running connector ---


@contextmanager
def beside(cards: FakeCards) -> Iterator[LocalCards]:
    yield LocalCards(cards)


def test_without_a_connector_the_cards_are_looked_at_directly(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = FakeCards()

    def own(settings: Settings) -> object:
        assert settings == terminal.settings
        return beside(cards)

    monkeypatch.setattr(card_room, "_beside", own)
    assert "le code de la carte est attendu" in card(terminal, "status").stdout.lower()
    tried = card(terminal, "test", "--pin-stdin", text=f"{PIN}\n")
    assert tried.exit_code == Exit.OK, tried.output
    assert cards.given == [(PIN, "2800001234", False)]
    cards.lock()
    assert LocalCards(cards).lock_card().presence == "locked"


@pytest.mark.parametrize("command", ["unlock", "lock"])
def test_what_lasts_needs_a_running_connector(terminal: Terminal, command: str) -> None:
    result = card(terminal, command)
    assert result.exit_code == Exit.FAILED
    assert "[SERVICE_ARRETE]" in result.stderr


def test_a_connector_without_cards_leaves_them_to_the_command(
    terminal: Terminal, scene: ApiScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.cards = None
    monkeypatch.setattr(card_room, "_beside", lambda settings: beside(FakeCards()))
    with running(terminal, scene):
        assert "2800001234" in card(terminal, "status").stdout
        assert "[SERVICE_ARRETE]" in card(terminal, "unlock").stderr


def test_other_refusals_of_the_connector_are_passed_on(terminal: Terminal, scene: ApiScene) -> None:
    class Broken(FakeCards):
        def status(self) -> CardStatus:
            raise NeedsPerson("CARTE_MUETTE", "what is in the reader does not answer")

    scene.cards = Broken()
    with running(terminal, scene):
        assert "[CARTE_MUETTE]" in card(terminal, "status").stderr


def test_the_real_card_room_without_its_middleware(terminal: Terminal) -> None:
    terminal.write(terminal.config.read_text(encoding="utf-8") + '\n[card]\nmodule = "nowhere.so"\n')
    result = card(terminal, "status")
    assert result.exit_code == Exit.FINDINGS, result.output
    assert "→" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_at_a_real_terminal_the_pin_does_not_show(terminal: Terminal, scene: ApiScene) -> None:
    with running(terminal, scene):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "connector", "card", "unlock", "--config", str(terminal.config)],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=os.environ | {"MSS_LANG": "fr"},
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        patience = threading.Timer(60, process.kill)  # then its terminal ends, and with it the reading below
        patience.start()
        try:
            shown = until_asked(ours)
            os.write(ours, PIN.encode() + b"\n")
            shown += until_ended(ours)
            assert process.wait(60) == Exit.OK, shown
        finally:
            patience.cancel()
            process.kill()
            process.wait()
            os.close(ours)
    assert PIN.encode() not in shown
    assert b"Carte ouverte." in shown
    assert cards_of(scene).given == [(PIN, "2800001234", False)]


def until_asked(terminal: int) -> bytes:
    shown = b""
    while b"Code de la carte" not in shown:
        shown += os.read(terminal, 1000)
    return shown


def until_ended(terminal: int) -> bytes:
    shown = b""
    try:
        while chunk := os.read(terminal, 1000):
            shown += chunk
    except OSError:  # Linux says so when the other side has ended
        pass
    return shown


def test_a_card_can_be_looked_at_on_a_machine_without_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MSS_CONNECTOR_CONFIG", str(tmp_path / "none.toml"))
    assert card_settings_at(None) == Settings()
    with pytest.raises(InvalidSettings):  # a file that was named must be there
        card_settings_at(tmp_path / "none.toml")
