"""``mss-connector doctor``: what a person and a program see, and with a real reader, without a word to the card."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.cli import surroundings as surroundings_module
from connector.cli.exits import Exit
from connector.cli.surroundings import surroundings
from connector.client.failure import ServiceUnreachable
from connector.client.models.card import CardStatusModel
from connector.domain.catalogue import CATALOGUE
from connector.identities.card.status import Presence
from connector.platform.lock import InstanceLock
from connector.support.doctor import CardAnswer, Examined, World
from connector.support.doctor.finding import ok
from connector.support.doctor.registry import CHECKS
from tests.cli.terminal import Terminal, healthy_daemon
from tests.servers.process import free_port
from tests.virtual_card.fixtures import OPENSC_MODULE
from tests.virtual_card.holders import Holder
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import PivCard
from tests.virtual_card.waiting import wait_until

CARD = "identity.card = {}"
SECONDS = 120


def quiet_port(terminal: Terminal) -> None:
    """Nobody listens where the connector would."""
    terminal.write(f"api.port = {free_port()}\n" + terminal.config.read_text(encoding="utf-8"))


def test_a_person_reads_groups_findings_and_cures(terminal: Terminal) -> None:
    quiet_port(terminal)
    result = terminal.run("doctor")
    assert result.exit_code == Exit.FINDINGS, result.output
    lines = result.stdout.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[:6] == [
        "Cette machine", "Le connecteur", "Les dossiers d'échange", "L'identité des boîtes",
        "Les autorités de confiance", "Les opérateurs de messagerie",
    ]  # fmt: skip
    assert " ✓ La version de Python convient. " in "\n".join(lines)
    number = next(n for n, line in enumerate(lines) if "[SERVEUR_REFUSE]" in line)
    assert lines[number].startswith(" ✗ Le serveur de messagerie refuse la connexion sur ce port. 127.0.0.1:9")
    assert lines[number + 1] == f"   → {CATALOGUE['SERVEUR_REFUSE'].cure_fr}"
    assert any(line.startswith(" ! ") and "[SERVICE_ARRETE]" in line for line in lines)
    assert "erreurs, " in lines[-1]
    assert not (terminal.folder / "data").exists()
    assert not (terminal.folder / "spool").exists()


def test_in_english_too(terminal: Terminal) -> None:
    quiet_port(terminal)
    result = terminal.run("doctor", "--offline", lang="en")
    assert "This machine" in result.stdout
    assert "Not looked at: time, servers, login of the mailboxes" in result.stdout
    assert f"   → {CATALOGUE['SERVICE_ARRETE'].cure_en}" in result.stdout


def test_a_program_gets_everything_and_nothing_else(terminal: Terminal) -> None:
    quiet_port(terminal)
    result = terminal.run("doctor", "--json", "--offline")
    told = json.loads(result.stdout)
    assert told["status"] in ("warning", "error")
    assert result.exit_code == (Exit.FINDINGS if told["status"] == "error" else Exit.OK)
    assert {row["check"] for row in told["findings"]} <= {check.name for check in CHECKS}
    assert {row["check"] for row in told["left_out"]} >= {"clock", "servers", "login"}
    for row in told["findings"]:
        assert all(row[name] for name in ("code", "severity", "title_fr", "cure_fr", "title_en", "cure_en"))


def test_settings_that_cannot_be_used_are_a_finding_and_the_rest_goes_on(terminal: Terminal) -> None:
    terminal.write("[api]\nport = -1\n")
    result = terminal.run("doctor", "--json", "--offline")
    assert result.exit_code == Exit.FINDINGS
    told = json.loads(result.stdout)
    (wrong,) = [row for row in told["findings"] if row["code"] == "REGLAGE_INVALIDE"]
    assert wrong["subject"] == "api.port"
    assert "PYTHON_OK" in [row["code"] for row in told["findings"]]
    assert "settings" in [row["needs"] for row in told["left_out"]]


def test_a_setting_that_does_not_fit_the_world_is_a_finding(terminal: Terminal) -> None:
    terminal.edit('product_reference = "DEV935997"\n', "")
    told = json.loads(terminal.run("doctor", "--json", "--offline").stdout)
    wrong = [row["subject"] for row in told["findings"] if row["code"] == "REGLAGE_INVALIDE"]
    assert wrong == ["software.product_reference"]


@pytest.mark.parametrize("name", ["dr-modele", "dr.modele@exemple.mssante.fr"])
def test_one_mailbox_can_be_looked_at(terminal: Terminal, name: str) -> None:
    quiet_port(terminal)
    told = json.loads(terminal.run("doctor", "--json", "--offline", "--mailbox", name).stdout)
    assert "dr-modele" in [row["subject"] for row in told["findings"]]


def test_an_unknown_mailbox_cannot_be_looked_at(terminal: Terminal) -> None:
    result = terminal.run("doctor", "--mailbox", "labo")
    assert result.exit_code == Exit.USAGE
    assert "labo" in result.output


def test_nothing_wrong_is_said_so(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own words, whatever this machine is like."""
    found = [Examined(CHECKS[0], (ok("PYTHON_OK", "Python"),)), Examined(CHECKS[1], ())]
    monkeypatch.setattr("connector.cli.examination.examine", lambda *_, **__: iter(found))
    result = terminal.run("doctor")
    assert result.exit_code == Exit.OK
    assert result.stdout.splitlines()[-1] == "Tout est en ordre."
    assert "Cette machine" in result.stdout


def test_a_running_connector_is_seen(terminal: Terminal) -> None:
    with healthy_daemon(terminal.settings, {"name": "connector", "status": "ok", "components": []}):
        told = json.loads(terminal.run("doctor", "--json", "--offline").stdout)
    assert "SERVICE_OK" in [row["code"] for row in told["findings"]]


# --- whom the card is asked of


def card_answer(terminal: Terminal) -> CardAnswer:
    return surroundings(terminal.config).ask_card()


def test_a_connector_that_holds_the_card_and_cannot_be_asked_keeps_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def room(_: object, *, only_service: bool) -> object:
        asked.append(only_service)
        raise ServiceUnreachable("no answer")

    monkeypatch.setattr("connector.cli.card_room.card_room", room)
    assert card_answer(terminal).status is None
    (terminal.folder / "data").mkdir()
    with InstanceLock(terminal.folder / "data"):
        answer = card_answer(terminal)
    assert asked == [False, True]
    assert answer.reason is not None
    assert answer.reason.en == "the connector does not tell (SERVICE_ARRETE)"


class _Room:
    """A card room that answers with what it was given."""

    def __init__(self, told: CardStatusModel) -> None:
        self.told = told

    def __enter__(self) -> "_Room":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def card(self) -> CardStatusModel:
        return self.told


def test_what_the_connector_tells_of_its_cards_is_understood(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra: Any = CardStatusModel.model_config["json_schema_extra"]
    told = CardStatusModel.model_validate(extra["examples"][0])
    monkeypatch.setattr("connector.cli.card_room.card_room", lambda *_, **__: _Room(told))
    status = card_answer(terminal).status
    assert status is not None
    assert status.tokens[0].certificate is not None
    assert (status.presence.value, status.tokens[0].serial) == (told.presence, told.tokens[0].serial)


def test_a_connector_of_another_version_is_said_to_be(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    told = CardStatusModel(presence="levitating")
    monkeypatch.setattr("connector.cli.card_room.card_room", lambda *_, **__: _Room(told))
    answer = card_answer(terminal)
    assert answer.reason is not None
    assert answer.reason.fr == "le connecteur lancé est d'une autre version"


def test_without_settings_the_card_is_looked_at_all_the_same(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(surroundings_module, "lock_holder", lambda _paths: None)  # of this machine's own connector
    terminal.write("[api]\nport = -1\n")
    world: World = surroundings(terminal.config)
    status = world.ask_card().status
    assert status is not None
    assert status.presence in (Presence.NO_MIDDLEWARE, Presence.NO_READER, Presence.NO_CARD)
    assert world.ask_health() is None
    assert surroundings_module.__all__ == ["surroundings"]


# --- a real reader


def doctor_with(terminal: Terminal, pcscd: Pcscd) -> dict[str, dict[str, Any]]:
    """Findings of the groups about card and identity by their code; in a process of its own, as pcscd needs."""
    environment = os.environ | pcscd.environment | {"MSS_LANG": "en"}
    command = [sys.executable, "-m", "connector", "doctor", "--json", "--offline", "-c", str(terminal.config)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode in (Exit.OK, Exit.FINDINGS), done.stderr
    return {row["code"]: row for row in json.loads(done.stdout)["findings"] if row["group"] == "card"}


@pytest.fixture
def with_card(terminal: Terminal) -> Terminal:
    quiet_port(terminal)
    terminal.edit('identity.certificate = "alix.pem"', CARD)
    terminal.write(terminal.config.read_text("utf-8") + f'\n[card]\nmodule = "{Path(OPENSC_MODULE).as_posix()}"\n')
    return terminal


def test_a_card_is_recognised_without_its_pin(with_card: Terminal, pcscd: Pcscd, card: PivCard) -> None:
    pcscd.slots[0].insert(card)
    wait_until(lambda: "CARTE_SANS_PIN" in doctor_with(with_card, pcscd), "the card is seen")
    found = doctor_with(with_card, pcscd)
    assert set(found) == {"CLE_TLS_OK", "LECTEUR_OK", "MIDDLEWARE_OK", "CARTE_SANS_PIN", "CERTIFICAT_OK"}
    assert "Lecteur virtuel" in found["LECTEUR_OK"]["subject"]
    assert found["CERTIFICAT_OK"]["subject"].startswith("CAMILLE MODELE, TEST AC ")
    assert (card.pins_tried, card.signatures_asked) == (0, 0)


@pytest.mark.parametrize(("tries", "code"), [(1, "PIN_DERNIER_ESSAI"), (0, "CARTE_BLOQUEE")])
def test_tries_left_are_known_without_a_try(
    with_card: Terminal, pcscd: Pcscd, holder: Holder, tries: int, code: str
) -> None:
    card = holder.card(tries_left=tries)
    pcscd.slots[0].insert(card)
    wait_until(lambda: code in doctor_with(with_card, pcscd), "the card is seen")
    assert card.pins_tried == 0


def test_no_card_no_reader_no_service(with_card: Terminal, pcscd: Pcscd) -> None:
    assert set(doctor_with(with_card, pcscd)) == {"CLE_TLS_OK", "LECTEUR_OK", "MIDDLEWARE_OK", "CARTE_ABSENTE"}
    pcscd.restart(reader=None)
    assert set(doctor_with(with_card, pcscd)) == {"CLE_TLS_OK", "LECTEUR_ABSENT", "MIDDLEWARE_OK"}
    pcscd.stop()
    assert set(doctor_with(with_card, pcscd)) == {"CLE_TLS_OK", "SERVICE_CARTES_ARRETE", "MIDDLEWARE_OK"}


def test_a_card_that_the_connector_holds_is_left_alone(with_card: Terminal, pcscd: Pcscd, card: PivCard) -> None:
    pcscd.slots[0].insert(card)
    (with_card.folder / "data").mkdir()
    with InstanceLock(with_card.folder / "data"):
        found = doctor_with(with_card, pcscd)
    assert set(found) == {"CLE_TLS_OK", "LECTEUR_OK", "MIDDLEWARE_OK", "CARTE_NON_EXAMINEE"}
