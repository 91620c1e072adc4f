"""METADATA.XML: written in the order of the schema, read in every variant that is about."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.documents.xml import DEFAULT_LIMITS, parse_xml
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.xdm.ebrim_reader import read_metadata
from connector.xdm.ebrim_schema import violations
from connector.xdm.ebrim_writer import write_metadata
from connector.xdm.model import Association, AuthorEntry, CodedValue, DocumentEntry, Metadata, SubmissionSet
from tests.our_errors import only_our_errors
from tests.shared_data import sample_files
from tests.xdm.metadata_strategies import any_metadata

OASIS = sample_files("schemas/ebrs-xsd/ebRS/lcm.xsd")
ALONE = sample_files("xdm/ebrim/*.xml") + sample_files("synthetic/*METADATA.XML")


def problems(data: bytes) -> list[str]:
    return [violation.text for violation in violations(parse_xml(data, DEFAULT_LIMITS))]


def wrap(inner: str, *, root: str = "") -> bytes:
    start = root or '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0">'
    name = start[1 : start.index(" ")]
    return (
        f'{start}<RegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">{inner}'
        f"</RegistryObjectList></{name}>"
    ).encode()


def slot(name: str, *values: str) -> str:
    inner = "".join(f"<Value>{value}</Value>" for value in values)
    return f'<Slot name="{name}"><ValueList>{inner}</ValueList></Slot>'


def entry(inner: str = "", attributes: str = 'id="d1"') -> str:
    return f"<ExtrinsicObject {attributes}>{inner}</ExtrinsicObject>"


@settings(max_examples=40, deadline=None)
@given(any_metadata())
def test_what_is_written_is_read_again(metadata: Metadata) -> None:
    assert read_metadata(write_metadata(metadata)) == metadata


@settings(max_examples=40, deadline=None)
@given(any_metadata())
def test_what_is_written_follows_the_schema(metadata: Metadata) -> None:
    assert problems(write_metadata(metadata)) == []


@pytest.mark.parametrize("path", OASIS, ids=lambda path: path.name)
def test_what_is_written_follows_the_schema_of_oasis(path: Path) -> None:
    schema = etree.XMLSchema(etree.parse(path))

    @settings(max_examples=40, deadline=None)
    @given(any_metadata())
    def check(metadata: Metadata) -> None:
        schema.assertValid(etree.fromstring(write_metadata(metadata)))

    check()


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    metadata = Metadata(
        document_entries=(DocumentEntry(entry_uuid="d", unique_id="1", title='a\x00b\ufffe\tc\n<&>"'),)
    )
    (read,) = read_metadata(write_metadata(metadata)).document_entries
    assert read.title == 'a\ufffdb\ufffd\tc\n<&>"'


def test_the_same_metadata_give_the_same_bytes() -> None:
    metadata = Metadata(document_entries=(DocumentEntry(entry_uuid="d", unique_id="1"),))
    assert write_metadata(metadata) == write_metadata(metadata)


# --- tolerance ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf \r\n" + wrap(entry()),
        wrap(entry()).replace(b"RegistryObjectList", b"LeafRegistryObjectList"),
        wrap(entry()).replace(b"xsd:rim:3.0", b"rim:xsd:2.1"),
        wrap(entry(), root='<rs:SubmitObjectsRequest xmlns:rs="urn:oasis:names:tc:ebxml-regrep:registry:xsd:2.1">'),
        wrap(entry(), root='<x:ProvideAndRegister xmlns:x="urn:ihe:iti:xds-b:2007">'),
        b"<ExtrinsicObject id='d1'/>",
    ],
    ids=["bom-and-blanks", "leaf-list", "rim-2.1", "root-2.1", "envelope", "bare"],
)
def test_every_envelope_is_read(data: bytes) -> None:
    assert [one.entry_uuid for one in read_metadata(data).document_entries] == ["d1"]


def test_order_and_comments_and_blanks_do_not_matter() -> None:
    inner = (
        '<Name><!-- x --><LocalizedString value=""/><LocalizedString value=" Titre "/></Name>'
        '<Description><LocalizedString value=""/></Description>' + slot("size", " 12 ") + slot("hash", " ab ", "")
    )
    (read,) = read_metadata(wrap(entry(inner))).document_entries
    assert (read.title, read.comments, read.size, read.hash) == ("Titre", "", "12", "ab")


def test_values_escaped_twice_are_put_right() -> None:
    (read,) = read_metadata(wrap(entry(slot("sourcePatientId", "1^^^&amp;amp;1.2&amp;amp;ISO^PI")))).document_entries
    assert read.source_patient_id == "1^^^&1.2&ISO^PI"


def test_nesting_counts_and_not_the_object_that_an_attribute_names() -> None:
    inner = (
        '<Classification id="c" classificationScheme="F0306F51-975F-434E-A61C-C59651D33983" classifiedObject="other" '
        'nodeRepresentation="REMB"/>'
        '<ExternalIdentifier id="e" registryObject="other" value="1.2" '
        'identificationScheme="URN:UUID:2e82c1f6-a085-4c72-9da3-8640a32e42ab">'
        '<Name><LocalizedString value="misspelt"/></Name></ExternalIdentifier>'
    )
    (read,) = read_metadata(wrap(entry(inner))).document_entries
    assert (read.type_code, read.unique_id) == (CodedValue("REMB"), "1.2")


def test_slots_without_a_field_are_kept_and_repeated_slots_are_put_together() -> None:
    inner = slot("urn:x", "1") + slot("urn:x", "2") + slot("urn:empty") + "<Slot name='none'/>"
    (read,) = read_metadata(wrap(entry(inner))).document_entries
    assert read.extra_slots == (("urn:x", ("1", "2")),)


def test_a_long_uri_in_pieces_is_one_uri() -> None:
    (read,) = read_metadata(wrap(entry(slot("URI", "2|B.XML", "1|A")))).document_entries
    assert read.uri == "AB.XML"


@pytest.mark.parametrize("values", [("A.XML", "B.XML"), ("1|A.XML", "B.XML"), ("x|A.XML",)])
def test_anything_else_in_a_uri_is_its_first_value(values: tuple[str, ...]) -> None:
    (read,) = read_metadata(wrap(entry(slot("URI", *values)))).document_entries
    assert read.uri == values[0]


NODE = 'classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"'
FOLDER = 'classificationNode="urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"'
SET_ID = (
    '<ExternalIdentifier id="e" identificationScheme="urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832" value="1.9"/>'
)
FOLDER_ID = (
    '<ExternalIdentifier id="e" identificationScheme="urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a" value="1"/>'
)

FOLDER_PACKAGE = f'<RegistryPackage id="f">{FOLDER_ID}</RegistryPackage>'


@pytest.mark.parametrize(
    ("packages", "sets"),
    [
        (f'<RegistryPackage id="s"><Classification {NODE}/></RegistryPackage>', ["s"]),
        (f'<RegistryPackage id="s"/><Classification classifiedObject="s" {NODE}/>', ["s"]),
        (f'<RegistryPackage id="f"/><Classification classifiedObject="f" {FOLDER}/>', []),
        (f'<RegistryPackage id="s">{SET_ID}</RegistryPackage>{FOLDER_PACKAGE}', ["s"]),
        ('<RegistryPackage id="s"/>', ["s"]),
        (f'<RegistryPackage id="a"><Classification {NODE}/></RegistryPackage>' * 2, ["a", "a"]),
    ],
    ids=["nested", "sibling", "folder", "by-scheme", "unmarked", "two"],
)
def test_submission_sets_are_told_from_folders(packages: str, sets: list[str]) -> None:
    assert [one.entry_uuid for one in read_metadata(wrap(packages)).submission_sets] == sets


def test_a_set_with_all_it_may_hold() -> None:
    package = (
        f'<RegistryPackage id="s" status="Approved">{slot("submissionTime", "20260310")}'
        f"{slot('intendedRecipient', '|A^B|')}{slot('other', 'x')}"
        '<Name><LocalizedString value="T"/></Name>'
        '<Classification id="a" classificationScheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d">'
        f"{slot('authorPerson', 'P')}{slot('authorRole', 'R', 'S')}</Classification>{SET_ID}</RegistryPackage>"
    )
    (read,) = read_metadata(wrap(package)).submission_sets
    assert read == SubmissionSet(
        entry_uuid="s",
        unique_id="",
        availability_status="Approved",
        submission_time="20260310",
        title="T",
        authors=(AuthorEntry(person="P", roles=("R", "S")),),
        source_id="1.9",
        intended_recipients=("|A^B|",),
        extra_slots=(("other", ("x",)),),
    )


@pytest.mark.parametrize(
    ("kind", "replaces"),
    [("urn:ihe:iti:2007:AssociationType:RPLC", True), ("XFRM_RPLC", True), ("HasMember", False), ("APND", False)],
)
def test_associations_of_every_form(kind: str, replaces: bool) -> None:
    data = wrap(entry() + f'<Association id="a" associationType="{kind}" sourceObject="x" targetObject="y"/>')
    assert read_metadata(data).associations == (Association(kind, "x", "y", "a"),)
    assert read_metadata(data).associations[0].replaces is replaces


@pytest.mark.parametrize("data", [b"<a/>", wrap("")])
def test_a_file_without_xds_objects_is_no_metadata(data: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_metadata(data)
    assert caught.value.code == "XDM_INVALIDE"
    with pytest.raises(InvalidSubmission):
        read_metadata(data, error=InvalidSubmission)


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.name)
def test_metadata_of_others_are_read(path: Path) -> None:
    metadata = read_metadata(path.read_bytes())
    assert len(metadata.submission_sets) == 1
    assert metadata.document_entries


@given(st.binary(max_size=120), st.integers(0, 2000))
def test_damaged_metadata_raise_nothing_but_our_errors(noise: bytes, position: int) -> None:
    data = wrap(entry(slot("hash", "x")) + '<RegistryPackage id="s"/>')
    with only_our_errors(MalformedMessage, "XDM_INVALIDE", "XML_INVALIDE", "ENCODAGE"):
        read_metadata(data[: position % len(data)] + noise + data[position % len(data) :])


# --- the schema ---------------------------------------------------------------------------------------------------

GOOD = wrap(
    entry(slot("hash", "x") + '<Name><LocalizedString value="T"/></Name><VersionInfo versionName="1"/>')
    + '<RegistryPackage id="s"/><ObjectRef id="o"/>'
)


def test_a_good_file_has_no_violation() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name="hash"', "", "Slot has no attribute name"),
        ('id="s"', "", "RegistryPackage has no attribute id"),
        ('id="s"', 'id="s" color="x"', "RegistryPackage has an attribute color, which is not in the schema"),
        ('value="T"', f'value="{"T" * 1025}"', "attribute value of LocalizedString is longer than 1024 characters"),
        ("<Value>x", f"<Value>{'x' * 257}", "a Value is longer than 256 characters"),
        ("<ValueList><Value>x</Value></ValueList>", "", "a Slot has no ValueList"),
        ("<VersionInfo", "<Unknown/><VersionInfo", "ExtrinsicObject may not hold Unknown"),
        ("<VersionInfo", "<VersionInfo/><VersionInfo", "ExtrinsicObject holds VersionInfo more than once"),
        ("</ExtrinsicObject>", "<Name/></ExtrinsicObject>", "in ExtrinsicObject, Name comes after VersionInfo"),
        ("<Value>x</Value>", "<Value xmlns=''>x</Value>", "Value is in the wrong namespace"),
        ("xsd:lcm:3.0", "xsd:lcm:9", "the root is not SubmitObjectsRequest of ebXML RegRep 3.0"),
    ],
)  # fmt: skip
def test_each_violation_is_named(old: str, new: str, problem: str) -> None:
    assert any(text.endswith(problem) for text in problems(GOOD.decode().replace(old, new, 1).encode()))


def test_a_request_may_carry_slots_and_schema_locations() -> None:
    data = GOOD.decode().replace(
        "<RegistryObjectList",
        '<lcm:RequestSlotList/><RegistryObjectList xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="a b"',
        1,
    )
    assert problems(data.encode()) == []
