"""Tells the person on the desktop that something needs them: once when it begins, once when it is settled."""

from collections.abc import Callable
from dataclasses import dataclass, field

from connector.api.page.card_words import Tone
from connector.api.page.need import Facts, Need, need
from connector.domain.errors import Unavailable
from connector.domain.text import Text
from connector.platform.notice import Notices

__all__ = ["NOTICE_SECONDS", "Herald"]

NOTICE_SECONDS = 15.0
"""Between two looks."""

_TITLE = Text("Connecteur MSSanté", "MSSanté connector")
_SETTLED = Text("C'est réglé : tout repart.", "It is settled: everything goes on.")
_CALLING = (Tone.STOP, Tone.ACT)


@dataclass(slots=True)
class Herald:
    """Looks now and then, and speaks at most twice about one spell of trouble.

    What is needed must be there at two looks in a row, and gone at two: a card that is put in again at once, or a
    message that fails and leaves again, is nobody's business.

    Args:
        facts: what the choice depends on; may ask the journal.
        notices: of the desktop.
        lang: ``fr`` or ``en``.
    """

    facts: Callable[[], Facts]
    notices: Notices
    lang: str = "fr"
    _is_told: bool = field(default=False, init=False)
    _was_calling: bool = field(default=False, init=False)

    def look(self) -> None:
        """Call it from time to time; never by two threads at once."""
        try:
            found = need(self.facts())
        except Unavailable:
            return  # the journal is busy: the next look tells
        is_calling = found.tone in _CALLING
        is_steady, self._was_calling = is_calling == self._was_calling, is_calling
        if is_steady and is_calling != self._is_told:
            self._is_told = is_calling
            self._tell(found if is_calling else None)

    def _tell(self, found: Need | None) -> None:
        sentence = found.notice if found is not None else _SETTLED
        index = int(self.lang == "en")
        self.notices.show(_TITLE[index], sentence[index])
