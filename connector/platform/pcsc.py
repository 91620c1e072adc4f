"""The smart card service of the system (PC/SC): whether it runs and which readers it sees. No card is touched.

The same three calls on every system (PC/SC part 5; ``winscard.h``): what differs are the library's name and the width
of its integers. Any number of processes may ask at once.
"""

import ctypes
import sys
from collections.abc import Callable
from ctypes import byref, c_char_p, c_int32, c_long, c_size_t, c_uint32, c_ulong, c_void_p
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["PcscState", "ServiceState", "ask_pcsc", "library_name"]

_SCOPE_SYSTEM = 2
_SUCCESS = 0
_NO_READERS = (0x8010002E, 0x80100017, 0x8010001B)  # NO_READERS_AVAILABLE, READER_UNAVAILABLE, UNKNOWN_READER
_MOST_BYTES = 65536  # of names: sixteen readers need less than two thousand


class ServiceState(StrEnum):
    """How the service is."""

    ABSENT = "absent"  # its library is not installed
    STOPPED = "stopped"  # installed, but nobody answers, or we may not ask
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class PcscState:
    """What the service says."""

    service: ServiceState
    readers: tuple[str, ...] = ()
    detail: str = ""  # one English sentence


def library_name(platform: str = sys.platform) -> str:
    """Where the PC/SC client library is, as a dynamic loader takes it."""
    if platform == "win32":
        return "winscard.dll"
    if platform == "darwin":
        return "/System/Library/Frameworks/PCSC.framework/PCSC"
    return "libpcsclite.so.1"


def ask_pcsc(library: str | None = None, platform: str = sys.platform) -> PcscState:
    """Ask the service once. Quick, unless the service itself hangs.

    Args:
        library: path or name; default: that of this system.
        platform: ``sys.platform``.
    """
    try:
        loaded = _load(library or library_name(platform), platform)
    except OSError as error:
        return PcscState(ServiceState.ABSENT, detail=f"the PC/SC library cannot be loaded ({type(error).__name__})")
    return _Client(loaded, platform).state()


def _load(name: str, platform: str) -> ctypes.CDLL:
    loader: Callable[[str], Any] = getattr(ctypes, "WinDLL", ctypes.CDLL) if platform == "win32" else ctypes.CDLL
    library: ctypes.CDLL = loader(name)
    return library


class _Client:
    """One short conversation."""

    def __init__(self, library: ctypes.CDLL, platform: str) -> None:
        self._word: Any = c_ulong if platform == "linux" else c_uint32
        self._handle: Any = {"win32": c_size_t, "darwin": c_int32}.get(platform, c_long)
        wide = platform == "win32"
        self._establish = self._function(library.SCardEstablishContext)
        self._list = self._function(library.SCardListReadersA if wide else library.SCardListReaders)
        self._release = self._function(library.SCardReleaseContext)

    def _function(self, function: Any) -> Callable[..., int]:
        function.restype = c_uint32  # an error is 32 bits wide everywhere
        return lambda *arguments: int(function(*arguments))

    def state(self) -> PcscState:
        """Open, list, close."""
        context = self._handle()
        code = self._establish(self._word(_SCOPE_SYSTEM), c_void_p(), c_void_p(), byref(context))
        if code != _SUCCESS:
            return PcscState(ServiceState.STOPPED, detail=f"SCardEstablishContext says 0x{code:08X}")
        try:
            return self._readers(context)
        finally:
            self._release(context)

    def _readers(self, context: Any) -> PcscState:
        length, names = self._word(_MOST_BYTES), ctypes.create_string_buffer(_MOST_BYTES)
        code = self._list(context, c_char_p(), names, byref(length))
        if code in _NO_READERS:
            return PcscState(ServiceState.RUNNING)
        if code != _SUCCESS:
            return PcscState(ServiceState.STOPPED, detail=f"SCardListReaders says 0x{code:08X}")
        told = names.raw[: length.value].split(b"\0")
        return PcscState(ServiceState.RUNNING, tuple(name.decode("utf-8", "replace") for name in told if name))
