"""One card that the middleware shows: reading it, opening it, locking it. Runs on the card thread only."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11.types import PROTECTED_AUTH

from connector.domain.ports import Clock
from connector.identities.card.choose import Choice, FoundCertificate, choose, validity
from connector.identities.card.errors import Failure, attempt, needs_card, needs_pin
from connector.identities.card.pin import Pin
from connector.identities.card.policy import Opening
from connector.identities.card.signer import RawSignature, can_pss
from connector.identities.card.subject import describe, issuers_of
from connector.identities.card.token import (
    TokenState,
    asks_pin_each_time,
    certificates,
    find_key,
    is_alive,
    public_session,
    token_state,
)
from connector.identities.card.view import SeenCard

if TYPE_CHECKING:
    from pkcs11 import PrivateKey, Session, Slot, Token

__all__ = ["HeldCard", "Stay", "read_card"]


@dataclass(frozen=True, slots=True)
class Stay:
    """What tells two stays of a card in a reader apart."""

    reader: str
    connection: int  # to the card service
    events: int  # cards put in and taken out of this reader

    def continues(self, other: "Stay", *, alive: bool) -> bool:
        """Whether ``other``, seen before, is the same stay.

        Args:
            other: of before.
            alive: the session of the card still leads to it: then a new connection to the card service is no reason.
        """
        if self.reader != other.reader:
            return False
        return self == other or (alive and self.connection != other.connection)


@dataclass(slots=True)
class HeldCard:
    """A card, and what was opened on it."""

    slot: "Slot"
    stay: Stay
    seen: SeenCard
    found: FoundCertificate | None = None  # its authentication certificate
    session: "Session | None" = field(default=None, repr=False)  # with PIN
    key: Any = field(default=None, repr=False)  # a pkcs11 PrivateKey that can sign
    opening: Opening | None = None

    def is_alive(self) -> bool:
        """Whether what was opened still leads to the card."""
        return self.key is not None and is_alive(self.key)

    def ask_token(self) -> "tuple[Token, TokenState]":
        """The token and its flags as they are now.

        Raises:
            Failure: the middleware does not show it any more.
        """
        token = attempt(self.slot.get_token)
        self.update(state := token_state(token))
        return token, state

    def update(self, state: TokenState) -> None:
        """Take over how many tries are left."""
        self.seen = replace(
            self.seen, count_low=state.count_low, final_try=state.final_try, blocked=state.blocked,
            pin_pad=state.pin_pad,
        )  # fmt: skip

    def check_dates(self, now: datetime) -> None:
        """Note that the certificate has expired since the card was put in."""
        if self.found is not None and not self.seen.code:
            self.seen = replace(self.seen, code=validity(self.found, now))

    def open(self, token: "Token", pin: Pin | None, clock: Clock) -> None:
        """Log in – exactly one ``C_Login`` – and find the key.

        Args:
            token: asked for right now.
            pin: ``None`` = at the reader.
            clock: for the moment.

        Raises:
            Failure: the card did not take it.
            NeedsPerson: ``CARTE_SANS_CLE``, ``CLE_PIN_A_CHAQUE_FOIS``: the PIN was right, the card is of no use.
        """
        given = PROTECTED_AUTH if pin is None else cast("str", pin)  # all that is asked of it is encode()
        session = attempt(partial(token.open, user_pin=given))
        key = attempt(partial(self._usable_key, session))
        if key is None:
            self._close(session)
            raise needs_card(self.seen.code, self.seen.detail)
        self.session, self.key = session, key
        self.opening = Opening(clock.now(), clock.monotonic())
        self.seen = replace(self.seen, is_open=True, count_low=False, final_try=False, blocked=False)

    def _usable_key(self, session: "Session") -> "PrivateKey | None":
        """The private key; ``None`` when there is none that can be used, with the reason noted on the card."""
        found = self.found
        key = find_key(session, found, found.parsed) if found and found.parsed else None
        if key is None:
            self.seen = replace(self.seen, code="CARTE_SANS_CLE", detail="the card holds no key for its certificate")
        elif asks_pin_each_time(key):
            text = "the key wants the PIN for each signature; it would have to be kept"
            self.seen = replace(self.seen, code="CLE_PIN_A_CHAQUE_FOIS", detail=text)
            return None
        return key

    def sign(self, wanted: RawSignature, clock: Clock) -> bytes:
        """One ``C_Sign``.

        Raises:
            Failure: the card did not sign.
            NeedsPerson: ``PIN``: it is not open.
        """
        key, opening = self.key, self.opening
        if key is None or opening is None:
            raise needs_pin("PIN", "the card is locked")
        work = partial(key.sign, wanted.data, mechanism=wanted.mechanism, mechanism_param=wanted.parameter)
        signature: bytes = attempt(work)
        self.opening = replace(opening, last_signature=clock.monotonic())
        return signature

    def lock(self) -> None:
        """Log out and close; a card that is gone does it by itself."""
        session = self.session
        self.forget()
        if session is not None:
            self._close(session)

    def forget(self) -> None:
        """Drop what was opened without a word to the middleware: after a re-start its handles mean something else."""
        self.session = self.key = self.opening = None
        self.seen = replace(self.seen, is_open=False)

    def _close(self, session: "Session") -> None:
        with suppress(Failure):
            attempt(session.close)


def read_card(
    slot: "Slot", token: "Token", stay: Stay, *, issuers: Sequence[str], known: Sequence[x509.Certificate],
    now: datetime,
) -> HeldCard:  # fmt: skip
    """Read a card that was put in: whose it is and what it can do. No PIN is needed.

    Args:
        slot: where it is.
        token: in there.
        stay: this one.
        issuers: ``card.issuers`` of the settings.
        known: certificates of authorities, for the chain, beside those on the card.
        now: aware.
    """
    state = token_state(token)
    seen = SeenCard(stay.reader, state.serial, state.label)
    held = HeldCard(slot, stay, seen)
    held.update(state)
    try:
        found = attempt(partial(_certificates, token))
        mechanisms = frozenset(attempt(slot.get_mechanisms))
    except Failure as failure:
        text = f"the middleware cannot read this card ({failure.name})"
        held.seen = replace(held.seen, code="CARTE_INCONNUE", detail=text)
        return held
    _identify(held, found, choose(found, issuers=issuers, now=now), mechanisms, known)
    return held


def _certificates(token: "Token") -> list[FoundCertificate]:
    with public_session(token) as session:
        return certificates(session)


def _identify(
    held: HeldCard, found: Sequence[FoundCertificate], choice: Choice, mechanisms: frozenset[object],
    known: Sequence[x509.Certificate],
) -> None:  # fmt: skip
    held.found = chosen = choice.certificate
    held.seen = replace(held.seen, code=choice.code, detail=choice.detail)
    if chosen is None or chosen.parsed is None:
        return
    on_card = [one.parsed for one in found if one.parsed is not None]
    chain = issuers_of(chosen.parsed, [*on_card, *known])
    held.seen = replace(
        held.seen, certificate=describe(chosen.parsed, chosen.label), der=chosen.der, mechanisms=mechanisms,
        chain=tuple(one.public_bytes(Encoding.DER) for one in chain), can_pss=can_pss(mechanisms, chosen.parsed),
    )  # fmt: skip
