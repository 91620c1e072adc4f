"""What a mailbox wants done with what it receives, and what the index tells of it."""

import json
from typing import Any

import pytest

from connector.delivery.layout import Stamp, lay_out
from connector.delivery.pieces import Owner
from connector.delivery.profile import load_profile
from connector.domain.address import MailboxAddress
from connector.exchange.rules import reception_rules
from connector.exchange.unwrap import ReceptionRules
from connector.settings.model import Settings
from tests.opening.opened import MAILBOX, MARK, N1, N3, arrival, attached, forwarded, hprim, message, text
from tests.opening.test_opening_identity import HL7


def settings(reception: dict[str, str], environment: str = "production") -> Settings:
    return Settings.model_validate({
        "software": {"environment": environment},
        "operators": {"essai": {name: {"host": "x.example", "port": 1143} for name in ("smtp", "imap")}},
        "mailboxes": [{
            "address": str(MAILBOX), "given": "Alix", "family": "EXEMPLE", "operator": "essai",
            "identity": {"auth": "plain", "password": {"env": "NONE"}}, "reception": reception,
        }],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("reception", "environment", "rules"),
    [
        ({}, "production", ReceptionRules(quarantines_mismatch=True, is_production=True)),
        ({"patient_mismatch": "mark"}, "test", ReceptionRules(quarantines_mismatch=False, is_production=False)),
        ({"patient_mismatch": "quarantine"}, "test", ReceptionRules(quarantines_mismatch=True, is_production=False)),
    ],
)
def test_the_rules_of_a_mailbox(reception: dict[str, str], environment: str, rules: ReceptionRules) -> None:
    assert reception_rules(settings(reception, environment), MAILBOX) == rules


def test_a_mailbox_that_is_no_longer_there_has_the_careful_ones() -> None:
    gone = MailboxAddress.parse("autre@cabinet.mssante.fr")
    assert reception_rules(settings({"patient_mismatch": "mark"}), gone).quarantines_mismatch


def index(raw: bytes) -> dict[str, Any]:
    plat = load_profile("plat")
    package = lay_out(arrival(raw, MARK), Stamp("T", "P"), plat, plat=plat, owner=Owner(name="", control=""))
    values: dict[str, Any] = json.loads(package.index[0][1])
    return values


def test_the_index_tells_alerts_doubts_and_what_was_forwarded() -> None:
    urgent = N3.replace(b'<interpretationCode code="H"', b'<interpretationCode code="HH"')
    values = index(message(text("Voir."), forwarded(message(attached("cr.xml", urgent), boundary="z"))))
    assert values["alertes"] == ["HH"]
    (document,) = [file["document"] for file in values["fichiers"] if file["role"] == "cda"]
    assert (document["alertes"], document["transfere"], document["action"]) == (["HH"], True, None)
    assert (document["masques"], document["relation"]) == ([], None)


def test_a_result_alone_gives_the_patient_of_the_index() -> None:
    values = index(message(attached("r.hpr", hprim(coded=b"RES|K|K|N|6.9|||5.0|LL|F"))))
    assert (values["patient"]["source"], values["patient"]["nom_naissance"]) == ("HPRIM", "TESTUT")
    assert (values["patient"]["fichier"], values["patient"]["ins"]) == ("T_P_01.hpr", None)
    assert [file["alertes"] for file in values["fichiers"]] == [["LL"]]


def test_an_hl7_message_alone_gives_the_patient_of_the_index() -> None:
    values = index(message(attached("r.hl7", HL7)))
    assert (values["patient"]["source"], values["patient"]["ins"]["qualifiee"]) == ("HL7", False)


def test_a_message_about_nobody_has_no_patient() -> None:
    assert index(message(text("Bonjour."), attached("a.bin", b"\x01")))["patient"] is None


def test_other_patients_are_told() -> None:
    values = index(message(attached("a.xml", N1), attached("b.xml", N3)))
    assert [patient["nom_naissance"] for patient in values["autres_patients"]] == ["TESTUT"]
    assert [warning["code"] for warning in values["avertissements"]] == ["PLUSIEURS_PATIENTS"]


def test_a_citizen_is_told_with_the_matricule() -> None:
    raw = message(text("Merci.")).replace(b"labo@labo.mssante.fr", b"251033306312374@patient.mssante.fr")
    assert index(raw)["expediteur"]["ins"] == "251033306312374"


def test_a_result_in_the_text_is_told_as_such() -> None:
    values = index(message(text(hprim().decode("ascii").replace("\r\n", "\n"))))
    assert [(file["role"], file.get("extrait_du_corps")) for file in values["fichiers"]] == [
        ("corps", None), ("hprim", True),
    ]  # fmt: skip
