"""French dates and contacts, styles, list markers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.documents.pdf.french import french_time, instant_of, sex, telecom
from connector.documents.pdf.markers import marker_of
from connector.documents.pdf.style import PLAIN, Style


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("20260310151200+0100", "10/03/2026 à 15:12"), ("20260310151200.123-0500", "10/03/2026 à 15:12"),
        ("202603101512", "10/03/2026 à 15:12"), ("2026031015", "10/03/2026"), ("20260310", "10/03/2026"),
        ("202603", "03/2026"), ("2026", "2026"), ("", ""), ("hier", "hier"), ("2026-03-10", "2026-03-10"),
    ],
)  # fmt: skip
def test_times_are_french_and_local_to_the_document(value: str, shown: str) -> None:
    assert french_time(value) == shown


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("20260310151200+0100", datetime(2026, 3, 10, 15, 12, tzinfo=timezone(timedelta(hours=1)))),
        ("20260310151200-0330", datetime(2026, 3, 10, 15, 12, tzinfo=timezone(-timedelta(hours=3, minutes=30)))),
        ("202603", datetime(2026, 3, 1, tzinfo=UTC)), ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("", datetime(1970, 1, 1, tzinfo=UTC)), ("20261399", datetime(1970, 1, 1, tzinfo=UTC)),
        ("20260310+9900", datetime(1970, 1, 1, tzinfo=UTC)), ("00000101", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_an_instant_is_found_for_every_value(value: str, instant: datetime) -> None:
    assert instant_of(value) == instant


@given(st.text(alphabet="0123456789+-.", max_size=24))
def test_no_time_raises(value: str) -> None:
    assert instant_of(value).tzinfo is not None
    assert isinstance(french_time(value), str)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("tel:0147", "Tél. 0147"), ("TEL:0147", "Tél. 0147"), ("fax:0148", "Fax 0148"), ("mailto:a@b.fr", "a@b.fr"),
        ("http://a.test", "http://a.test"), ("0147", "0147"), ("tel:", ""), ("mllp:x", "mllp:x"), ("", ""),
    ],
)  # fmt: skip
def test_contacts_are_named(value: str, shown: str) -> None:
    assert telecom(value) == shown


def test_sexes_are_french_words_and_unknown_codes_stay() -> None:
    assert [sex(code) for code in ("M", "F", "U", "X")] == ["Masculin", "Féminin", "Indéterminé", "X"]


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("Bold", Style("b")), ("BoldItalics", Style("bi")), ("bold Underline", Style("bu")), ("Emphasis", Style("i")),
        ("xRed", Style(colour="#c00000")), ("xxBlue", Style(colour="#0000c0")),
        ("xFgColourGreen", Style(colour="#007000")),
        ("xColor-Red", Style(colour="#c00000")), ("xBgColorYellow", Style(background="#fff6b0")),
        ("xallIndent", PLAIN), ("xBgBeige", PLAIN), ("Toprule", PLAIN), ("", PLAIN), (None, PLAIN),
    ],
)  # fmt: skip
def test_style_codes_are_understood_or_ignored(codes: str | None, style: Style) -> None:
    assert PLAIN.with_codes(codes) == style


def test_styles_add_up() -> None:
    assert Style("b", "#c00000").with_codes("Bold Italics") == Style("bi", "#c00000")


@pytest.mark.parametrize(
    ("attributes", "index", "depth", "marker"),
    [
        ("", 0, 0, "•"), ("", 0, 1, "◦"), ("", 0, 2, "▪"), ("", 0, 3, "•"), ('styleCode="Circle"', 0, 0, "◦"),
        ('listType="ordered"', 2, 0, "3."), ('listType="ordered" styleCode="Disc"', 0, 0, "1."),
        ('styleCode="Arabic"', 9, 0, "10."), ('styleCode="LittleRoman"', 13, 0, "xiv."),
        ('styleCode="BigRoman"', 1993, 0, "MCMXCIV."), ('styleCode="LittleAlpha"', 0, 0, "a."),
        ('listType="ordered" styleCode="Bold BigAlpha"', 27, 0, "AB."), ('listType="unordered"', 0, 0, "•"),
    ],
)  # fmt: skip
def test_markers_follow_type_and_style(attributes: str, index: int, depth: int, marker: str) -> None:
    assert marker_of(etree.fromstring(f"<list {attributes}/>"), index, depth) == marker
