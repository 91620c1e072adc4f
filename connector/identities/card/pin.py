"""The way of a PIN to the card: once, never stored, wiped behind itself; and when it does not go at all."""

import re

from connector.domain.errors import ConnectorError
from connector.identities.base import IdentityUnavailable
from connector.identities.card.errors import Failure, Trouble, absent, failing, needs_card, needs_pin
from connector.identities.card.token import TokenState

__all__ = ["Pin", "refusal_before", "refusal_of"]

_FOUR_DIGITS = re.compile(r"[0-9]{4}")  # of a CPS


class Pin:
    """The digits, in memory that can be wiped. python-pkcs11 asks it for its bytes as it would ask a ``str``.

    The ``str`` in which a PIN came cannot be wiped; nobody here keeps it.

    Args:
        digits: what the person typed.

    Raises:
        NeedsPerson: ``PIN_FORMAT``: not four digits, so it cannot be right. A wrong length costs a try with some
            middleware.
    """

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if not _FOUR_DIGITS.fullmatch(digits):
            del digits  # a traceback keeps what its frames hold
            raise needs_pin("PIN_FORMAT", "a PIN has four digits; nothing was sent to the card")
        self._digits = bytearray(digits.encode("ascii"))

    def encode(self, _encoding: str = "utf-8") -> bytearray:
        """For python-pkcs11; the caller does not keep it."""
        return self._digits

    def wipe(self) -> None:
        """Overwrite it."""
        self._digits[:] = bytes(len(self._digits))

    def __repr__(self) -> str:
        return "Pin(...)"


def refusal_before(state: TokenState, *, typed: bool, accept_last_try: bool) -> IdentityUnavailable | None:
    """Why a PIN is not even sent; ``None`` when it may be.

    Args:
        state: of the token, asked for right now.
        typed: it was typed here, not at the reader.
        accept_last_try: the person knows that a wrong one blocks the card.
    """
    if state.blocked:
        return needs_card("CARTE_BLOQUEE", "too many wrong PINs: the card is blocked; nothing was sent")
    if state.final_try and not accept_last_try:
        return needs_pin("PIN_DERNIER_ESSAI", "one wrong PIN more blocks the card; nothing was sent")
    if typed and state.pin_pad:
        return needs_pin("PIN_AU_LECTEUR", "this reader takes the PIN on its own pad; nothing was sent")
    if not typed and not state.pin_pad:
        return needs_pin("PIN", "this reader has no pad: the PIN must be typed here")
    return None


_WRONG = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})


def refusal_of(failure: Failure, state: TokenState | None) -> ConnectorError:
    """What it means that ``C_Login`` failed. Whatever it means, this PIN is never sent again.

    Args:
        failure: of the call.
        state: of the token after it; ``None`` when it cannot be read.
    """
    if failure.name == "PinLocked" or (failure.name in _WRONG and state is not None and state.blocked):
        return needs_card("CARTE_BLOQUEE", "the PIN was wrong and the card is blocked now")
    if failure.name in _WRONG:
        return needs_pin("PIN_FAUX", "the card refused the PIN")
    if failure.name == "FunctionCancelled":
        return needs_pin("PIN_ABANDONNE", "no PIN was typed at the reader in time")
    if failure.name in {"UserPinNotInitialized", "PinExpired"}:
        return needs_card("PIN_NON_INITIALISE", f"the card takes no PIN ({failure.name})")
    if failure.kind is not Trouble.OTHER:
        return absent("the card was taken out before the PIN could be given")
    return failing(f"the card did not take the PIN ({failure.name})")
