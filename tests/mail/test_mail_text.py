"""Folding, charsets, encoded words, HTML, addresses and parameters: the small grammars of mail."""

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mail.addresses import Contact, parse_contacts
from connector.mail.html_text import html_to_text
from connector.mail.parameters import format_parameter, parse_parameters
from connector.mail.text import ascii_fold, clean_line, decode_text
from connector.mail.words import decode_words, encode_words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Lettre de liaison à la sortie d’un établ.", "Lettre de liaison a la sortie d'un etabl."),
        ("Cœur, ex æquo – ŒUVRE", "Coeur, ex aequo - OEUVRE"),
        ("CR\u00a0d'examens\r\n biologiques", "CR d'examens biologiques"),
        ("Straße Øster Łódź", "Strasse Oster Lodz"),
        ("l´hôpital « Nord »", 'l\'hopital " Nord "'),
        ("文書 β \x00\x7f!", "!"),
        ("e\u0301tat", "etat"),
        ("", ""),
    ],
)
def test_folding_keeps_the_words(text: str, folded: str) -> None:
    assert ascii_fold(text) == folded


@given(st.text())
def test_folded_text_is_printable_ascii_and_stays_the_same(text: str) -> None:
    folded = ascii_fold(text)
    assert all(" " <= character <= "~" for character in folded)
    assert ascii_fold(folded) == folded


@given(st.text(alphabet=st.characters()))
def test_a_clean_line_cannot_end_a_header(text: str) -> None:
    line = clean_line(text)
    assert len(line.splitlines()) <= 1
    assert "\0" not in line
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("é".encode(), "utf-8", "é"),
        (b"\xe9\x92", "iso-8859-1", "é’"),
        (b"\xe9", "utf-8", "é"),
        ("é".encode(), "x-unknown", "é"),
        (b"\xe9", "us-ascii", "é"),
        (b"\x8e", "macroman", "é"),
        (b"\x82", "cp850", "é"),
        (b"\x81", "", "\x81"),
        (b"a", "utf-16", "a"),
        (b"abc", "base64", "abc"),
        (b"abc", "unicode_escape", "abc"),
        (b"abc", "a\0b", "abc"),
        (b"abc", "'utf-8'", "abc"),
    ],
)
def test_text_decodes_whatever_was_declared(data: bytes, charset: str, text: str) -> None:
    assert decode_text(data, charset) == text


@given(st.binary(), st.text(max_size=20))
def test_decoding_never_fails(data: bytes, charset: str) -> None:
    assert isinstance(decode_text(data, charset), str)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Lab_=C3=A9?= x", "Lab é x"),
        ("=?UTF-8?B?w6k=?=\t=?utf-8?b?w6k?=", "éé"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=", "éé"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?utf-8*fr?q?a?=", "a"),
        ("=?bogus?q?=E9?=", "é"),
        ("=?utf-8?b?A?=", "A"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("x =?utf-8?q?a", "x =?utf-8?q?a"),
    ],
)
def test_encoded_words_are_read_leniently(value: str, text: str) -> None:
    assert decode_words(value) == text


@given(st.text())
def test_decoding_words_never_fails(value: str) -> None:
    decode_words(value)


@given(st.text(max_size=300))
def test_encoded_words_read_back(text: str) -> None:
    text = clean_line(text)
    encoded = encode_words(text, header_name="Subject")
    assert encoded.isascii()
    assert decode_words(encoded.replace("\r\n ", " ")) == text


def test_ascii_that_looks_encoded_is_encoded_again() -> None:
    disguised = "=?utf-8?q?=5BFIN=5D?="
    encoded = encode_words(disguised, header_name="Subject")
    assert encoded != disguised
    assert decode_words(encoded) == disguised


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Bonjour <b>docteur</b>,</p><p>Merci&nbsp;!</p>", "Bonjour docteur,\n\nMerci !"),
        ("<html><head><title>t</title><style>p{}</style></head><body>a<br>b</body></html>", "a\nb"),
        ("<script>if (a < b) alert('</p>')</script>reste", "reste"),
        ("a<!-- <p>caché</p> -->b", "ab"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1\t2"),
        ("3 < 4 &amp; 5 > 4 - 2", "3 < 4 & 5 > 4 - 2"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("ligne\n  suite", "ligne suite"),
    ],
)
def test_html_gives_its_text(source: str, text: str) -> None:
    assert html_to_text(source) == text


@given(st.text(alphabet="<>-!/ abps&#;\n"))
def test_html_never_fails(source: str) -> None:
    html_to_text(source)


@pytest.mark.parametrize(
    ("value", "contacts"),
    [
        ("a@X.fr", [Contact("", "a@x.fr")]),
        ("Leo Dupond <1@patient.mssante.fr>", [Contact("Leo Dupond", "1@patient.mssante.fr")]),
        ('"Martin, Dr" <m@x.fr>, b@x.fr', [Contact("Martin, Dr", "m@x.fr"), Contact("", "b@x.fr")]),
        ("=?utf-8?q?Lab_=C3=A9?= <l@x.fr>", [Contact("Lab é", "l@x.fr")]),
        ('"=?utf-8?q?Lab_=C3=A9?=" <l@x.fr>', [Contact("Lab é", "l@x.fr")]),
        ("a@x.fr (Alix (MG))", [Contact("Alix MG", "a@x.fr")]),
        ("équipe: a@x.fr, B <b@x.fr>;", [Contact("", "a@x.fr"), Contact("B", "b@x.fr")]),
        ("undisclosed-recipients:;", []),
        ("<>", []),
        ("personne", [Contact("personne", "")]),
        ('"x\\"y" <a@x.fr', [Contact('x"y', "a@x.fr")]),
        ("a <b@c.fr> <d@e.fr>", [Contact("a", "d@e.fr")]),
        (")) a@x.fr", [Contact("", "a@x.fr")]),
        ("", []),
    ],
)
def test_contacts_are_read_leniently(value: str, contacts: list[Contact]) -> None:
    assert list(parse_contacts(value)) == contacts


@given(st.text(alphabet='ab@<>(),;:"\\ \r\n='))
def test_contacts_never_fail_and_hold_no_line_end(value: str) -> None:
    for contact in parse_contacts(value):
        assert len(f"{contact.name}{contact.address}".splitlines()) == 1


def test_endless_lists_and_nested_comments_are_bounded() -> None:
    assert len(parse_contacts("a@b.fr," * 5000)) == 1000
    assert parse_contacts("(" * 60_000) == ()


def test_the_domain_of_a_contact() -> None:
    assert Contact("", "a@x.fr").domain == "x.fr"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        ("attachment; filename*=UTF-8''CR%20%C3%A9.pdf", "CR é.pdf"),
        ("attachment; filename*0*=iso-8859-1'fr'%E9; filename*1=t.pdf", "ét.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("attachment; filename=old.pdf; filename*=utf-8''new.pdf", "new.pdf"),
        ('attachment; filename="=?utf-8?q?=C3=A9.pdf?="', "é.pdf"),
        ('attachment; filename="a;b\\"c.pdf"', 'a;b"c.pdf'),
        (r'attachment; filename="C:\dir\a.pdf"', r"C:\dir\a.pdf"),
        ('attachment; filename="open', "open"),
        ("attachment; filename*=plain", "plain"),
        ("attachment; filename*0=a; filename*=b", "a"),
        ("attachment; FileName=a; filename=b", "a"),
        ("attachment", ""),
    ],
)
def test_parameters_are_read_leniently(value: str, name: str) -> None:
    disposition, parameters = parse_parameters(value)
    assert disposition == "attachment"
    assert parameters.get("filename", "") == name


@given(st.text(alphabet="ab;*=0'\"%\\ é\r\n"))
def test_parameters_never_fail(value: str) -> None:
    parse_parameters("x; " + value)


@given(st.text(max_size=400))
def test_a_written_parameter_reads_back_here_and_in_the_library(value: str) -> None:
    value = clean_line(value)
    written = format_parameter("filename", value)
    assert all(len(line) <= 240 for line in written.split("\r\n"))
    unfolded = "attachment" + written.replace("\r\n", "")
    assert parse_parameters(unfolded)[1]["filename"] == value
    message = Message()
    message["Content-Disposition"] = unfolded
    assert message.get_filename("") == value.strip()


def test_a_name_of_the_reference_with_accents_uses_rfc_2231() -> None:
    written = format_parameter("filename", "20220531_CR d'imagerie médicale_CORSE_FIGATELLIX.pdf")
    assert " filename*0*=UTF-8" in written
    assert written.isascii()
    assert format_parameter("filename", "é.pdf") == ";\r\n filename*=UTF-8''%C3%A9.pdf"


def test_a_name_that_looks_encoded_stays_what_it_is() -> None:
    name = "=?utf-8?q?a?=.pdf"
    assert parse_parameters("attachment" + format_parameter("filename", name))[1]["filename"] == name
