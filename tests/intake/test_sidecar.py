"""The three forms of a sidecar say the same, and what is wrong is named by key and shape, never by value."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.patient import MatriculeINS
from connector.domain.submission import SendOptions
from connector.intake.problem import BadDrop
from connector.intake.sidecar import (
    Sidecar,
    SidecarFile,
    SidecarPatient,
    SidecarRecipient,
    listed_names,
    read_sidecar,
)
from connector.sandbox.samples import sample

LIMITS = Limits()
TEST_OID = "1.2.250.1.213.1.4.10"
HEX = "ab" * 32

EXPECTED = Sidecar(
    reference="REQ0417",
    sender=MailboxAddress.parse("alix.exemple@test.mssante.example"),
    recipients=(
        SidecarRecipient(MailboxAddress.parse("dr.modele@test.mssante.example")),
        SidecarRecipient(None, "99999999995"),
    ),
    copies=(SidecarRecipient(MailboxAddress.parse("copie@test.mssante.example")),),
    subject="Résultats",
    body="Bonjour,\nci-joint.",
    files=(
        SidecarFile("REQ0417.xml", "CR-BIO", "11502-2", "Compte rendu", "2026-11-20"),
        SidecarFile("deux.xml"),
    ),
    patient=SidecarPatient(
        ins=MatriculeINS("199017599999849", TEST_OID), ins_is_qualified=True, birth_family="TESTUT",
        all_given=("Camille", "Noé"), given="Camille", birth_date="1999-01-17", gender="M", birth_place="75999",
    ),
    options=SendOptions(
        delivery_receipt=False, read_receipt=True, urgent=True, file_number="D7", allow_duplicate=True
    ),
    sha256={"REQ0417.xml": HEX},
)  # fmt: skip

JSON: dict[str, Any] = {
    "version": 1, "reference": "REQ0417", "expediteur": "alix.exemple@test.mssante.example",
    "destinataires": [{"adresse": "dr.modele@test.mssante.example"}, {"rpps": "99999999995"}],
    "copie": ["copie@test.mssante.example"], "patient_mes": False, "objet": "Résultats",
    "corps": "Bonjour,\nci-joint.",
    "fichiers": [
        {"nom": "REQ0417.xml", "type": "CR-BIO", "loinc": "11502-2", "titre": "Compte rendu", "date": "2026-11-20"},
        {"nom": "deux.xml"},
    ],
    "patient": {
        "ins": {"valeur": "199017599999849", "oid": TEST_OID, "qualifiee": True}, "nom_naissance": "TESTUT",
        "nom_utilise": None, "prenoms": ["Camille", "Noé"], "prenom": "Camille", "naissance": "1999-01-17",
        "sexe": "M", "lieu_naissance": "75999",
    },
    "options": {
        "accuse_reception": False, "accuse_lecture": True, "urgent": True, "masque_ps": False,
        "invisible_patient": False, "remplace": None, "numero_dossier": "D7", "doublon_autorise": True,
    },
    "sha256": {"REQ0417.xml": HEX, "deux.xml": None},
}  # fmt: skip

INI = f"""; commentaire
[message]
version=1
reference=REQ0417
expediteur=alix.exemple@test.mssante.example
destinataire2=99999999995
Destinataire1=dr.modele@test.mssante.example
copie1=copie@test.mssante.example
objet=Résultats
corps=Bonjour,\\nci-joint.
accuse_reception=non
accuse_lecture=oui
[options]
urgent=1
numero_dossier=D7
doublon_autorise=oui
[patient]
ins=1 99 01 75 999 998 49
ins_oid={TEST_OID}
ins_qualifiee=oui
nom_naissance=TESTUT
prenoms=Camille, Noé
prenom=Camille
naissance=17/01/1999
sexe=M
lieu_naissance=75999
[fichier1]
nom=REQ0417.xml
type=CR-BIO
loinc=11502-2
titre=Compte rendu
date=20/11/2026
[fichier2]
nom=deux.xml
[sha256]
REQ0417.xml={HEX}
"""

XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<message version="1">
  <!-- commentaire -->
  <reference>REQ0417</reference><expediteur>alix.exemple@test.mssante.example</expediteur>
  <destinataires>
    <destinataire adresse="dr.modele@test.mssante.example"/><destinataire><rpps>99999999995</rpps></destinataire>
  </destinataires>
  <copie><destinataire>copie@test.mssante.example</destinataire></copie>
  <objet>Résultats</objet><corps>Bonjour,
ci-joint.</corps>
  <fichiers>
    <fichier type="CR-BIO" loinc="11502-2"><nom>REQ0417.xml</nom><titre>Compte rendu</titre><date>2026-11-20</date>
    </fichier>
    <fichier nom="deux.xml"/>
  </fichiers>
  <patient nom_naissance="TESTUT" prenom="Camille" naissance="1999-01-17" sexe="M" lieu_naissance="75999">
    <ins valeur="199017599999849" oid="{TEST_OID}" qualifiee="true"/>
    <prenoms><prenom>Camille</prenom><prenom>Noé</prenom></prenoms>
  </patient>
  <options accuse_reception="non" accuse_lecture="oui" urgent="oui" numero_dossier="D7" doublon_autorise="oui"/>
  <sha256><fichier nom="REQ0417.xml">{HEX}</fichier></sha256>
</message>"""

FORMS = [
    pytest.param("X.mss.json", json.dumps(JSON).encode(), id="json"),
    pytest.param("X.mss.json", b"\xef\xbb\xbf" + json.dumps(JSON, ensure_ascii=False).encode(), id="json-bom"),
    pytest.param("X.mss.ini", INI.encode("cp1252"), id="ini-cp1252"),
    pytest.param("X.MSS.INI", INI.replace("\n", "\r\n").encode("utf-8-sig"), id="ini-utf8-crlf"),
    pytest.param("X.mss.xml", XML.encode(), id="xml"),
    pytest.param("X.mss.xml", XML.replace("UTF-8", "ISO-8859-1").encode("latin-1"), id="xml-latin1"),
]


@pytest.mark.parametrize(("name", "data"), FORMS)
def test_every_form_gives_the_same_value(name: str, data: bytes) -> None:
    assert read_sidecar(name, data, LIMITS) == EXPECTED


@pytest.mark.parametrize(
    "name", ["cr-biologie-v1.mss.json", "cr-consultation-n1.mss.ini", "cr-autopresentable.mss.xml"]
)
def test_the_samples_are_read_without_a_warning(name: str) -> None:
    sidecar = read_sidecar(name, sample(name), LIMITS)
    assert str(sidecar.recipients[0].address) == "dr.modele@test.mssante.example"
    assert sidecar.unknown_keys == ()
    assert len(listed_names(sidecar)) == 1


def test_an_empty_object_is_a_valid_sidecar() -> None:
    assert read_sidecar("X.mss.json", b"{}", LIMITS) == Sidecar()


def test_unknown_keys_are_told_and_comments_are_not() -> None:
    data = b'{"_note": "x", "couleur": "bleu", "options": {"vite": 1}, "fichiers": [{"nom": "a.xml", "poids": 3}]}'
    assert read_sidecar("X.mss.json", data, LIMITS).unknown_keys == ("couleur", "options.vite", "fichiers[1].poids")


def test_what_is_replaced_or_withdrawn_is_named_by_reference() -> None:
    sidecar = read_sidecar("X.mss.json", b'{"options": {"remplace": "REQ1", "annule": "REQ0"}}', LIMITS)
    assert (sidecar.replaces, sidecar.withdraws) == ("REQ1", "REQ0")


SECRET = "TESTUTCAMILLE"


@pytest.mark.parametrize(
    ("values", "code", "key"),
    [
        ({"version": 2}, "SIDECAR_INVALIDE", "version"),
        ({"destinataires": [{"adresse": SECRET}]}, "DESTINATAIRE_INVALIDE", "destinataires[1].adresse"),
        ({"destinataires": [{"nom": SECRET}]}, "SIDECAR_INVALIDE", "destinataires[1]"),
        ({"destinataires": [["x"]]}, "SIDECAR_INVALIDE", "destinataires[1]"),
        ({"destinataires": [{"rpps": SECRET}]}, "SIDECAR_INVALIDE", "destinataires[1].rpps"),
        ({"expediteur": SECRET}, "DESTINATAIRE_INVALIDE", "expediteur"),
        ({"patient": SECRET}, "SIDECAR_INVALIDE", "patient"),
        ({"patient": {"naissance": SECRET}}, "SIDECAR_INVALIDE", "patient.naissance"),
        ({"patient": {"ins": {"valeur": "199017599999848"}}}, "INS_INVALIDE", "patient.ins.valeur"),
        ({"options": {"urgent": SECRET}}, "SIDECAR_INVALIDE", "options.urgent"),
        ({"options": {"urgent": [1]}}, "SIDECAR_INVALIDE", "options.urgent"),
        ({"reference": SECRET * 10}, "SIDECAR_INVALIDE", "reference"),
        ({"reference": f"{SECRET}\nX-Header: 1"}, "SIDECAR_INVALIDE", "reference"),
        ({"objet": f"{SECRET}\x00"}, "SIDECAR_INVALIDE", "objet"),
        ({"fichiers": [{"type": SECRET}]}, "SIDECAR_INVALIDE", "fichiers[1].nom"),
        ({"fichiers": [{"nom": 3.5}]}, "SIDECAR_INVALIDE", "fichiers[1].nom"),
        ({"fichiers": [SECRET] * 201}, "SIDECAR_INVALIDE", "fichiers"),
        ({"sha256": {"a.xml": SECRET}}, "SIDECAR_INVALIDE", "sha256.…"),
    ],
)
def test_errors_name_the_key_and_never_the_value(values: dict[str, Any], code: str, key: str) -> None:
    with pytest.raises(BadDrop) as refused:
        read_sidecar("X.mss.json", json.dumps(values).encode(), LIMITS)
    assert refused.value.code == code
    assert f"« {key} »" in refused.value.french
    assert SECRET not in refused.value.french + refused.value.detail


@pytest.mark.parametrize(
    "name",
    ["../secret.xml", "/etc/passwd", "C:\\x.xml", "\\\\srv\\p\\x.xml", "a:b", "..", ".env", "x/y.xml", "a*.xml"],
)
@pytest.mark.parametrize("place", ["fichiers", "sha256"])
def test_no_name_leads_out_of_the_folder(name: str, place: str) -> None:
    values = {"fichiers": [name]} if place == "fichiers" else {"sha256": {name: HEX}}
    with pytest.raises(BadDrop, match="SIDECAR_INVALIDE"):
        read_sidecar("X.mss.json", json.dumps(values).encode(), LIMITS)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("X.mss.json", b"{", "SIDECAR_INVALIDE"),
        ("X.mss.json", b"[1]", "SIDECAR_INVALIDE"),
        ("X.mss.json", b'{"reference": "a", "reference": "b"}', "SIDECAR_INVALIDE"),
        ("X.mss.json", b'{"reference": NaN}', "SIDECAR_INVALIDE"),
        ("X.mss.json", b"[" * 200_000, "SIDECAR_INVALIDE"),
        ("X.mss.json", b'{"reference": "\xe9"}', "ENCODAGE"),
        ("X.mss.json", b" " * (1 << 20) + b"{}", "TROP_GROS"),
        ("X.mss.ini", b"reference=1\r\n", "SIDECAR_INVALIDE"),
        ("X.mss.ini", b"[message]\r\nreference\r\n", "SIDECAR_INVALIDE"),
        ("X.mss.ini", b"[message]\r\na=1\r\na=2\r\n", "SIDECAR_INVALIDE"),
        ("X.mss.ini", b"[message]\r\nreference=\x81\x8d\r\n", "ENCODAGE"),
        ("X.mss.xml", b"<message>", "SIDECAR_INVALIDE"),
        ("X.mss.xml", b"<other/>", "SIDECAR_INVALIDE"),
        ("X.mss.xml", b"<message>text only</message>", ""),
        ("X.mss.xml", b"<message><objet>a</objet><objet>b</objet></message>", "SIDECAR_INVALIDE"),
        ("X.mss.xml", b'<!DOCTYPE m [<!ENTITY x "y">]><message><objet>&x;</objet></message>', "SIDECAR_INVALIDE"),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, data: bytes, code: str) -> None:
    if not code:
        assert read_sidecar(name, data, LIMITS) == Sidecar()
        return
    with pytest.raises(BadDrop) as refused:
        read_sidecar(name, data, LIMITS)
    assert refused.value.code == code
    assert refused.value.french


@given(st.binary(max_size=300), st.sampled_from(["X.mss.json", "X.mss.ini", "X.mss.xml"]))
def test_no_bytes_at_all_break_the_reader(data: bytes, name: str) -> None:
    with suppress(BadDrop):
        read_sidecar(name, data, LIMITS)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(JSON)), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(JSON)), _json, max_size=5))
def test_no_tree_breaks_the_reader(tree: dict[str, object]) -> None:
    with suppress(BadDrop):
        read_sidecar("X.mss.json", json.dumps(tree).encode(), LIMITS)
