"""Reader and card: each situation has its own finding, and the PIN is left alone."""

import ssl
import struct
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.domain.errors import ConfigurationError
from connector.domain.text import Text
from connector.identities.card.reader import Reader, ReaderView, Service
from connector.identities.card.status import CardCertificate, CardStatus, Presence, TokenView
from connector.support.doctor import CardAnswer, Finding, Severity
from connector.support.doctor.checks import card as card_checks
from connector.testing.clock import EPOCH
from tests.support.doctor_scene import Practice, told

READER, SERIAL = "Lecteur 00 00", "2800001234"


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    practice.mailbox["identity"] = {"card": {}}
    return practice


def certificate(not_after: datetime | None = None, holder: str = "899700012345") -> CardCertificate:
    return CardCertificate(
        common_name=holder, holder=holder, profession="Médecin", organization="CABINET", issuer="TEST AC PERSONNES",
        label="Certificat d'Authentification CPS", not_before=EPOCH - timedelta(days=9000),
        not_after=not_after or EPOCH + timedelta(days=9000), sha256="0" * 64,
    )  # fmt: skip


TOKEN = TokenView(READER, SERIAL, "CPS3v1", Presence.OPEN, certificate(), can_pss=True)


def looked(practice: Practice, *tokens: TokenView, **status: object) -> list[Finding]:
    values: dict[str, object] = {
        "presence": tokens[0].presence if tokens else Presence.NO_CARD, "readers": (READER,), "tokens": tokens,
        "middleware": "/opt/cps.so",
    }  # fmt: skip
    answer = CardAnswer(CardStatus(**(values | status)))  # type: ignore[arg-type]
    return practice.looked("card", ask_card=lambda: answer)


# --- the system's service, readers


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (Service.ABSENT, "SERVICE_CARTES_ABSENT"),
        (Service.STOPPED, "SERVICE_CARTES_ARRETE"),
        (Service.FORBIDDEN, "SERVICE_CARTES_INTERDIT"),
        (Service.RUNNING, "LECTEUR_ABSENT"),
    ],
)
def test_what_keeps_a_reader_from_being_seen_is_told(practice: Practice, service: Service, code: str) -> None:
    (found,) = practice.looked("card readers", ask_readers=lambda: ReaderView(service, detail="says 0x1"))
    assert (found.code, found.severity) == (code, Severity.ERROR)


def test_readers_are_named(practice: Practice) -> None:
    view = ReaderView(Service.RUNNING, (Reader("A"), Reader("B", card=True)))
    (found,) = practice.looked("card readers", ask_readers=lambda: view)
    assert (found.code, found.subject) == ("LECTEUR_OK", "A, B")


# --- middleware


def library(practice: Practice, content: bytes | None) -> Path:
    path = practice.folder / "cps.so"
    practice.values["card"] = {"module": str(path)}
    if content is not None:
        path.write_bytes(content)
    return path


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(11) + struct.pack("<H", machine) + bytes(64)


def test_a_middleware_that_is_not_there(practice: Practice) -> None:
    library(practice, None)
    assert practice.told("middleware") == ["MODULE_ABSENT"]


def test_a_middleware_made_for_another_machine(practice: Practice) -> None:
    path = library(practice, elf(21))  # PowerPC
    (found,) = practice.looked("middleware")
    assert (found.code, found.subject) == ("MODULE_ARCHITECTURE", str(path))
    assert found.detail.startswith("machine 0x15 / ")


@pytest.mark.parametrize("content", [Path(ssl.__file__).read_bytes(), b""])
def test_a_middleware_whose_machine_cannot_be_told_is_left_to_the_card_room(
    practice: Practice, content: bytes
) -> None:
    path = library(practice, content)
    (found,) = practice.looked("middleware")
    assert (found.code, found.subject) == ("MIDDLEWARE_OK", str(path))


def test_a_middleware_that_cannot_be_read(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    library(practice, b"x")
    monkeypatch.setattr(card_checks, "find_module", lambda *_: practice.folder)  # opening a folder is an OSError
    assert practice.told("middleware") == ["MODULE_ILLISIBLE"]


# --- this Python


def test_this_python_can_use_a_key_on_a_card(practice: Practice) -> None:
    assert practice.told("card key") == ["CLE_TLS_OK"]


def test_another_python_is_refused(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    def impossible() -> str:
        raise ConfigurationError("TLS_CLE_IMPOSSIBLE", "static OpenSSL")

    monkeypatch.setattr(card_checks, "self_test", impossible)
    assert practice.told("card key") == ["TLS_CLE_IMPOSSIBLE"]


# --- the card


@pytest.mark.parametrize(
    ("presence", "code", "severity"),
    [
        (Presence.OPEN, "CARTE_OUVERTE", Severity.OK),
        (Presence.LOCKED, "CARTE_SANS_PIN", Severity.OK),
        (Presence.PIN_NEEDED, "CARTE_ATTEND_PIN", Severity.WARNING),
        (Presence.LAST_TRY, "PIN_DERNIER_ESSAI", Severity.WARNING),
        (Presence.BLOCKED, "CARTE_BLOQUEE", Severity.ERROR),
        (Presence.FAILED, "CARTE_DEFAILLANTE", Severity.ERROR),
    ],
)
def test_each_presence_has_its_finding(practice: Practice, presence: Presence, code: str, severity: Severity) -> None:
    found = looked(practice, replace(TOKEN, presence=presence))
    assert (found[0].code, found[0].severity) == (code, severity)
    assert found[0].subject == f"{READER}, {SERIAL}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("PIN", "CARTE_ATTEND_PIN"),
        ("CARTE_EXPIREE", "CARTE_ATTEND_PIN"),  # its dates are told besides
        ("CLE_PIN_A_CHAQUE_FOIS", "CLE_PIN_A_CHAQUE_FOIS"),
        ("PIN_NON_INITIALISE", "PIN_NON_INITIALISE"),
    ],
)
def test_what_the_card_room_has_against_a_card_goes_first(practice: Practice, code: str, expected: str) -> None:
    assert looked(practice, replace(TOKEN, presence=Presence.PIN_NEEDED, code=code))[0].code == expected


def test_an_unknown_card_has_no_certificate_to_tell_of(practice: Practice) -> None:
    token = TokenView(READER, "", "", Presence.UNKNOWN_CARD, code="CARTE_INCONNUE")
    (found,) = looked(practice, token)
    assert (found.code, found.subject) == ("CARTE_INCONNUE", READER)


@pytest.mark.parametrize(
    ("presence", "codes"),
    [
        (Presence.LOCKED, ["CARTE_SANS_PIN", "PIN_ESSAI_PERDU"]),
        (Presence.LAST_TRY, ["PIN_DERNIER_ESSAI"]),
        (Presence.BLOCKED, ["CARTE_BLOQUEE"]),
    ],
)
def test_a_wrong_pin_since_the_last_right_one_is_told_once(
    practice: Practice, presence: Presence, codes: list[str]
) -> None:
    found = looked(practice, replace(TOKEN, presence=presence, tries_left_low=True))
    assert told(found) == [*codes, "CERTIFICAT_OK"]


@pytest.mark.parametrize(("days", "code"), [(89, "CERTIFICAT_A_RENOUVELER"), (-1, "CERTIFICAT_EXPIRE")])
def test_the_certificate_of_a_card_has_its_dates(practice: Practice, days: int, code: str) -> None:
    held = certificate(practice.clock.now() + timedelta(days=days, hours=1))
    found = looked(practice, replace(TOKEN, certificate=held))
    assert (found[1].code, found[1].subject) == (code, "899700012345, TEST AC PERSONNES")


@pytest.mark.parametrize(
    ("status", "code", "severity"),
    [
        ({"presence": Presence.NO_CARD, "code": "CARTE_ABSENTE"}, "CARTE_ABSENTE", Severity.WARNING),
        ({"presence": Presence.NO_MIDDLEWARE, "code": "MODULE_REFUSE"}, "MODULE_REFUSE", Severity.ERROR),
        ({"presence": Presence.FAILED, "code": "CARTE_DEFAILLANTE"}, "CARTE_DEFAILLANTE", Severity.ERROR),
        ({"presence": Presence.NO_CARD, "code": "CARTE_MUETTE", "readers": ()}, "CARTE_MUETTE", Severity.WARNING),
    ],
)
def test_without_a_card_the_card_room_says_why(
    practice: Practice, status: dict[str, object], code: str, severity: Severity
) -> None:
    (found,) = looked(practice, **status)
    assert (found.code, found.severity) == (code, severity)


@pytest.mark.parametrize("code", ["LECTEUR_ABSENT", "SERVICE_CARTES_ARRETE", "MODULE_ABSENT", "MODULE_ARCHITECTURE"])
def test_what_other_checks_have_told_is_not_told_again(practice: Practice, code: str) -> None:
    assert looked(practice, presence=Presence.NO_READER, code=code) == []


def test_a_card_that_cannot_be_asked_is_a_warning_in_both_languages(practice: Practice) -> None:
    answer = CardAnswer(None, Text("pas de réponse", "no answer"))
    (found,) = practice.looked("card", ask_card=lambda: answer)
    assert (found.code, found.detail, found.detail_fr) == ("CARTE_NON_EXAMINEE", "no answer", "pas de réponse")
    assert practice.told("card", ask_card=lambda: CardAnswer(None)) == ["CARTE_NON_EXAMINEE"]


# --- whose card


OTHER = replace(TOKEN, reader="Lecteur 01 00", serial="2800009999", certificate=certificate(holder="899700067890"))


@pytest.mark.parametrize(
    ("choice", "tokens", "code"),
    [
        ({}, [TOKEN], None),
        ({}, [TOKEN, OTHER], "CARTES_MULTIPLES"),
        ({"holder": "899700067890"}, [TOKEN, OTHER], None),
        ({"holder": "99700067890"}, [TOKEN], "CARTE_AUTRE_PORTEUR"),
        ({"serial": "2800001234"}, [TOKEN, OTHER], None),
        ({"serial": "1"}, [TOKEN, OTHER], "CARTE_AUTRE_PORTEUR"),
    ],
)
def test_each_mailbox_needs_exactly_one_card(
    practice: Practice, choice: dict[str, str], tokens: list[TokenView], code: str | None
) -> None:
    practice.mailbox["identity"] = {"card": choice}
    found = [one for one in looked(practice, *tokens) if one.code.startswith(("CARTES_", "CARTE_AUTRE"))]
    assert [(one.code, one.subject) for one in found] == ([(code, "dr-modele")] if code else [])


# --- TLS 1.3


@pytest.mark.parametrize(
    ("can_pss", "minimum", "expected"), [(False, "1.3", True), (True, "1.3", False), (False, "1.2", False)]
)
def test_a_card_that_cannot_do_what_an_operator_demands(
    practice: Practice, can_pss: bool, minimum: str, expected: bool
) -> None:
    practice.operator["tls"] = {"minimum": minimum, "maximum": "1.3"}
    found = looked(practice, replace(TOKEN, can_pss=can_pss))
    named = [one.subject for one in found if one.code == "CARTE_TLS12"]
    assert named == (["operators.op.tls.minimum"] if expected else [])
