"""Dates, numbers and words as a person reads them; every text of the page in both languages."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector.api.page.card_words import CARD_WORDS, PRESENCE_WORDS
from connector.api.page.language import Speech, speech
from connector.api.page.listing import INCOMING_SHADES, OUTGOING_FILTERS, outgoing_shade
from connector.api.page.render import assets
from connector.api.page.story import PROGRESS_WORDS, STEP_WORDS, Progress, StepName
from connector.documents.cda.html import CLASSES
from connector.documents.pdf.style import BACKGROUNDS, COLOURS
from connector.domain.states import IncomingState, OutgoingState
from connector.identities.card.status import Presence
from connector.support.received_words import INCOMING_WORDS

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "connector" / "api" / "page" / "templates"
SAID = re.compile(r"t\.say\(\s*('(?:[^'\\]|\\.)*'|\"[^\"]*\")\s*(?:~[^,]*)?,\s*('(?:[^'\\]|\\.)*'|\"[^\"]*\")")


def french(now: datetime = NOW) -> Speech:
    return Speech("fr", lambda: now, PARIS)


def english() -> Speech:
    return Speech("en", lambda: NOW, PARIS)


@pytest.mark.parametrize(
    ("moment", "fr", "en"),
    [(NOW, "aujourd'hui à 10:00", "today at 10:00"), (NOW - timedelta(days=1), "hier à 10:00", "yesterday at 10:00"),
     (datetime(2026, 11, 19, 23, 30, tzinfo=UTC), "aujourd'hui à 00:30", "today at 00:30"),
     (datetime(2026, 11, 1, 8, 0, tzinfo=UTC), "dimanche 1er novembre à 09:00", "Sunday 1 November at 09:00"),
     (datetime(2025, 7, 14, 8, 5, tzinfo=UTC), "lundi 14 juillet 2025 à 10:05", "Monday 14 July 2025 at 10:05"),
     (NOW + timedelta(days=1), "samedi 21 novembre à 10:00", "Saturday 21 November at 10:00")],
)  # fmt: skip
def test_a_moment_is_told_as_people_tell_it(moment: datetime, fr: str, en: str) -> None:
    assert french().moment(moment) == fr
    assert english().moment(moment) == en


def test_programs_get_the_moment_with_its_offset() -> None:
    assert french().stamp(NOW) == "2026-11-20T10:00:00+01:00"
    assert french().exact(NOW) == "20/11/2026 10:00:00"
    assert english().exact(NOW) == "2026-11-20 10:00:00"


@pytest.mark.parametrize(
    ("number", "fr", "en"), [(0, "0 jour", "0 days"), (1, "1 jour", "1 day"), (2, "2 jours", "2 days")]
)
def test_french_counts_zero_as_one(number: int, fr: str, en: str) -> None:
    assert french().count(number, ("jour", "jours"), ("day", "days")) == fr
    assert english().count(number, ("jour", "jours"), ("day", "days")) == en


@pytest.mark.parametrize(
    ("size", "fr", "en"),
    [(0, "0 o", "0 B"), (999, "999 o", "999 B"), (1_500, "1,5 ko", "1.5 kB"), (48_000, "48 ko", "48 kB"),
     (2_340_000, "2,3 Mo", "2.3 MB"), (7_000_000_000_000, "7000 Go", "7000 GB")],
)  # fmt: skip
def test_sizes_have_units_of_the_language(size: int, fr: str, en: str) -> None:
    assert french().size(size).replace("\xa0", " ") == fr
    assert english().size(size).replace("\xa0", " ") == en


def test_codes_are_explained_in_the_language() -> None:
    assert french().title("PIN") != english().title("PIN")
    assert french().cure("PIN") != english().cure("PIN")


@pytest.mark.parametrize(
    ("chosen", "header", "lang"),
    [("", "", "fr"), ("", "en-GB,en;q=0.8", "en"), ("", "de", "fr"), ("fr", "en", "fr"), ("en", "fr", "en")],
)
def test_the_person_chooses_else_the_browser_else_french(chosen: str, header: str, lang: str) -> None:
    assert speech(chosen, header, lambda: NOW).lang == lang


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_every_text_of_a_sheet_has_both_languages(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    said = SAID.findall(source)
    assert len(said) >= source.count("t.say(") - source.count("t.say('en', 'fr')") - source.count("t.say(finding") - 2
    assert [pair for pair in said if len(pair[0]) < 3 or len(pair[1]) < 3] == []


def test_every_state_has_a_word_and_a_look() -> None:
    assert set(PRESENCE_WORDS) == set(Presence)
    assert set(CARD_WORDS) < set(Presence)
    assert set(INCOMING_SHADES) == set(INCOMING_WORDS) == set(IncomingState)
    assert set(STEP_WORDS) == set(StepName)
    assert set(PROGRESS_WORDS) == set(Progress)
    assert all(outgoing_shade(state) for state in OutgoingState)
    words = [*PRESENCE_WORDS.values(), *STEP_WORDS.values(), *PROGRESS_WORDS.values()]
    assert all(word.fr and word.en for word in words)


def test_every_state_can_be_filtered_once() -> None:
    filtered = [state for _, states in OUTGOING_FILTERS.values() for state in states]
    assert sorted(filtered) == sorted(OutgoingState)


def test_the_style_sheet_knows_every_class_of_a_document() -> None:
    css = assets()["page.css"].content.decode()
    colours = [f"ink-{colour[1:]}" for colour in COLOURS.values()]
    colours += [f"paper-{colour[1:]}" for colour in BACKGROUNDS.values()]
    missing = [name for name in [*sorted(CLASSES), *colours] if f".{name} " not in css and f".{name}:" not in css]
    assert missing == []


def test_nothing_comes_from_elsewhere() -> None:
    everything = [asset.content.decode() for asset in assets().values()]
    everything += [path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html")]
    for text in everything:
        assert re.findall(r"https?://(?!www\.w3\.org/)", text) == []
        assert re.findall(r"<script(?! src)|\sstyle=|\son[a-z]+=|javascript:|@import|url\([^#]", text) == []
