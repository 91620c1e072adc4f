"""XML from outside: what is read, and what is refused before it can do anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents import xml
from connector.documents.xml import local_name, parse_xml
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.domain.limits import Limits
from tests.our_errors import only_our_errors

LIMITS = Limits()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<a>x</a>", "x"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a>\xc3\xa9</a>", "é"),
        (b" \r\n<?xml version='1.0'?>\n<a>x</a>\n", "x"),
        (b"\n\xef\xbb\xbf <?xml version='1.0'?><a>\xc3\xa9</a>", "é"),
        (b"<?xml version='1.0' encoding='ISO-8859-15'?><a>\xe9\xa4</a>", "é€"),
        (b"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>", "€"),
        ("<?xml version='1.0' encoding='UTF-16'?><a>é</a>".encode("utf-16"), "é"),
        ("<a>é</a>".encode("utf-16-be"), "é"),
        ("<a>é</a>".encode("utf-16-le"), "é"),
        (b"<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa9</a>", "é"),
    ],
    ids=["plain", "bom", "blanks", "blank-bom", "latin9", "cp1252", "utf16", "utf16be", "utf16le", "wrong-utf16"],
)
def test_reads_every_usual_encoding_and_what_stands_before_the_declaration(data: bytes, text: str) -> None:
    assert parse_xml(data, LIMITS).text == text


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b"<!doctype a><a/>",
        b"<?xml version='1.0'?>\n<!-- x --><?pi y?>\n<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"\xef\xbb\xbf <!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<!--" + b"-x" * 1000 + b"--><!DOCTYPE a><a/>",
    ],
    ids=["plain", "lower", "after-prolog", "external", "utf16", "after-comment"],
)
def test_refuses_every_document_type_declaration(data: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(data, LIMITS)
    assert caught.value.code == "XML_INVALIDE"


def test_a_declaration_that_hides_from_the_first_lock_meets_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "_prolog_end", len)
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(b"<!DOCTYPE a><a/>", LIMITS)
    assert caught.value.code == "XML_INVALIDE"


@pytest.mark.parametrize(
    "data",
    [b"", b"  ", b"text", b"<a>", b"<a>&undefined;</a>", b"<a>\xff</a>", b"\x00" * 8, b"<a/><b/>"],
    ids=["empty", "blank", "text", "open", "entity", "bytes", "zeros", "two-roots"],
)
def test_refuses_what_is_not_well_formed(data: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(data, LIMITS)
    assert caught.value.code == "XML_INVALIDE"


@pytest.mark.parametrize("name", ["UTF-7", "cp037", "HZ-GB-2312", "x"])
def test_refuses_character_sets_that_could_hide_a_declaration(name: str) -> None:
    data = f"<?xml version='1.0' encoding='{name}'?><a/>".encode()
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(data, LIMITS)
    assert caught.value.code == "ENCODAGE"


def test_refuses_bytes_that_only_seem_to_be_utf16() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(b"\xff\xfe<\x00a\x00\x00\xd8", LIMITS)
    assert caught.value.code == "ENCODAGE"


def test_measures_the_size_before_parsing() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(b"<a/>" + b" " * 100, Limits(max_xml_bytes=50))
    assert caught.value.code == "TROP_GROS"


@pytest.mark.parametrize("depth", [3, 256])
def test_bounds_the_depth(depth: int) -> None:
    limits = Limits(max_xml_depth=depth)
    assert parse_xml(b"<a>" * depth + b"</a>" * depth, limits) is not None
    with pytest.raises(MalformedMessage) as caught:
        parse_xml(b"<a>" * (depth + 1) + b"</a>" * (depth + 1), limits)
    assert caught.value.code == "TROP_GROS"


def test_a_bottomless_document_is_refused_without_recursion_of_ours() -> None:
    with pytest.raises(MalformedMessage):
        parse_xml(b"<a>" * 100_000, LIMITS)


def test_reads_a_text_above_the_ordinary_limit_of_libxml2() -> None:
    text = b"A" * (11 << 20)
    assert len(parse_xml(b"<a>" + text + b"</a>", LIMITS).text or "") == len(text)


def test_drops_comments_and_instructions() -> None:
    root = parse_xml(b"<?xml-stylesheet href='#'?><a>x<!-- c -->y<?pi z?></a>", LIMITS)
    assert (root.text, len(root)) == ("xy", 0)


def test_raises_the_error_of_the_caller_and_never_quotes_the_document() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_xml(b"<a>DUPONT</b>", LIMITS, error=InvalidSubmission, code="CDA_INVALIDE")
    assert caught.value.code == "CDA_INVALIDE"
    assert "DUPONT" not in str(caught.value)
    assert "line 1" in caught.value.detail


def test_local_name_has_no_namespace() -> None:
    root = parse_xml(b"<x:a xmlns:x='urn:x'><b/></x:a>", LIMITS)
    assert [local_name(root), local_name(root[0])] == ["a", "b"]


def test_local_name_of_a_comment_is_empty() -> None:
    from lxml import etree

    assert local_name(etree.Comment("x")) == ""


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_our_errors(data: bytes) -> None:
    with only_our_errors(MalformedMessage, "XML_INVALIDE", "ENCODAGE"):
        parse_xml(data, LIMITS)


@given(st.text(max_size=60), st.sampled_from(["", "\ufeff", " \n"]), st.sampled_from(["utf-8", "utf-16"]))
def test_arbitrary_text_after_a_good_start_raises_nothing_but_our_errors(
    tail: str, start: str, encoding: str
) -> None:
    with only_our_errors(MalformedMessage, "XML_INVALIDE", "ENCODAGE"):
        parse_xml(f"{start}<?xml version='1.0'?><a>{tail}".encode(encoding, "ignore"), LIMITS)
