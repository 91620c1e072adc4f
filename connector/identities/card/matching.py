"""Which card is meant by which mailbox, and which mailboxes wait for one."""

from collections.abc import Iterable

from connector.identities.base import IdentityUnavailable
from connector.identities.card.errors import absent, needs_card
from connector.identities.card.subject import same_holder
from connector.identities.card.view import CardId, SeenCard
from connector.settings.model import CardChoice

__all__ = ["CardMatcher"]


class CardMatcher:
    """Remembers, as long as the process lives, whom a mailbox that names nobody was first opened with.

    ``card = {}`` means "the only card". If another practitioner's card were put in, it must not inherit what the
    first one had: such a mailbox belongs to the holder of the first card that was opened for it. Not thread-safe.
    """

    def __init__(self) -> None:
        self._holders: dict[CardChoice, str] = {}
        self._matched: dict[CardChoice, CardId] = {}
        self._wanting: set[CardChoice] = set()

    def match(self, choice: CardChoice, cards: Iterable[SeenCard]) -> SeenCard | IdentityUnavailable:
        """The card for a mailbox, or why there is none.

        Args:
            choice: of the mailbox.
            cards: all that are there.
        """
        seen = list(cards)
        known = [card for card in seen if card.is_known]
        fitting = [card for card in known if self._fits(choice, card)]
        if len(fitting) == 1:
            self._matched[choice] = fitting[0].id
            return fitting[0]
        if fitting:
            return needs_card("CARTES_MULTIPLES", f"{len(fitting)} cards fit: name holder or serial number")
        if known:
            return needs_card("CARTE_AUTRE_PORTEUR", "the card in the reader is not that of this mailbox")
        if seen:
            return needs_card(seen[0].code, seen[0].detail)
        return absent()

    def last_match(self, choice: CardChoice, cards: Iterable[SeenCard]) -> CardId | None:
        """The card of a mailbox, or the one that it was last."""
        self.match(choice, cards)
        return self._matched.get(choice)

    def bind(self, choice: CardChoice, card: SeenCard) -> None:
        """From now on the mailbox belongs to the holder of this card."""
        self._holders.setdefault(choice, _holder(card))

    def want(self, choice: CardChoice) -> None:
        """A mailbox waits for the PIN."""
        self._wanting.add(choice)

    def want_no_more(self) -> None:
        """Nobody waits any more, until somebody asks again."""
        self._wanting.clear()

    def has_opened(self, card: SeenCard) -> None:
        """Those who waited for this card wait no more."""
        self._wanting = {choice for choice in self._wanting if not self._fits(choice, card)}

    def is_wanted(self, card: SeenCard) -> bool:
        """Whether a mailbox waits for the PIN of this card."""
        return any(self._fits(choice, card) for choice in self._wanting)

    def _fits(self, choice: CardChoice, card: SeenCard) -> bool:
        holder = choice.holder or self._holders.get(choice, "")
        return (not holder or same_holder(holder, _holder(card))) and choice.serial in ("", card.serial)


def _holder(card: SeenCard) -> str:
    """Whose card it is; a certificate without national identifier is told by its name."""
    held = card.certificate
    return (held.holder or held.common_name) if held else ""
