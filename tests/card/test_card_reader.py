"""PC/SC is asked rightly on three systems, and whatever it answers becomes a view."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from connector.identities.card.reader import PcscReaders, Reader, ReaderView, Service

_PRESENT, _EMPTY, _MUTE, _UNKNOWN, _UNAVAILABLE, _IN_USE = 0x20, 0x10, 0x200, 0x4, 0x8, 0x100
_NO_SERVICE, _STOPPED, _NO_READERS, _VIOLATION = 0x8010001D, 0x8010001E, 0x8010002E, 0x8010006A
_TIMEOUT, _INVALID_HANDLE, _UNKNOWN_READER = 0x8010000A, 0x80100003, 0x80100009


@dataclass
class FakeFunction:
    """A C function; ctypes sets its result type."""

    work: Callable[..., int]
    restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        return self.work(*arguments)


@dataclass
class FakePcsc:
    """A PC/SC library in Python.

    Attributes:
        readers: name to event state, or nothing when the service says that there is none.
        answers: of a function by name, taken one after the other before it works.
    """

    suffix: str = ""
    readers: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def load(self, name: str) -> "FakePcsc":
        self.loaded.append(name)
        return self

    def __getattr__(self, name: str) -> FakeFunction:
        works: dict[str, Callable[..., int]] = {
            "SCardEstablishContext": self._establish,
            f"SCardListReaders{self.suffix}": self._list,
            f"SCardGetStatusChange{self.suffix}": self._change,
            "SCardReleaseContext": lambda _context: 0,
        }
        if name not in works:
            raise AttributeError(name)
        return FakeFunction(lambda *arguments: self._call(name.removesuffix(self.suffix), works[name], arguments))

    def _call(self, name: str, work: Callable[..., int], arguments: tuple[Any, ...]) -> int:
        self.calls.append(name)
        if self.answers.get(name):
            answer = self.answers[name].pop(0)
            if answer not in (0, _TIMEOUT):
                return answer
        return work(*arguments)

    def _establish(self, _scope: Any, _one: Any, _two: Any, context: Any) -> int:
        context._obj.value = 42
        return 0

    def _list(self, context: Any, _groups: Any, names: Any, length: Any) -> int:
        assert context.value == 42
        if not self.readers:
            return _NO_READERS
        text = b"".join(name.encode() + b"\0" for name in self.readers) + b"\0"
        ctypes.memmove(names, text, len(text))
        length._obj.value = len(text)
        return 0

    def _change(self, _context: Any, timeout: Any, states: Any, count: Any) -> int:
        assert (timeout.value, count.value) == (0, len(self.readers))
        for state in states:
            assert state.current == 0
            state.event = self.readers[state.name.decode()]
        return 0


def look(fake: FakePcsc, platform: str = "linux") -> ReaderView:
    return PcscReaders(platform, fake.load).look()


@pytest.mark.parametrize(
    ("platform", "suffix", "library"),
    [
        ("linux", "", "libpcsclite.so.1"),
        ("darwin", "", "/System/Library/Frameworks/PCSC.framework/PCSC"),
        ("win32", "A", "winscard.dll"),
    ],
)
def test_readers_and_cards_on_each_system(platform: str, suffix: str, library: str) -> None:
    events = 3 << 16
    fake = FakePcsc(suffix, {"Lecteur A": _PRESENT | _IN_USE | events, "Lecteur B": _EMPTY, "Lecteur C": _MUTE})
    view = look(fake, platform)
    assert view.service is Service.RUNNING
    assert view.readers == (
        Reader("Lecteur A", card=True, events=3),
        Reader("Lecteur B"),
        Reader("Lecteur C", card=True, mute=True),
    )
    assert fake.loaded == [library]


@pytest.mark.parametrize(
    ("platform", "size"), [("linux", 24 + 3 * 8 + 40 - 8), ("darwin", 16 + 3 * 4 + 33), ("win32", 16 + 3 * 4 + 36)]
)
def test_the_structure_has_the_size_of_the_system_header(platform: str, size: int) -> None:
    """``pcsclite.h`` (unsigned long, MAX_ATR_SIZE 33), ``PCSC/winscard.h`` (packed), ``winscard.h`` (36)."""
    from connector.identities.card.reader import _SYSTEMS

    words = {"linux": ctypes.sizeof(ctypes.c_ulong)}
    expected = size if words.get(platform, 8) == 8 else ctypes.sizeof(_SYSTEMS[platform].reader_state())
    assert ctypes.sizeof(_SYSTEMS[platform].reader_state()) == expected


def test_no_reader() -> None:
    fake = FakePcsc()
    assert look(fake) == ReaderView(Service.RUNNING, (), 1)
    assert "SCardGetStatusChange" not in fake.calls


@pytest.mark.parametrize("state", [_UNKNOWN, _UNAVAILABLE])
def test_a_reader_that_is_unplugged_meanwhile_is_left_out(state: int) -> None:
    fake = FakePcsc(readers={"Lecteur A": state, "Lecteur B": _EMPTY})
    assert look(fake).readers == (Reader("Lecteur B"),)


def test_a_list_of_readers_that_is_out_of_date_at_once() -> None:
    fake = FakePcsc(readers={"Lecteur A": _EMPTY}, answers={"SCardGetStatusChange": [_UNKNOWN_READER]})
    assert look(fake) == ReaderView(Service.RUNNING, (), 1)


def test_a_time_out_is_no_failure_because_nothing_is_waited_for() -> None:
    fake = FakePcsc(readers={"Lecteur A": _EMPTY}, answers={"SCardGetStatusChange": [_TIMEOUT]})
    assert look(fake).readers == (Reader("Lecteur A"),)


@pytest.mark.parametrize(
    ("platform", "answer", "service"),
    [
        ("linux", _NO_SERVICE, Service.STOPPED),
        ("linux", _STOPPED, Service.STOPPED),
        ("darwin", _NO_SERVICE, Service.STOPPED),
        ("win32", _NO_SERVICE, Service.RUNNING),  # Windows stops it when no reader is there
        ("win32", _STOPPED, Service.RUNNING),
        ("linux", _VIOLATION, Service.FORBIDDEN),
        ("linux", 0x80100001, Service.STOPPED),
    ],
)
def test_why_the_service_is_not_there(platform: str, answer: int, service: Service) -> None:
    fake = FakePcsc("A" if platform == "win32" else "", answers={"SCardEstablishContext": [answer]})
    view = look(fake, platform)
    assert (view.service, view.readers) == (service, ())
    assert f"0x{answer:08X}" in view.detail
    assert fake.calls == ["SCardEstablishContext"]


def test_a_system_without_pcsc() -> None:
    def load(_name: str) -> Any:
        raise OSError("no such file")

    readers = PcscReaders("linux", load)
    assert readers.look().service is Service.ABSENT
    readers.close()


def test_a_library_that_is_something_else() -> None:
    assert PcscReaders("linux", lambda _: object()).look().service is Service.ABSENT


def test_the_connection_is_kept_and_given_back() -> None:
    fake = FakePcsc(readers={"Lecteur A": _EMPTY})
    readers = PcscReaders("linux", fake.load)
    assert [readers.look().connection for _ in range(3)] == [1, 1, 1]
    readers.close()
    readers.close()
    assert (fake.calls.count("SCardEstablishContext"), fake.calls.count("SCardReleaseContext")) == (1, 1)
    assert fake.loaded == ["libpcsclite.so.1"]


@pytest.mark.parametrize("function", ["SCardListReaders", "SCardGetStatusChange"])
def test_a_restarted_service_is_found_in_the_same_look(function: str) -> None:
    fake = FakePcsc(readers={"Lecteur A": _EMPTY})
    readers = PcscReaders("linux", fake.load)
    readers.look()
    fake.answers[function] = [_INVALID_HANDLE]
    view = readers.look()
    assert (view.service, view.connection, view.readers) == (Service.RUNNING, 2, (Reader("Lecteur A"),))
    assert fake.calls.count("SCardReleaseContext") == 1


def test_a_service_that_is_stopped_and_started_again() -> None:
    fake = FakePcsc(readers={"Lecteur A": _EMPTY})
    readers = PcscReaders("linux", fake.load)
    readers.look()
    fake.answers = {"SCardListReaders": [_NO_SERVICE], "SCardEstablishContext": [_NO_SERVICE, _NO_SERVICE]}
    assert readers.look().service is Service.STOPPED
    assert readers.look().service is Service.STOPPED
    assert readers.look() == ReaderView(Service.RUNNING, (Reader("Lecteur A"),), 2)


def test_the_real_library_of_this_system_can_be_asked() -> None:
    readers = PcscReaders()
    try:
        assert readers.look().service in Service
    finally:
        readers.close()
