"""Reads a card through python-pkcs11: slots, token, certificates, key. Runs on the card thread only.

Certificates are public: no PIN is needed to show whose card it is. A private key is visible after the PIN only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from pkcs11 import Attribute, ObjectClass, SlotFlag, TokenFlag
from pkcs11.exceptions import PKCS11Error

from connector.identities.card.choose import FoundCertificate
from connector.identities.card.view import SlotView

if TYPE_CHECKING:
    from pkcs11 import PrivateKey, Session, Slot, Token
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class with the name of a function

__all__ = [
    "TokenState", "asks_pin_each_time", "certificates", "find_key", "is_alive", "list_slots", "public_session",
    "slot_view", "token_state",
]  # fmt: skip


class TokenState(NamedTuple):
    """What ``C_GetTokenInfo`` says: a snapshot, to be taken anew before each PIN."""

    serial: str
    label: str
    initialised: bool
    count_low: bool
    final_try: bool
    blocked: bool
    pin_pad: bool


def list_slots(library: "Library") -> "list[Slot]":
    """All slots, with or without a card.

    One reader with a card that fails makes Cryptolib's ``C_GetSlotInfo`` fail, and with it the whole list; asked
    again at once it answers from memory. So one failure is no failure.

    Raises:
        PKCS11Error: the middleware fails twice.
    """
    try:
        return library.get_slots()
    except PKCS11Error:
        return library.get_slots()


def slot_view(slot: "Slot", *, occupied: bool) -> SlotView:
    """A slot for :mod:`connector.identities.card.view`."""
    return SlotView(slot.slot_description.strip(), bool(slot.flags & SlotFlag.HW_SLOT), occupied)


def token_state(token: "Token") -> TokenState:
    """From a token that was just asked for."""
    flags = token.flags
    return TokenState(
        serial=token.serial.decode("ascii", "replace").strip("\0 "),
        label=token.label.strip(),
        initialised=bool(flags & TokenFlag.TOKEN_INITIALIZED),
        count_low=bool(flags & TokenFlag.USER_PIN_COUNT_LOW),
        final_try=bool(flags & TokenFlag.USER_PIN_FINAL_TRY),
        blocked=bool(flags & TokenFlag.USER_PIN_LOCKED),
        pin_pad=bool(flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH),
    )


@contextmanager
def public_session(token: "Token") -> "Iterator[Session]":
    """A session without PIN, closed at the end; that closing fails on a pulled card is no news."""
    session = token.open()
    try:
        yield session
    finally:
        _close(session)


def certificates(session: "Session") -> list[FoundCertificate]:
    """All X.509 certificates that can be read."""
    found = session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
    return [
        FoundCertificate(value, _text(_attribute(one, Attribute.LABEL)), _attribute(one, Attribute.ID) or b"")
        for one in list(found)
        if (value := _attribute(one, Attribute.VALUE))
    ]


def is_alive(key: "PrivateKey") -> bool:
    """Whether the session of a key still leads to its card; the middleware answers from memory.

    A search would tell too, but python-pkcs11 ends a search that could not begin by a second error, on stderr.
    """
    return _attribute(key, Attribute.CLASS) is not None


def find_key(session: "Session", chosen: FoundCertificate, certificate: x509.Certificate) -> "PrivateKey | None":
    """The private key of a certificate: by CKA_ID, else by modulus; ``None`` when no key can be told to be its own.

    Args:
        session: after the PIN.
        chosen: the certificate as it lies on the card.
        certificate: the same.
    """
    found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
    keys = [cast("PrivateKey", key) for key in found if hasattr(key, "sign")]
    usable = [key for key in keys if _fits(key, certificate) is not False]
    same_id = [key for key in usable if chosen.key_id and _attribute(key, Attribute.ID) == chosen.key_id]
    same_number = [key for key in usable if _fits(key, certificate)]
    return next(iter(same_id or same_number), None)


def asks_pin_each_time(key: "PrivateKey") -> bool:
    """CKA_ALWAYS_AUTHENTICATE: such a key would need the PIN to be kept."""
    return bool(_attribute(key, Attribute.ALWAYS_AUTHENTICATE))


def _fits(key: "PrivateKey", certificate: x509.Certificate) -> bool | None:
    """Whether the modulus is that of the certificate; ``None`` when the key does not tell."""
    public = certificate.public_key()
    modulus = _attribute(key, Attribute.MODULUS)
    if not isinstance(public, rsa.RSAPublicKey) or not modulus:
        return None
    return int.from_bytes(modulus, "big") == public.public_numbers().n


def _attribute(one: Any, kind: Attribute) -> Any:
    """``None`` for what is not there, or not as it should be (a label in Latin-1)."""
    try:
        return one[kind]
    except (PKCS11Error, ValueError, IndexError):
        return None


def _text(value: Any) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""


def _close(session: "Session") -> None:
    try:
        session.close()
    except PKCS11Error:
        return
