"""Bytes to text and back: nothing is replaced, what was guessed is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.hprim.encoding import LineEnd, decode, encode
from connector.domain.errors import InvalidSubmission
from tests.hprim.hprim_samples import ENCODINGS, EXAMPLE, LINE_ENDS, example


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidSubmission) as caught:
        decode(data)
    return caught.value.code


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_same_text_in_every_encoding_and_with_every_line_end(encoding: str, line_end: LineEnd) -> None:
    decoded = decode(example(encoding, line_end))
    assert decoded.text == EXAMPLE
    assert decoded.warnings == ()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Élodie ÉLODIE ANDRÉ", "cp1252"),
        ("ÉLODIE", "cp850"),
        ("ANDRÉ", "cp850"),
        ("Noé", "mac_roman"),
        ("Noé, 3 µmol/L à 37 °C", "mac_roman"),
        ("L’œuf à 5 €, « été »…", "cp1252"),
        ("5 € à cœur", "iso8859-15"),
        ("┌────┐\n│ été │\n└────┘", "cp850"),
        ("┌────┐\n│ été │\n└────┘", "cp437"),
        ("Insee : fort\u00a0; élevé", "cp1252"),
    ],
)
def test_little_evidence_is_enough(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text + "\n"


def test_a_byte_that_says_nothing_is_read_as_windows_and_told() -> None:
    decoded = decode(b"TESTU\xa7")
    assert (decoded.encoding, decoded.warnings) == ("cp1252", ("HPRIM_ENCODAGE_DEVINE",))


@pytest.mark.parametrize(
    "data",
    [
        b"nul \x00 inside",
        b"escape \x1b[1m",
        "lost \ufffd".encode(),
        b"\xff\xfea",
        b"\xef\xbb\xbf\xff",
        "é".encode() + "é".encode("cp1252"),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(data: bytes) -> None:
    assert refusal(data) == "ENCODAGE"


def test_padding_at_the_end_goes() -> None:
    assert decode(b"a\r\n\x1a\x00\x00").text == "a\n"
    assert decode(b"\x1a").text == ""


def test_html_is_undone_once_and_told() -> None:
    decoded = decode(b"H&eacute;mo &lt; 0.5&nbsp;g<br />\r\n&#233;t&#xE9;<br>&amp;lt; AT&T; &zzz; &#10;\r\n")
    assert decoded.text == "Hémo < 0.5 g\nété\n&lt; AT&T; &zzz; &#10;\n"
    assert decoded.warnings == ("HPRIM_HTML",)


@pytest.mark.parametrize("stored_in", ["utf-8", "cp1252"])
def test_accents_that_were_read_as_macroman_are_put_right(stored_in: str) -> None:
    text = "Hémoglobine élevée, contrôlée, très\n"
    damaged = text.encode("cp1252").decode("mac_roman")
    decoded = decode(damaged.encode(stored_in))
    assert decoded.text == text
    assert decoded.warnings == ("HPRIM_ACCENTS_REPARES",)


@pytest.mark.parametrize(
    "text", ["HÈmoglobine", "HÈmoglobine normale, RÈsultat élevé", "HÈLÈNE a un rÈsultat vÈrifiÈ"]
)
def test_a_damage_that_is_not_certain_is_only_told(text: str) -> None:
    decoded = decode(text.encode())
    assert decoded.text == text + "\n"
    assert decoded.warnings == ("HPRIM_ACCENTS_DOUTEUX",)


@pytest.mark.parametrize("text", ["HÉLÈNE", "École, À jeun", "Été très élevé", "ÉLÉONORE Éléonore"])
def test_good_capitals_are_no_damage(text: str) -> None:
    assert decode(text.encode()).warnings == ()


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_written_is_read_again(encoding: str, line_end: LineEnd) -> None:
    assert encode(EXAMPLE, encoding, line_end) == example(encoding, line_end)


def test_typographic_signs_come_as_near_as_the_code_page_allows() -> None:
    text = "L’œuf “cru” – 5 € … ≤ 3 μmol"
    assert encode(text, "cp1252").decode("cp1252") == "L’œuf “cru” – 5 € … <= 3 µmol"
    assert encode(text, "cp850").decode("cp850") == 'L\'oeuf "cru" - 5 EUR ... <= 3 µmol'
    assert encode(text, "ascii").decode("ascii") == 'L\'oeuf "cru" - 5 EUR ... <= 3 umol'


def test_what_has_no_neighbour_is_refused_and_never_a_question_mark() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        encode("≠ 3", "cp1252")
    assert caught.value.code == "ENCODAGE"


@given(st.binary(max_size=400))
def test_random_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text = decode(data).text
    except InvalidSubmission as error:
        text = error.code
    assert not set(text) & {"\ufffd", "\r", "\x00"}


NAMES = (
    "André Noé Zoé Hélène François Anaïs Loïc Jérôme Gaël Raphaël Joël Noël Éloïse Élodie Émilie Cécile Irène Agnès "
    "Geneviève Maëlys Zélie Célia Müller Gonçalves Muñoz Hervé Châtelain Prévôt Pénélope Besançon Benoît Forêt"
)


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-15", "cp850", "cp437", "mac_roman"])
@pytest.mark.parametrize("is_upper", [True, False])
def test_one_name_alone_is_read_as_it_is_or_doubted(encoding: str, *, is_upper: bool) -> None:
    """The only accented letter of a file may be in the name of its patient: another name must not come in silence."""
    names = [name.upper() if is_upper else name for name in NAMES.split()]
    written = [name for name in names if name == name.encode(encoding, "ignore").decode(encoding)]
    texts = {name: f"DUPONT\n{name}\n1 RUE DE LA PAIX\n" for name in written}
    read = {name: decode(text.encode(encoding)) for name, text in texts.items()}
    silent = [
        name for name, text in texts.items()
        if read[name].text != text and read[name].warnings != ("HPRIM_ENCODAGE_DEVINE",)
    ]  # fmt: skip
    assert silent == []
    right = sum(read[name].text == text for name, text in texts.items())
    assert right >= 0.8 * len(texts)


def test_two_code_pages_that_give_two_names_are_told() -> None:
    decoded = decode("LEFÈVRE\n".encode("cp850"))
    assert (decoded.text, decoded.warnings) == ("LEFÔVRE\n", ("HPRIM_ENCODAGE_DEVINE",))
    assert decode("LEFÈVRE\nRésultat\n".encode("cp850")).text == "LEFÈVRE\nRésultat\n"


@pytest.mark.parametrize("text", ["12–15 g/L", "l’examen", "suite…", "“cru”", "M.\u00a0Dupont – 3 ‘x’"])
def test_typographic_signs_alone_are_windows(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text + "\n"
