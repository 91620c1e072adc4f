"""What each failure of reader, card and middleware means, and the one place where foreign exceptions end.

No exception of python-pkcs11 leaves the card thread. Its traceback would keep alive what it was raised from – a
search or a signature that closes itself when it is collected, by a call to the middleware, in whatever thread that
happens – and the frame that held the PIN. So it is turned into a value first, and ours is raised outside of the
handler.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from pkcs11.exceptions import (
    DeviceRemoved,
    KeyHandleInvalid,
    ObjectHandleInvalid,
    PKCS11Error,
    SessionClosed,
    SessionHandleInvalid,
    SlotIDInvalid,
    TokenNotPresent,
    TokenNotRecognised,
    UserNotLoggedIn,
)

from connector.domain.errors import Unavailable
from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable

__all__ = ["Failure", "Trouble", "absent", "attempt", "failing", "needs_card", "needs_pin"]

_Result = TypeVar("_Result")

_GONE = (DeviceRemoved, TokenNotPresent, TokenNotRecognised, SlotIDInvalid)
_SESSION_LOST = (SessionHandleInvalid, SessionClosed, ObjectHandleInvalid, KeyHandleInvalid, UserNotLoggedIn)


class Trouble(Enum):
    """What kind of failure a PKCS#11 error is."""

    GONE = "the card is not in the reader any more"
    SESSION_LOST = "the card was taken out and put back, or another program has reset it"
    OTHER = "the card or the middleware fails"


class Failure(Exception):
    """A PKCS#11 error as a value: nothing of python-pkcs11 hangs on it.

    Args:
        kind: what it means.
        name: its class (``PinIncorrect``), or for what python-pkcs11 does not know, its code in hexadecimal.
    """

    def __init__(self, kind: Trouble, name: str) -> None:
        super().__init__(name)
        self.kind = kind
        self.name = name


def attempt(work: Callable[[], _Result]) -> _Result:
    """Do something with the middleware.

    Raises:
        Failure: the middleware said no, or something that python-pkcs11 cannot read.
    """
    try:
        return work()
    except (PKCS11Error, ValueError, LookupError) as error:
        failure = Failure(_kind(error), _name(error))
    raise failure


def _kind(error: Exception) -> Trouble:
    if isinstance(error, _GONE):
        return Trouble.GONE
    return Trouble.SESSION_LOST if isinstance(error, _SESSION_LOST) else Trouble.OTHER


def _name(error: Exception) -> str:
    """A vendor's own code comes as text (``Unmapped error code 0x80000001``); every other message is fixed too."""
    return str(error).rstrip(".") if type(error) is PKCS11Error else type(error).__name__


def needs_card(code: str, detail: str) -> IdentityUnavailable:
    """Something that a person ends with a card: putting it in, another one, a new one."""
    return IdentityUnavailable(code, detail, WaitingFor.CARD)


def needs_pin(code: str, detail: str) -> IdentityUnavailable:
    """Something that a person ends by typing the PIN."""
    return IdentityUnavailable(code, detail, WaitingFor.PIN)


def absent(detail: str = "the card is not in the reader") -> IdentityUnavailable:
    """The card is not there."""
    return needs_card("CARTE_ABSENTE", detail)


def failing(detail: str) -> Unavailable:
    """Card or middleware does not answer, or answers nonsense."""
    return Unavailable("CARTE_DEFAILLANTE", detail)
