"""What check tells of each format: everything at once, each with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.cda.build import build_n1
from connector.documents.cda.parse import clinical_document
from connector.documents.validation.cda import header_findings
from connector.documents.validation.hprim import hprim_findings
from connector.domain.catalogue import CATALOGUE
from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits
from connector.intake.check import rehearsal as steps
from connector.intake.check.gather import Examination, Unreadable
from connector.intake.check.report import finding_as_dict, report_as_dict
from connector.sandbox.samples import sample
from connector.xdm.pack import pack
from tests.cda_build.n1_samples import REPLACING, REQUEST
from tests.hl7.hl7_messages import FLAGS, mdm
from tests.hprim.hprim_samples import EXAMPLE, record
from tests.intake.lot_samples import other_patient
from tests.shared_data import sample_files
from tests.validation.check_scene import codes, errors, examine, rehearsal
from tests.xdm.cda_samples import NOW, SENDER, CountingIds, cda

N1 = sample("cr-consultation-n1.xml")
OFFICIAL = sample_files("cda/*.xml")


def header_of(content: bytes) -> list[Finding]:
    return list(header_findings(clinical_document(content)))


@pytest.mark.parametrize("content", [build_n1(REQUEST), build_n1(REPLACING), N1])
def test_nothing_is_wrong_with_the_header_of_a_document_of_ours(content: bytes) -> None:
    assert [one for one in header_of(content) if one.severity is not Severity.ADVICE] == []


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.stem)
def test_nothing_but_a_wrong_key_is_an_error_in_an_official_header(path: Path) -> None:
    assert set(errors(header_of(path.read_bytes()))) <= {"INS_INVALIDE"}


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        (b"<realmCode ", b"<realm ", "CDA_ELEMENT_ABSENT", "/ClinicalDocument/realmCode"),
        (b'code="fr-FR"', b'code="en-US"', "CDA_VALEUR_INATTENDUE", "/ClinicalDocument/languageCode"),
        (b'<versionNumber value="1"', b'<versionNumber value="2"', "CDA_VERSION", "/ClinicalDocument/versionNumber"),
        (b'qualifier="CL">DUPR', b'qualifier="SP">DUPR', "CDA_NOM_QUALIFICATIF", "name/family[2]"),
        (b"<county>", b"<village>", "CDA_TRAIT_ABSENT", "/ClinicalDocument/recordTarget/patientRole/patient"),
        (b'1.2.250.1.213.1.1.1.1"', b'1.2.250.1.213.1.1.1.9"', "CDA_MODELE_ABSENT", "templateId"),
    ],
)
def test_each_fault_of_a_header_is_told_with_its_place(old: bytes, new: bytes, code: str, where: str) -> None:
    content = build_n1(REQUEST)
    assert old in content
    changed = content.replace(old, new, 1).replace(b"</county>", b"</village>" if b"village" in new else b"</county>")
    found = [one for one in header_of(changed) if one.code == code]
    assert [one.where.rpartition(", ")[2] for one in found if where in one.where]
    assert all(one.where.startswith("line ") for one in found)


def test_the_faults_of_a_document_are_told_together() -> None:
    content = (
        cda().replace(b"248066319988747", b"248066319988748").replace(b"<setId", b"<set").replace(b"<title", b"<tit")
    )
    content = content.replace(b"</title", b"</tit").replace(b"</setId", b"</set")
    found = examine(("a.xml", content)).findings
    assert "INS_INVALIDE" in errors(found)
    assert {one.where.rpartition("/")[2] for one in found if one.code == "CDA_ELEMENT_ABSENT"} >= {"setId", "title"}


def test_a_document_without_id_code_and_patient_lacks_all_three() -> None:
    content = N1.replace(b"<id ", b"<ids ", 1).replace(b"<code ", b"<codes ", 1).replace(b"recordTarget", b"target")
    told = [one.where for one in examine(("a.xml", content)).findings if one.code == "CDA_INVALIDE" and one.where]
    assert [where.rpartition("ClinicalDocument/")[2] for where in told] == ["id", "code", "recordTarget/patientRole"]


def test_a_code_outside_its_set_is_a_warning() -> None:
    content = build_n1(REQUEST).replace(b'code="SA07"', b'code="SA99"')
    found = examine(("a.xml", content)).findings
    assert [one.severity for one in found if one.code == "CDA_CODE_HORS_JEU"] == [Severity.WARNING]


def test_a_pdf_inside_is_looked_at() -> None:
    found = [one for one in examine(("a.xml", build_n1(REQUEST))).findings if one.code.startswith("PDF")]
    assert found
    assert all("the PDF inside" in one.where for one in found if one.where)


def test_every_fault_of_an_hl7_message_is_told_with_segment_and_field() -> None:
    message = mdm(flags={**FLAGS, "MASQUE_PS": "X"}, txa_12="1.2.3").replace(b"|MSG0001|P|", b"||Q|")
    places = {one.where for one in examine(("a.hl7", message)).findings if one.severity is Severity.ERROR}
    assert {"MSH^1^10", "MSH^1^11"} <= places
    assert any(place.startswith("OBX^") for place in places)


def test_the_document_inside_a_refused_message_is_looked_at_too() -> None:
    message = mdm(document=cda().replace(b"<realmCode ", b"<realm ")).replace(b"|MSG0001|P|", b"||P|")
    found = examine(("a.hl7", message)).findings
    assert any(one.code == "HL7_CHAMP_ABSENT" for one in found)
    assert any(one.where.startswith("document 1: line ") for one in found if one.code == "CDA_ELEMENT_ABSENT")


def test_every_broken_record_of_hprim_is_told() -> None:
    text = record(family="", given="") + record() + record(family="", given="")
    told = [one.detail.partition(":")[0] for one in hprim_findings(text.encode("cp1252"), Limits())]
    assert told == ["record 1", "record 3"]


def test_a_line_of_hprim_that_means_nothing_is_told() -> None:
    text = EXAMPLE.replace("|N|13.3|", "|N|beaucoup|").replace("|N|F|133", "|??|Z|133")
    found = [one for one in hprim_findings(text.encode("cp1252"), Limits()) if one.code == "HPRIM_LIGNE"]
    assert [one.where for one in found] == ["record 1, RES 1"] * 3


def test_an_archive_is_looked_at_with_its_documents() -> None:
    content = pack((cda().replace(b"<realmCode ", b"<realm "),), now=NOW, ids=CountingIds(), sender=SENDER).content
    found = examine(("IHE_XDM.zip", content)).findings
    assert any(one.code == "CDA_ELEMENT_ABSENT" and "DOC0001.XML: line" in one.where for one in found)


def test_a_drop_says_what_would_become_of_it() -> None:
    sidecar = {"destinataires": ["dr.modele@test.mssante.example"], "copie": ["b@test.mssante.example"]}
    examined = examine(("a.xml", N1), ("a.mss.json", json.dumps(sidecar).encode()))
    (sending,) = examined.sendings
    assert not examined.is_refused
    assert sending.recipients == ("dr.modele@test.mssante.example", "b@test.mssante.example")
    assert (sending.documents, sending.messages, sending.action) == (1, 1, "first")


def test_every_fault_of_a_sidecar_is_told() -> None:
    sidecar = {
        "destinataires": ["nobody", "a@b.fr", {"rpps": "12"}], "objet": 7.5, "patient": {"ins": {"valeur": "1"}},
        "options": {"urgent": "peut-être"}, "sha256": {"a.xml": "zz"}, "expediteur": "x",
    }  # fmt: skip
    found = examine(("a.xml", N1), ("a.mss.json", json.dumps(sidecar).encode())).findings
    told = " ".join(one.french for one in found if one.severity is Severity.ERROR)
    keys = ("destinataires[1]", "destinataires[3].rpps", "objet", "patient.ins.valeur", "options.urgent", "sha256")
    assert all(f"« {key}" in told for key in (*keys, "expediteur"))
    assert {one.file for one in found if one.severity is Severity.ERROR} == {"a.mss.json"}


def test_several_patients_are_several_sendings() -> None:
    examined = examine(("a.xml", cda()), ("b.xml", other_patient(1)))
    assert len(examined.sendings) == 2
    assert "LOT_PARTAGE" in codes(examined.findings)


def test_an_earlier_sending_is_not_invented() -> None:
    sidecar = {"destinataires": ["dr.modele@test.mssante.example"], "options": {"remplace": "REQ1"},
               "patient": {"nom_naissance": "A", "prenom": "B", "naissance": "2000-01-01", "sexe": "F"},
               "fichiers": [{"nom": "a.txt", "type": "CR-BIO"}]}  # fmt: skip
    examined = examine(("a.txt", b"Bonjour\r\n"), ("a.mss.json", json.dumps(sidecar).encode()))
    assert "CONTROLE_SANS_JOURNAL" in codes(examined.findings)
    assert errors(examined.findings) == []


def test_a_fault_of_our_own_is_contained(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(steps, "file_findings", broken)
    assert [(one.severity, one.code) for one in examine(("a.xml", N1)).findings if one.code == "INTERNE"] == [
        (Severity.ADVICE, "INTERNE")
    ]
    monkeypatch.setattr(steps, "assemble", broken)
    (refused,) = [one for one in examine(("a.xml", N1)).findings if one.severity is Severity.ERROR]
    assert (refused.code, refused.detail.partition(" ")[0]) == ("INTERNE", "ZeroDivisionError")


def examination() -> Examination:
    judged = rehearsal()
    return Examination(judged, judged.rules.mailbox.outbox, Limits())


def test_a_folder_is_looked_through_as_the_outbox_groups_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.xml", "in/b.xml", "in/b.ok"):
        (tmp_path / name).write_bytes(N1 if name.endswith("xml") else b"")
    (tmp_path / "a.mss.json").write_text('{"fichiers": ["a.xml", "c.xml"]}', encoding="utf-8")
    drops = {drop.name: drop for drop in examination().run([tmp_path])}
    assert drops.keys() == {"a", "b"}
    assert errors(drops["a"].findings) == ["INCOMPLET"]
    assert "c.xml" in next(one.french for one in drops["a"].findings if one.code == "INCOMPLET")
    assert errors(drops["b"].findings) == []


def test_files_that_are_named_belong_together(tmp_path: Path) -> None:
    for name in ("a.xml", "a.mss.json", "other.xml"):
        (tmp_path / name).write_bytes(N1 if name.endswith("xml") else b'{"destinataires": ["a@b.fr"]}')
    (drop,) = examination().run([tmp_path / "a.xml", tmp_path / "a.mss.json"])
    assert [one.recipients for one in drop.sendings] == [("a@b.fr",)]


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    (tmp_path / "leer.xml").write_bytes(b"")
    with pytest.raises(Unreadable):
        list(examination().run([tmp_path / "leer.xml"]))


@given(st.binary(max_size=400))
@settings(max_examples=80, deadline=None)
def test_any_file_can_be_examined_and_every_code_has_its_words(data: bytes) -> None:
    for prefix in (b"", b"MSH|^~\\&|", b"<ClinicalDocument xmlns='urn:hl7-org:v3'>", b"H|~^\\&|"):
        found = examine(("a.dat", prefix + data)).findings
        assert codes(found) <= CATALOGUE.keys()
        assert errors(found)


def test_the_report_has_the_words_in_both_languages() -> None:
    drop = examine(("a.xml", N1.replace(b"<id ", b"<ids ", 1)))
    report = report_as_dict([drop])
    assert report["errors"] >= 1
    assert report["drops"][0]["refused"]
    told = finding_as_dict(drop.findings[0])
    assert all(told[key] for key in ("title_fr", "cure_fr", "title_en", "cure_en", "rule", "where"))
