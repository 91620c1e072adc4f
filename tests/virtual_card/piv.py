"""A practitioner's card for tests: a PIV card (NIST SP 800-73-4) that OpenSC drives, unaware that it is software.

Slot 9A holds the authentication certificate, slot 9C the signature certificate, like the two personal certificates of
a CPS. What a test asks of it beside that: count what it was asked, be slow, stop right before it gives a signature
away. The counter of wrong PINs lives in the object, so it survives every removal.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers.pki import Issued
from tests.virtual_card.apdu import Command, StatusWord, answer, tlv, tlv_items
from tests.virtual_card.cards import make_atr

__all__ = ["DEFAULT_PIN", "DEFAULT_TRIES", "Gate", "PivCard"]

APPLICATION = bytes.fromhex("A000000308000010000100")
AUTHENTICATION_KEY, SIGNATURE_KEY, RSA_2048 = 0x9A, 0x9C, 0x07
CAPABILITIES, HOLDER_ID = bytes.fromhex("5FC107"), bytes.fromhex("5FC102")
AUTHENTICATION_CERTIFICATE, SIGNATURE_CERTIFICATE = bytes.fromhex("5FC105"), bytes.fromhex("5FC10A")
DISCOVERY = b"\x7e"
PIN_REFERENCE = 0x80
PIN_BYTES = 8
DEFAULT_PIN, DEFAULT_TRIES = "1234", 3
SHORT_ANSWER = 256
HOLD_SECONDS = 60.0  # a test that forgets its gate must not hang the reader for ever


@dataclass
class Gate:
    """Where a signature stops on its way out of the card."""

    reached: threading.Event = field(default_factory=threading.Event)  # the card was asked and would now answer
    opened: threading.Event = field(default_factory=threading.Event)

    def wait_reached(self, seconds: float = 30.0) -> None:
        """Come back when a signature stands at the gate.

        Raises:
            TimeoutError: nobody asked for one.
        """
        if not self.reached.wait(seconds):
            raise TimeoutError("nobody asked the card for a signature")


@dataclass
class PivCard:
    """One practitioner's card.

    Attributes:
        authentication: certificate and key of slot 9A; its key signs any number of times after the PIN.
        signature: certificate and key of slot 9C; its key asks for the PIN before each signature.
        tries_left: how many wrong PINs it still takes.
        slow_seconds: how long each signature takes.
        pins_tried: how often a PIN came, right or wrong (a question for the counter is none).
        signatures_asked: how often a key was asked to sign and was allowed to.
        signatures: how many of them left the card.
        instructions: how often each instruction byte came.
    """

    authentication: Issued
    signature: Issued
    pin: str = field(default=DEFAULT_PIN, repr=False)
    tries_left: int = DEFAULT_TRIES
    slow_seconds: float = 0.0
    atr: bytes = make_atr(b"TEST PIV")
    pins_tried: int = 0
    signatures_asked: int = 0
    signatures: int = 0
    instructions: Counter[int] = field(default_factory=Counter)
    _pin_given: bool = False
    _pin_fresh: bool = False  # the last command gave the PIN: slot 9C wants that
    _chain: bytearray = field(default_factory=bytearray)
    _pending: bytes = b""  # the rest of an answer, for GET RESPONSE
    _gate: Gate | None = None
    _unpowered: threading.Event = field(default_factory=threading.Event)

    # --- what a test does with it --------------------------------------------------------------------------------

    @contextmanager
    def holding_signatures(self) -> Iterator[Gate]:
        """In here the card computes signatures but keeps them, until the gate is opened or the card is pulled."""
        self._gate = gate = Gate()
        try:
            yield gate
        finally:
            self._gate = None
            gate.opened.set()

    @property
    def serial(self) -> str:
        """What tells it from every other card: GUID of the card holder unique identifier, hexadecimal."""
        return _guid(self.authentication).hex()

    # --- what the reader does with it ----------------------------------------------------------------------------

    def power_on(self) -> None:
        """Reset: the PIN is forgotten."""
        self._unpowered.clear()
        self._pin_given = self._pin_fresh = False
        self._chain.clear()
        self._pending = b""

    def power_off(self) -> None:
        """Any thread; a signature that is under way never leaves."""
        self._unpowered.set()
        if self._gate is not None:
            self._gate.opened.set()

    def transmit(self, command: bytes) -> bytes | None:
        """Answer one command APDU; ``None`` when the power went away meanwhile."""
        try:
            parsed = Command.parse(command)
        except ValueError:
            return answer(StatusWord.WRONG_LENGTH)
        self.instructions[parsed.ins] += 1
        response = self._answer(parsed)
        return None if self._unpowered.is_set() else response

    # --- the commands --------------------------------------------------------------------------------------------

    def _answer(self, command: Command) -> bytes:
        if command.ins == 0xC0:
            return self._hand_out(command.expected)
        self._pending = b""
        if command.chained:
            self._chain += command.data
            return answer(StatusWord.SUCCESS)
        data = bytes(self._chain) + command.data
        self._chain.clear()
        fresh, self._pin_fresh = self._pin_fresh, False
        handlers: dict[int, Callable[[Command, bytes], bytes]] = {
            0xA4: self._select,
            0xCB: self._get_data,
            0x20: self._verify,
            0x87: lambda command, data: self._authenticate(command, data, pin_fresh=fresh),
        }
        handler = handlers.get(command.ins)
        return handler(command, data) if handler else answer(StatusWord.UNKNOWN_INSTRUCTION)

    def _select(self, command: Command, data: bytes) -> bytes:
        if command.p1 != 0x04 or len(data) < 5 or not APPLICATION.startswith(data):
            return answer(StatusWord.NOT_FOUND)
        template = tlv(0x61, tlv(0x4F, APPLICATION[5:]) + tlv(0x79, tlv(0x4F, APPLICATION[:5])))
        return self._reply(command, template)

    def _get_data(self, command: Command, data: bytes) -> bytes:
        if (command.p1, command.p2) != (0x3F, 0xFF):
            return answer(StatusWord.WRONG_P1_P2)
        try:
            tag = dict(tlv_items(data)).get(0x5C, b"")
        except ValueError:
            return answer(StatusWord.WRONG_DATA)
        content = self._object(tag)
        return answer(StatusWord.NOT_FOUND) if content is None else self._reply(command, content)

    def _object(self, tag: bytes) -> bytes | None:
        if tag == DISCOVERY:
            return tlv(0x7E, tlv(0x4F, APPLICATION) + tlv(0x5F2F, b"\x40\x00"))
        if tag == HOLDER_ID:
            return tlv(0x53, _holder_id(self.authentication))
        if tag == CAPABILITIES:
            return tlv(0x53, _CAPABILITIES)
        if tag == AUTHENTICATION_CERTIFICATE:
            return _certificate_object(self.authentication)
        return _certificate_object(self.signature) if tag == SIGNATURE_CERTIFICATE else None

    def _verify(self, command: Command, data: bytes) -> bytes:
        if command.p2 != PIN_REFERENCE:
            return answer(StatusWord.REFERENCE_NOT_FOUND)
        if command.p1 == 0xFF:
            self._pin_given = False
            return answer(StatusWord.SUCCESS)
        if not data:
            return answer(StatusWord.SUCCESS if self._pin_given else self._tries())
        self.pins_tried += 1
        return self._try_pin(data)

    def _try_pin(self, data: bytes) -> bytes:
        if self.tries_left == 0:
            return answer(StatusWord.PIN_BLOCKED)
        self._pin_given = self._pin_fresh = data == self.pin.encode().ljust(PIN_BYTES, b"\xff")
        self.tries_left = DEFAULT_TRIES if self._pin_given else self.tries_left - 1
        return answer(StatusWord.SUCCESS if self._pin_given else self._tries())

    def _tries(self) -> int:
        return StatusWord.TRIES_LEFT | self.tries_left if self.tries_left else StatusWord.PIN_BLOCKED

    def _authenticate(self, command: Command, data: bytes, *, pin_fresh: bool) -> bytes:
        allowed = {AUTHENTICATION_KEY: self._pin_given, SIGNATURE_KEY: pin_fresh}
        if command.p1 != RSA_2048 or command.p2 not in allowed:
            return answer(StatusWord.WRONG_P1_P2)
        if not allowed[command.p2]:
            return answer(StatusWord.SECURITY_NOT_SATISFIED)
        try:
            challenge = dict(tlv_items(dict(tlv_items(data))[0x7C]))[0x81]
        except (ValueError, KeyError):
            return answer(StatusWord.WRONG_DATA)
        issued = self.authentication if command.p2 == AUTHENTICATION_KEY else self.signature
        return self._reply(command, tlv(0x7C, tlv(0x82, self._sign(issued.key, challenge))))

    def _sign(self, key: RSAPrivateKey, challenge: bytes) -> bytes:
        self.signatures_asked += 1
        numbers = key.private_numbers()
        signed = pow(int.from_bytes(challenge, "big"), numbers.d, numbers.public_numbers.n)
        self._unpowered.wait(self.slow_seconds)
        if (gate := self._gate) is not None:
            gate.reached.set()
            gate.opened.wait(HOLD_SECONDS)
        if not self._unpowered.is_set():
            self.signatures += 1
        return signed.to_bytes(key.key_size // 8, "big")

    # --- answers longer than the reader asked for ----------------------------------------------------------------

    def _reply(self, command: Command, data: bytes) -> bytes:
        self._pending = data
        return self._hand_out(command.expected or SHORT_ANSWER)

    def _hand_out(self, expected: int) -> bytes:
        part, self._pending = self._pending[:expected], self._pending[expected:]
        left = len(self._pending)
        more = StatusWord.MORE_DATA | (left if left < SHORT_ANSWER else 0)
        return answer(more if left else StatusWord.SUCCESS, part)


_CAPABILITIES = b"".join(
    (
        tlv(0xF0, bytes.fromhex("A00000011603DEADBEEF") + bytes(11)),
        tlv(0xF1, b"\x21"),
        tlv(0xF2, b"\x21"),
        *(tlv(tag, b"") for tag in (0xF3, 0xF4)),
        tlv(0xF5, b"\x10"),
        *(tlv(tag, b"") for tag in (0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE)),
    )
)


def _certificate_object(issued: Issued) -> bytes:
    der = issued.certificate.public_bytes(Encoding.DER)
    return tlv(0x53, tlv(0x70, der) + tlv(0x71, b"\x00") + tlv(0xFE, b""))


def _holder_id(issued: Issued) -> bytes:
    number = bytes.fromhex("D4E739DA739CED39CE739DA1685A1082108CE73984119257FC")
    return tlv(0x30, number) + tlv(0x34, _guid(issued)) + tlv(0x35, b"20991231") + tlv(0x3E, b"") + tlv(0xFE, b"")


def _guid(issued: Issued) -> bytes:
    return hashlib.sha256(issued.certificate.public_bytes(Encoding.DER)).digest()[:16]
