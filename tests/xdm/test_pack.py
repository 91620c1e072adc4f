"""Packing: one patient, one parse, the same bytes from the same input."""

import io
import zipfile
from dataclasses import replace

import pytest

from connector.documents.cda.parse import open_cda
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.limits import Limits
from connector.xdm.model import Association
from connector.xdm.pack import PackedXdm, PackOptions, pack
from connector.xdm.package_reader import read_xdm
from connector.xdm.vocabulary import HAS_MEMBER, RPLC
from tests.xdm.cda_samples import INS, LOCAL, NOW, SENDER, CountingIds, author, cda, patient_ids

NO_OPTIONS = PackOptions()
SECOND = '<id root="1.2.250.1.999.1.1.7000.2"/>'


def packed(*documents: bytes, options: PackOptions = NO_OPTIONS) -> PackedXdm:
    return pack(documents, now=NOW, ids=CountingIds(), sender=SENDER, options=options)


def refusal(*documents: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(InvalidSubmission) as caught:
        pack(documents, now=NOW, ids=CountingIds(), sender=SENDER, limits=limits)
    return caught.value.code


def readme(package: PackedXdm) -> str:
    return zipfile.ZipFile(io.BytesIO(package.content)).read("README.TXT").decode("ascii")


def test_the_same_input_gives_the_same_bytes() -> None:
    assert packed(cda()).content == packed(cda()).content


def test_a_document_opened_before_gives_the_same_package() -> None:
    opened = open_cda(cda())
    package = pack([opened], now=NOW, ids=CountingIds(), sender=SENDER)
    assert package.content == packed(cda()).content
    assert package.documents == (opened,)
    assert package.cdas == (opened.document,)


def test_documents_are_packed_byte_for_byte() -> None:
    data = b"\xef\xbb\xbf" + cda() + b"\n\n"
    (package,) = read_xdm(packed(data).content)
    assert package.documents[0].content == data


def test_several_documents_of_one_patient_share_one_set() -> None:
    package = packed(cda(), cda(document_id=SECOND, title="<title>Autre</title>"))
    (read,) = read_xdm(package.content)
    assert [entry.uri for entry in read.metadata.document_entries] == ["DOC0001.XML", "DOC0002.XML"]
    assert len({entry.patient_id for entry in read.metadata.document_entries}) == 1
    assert read.submission_set is not None
    assert read.submission_set.title == "2 documents"
    assert [one.type for one in read.metadata.associations] == [HAS_MEMBER] * 2


def test_the_identity_that_one_document_knows_better_serves_for_all() -> None:
    package = packed(cda(ids=patient_ids(LOCAL)), cda(document_id=SECOND, ids=patient_ids(LOCAL, INS)))
    assert {entry.patient_id for entry in package.metadata.document_entries} == {
        "248066319988747^^^&1.2.250.1.213.1.4.10&ISO^NH"
    }
    assert package.metadata.submission_sets[0].patient_id.endswith("NH")


def test_documents_that_share_a_local_identifier_are_of_one_patient() -> None:
    package = packed(cda(ids=patient_ids(("1.1", "A"), LOCAL)), cda(document_id=SECOND, ids=patient_ids(LOCAL)))
    assert {entry.patient_id for entry in package.metadata.document_entries} == {"A^^^&1.1&ISO^PI"}


@pytest.mark.parametrize(
    "other",
    [
        patient_ids(("1.2.250.1.213.1.4.10", "279035121518989"), LOCAL),
        patient_ids(("1.2.3", "B")),
    ],
    ids=["other-ins", "nothing-in-common"],
)
def test_documents_of_two_patients_are_never_sent_together(other: str) -> None:
    assert refusal(cda(), cda(document_id=SECOND, ids=other)) == "PATIENTS_MULTIPLES"


def test_a_document_about_two_patients_is_refused() -> None:
    twin = f"<recordTarget><patientRole>{patient_ids(INS)}</patientRole></recordTarget>"
    assert refusal(cda(more_patients=twin)) == "PATIENTS_MULTIPLES"


def test_the_same_document_twice_is_refused() -> None:
    assert refusal(cda(), cda()) == "DOCUMENT_REPETE"


def test_nothing_to_pack_and_too_much_to_pack_are_refused() -> None:
    assert refusal() == "INCOMPLET"
    assert refusal(cda(), cda(document_id=SECOND), limits=Limits(max_members=6)) == "TROP_GROS"


@pytest.mark.parametrize(
    ("data", "code"), [(b"<a/>", "CDA_INVALIDE"), (b"<a", "XML_INVALIDE"), (cda(ids=""), "CDA_INVALIDE")]
)
def test_what_is_no_usable_document_is_refused(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_masks_follow_the_confidentiality() -> None:
    options = PackOptions(masks=("INVISIBLE_PATIENT", "MASQUE_PS"))
    (entry,) = packed(cda(), options=options).metadata.document_entries
    assert [code.code for code in entry.confidentiality_codes] == ["N", "INVISIBLE_PATIENT", "MASQUE_PS"]
    assert entry.confidentiality_codes[1].display_name == "Non visible par le patient"


def test_a_deletion_says_so() -> None:
    options = PackOptions(deletion=True)
    (entry,) = packed(cda(version='<versionNumber value="2"/>'), options=options).metadata.document_entries
    assert entry.action == "D"


def test_a_replacement_by_association_names_the_old_entry() -> None:
    options = PackOptions(replaced_entries={"1.2.250.1.999.1.1.7000.2": "urn:uuid:old"})
    (package,) = read_xdm(packed(cda(), cda(document_id=SECOND), options=options).content)
    new = package.metadata.document_entries[1].entry_uuid
    assert package.metadata.associations[-1] == Association(RPLC, new, "urn:uuid:old", "as3")


def test_recipients_and_oid_root_are_written() -> None:
    options = PackOptions(intended_recipients=("||^^Internet^dr.x@exemple.mssante.fr",), oid_root="1.2.250.1.999")
    (package,) = read_xdm(packed(cda(), options=options).content)
    assert package.submission_set is not None
    assert package.submission_set.intended_recipients == options.intended_recipients
    assert package.submission_set.unique_id.startswith("1.2.250.1.999.")


def test_an_oid_root_without_room_is_a_matter_of_settings() -> None:
    with pytest.raises(ConfigurationError):
        packed(cda(), options=PackOptions(oid_root="1." * 31))


def test_the_readme_takes_from_the_document_what_the_sender_does_not_say() -> None:
    text = readme(packed(cda()))
    assert ". Nom : DR CLAIRE TESTEUR\r\n. Organisme : CABINET D'EXEMPLE (1010000017)\r\n" in text
    assert ". Adresse : 1 RUE DE L'EXEMPLE, 63000 CLERMONT-FERRAND\r\n. Telephone : 0100000000\r\n" in text


def test_the_readme_prefers_what_the_sender_says() -> None:
    sender = replace(SENDER, name="N", organization="O", organization_id="9", address="A", phone="P")
    package = pack([cda()], now=NOW, ids=CountingIds(), sender=sender)
    assert ". Nom : N\r\n. Organisme : O (9)\r\n. Adresse : A\r\n. Telephone : P\r\n" in readme(package)


def test_the_readme_of_a_document_by_a_device_names_the_custodian() -> None:
    device = author(who="<assignedAuthoringDevice><softwareName>S</softwareName></assignedAuthoringDevice>")
    text = readme(packed(cda(authors=device)))
    assert ". Nom : -\r\n. Organisme : CABINET D'EXEMPLE (1010000017)\r\n" in text
    assert ". Organisme : -\r\n" in readme(packed(cda(authors="", custodian="")))
