"""Everything that happens at the cards. Every method of the desk runs on the card thread, one at a time."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from cryptography import x509
from pkcs11 import SlotFlag

from connector.domain.errors import ConnectorError
from connector.domain.ports import Clock
from connector.identities.card.errors import Failure, Trouble, absent, attempt, failing, needs_card, needs_pin
from connector.identities.card.held import HeldCard, Stay, read_card
from connector.identities.card.middleware import Middleware
from connector.identities.card.pin import Pin, refusal_before, refusal_of
from connector.identities.card.policy import has_ended
from connector.identities.card.reader import ReaderProbe, ReaderView, Service
from connector.identities.card.signer import RawSignature
from connector.identities.card.token import list_slots, slot_view, token_state
from connector.identities.card.view import (
    CardId,
    Fault,
    Observation,
    SeenCard,
    SlotView,
    all_readers,
    no_reader,
    reader_of,
    strange_cards,
)
from connector.settings.model import CardSettings

if TYPE_CHECKING:
    from pkcs11 import Slot

__all__ = ["CardDesk"]

_NOTICE_LOOKS, _NOTICE_SECONDS = 10, 0.1  # pcscd looks at a reader each 0.4 s
_LOOKS_BETWEEN_RESTARTS = 10  # of a middleware that fails again and again
_LONGEST_PAUSE = 60  # looks between two questions to a card that is not known


class CardDesk:
    """The cards, and what was opened on them.

    Args:
        settings: ``card`` of the settings.
        clock: for the validity of certificates and the PIN policy.
        readers: the system's view.
        middleware: the cards' view.
        issuers: certificates of authorities, for the chain that is sent, beside those on the card.
    """

    def __init__(
        self, settings: CardSettings, clock: Clock, readers: ReaderProbe, middleware: Middleware,
        issuers: Sequence[x509.Certificate] = (),
    ) -> None:  # fmt: skip
        self._settings = settings
        self._clock = clock
        self._readers = readers
        self._middleware = middleware
        self._issuers = tuple(issuers)
        self._pcsc = ReaderView(Service.ABSENT)
        self._slots: tuple[SlotView, ...] = ()
        self._held: dict[int, HeldCard] = {}  # by slot
        self._endings: dict[CardId, int] = {}
        self._trouble = ""  # what the middleware said last instead of an answer
        self._fails = False  # it does not even list its slots
        self._on_pcsc = False  # PC/SC tells of every change
        self._looks = 0
        self._pause, self._next_question = 1, 0
        self._next_restart = 0
        self._started_for: object = None  # the situation in which the middleware was started last
        self._signatures = 0

    # --- looking -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See what is there now, asking each card; lock what the PIN policy says is over."""
        self._look_closely(changed=self._readers_changed())

    def watch(self) -> None:
        """The same, each second: cards are asked only when a reader says that something has changed.

        Other programs work with the same card, and with others in the same readers (Vitale); each of our questions
        could make them wait, and us for them.
        """
        changed = self._readers_changed()
        if changed or not self._is_quiet():
            self._look_closely(changed=changed)
        self._enforce_policy()

    def observe(self) -> Observation:
        """What was seen last."""
        cards = [held.seen for held in self._held.values()]
        if self._middleware.fault is None:
            cards += self._strangers()
        readers = all_readers(self._pcsc, self._slots)
        return Observation(
            middleware=self._middleware.path, readers=readers, cards=tuple(cards), fault=self._fault(bool(readers)),
            signatures=self._signatures, endings=MappingProxyType(dict(self._endings)),
        )  # fmt: skip

    def reset(self) -> None:
        """After a call that had been given up: nothing that was open then can be relied on."""
        self._restart()
        self.look()

    def close(self) -> None:
        """Lock all cards and let go of the middleware."""
        self.lock()
        self._held.clear()
        self._middleware.stop()
        self._readers.close()

    def _readers_changed(self) -> bool:
        self._looks += 1
        before, self._pcsc = self._pcsc, self._readers.look()
        return before != self._pcsc

    def _is_quiet(self) -> bool:
        open_cards = (held for held in self._held.values() if held.session is not None)
        quiet = self._on_pcsc and not self._fails and self._looks < self._next_question
        return quiet and all(held.is_alive() for held in open_cards)

    def _look_closely(self, *, changed: bool) -> None:
        self._see()
        if self._strangers():
            self._pcsc = self._readers.look()  # the card may have been pulled in between
            if self._overlooks() and self._started_for != self._situation() and not self._anything_open():
                self._restart()
                self._see()
        self._plan_next_question(changed=changed)
        self._enforce_policy()

    def _plan_next_question(self, *, changed: bool) -> None:
        """A card that is not known may only have been busy: it is asked again, less and less often."""
        unknown = any(card.code == "CARTE_INCONNUE" for card in self.observe().cards)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if unknown and not changed else 1
        self._next_question = self._looks + self._pause if unknown else sys.maxsize

    def _see(self) -> None:
        slots = self._list_slots()
        present = [slot for slot in slots if slot.flags & SlotFlag.TOKEN_PRESENT]
        held = {slot.slot_id: card for slot in present if (card := self._visit(slot)) is not None}
        for number, before in self._held.items():
            if held.get(number) is not before:
                self._end(before, pulled=True)
        self._held = held
        self._slots = tuple(slot_view(slot, occupied=slot.slot_id in held) for slot in slots)
        strays = [slot for slot in self._slots if reader_of(slot.description, self._pcsc.readers) is None]
        leftovers = all(slot.hardware and not slot.occupied for slot in strays)
        self._on_pcsc = leftovers and self._pcsc.service is Service.RUNNING and self._middleware.fault is None

    def _list_slots(self) -> "list[Slot]":
        library = self._middleware.ready(self._situation())
        if library is None:
            return []
        self._started_for = self._started_for or self._situation()
        try:
            slots = attempt(lambda: list_slots(library))
        except Failure as failure:
            self._fails, self._trouble = True, f"the middleware fails ({failure.name})"
        else:
            self._fails, self._trouble = False, ""
            return slots
        if self._looks < self._next_restart:
            return []
        self._next_restart = self._looks + _LOOKS_BETWEEN_RESTARTS
        self._restart()
        return self._list_slots()

    def _visit(self, slot: "Slot") -> HeldCard | None:
        """The card in a slot; the same object for the same stay; ``None`` for what the middleware does not know."""
        stay, before = self._stay(slot), self._held.get(slot.slot_id)
        if before is not None:
            is_open = before.session is not None
            alive = is_open and before.is_alive()
            same = stay.continues(before.stay, alive=alive) and alive is is_open
            if same and alive:
                before.stay, before.slot = stay, slot
                return before
            before = before if same else None
        return self._ask(slot, stay, before)

    def _ask(self, slot: "Slot", stay: Stay, before: HeldCard | None) -> HeldCard | None:
        try:
            token = attempt(slot.get_token)
        except Failure as failure:
            self._trouble = f"the middleware does not know this card ({failure.name})"
            return None
        state = token_state(token)
        if not state.initialised:
            return None
        if before is not None and before.seen.serial == state.serial and before.seen.is_known:
            before.stay, before.slot = stay, slot
            before.update(state)
            return before
        now = self._clock.now()
        return read_card(slot, token, stay, issuers=self._settings.issuers, known=self._issuers, now=now)

    def _stay(self, slot: "Slot") -> Stay:
        description = slot.slot_description.strip()
        reader = reader_of(description, self._pcsc.readers)
        return Stay(description, 0, 0) if reader is None else Stay(reader.name, self._pcsc.connection, reader.events)

    def _strangers(self) -> tuple[SeenCard, ...]:
        """What PC/SC sees and the middleware does not show."""
        return strange_cards(self._pcsc, self._taken(), self._trouble)

    def _overlooks(self) -> bool:
        """One of them is in a reader that the middleware does not show: new, or of a restarted card service."""
        readers = (reader_of(slot.description, self._pcsc.readers) for slot in self._slots)
        shown = {reader.name for reader in readers if reader is not None}
        return any(card.code == "CARTE_INCONNUE" and card.reader not in shown for card in self._strangers())

    def _taken(self) -> set[str]:
        return {held.seen.reader for held in self._held.values()}

    def _situation(self) -> object:
        return self._pcsc.service, self._pcsc.connection, self._pcsc.readers

    def _fault(self, readers: bool) -> Fault | None:
        fault = self._middleware.fault
        if fault is not None and fault.code == "MODULE_REFUSE" and not self._pcsc.readers:
            return replace(no_reader(self._pcsc), detail=fault.detail)  # the cause comes before its consequence
        if fault is not None or readers or self._held:
            return fault
        return no_reader(self._pcsc)

    # --- PIN ---------------------------------------------------------------------------------------------------

    def login(self, card: CardId, pin: Pin | None, *, accept_last_try: bool) -> None:
        """Give a PIN to a card, once; nothing is sent to one that is open.

        Args:
            card: which.
            pin: ``None`` = typed at the reader.
            accept_last_try: the person knows that a wrong one blocks the card.

        Raises:
            NeedsPerson, Unavailable: see :meth:`connector.identities.card.status.CardPort.unlock`.
        """
        self.look()
        held = self._find(card)
        if held.session is not None:
            return
        if held.seen.code:
            raise needs_card(held.seen.code, held.seen.detail)
        try:
            token, state = held.ask_token()
        except Failure as failure:
            error: ConnectorError = refusal_of(failure, None)
            raise error from None
        refused = refusal_before(state, typed=pin is not None, accept_last_try=accept_last_try)
        if refused is not None:
            raise refused
        try:
            held.open(token, pin, self._clock)
        except Failure as failure:
            error = self._after_refusal(held, failure)
            raise error from None

    def lock(self) -> None:
        """Log out of every card; what was opened with them ends."""
        for held in self._held.values():
            self._lock(held, ends=True)

    def _after_refusal(self, held: HeldCard, failure: Failure) -> ConnectorError:
        """What a failed login means; the session that it left behind is cleaned up when no card is open."""
        state = None
        with suppress(Failure):
            _, state = held.ask_token()
        error = refusal_of(failure, state)
        if not self._anything_open():
            self._restart()
        self.look()
        return error

    def _enforce_policy(self) -> None:
        policy, hours = self._settings.pin_policy, self._settings.pin_hours
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for held in self._held.values():
            held.check_dates(now)
            if held.opening and has_ended(policy, hours, held.opening, now=now, monotonic=monotonic):
                self._lock(held, ends=policy == "hours")

    # --- signing -----------------------------------------------------------------------------------------------

    def sign(self, card: CardId, wanted: RawSignature) -> bytes:
        """Sign with an open card, once.

        Raises:
            NeedsPerson: ``CARTE_ABSENTE``, ``PIN``.
            Unavailable: ``CARTE_DEFAILLANTE``.
        """
        held = self._find(card)
        try:
            signature = held.sign(wanted, self._clock)
        except Failure as failure:
            raise self._why_unsigned(held, failure) from None
        self._signatures += 1
        return signature

    def _why_unsigned(self, held: HeldCard, failure: Failure) -> ConnectorError:
        """Look again: old versions of Cryptolib say ``GeneralError`` for a card that was pulled."""
        if failure.kind is not Trouble.OTHER:
            held.lock()
            self._count_ending(held, pulled=failure.kind is Trouble.GONE)
        self._look_until_noticed(held)
        card = held.seen.id
        if all(one.seen.id != card for one in self._held.values()) or failure.kind is Trouble.GONE:
            return absent("the card was pulled before it had signed")
        if not any(one.seen.is_open for one in self._held.values() if one.seen.id == card):
            return needs_pin("PIN", f"the card was put back or reset and wants its PIN again ({failure.name})")
        return failing(f"the card does not sign ({failure.name})")

    def _look_until_noticed(self, held: HeldCard) -> None:
        """Look, and look again for a moment while the card still seems to be there.

        A card that is pulled while it works fails first; pcscd sees it at its next look at the reader.
        """
        self.look()
        for _ in range(_NOTICE_LOOKS):
            if not held.stay.connection or all(one is not held for one in self._held.values()):
                return
            time.sleep(_NOTICE_SECONDS)
            self.look()

    # --- common ------------------------------------------------------------------------------------------------

    def _find(self, card: CardId) -> HeldCard:
        for held in self._held.values():
            if held.seen.id == card:
                return held
        raise absent()

    def _anything_open(self) -> bool:
        return any(held.session is not None for held in self._held.values())

    def _lock(self, held: HeldCard, *, ends: bool) -> None:
        if held.session is not None:
            held.lock()
            self._endings[held.seen.id] = self._endings.get(held.seen.id, 0) + ends

    def _end(self, held: HeldCard, *, pulled: bool) -> None:
        """What was open on a card is not any more, without our doing."""
        if held.session is not None:
            held.forget()
            self._count_ending(held, pulled=pulled)

    def _count_ending(self, held: HeldCard, *, pulled: bool) -> None:
        ends = not (pulled and self._settings.keep_sessions_on_removal)
        self._endings[held.seen.id] = self._endings.get(held.seen.id, 0) + ends

    def _restart(self) -> None:
        for held in self._held.values():
            self._end(held, pulled=False)
        self._held = {}
        self._middleware.stop()
        self._started_for = self._situation()
