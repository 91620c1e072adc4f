"""The checker: nothing to say about a good package, one clear finding for each fault."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.documents.cda.parse import parse_cda
from connector.documents.xml import DEFAULT_LIMITS, parse_xml
from connector.domain.errors import MalformedMessage
from connector.xdm.agreement import same_patient
from connector.xdm.check import Finding, Severity, check_xdm
from connector.xdm.derive import derive_entry
from connector.xdm.ebrim_schema import violations
from connector.xdm.pack import pack
from tests.our_errors import only_our_errors
from tests.shared_data import sample_files
from tests.xdm.cda_samples import INS, LOCAL, NOW, SENDER, CountingIds, cda, patient_ids

METADATA = "IHE_XDM/SUBSET01/METADATA.XML"
DOCUMENT = "IHE_XDM/SUBSET01/DOC0001.XML"
PACKAGES = sample_files("xdm/*/*.zip") + sample_files("xdm/ans/*/*.ZIP") + sample_files("synthetic/*.ZIP")
OASIS = sample_files("schemas/ebrs-xsd/ebRS/lcm.xsd")

Files = dict[str, bytes]
Change = Callable[[Files], None]


def files_of(*documents: bytes) -> Files:
    content = pack(documents or (cda(),), now=NOW, ids=CountingIds(), sender=SENDER).content
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def findings_after(change: Change, *documents: bytes) -> list[Finding]:
    files = files_of(*documents)
    change(files)
    return check_xdm(zipped(files))


def in_metadata(old: str, new: str) -> Change:
    def change(files: Files) -> None:
        text = files[METADATA].decode()
        assert old in text
        files[METADATA] = text.replace(old, new, 1).encode()

    return change


def put(name: str, content: bytes) -> Change:
    return lambda files: files.__setitem__(name, content)


def drop(name: str) -> Change:
    return lambda files: files.__delitem__(name)


def renamed(old: str, new: str) -> Change:
    return lambda files: files.__setitem__(new, files.pop(old))


def test_our_own_packages_are_clean() -> None:
    second = cda(document_id='<id root="1.2.3"/>')
    assert check_xdm(pack([cda()], now=NOW, ids=CountingIds(), sender=SENDER).content) == []
    assert check_xdm(pack([cda(), second], now=NOW, ids=CountingIds(), sender=SENDER).content) == []


@pytest.mark.parametrize(
    ("change", "severity", "code"),
    [
        (drop("README.TXT"), Severity.WARNING, "README_ABSENT"),
        (drop("INDEX.HTM"), Severity.WARNING, "INDEX_ABSENT"),
        (put("README.TXT", "é\r\n".encode()), Severity.WARNING, "README_ASCII"),
        (put("README.TXT", b"a\nb\r\n"), Severity.WARNING, "README_CRLF"),
        (put("IHE_XDM/SUBSET01/long_name.xml", b"x"), Severity.WARNING, "NOM_8_3"),
        (put("IHE_XDM/lower/", b""), Severity.WARNING, "NOM_8_3"),
        (put("A/B/C/D/E/F/G/H/I.XML", b"x"), Severity.WARNING, "NOM_8_3"),
        (put("IHE_XDM/SUBSET01/DOC0001.PDF", b"%PDF"), Severity.WARNING, "FICHIER_NON_LISTE"),
        (drop(METADATA), Severity.ERROR, "METADATA_ABSENT"),
        (drop(DOCUMENT), Severity.ERROR, "FICHIER_ABSENT"),
        (renamed(DOCUMENT, DOCUMENT.replace("DOC", "Doc")), Severity.WARNING, "URI_CASSE"),
        (put(DOCUMENT, cda() + b" "), Severity.ERROR, "EMPREINTE_FAUSSE"),
        (put(DOCUMENT, cda() + b" "), Severity.ERROR, "TAILLE_FAUSSE"),
        (put(DOCUMENT, cda(ids="")), Severity.ERROR, "CDA_INVALIDE"),
        (put(DOCUMENT, cda()[:-20]), Severity.ERROR, "CDA_INVALIDE"),
        (in_metadata("<ValueList>", "<ValueList/><ValueList>"), Severity.ERROR, "SCHEMA"),
        (in_metadata('id="o2"', 'id="o1"'), Severity.ERROR, "ID_REPETE"),
        (in_metadata("<RegistryPackage", '<RegistryPackage id="x"/><RegistryPackage'), Severity.ERROR, "LOT_UNIQUE"),
        (in_metadata("^^^&amp;1.2.250.1.213.1.4.10", "^^^&amp;1.2.3"), Severity.ERROR, "PATIENT_UNIQUE"),
        (in_metadata("AssociationType:HasMember", "AssociationType:Other"), Severity.WARNING, "HASMEMBER_ABSENT"),
        (in_metadata('<Slot name="size">', '<Slot name="urn:x">'), Severity.WARNING, "ATTRIBUT_ABSENT"),
        (in_metadata('<Slot name="submissionTime">', '<Slot name="urn:x">'), Severity.WARNING, "ATTRIBUT_ABSENT"),
        (in_metadata('Representation="AMBULATOIRE"', 'Representation="X"'), Severity.WARNING, "CODE_HORS_JEU"),
        (in_metadata('nodeRepresentation="N"', 'nodeRepresentation="X"'), Severity.WARNING, "CODE_HORS_JEU"),
        (in_metadata('nodeRepresentation="10"', 'nodeRepresentation="11"'), Severity.WARNING, "CLASSE_TYPE"),
        (in_metadata('nodeRepresentation="11488-4"', 'nodeRepresentation="REMB"'), Severity.ERROR, "TYPE_INCOHERENT"),
        (in_metadata('value="1.2.250.1.999.1.1.7000.1"', 'value="1.9"'), Severity.ERROR, "UNIQUEID_INCOHERENT"),
        (in_metadata("20260310141200", "20260310141201"), Severity.WARNING, "METADONNEE_INCOHERENTE"),
        (in_metadata("PID-8|F", "PID-8|M"), Severity.WARNING, "METADONNEE_INCOHERENTE"),
    ],
)  # fmt: skip
def test_each_fault_is_found(change: Change, severity: Severity, code: str) -> None:
    found = findings_after(change)
    assert (severity, code) in {(finding.severity, finding.code) for finding in found}


def test_the_same_identifiers_in_two_entries_are_found() -> None:
    def twins(files: Files) -> None:
        text = files[METADATA].decode()
        files[METADATA] = text.replace("1.2.3.4", "1.2.250.1.999.1.1.7000.1").replace("DOC0002", "DOC0001").encode()

    found = findings_after(twins, cda(), cda(document_id='<id root="1.2.3.4"/>'))
    assert {"UNIQUEID_REPETE", "URI_REPETEE"} <= {finding.code for finding in found}


def test_another_patient_in_the_metadata_is_an_error() -> None:
    def other(files: Files) -> None:
        files[METADATA] = files[METADATA].replace(b"248066319988747", b"279035121518989")

    assert ("PATIENT_INCOHERENT", Severity.ERROR) in {(one.code, one.severity) for one in findings_after(other)}


def test_a_replacement_without_action_is_mentioned() -> None:
    document = cda(version='<versionNumber value="2"/>')
    change = in_metadata("urn:action:extraMetadataSlot", "urn:x")
    assert "ACTION_ABSENTE" in {finding.code for finding in findings_after(change, document)}


def test_a_document_that_is_no_cda_is_not_compared() -> None:
    assert {one.code for one in findings_after(put(DOCUMENT, b"plain text"))} == {"EMPREINTE_FAUSSE", "TAILLE_FAUSSE"}


def test_a_foreign_document_is_compared_by_identity_only_and_gently() -> None:
    foreign = cda(
        templates="", document_id='<id root="9.9"/>', ids=patient_ids(("9.9", "x")), title="<title>T</title>"
    )
    found = {(one.code, one.severity) for one in findings_after(put(DOCUMENT, foreign))}
    assert ("UNIQUEID_INCOHERENT", Severity.WARNING) in found
    assert ("PATIENT_INCOHERENT", Severity.WARNING) in found
    assert "METADONNEE_INCOHERENTE" not in {code for code, _ in found}


def test_findings_never_quote_the_patient() -> None:
    def mangle(files: Files) -> None:
        files[METADATA] = files[METADATA].replace(b"<Value>PID", b"<Value x='EXEMPLE'>EXEMPLE PID")
        files[DOCUMENT] = cda(patient="<patient><name><family>EXEMPLE</family></name></patient>")

    assert not any("EXEMPLE" in f"{finding.where} {finding.text}" for finding in findings_after(mangle))


def test_what_cannot_be_opened_is_an_error_of_its_own() -> None:
    with pytest.raises(MalformedMessage):
        check_xdm(b"x")


def test_a_package_without_folders_is_only_unusual() -> None:
    flat = {name.rpartition("/")[2]: content for name, content in files_of().items() if not name.endswith("/")}
    assert check_xdm(zipped(flat)) == []


def test_noise_has_no_findings() -> None:
    assert findings_after(put("__MACOSX/IHE_XDM/._METADATA.XML", b"x")) == []


@pytest.mark.parametrize(
    ("ids", "patient_id", "source_id", "same"),
    [
        (patient_ids(INS, LOCAL), "248066319988747^^^&1.2.250.1.213.1.4.10&ISO^NH", "", True),
        (patient_ids(INS, LOCAL), "248066319988747^^^&1.2.250.1.213.1.4.10&ISO", "", True),
        (patient_ids(INS, LOCAL), "248066319988747^^^&1.2.250.1.213.1.4.8&ISO^NH", "", False),
        (
            patient_ids(INS, LOCAL),
            "other^^^&1.2.250.1.213.1.4.10&ISO^NH",
            "IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI",
            False,
        ),
        (patient_ids(LOCAL), "other^^^&1.2&ISO", "IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI", True),
        (patient_ids(LOCAL), "other", "", False),
    ],
)
def test_whether_entry_and_document_name_the_same_patient(
    ids: str, patient_id: str, source_id: str, same: bool
) -> None:
    from dataclasses import replace

    data = cda(ids=ids)
    entry = derive_entry(parse_cda(data), data, entry_uuid="", uri="")
    assert same_patient(replace(entry, patient_id=patient_id, source_patient_id=source_id), parse_cda(data)) is same


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_official_and_foreign_packages_have_no_fault_of_integrity(path: Path) -> None:
    broken = {
        "EMPREINTE_FAUSSE",
        "TAILLE_FAUSSE",
        "FICHIER_ABSENT",
        "METADATA_ABSENT",
        "UNIQUEID_REPETE",
        "PATIENT_UNIQUE",
    }
    assert not broken & {finding.code for finding in check_xdm(path.read_bytes())}


@pytest.mark.parametrize("schema", OASIS, ids=lambda path: path.name)
@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_our_schema_gives_the_verdict_of_oasis(path: Path, schema: Path) -> None:
    oasis = etree.XMLSchema(etree.parse(schema))
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.upper().endswith("/METADATA.XML") and not name.startswith("__MACOSX"):
                root = parse_xml(archive.read(name), DEFAULT_LIMITS)
                assert (not violations(root)) is oasis.validate(root), violations(root)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 6000), st.binary(min_size=1, max_size=4))
def test_a_damaged_package_is_checked_or_refused(position: int, noise: bytes) -> None:
    data = PACKED[: position % len(PACKED)] + noise + PACKED[position % len(PACKED) + len(noise) :]
    with only_our_errors(MalformedMessage, *CODES):
        check_xdm(data)


CODES = ("XDM_INVALIDE", "XML_INVALIDE", "ENCODAGE", "TROP_GROS", "ARCHIVE_DANGEREUSE")
PACKED = pack([cda()], now=NOW, ids=CountingIds(), sender=SENDER).content
