"""Readers and cards as the system's card service (PC/SC) sees them.

The middleware cannot tell all that a person must know: whether the service runs, whether a reader is there, whether a
card is in it that the middleware does not know. PC/SC tells, and no card is touched for it.

By ctypes, because pyscard has no wheels for Linux and would need a compiler on the practitioner's machine; five calls
are enough (PC/SC part 5, ``winscard.h``). What differs between systems is the library, the width of its integers and
the layout of one structure (``pcsclite.h``, ``PCSC/wintypes.h``, ``winscard.h``).
"""

import ctypes
import sys
from collections.abc import Callable
from ctypes import byref, c_char_p, c_int32, c_size_t, c_uint32, c_ulong, c_void_p
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["PcscReaders", "Reader", "ReaderProbe", "ReaderView", "Service"]

_SCOPE_SYSTEM = 2
_UNAWARE = 0
_PRESENT, _EXCLUSIVE, _MUTE, _GONE = 0x20, 0x80, 0x200, 0x4 | 0x8  # SCARD_STATE_…; _UNKNOWN | _UNAVAILABLE

_SUCCESS = 0
_NO_READER = frozenset({0x8010002E, 0x80100009, 0x80100017})  # NO_READERS_AVAILABLE, UNKNOWN_, READER_UNAVAILABLE
_TIMEOUT = 0x8010000A
_NOT_RUNNING = frozenset({0x8010001D, 0x8010001E})  # NO_SERVICE, SERVICE_STOPPED
_FORBIDDEN = frozenset({0x8010006A, 0x80100027})  # SECURITY_VIOLATION (pcscd's polkit rule), ACCESS_DENIED
_MOST_NAME_BYTES = 65536


class Service(StrEnum):
    """How the system's card service is."""

    RUNNING = "running"
    STOPPED = "stopped"
    FORBIDDEN = "forbidden"  # it runs, and this user may not use it
    ABSENT = "absent"  # its library is not installed


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader."""

    name: str
    card: bool = False
    mute: bool = False  # something is in it that does not answer: a card the wrong way round
    events: int = 0  # cards put in and taken out so far: a change that falls between two looks shows here
    busy: bool = False  # another program has its card for itself


@dataclass(frozen=True, slots=True)
class ReaderView:
    """All readers at one moment."""

    service: Service
    readers: tuple[Reader, ...] = ()
    connection: int = 0  # how often the service had to be asked anew: it was restarted
    detail: str = ""  # one English sentence


class ReaderProbe(Protocol):
    """Looks at the readers; see :class:`PcscReaders`."""

    def look(self) -> ReaderView:
        """What is there now; quick, never raises."""
        ...

    def close(self) -> None:
        """Give back what was opened."""
        ...


class PcscReaders:
    """Asks PC/SC. The card thread owns it.

    The connection is kept from one look to the next, which is cheaper and tells cards that were swapped in between;
    after any failure it is made anew, so that a restarted service is found again.

    Args:
        platform: ``sys.platform``.
        load: opens a library; raises ``OSError``.
    """

    def __init__(self, platform: str = sys.platform, load: Callable[[str], Any] | None = None) -> None:
        self._system = _SYSTEMS.get(platform, _SYSTEMS["linux"])
        self._load: Callable[[str], Any] = load or getattr(ctypes, "WinDLL" if platform == "win32" else "CDLL")
        self._pcsc: _Calls | None = None
        self._context: Any = None
        self._connection = 0

    def look(self) -> ReaderView:
        """See :class:`ReaderProbe`."""
        try:
            calls = self._calls()
        except (OSError, AttributeError) as error:
            return ReaderView(Service.ABSENT, detail=f"the PC/SC library cannot be used ({type(error).__name__})")
        refused = _RefusedError(_SUCCESS)
        for _ in range(1 if self._context is None else 2):  # a kept connection may lead to a service of before
            try:
                return self._ask(calls)
            except _RefusedError as error:
                self.close()
                refused = error
        return self._explained(refused)

    def close(self) -> None:
        """See :class:`ReaderProbe`."""
        if self._pcsc is not None and self._context is not None:
            self._pcsc.release(self._context)
        self._context = None

    def _calls(self) -> "_Calls":
        if self._pcsc is None:
            self._pcsc = _Calls(self._load(self._system.library), self._system)
        return self._pcsc

    def _ask(self, calls: "_Calls") -> ReaderView:
        if self._context is None:
            self._context = calls.establish()
            self._connection += 1
        names = calls.names(self._context)
        return ReaderView(Service.RUNNING, calls.states(self._context, names), self._connection)

    def _explained(self, refused: "_RefusedError") -> ReaderView:
        text = f"the card service says 0x{refused.code:08X}"
        if refused.code in _FORBIDDEN:
            return ReaderView(Service.FORBIDDEN, (), self._connection, text)
        if refused.code in _NOT_RUNNING and self._system.stops_without_reader:
            return ReaderView(Service.RUNNING, (), self._connection, text)
        return ReaderView(Service.STOPPED, (), self._connection, text)


class _RefusedError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class _System:
    library: str
    word: Any  # DWORD
    handle: Any  # SCARDCONTEXT
    atr_bytes: int
    packed: bool = False
    suffix: str = ""  # of functions with text
    stops_without_reader: bool = False
    """Windows stops the service when the last reader is unplugged: "no service" then only means "no reader"."""

    def reader_state(self) -> type[ctypes.Structure]:
        """``SCARD_READERSTATE``."""
        fields = [
            ("name", c_char_p), ("user_data", c_void_p), ("current", self.word), ("event", self.word),
            ("atr_length", self.word), ("atr", ctypes.c_ubyte * self.atr_bytes),
        ]  # fmt: skip
        layout: dict[str, Any] = {"_pack_": 1} if self.packed else {}
        return type("ReaderState", (ctypes.Structure,), layout | {"_fields_": fields})


_SYSTEMS = {
    "linux": _System("libpcsclite.so.1", c_ulong, ctypes.c_long, 33),
    "darwin": _System("/System/Library/Frameworks/PCSC.framework/PCSC", c_uint32, c_int32, 33, packed=True),
    "win32": _System("winscard.dll", c_uint32, c_size_t, 36, suffix="A", stops_without_reader=True),
}


class _Calls:
    """The five calls, with Python's types."""

    def __init__(self, library: Any, system: _System) -> None:
        self._system = system
        self._state = system.reader_state()
        self._establish = self._function(library.SCardEstablishContext)
        self._list = self._function(getattr(library, f"SCardListReaders{system.suffix}"))
        self._change = self._function(getattr(library, f"SCardGetStatusChange{system.suffix}"))
        self._release = self._function(library.SCardReleaseContext)

    def _function(self, function: Any) -> Callable[..., int]:
        function.restype = c_uint32  # an error is 32 bits wide everywhere
        return lambda *arguments: int(function(*arguments))

    def establish(self) -> Any:
        context = self._system.handle()
        _expect(self._establish(self._system.word(_SCOPE_SYSTEM), c_void_p(), c_void_p(), byref(context)))
        return context

    def release(self, context: Any) -> None:
        self._release(context)

    def names(self, context: Any) -> list[bytes]:
        length, names = self._system.word(_MOST_NAME_BYTES), ctypes.create_string_buffer(_MOST_NAME_BYTES)
        code = self._list(context, c_char_p(), names, byref(length))
        if code in _NO_READER:
            return []
        _expect(code)
        return [name for name in names.raw[: length.value].split(b"\0") if name]

    def states(self, context: Any, names: list[bytes]) -> tuple[Reader, ...]:
        if not names:
            return ()
        states = (self._state * len(names))()
        for state, name in zip(states, names, strict=True):
            state.name, state.current = name, _UNAWARE
        code = self._change(context, self._system.word(0), states, self._system.word(len(names)))
        if code in _NO_READER:  # unplugged since it was listed: the next look will not list it
            return ()
        _expect(code, _SUCCESS, _TIMEOUT)
        return tuple(_reader(state) for state in states if not state.event & _GONE)


def _reader(state: Any) -> Reader:
    event = state.event
    return Reader(
        name=state.name.decode("utf-8", "replace"),
        card=bool(event & (_PRESENT | _MUTE)),
        mute=bool(event & _MUTE),
        events=event >> 16 & 0xFFFF,
        busy=bool(event & _EXCLUSIVE),
    )


def _expect(code: int, *good: int) -> None:
    if code not in (good or (_SUCCESS,)):
        raise _RefusedError(code)
