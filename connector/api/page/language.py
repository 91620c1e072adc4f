"""The language of a page: what the person chose, else what the browser prefers; French when neither says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from connector.api.problem import language
from connector.domain.catalogue import explain
from connector.domain.text import Text

__all__ = ["Speech", "speech"]

_MONTHS = Text(
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "January February March April May June July August September October November December",
)
_DAYS = Text(
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Says things in one of the two languages.

    Args:
        lang: ``fr`` or ``en``.
        now: wall clock, to say "today".
        zone: of the person; ``None`` = that of the machine.
    """

    lang: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    zone: tzinfo | None = None

    def say(self, fr: str, en: str) -> str:
        """The one that the person reads."""
        return en if self.lang == "en" else fr

    def text(self, text: Text) -> str:
        """The same for a pair."""
        return self.say(*text)

    def count(self, number: int, fr: tuple[str, str], en: tuple[str, str]) -> str:
        """A number with its word in singular or plural; French counts zero as singular."""
        plural_fr, plural_en = number >= 2, number != 1
        return self.say(f"{number} {fr[plural_fr]}", f"{number} {en[plural_en]}")

    def title(self, code: str) -> str:
        """What happened, by its code."""
        texts = explain(code)
        return self.say(texts.title_fr, texts.title_en)

    def cure(self, code: str) -> str:
        """What to do about it."""
        texts = explain(code)
        return self.say(texts.cure_fr, texts.cure_en)

    def local(self, moment: datetime) -> datetime:
        """In the person's own time."""
        return moment.astimezone(self.zone)

    def time(self, moment: datetime) -> str:
        """``09:05``."""
        return f"{self.local(moment):%H:%M}"

    def day(self, moment: datetime) -> str:
        """``aujourd'hui``, ``hier``, ``jeudi 19 novembre``, with the year when it is another one."""
        local, today = self.local(moment), self.local(self.now())
        if (days := (today.date() - local.date()).days) in (0, 1):
            return self.say(("aujourd'hui", "hier")[days], ("today", "yesterday")[days])
        weekday = self.text(_DAYS).split()[local.weekday()]
        month = self.text(_MONTHS).split()[local.month - 1]
        number = "1er" if local.day == 1 and self.lang != "en" else str(local.day)
        year = f" {local.year}" if local.year != today.year else ""
        return f"{weekday} {number} {month}{year}"

    def moment(self, moment: datetime) -> str:
        """``aujourd'hui à 09:05``."""
        return f"{self.day(moment)} {self.say('à', 'at')} {self.time(moment)}"

    def exact(self, moment: datetime) -> str:
        """``20/11/2026 09:05:12``, for whoever compares with another log."""
        return self.local(moment).strftime(self.say("%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"))

    def stamp(self, moment: datetime) -> str:
        """For ``<time datetime>``: ISO 8601 with the offset."""
        return self.local(moment).isoformat(timespec="seconds")

    def size(self, size_bytes: int) -> str:
        """``1,2 Mo``."""
        units = Text("o ko Mo Go", "B kB MB GB")
        value, words = float(size_bytes), self.text(units).split()
        while value >= 1000 and len(words) > 1:
            value, words = value / 1000, words[1:]
        number = f"{value:.0f}" if value >= 10 or words[0] in ("o", "B") else f"{value:.1f}"
        return f"{number.replace('.', self.say(',', '.'))}\N{NO-BREAK SPACE}{words[0]}"


def speech(chosen: str, accept_language: str, now: Callable[[], datetime]) -> Speech:
    """The speech for a request.

    Args:
        chosen: by the person; empty = not yet.
        accept_language: header of the request.
        now: wall clock.
    """
    return Speech(chosen or language(accept_language), now)
