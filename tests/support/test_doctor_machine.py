"""The machine: Python, OpenSSL, time zones, disks, and its clock against real servers on this machine."""

import contextlib
import socket
import ssl
import struct
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import _ntuple_diskusage
from typing import Any

import pytest

from connector.support.doctor import Severity
from connector.support.doctor.checks import machine
from connector.support.doctor.time_sources import DEFAULT_TIME_SOURCES, TimeSource, http_date, sntp
from connector.testing.clock import FakeClock
from tests.servers.process import free_port
from tests.support.doctor_scene import BOX, Practice

GIGABYTE = 1_000_000_000


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


# --- Python, OpenSSL, time zones, disks


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("OLDEST_PYTHON", (3, 11), "PYTHON_OK"),
        ("OLDEST_PYTHON", (9, 0), "PYTHON_ANCIEN"),
        ("NEWEST_TRIED_PYTHON", (3, 0), "PYTHON_NON_ESSAYE"),
    ],
)
def test_python_is_neither_too_old_nor_unheard_of(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, name: str, value: tuple[int, int], code: str
) -> None:
    monkeypatch.setattr(machine, name, value)
    assert practice.told("python") == [code]


@pytest.mark.parametrize(
    ("text", "version", "code"),
    [
        ("OpenSSL 3.0.13 30 Jan 2024", (3, 0, 0, 13, 0), "OPENSSL_OK"),
        ("OpenSSL 1.1.1w 11 Sep 2023", (1, 1, 1, 23, 15), "OPENSSL_ANCIEN"),
        ("LibreSSL 3.8.2", (3, 8, 2, 0, 0), "OPENSSL_ANCIEN"),
    ],
)
def test_openssl_is_openssl_three(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, text: str, version: tuple[int, ...], code: str
) -> None:
    monkeypatch.setattr(ssl, "OPENSSL_VERSION", text)
    monkeypatch.setattr(ssl, "OPENSSL_VERSION_INFO", version)
    (found,) = practice.looked("openssl")
    assert (found.code, found.detail) == (code, text)


def test_time_zones_are_there_or_missed(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert practice.told("time zones") == ["FUSEAUX_OK"]
    monkeypatch.setattr(zoneinfo, "ZoneInfo", _no_zone)
    (found,) = practice.looked("time zones")
    assert (found.code, found.severity, found.subject) == ("FUSEAUX_ABSENTS", Severity.ERROR, "Europe/Paris")


def _no_zone(key: str) -> None:
    raise zoneinfo.ZoneInfoNotFoundError(key)


@pytest.mark.parametrize(
    ("free", "code"),
    [(GIGABYTE, "DISQUE_OK"), (GIGABYTE - 1, "DISQUE_BIENTOT_PLEIN"), (99_999_999, "DISQUE_PLEIN")],
)
def test_room_on_the_disk(practice: Practice, monkeypatch: pytest.MonkeyPatch, free: int, code: str) -> None:
    monkeypatch.setattr(machine, "disk_usage", lambda _: _ntuple_diskusage(10 * GIGABYTE, 0, free))
    (found,) = practice.looked("disk space")  # data, exchange folders and reception are on one disk
    assert found.code == code
    assert found.detail == f"{free // 1_000_000} MB free of 10000 MB"
    assert "Mo libres" in found.detail_fr


def test_each_disk_is_told_once_by_the_first_folder_that_is_there(practice: Practice) -> None:
    practice.mailbox["reception"] = {"path": "/proc/self"}
    if not Path("/proc/self").exists():
        pytest.skip("no second file system at a known place here")
    assert [found.subject for found in practice.looked("disk space")] == [str(practice.folder), "/proc/self"]


def test_the_disk_is_looked_at_without_settings_too(practice: Practice) -> None:
    assert practice.told("disk space", settings=None) == ["DISQUE_OK"]


# --- the clock


@contextlib.contextmanager
def dated(date: str | None) -> Iterator[int]:
    """A server that refuses everybody, politely, with this date; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(403)
            if date is not None:
                self.send_header("Date", date)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def time_server(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A UDP server that answers one question; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        wire.settimeout(20)

        def serve() -> None:
            with contextlib.suppress(OSError):
                question, client = wire.recvfrom(512)
                wire.sendto(answer(question), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield wire.getsockname()[1]
        thread.join()


def packet(seconds: int, *, flags: int = 0x24, stratum: int = 2) -> bytes:
    return struct.pack("!BBbb9III", flags, stratum, 6, -20, *(0,) * 9, seconds, 1 << 31)


def test_the_date_of_an_answer_is_read_also_when_it_refuses() -> None:
    moment = datetime(2026, 11, 20, 9, 0, 12, tzinfo=UTC)
    with dated(format_datetime(moment, usegmt=True)) as port:
        assert http_date("127.0.0.1", port) == moment


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_an_answer_without_a_date_is_said_to_be_none(date: str | None) -> None:
    with dated(date) as port, pytest.raises(ValueError, match=r"."):
        http_date("127.0.0.1", port)


def test_who_answers_no_http_is_said_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"220 smtp\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ValueError, match="BadStatusLine"):
            http_date("127.0.0.1", listener.getsockname()[1])
        thread.join()


def test_nobody_at_the_port_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match=r"."):
        http_date("127.0.0.1", free_port())


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (3_989_000_000, datetime(2026, 5, 28, 23, 33, 20, 500_000, UTC)),
        (1_000_000, datetime(2036, 2, 18, 20, 14, 56, 500_000, UTC)),
    ],
    ids=["before 2036", "after 2036"],
)
def test_sntp_tells_the_time_in_both_eras(seconds: int, expected: datetime) -> None:
    asked: list[bytes] = []

    def answer(question: bytes) -> bytes:
        asked.append(question)
        return packet(seconds)

    with time_server(answer) as port:
        assert sntp("127.0.0.1", port) == expected
    assert (len(asked[0]), asked[0][0]) == (48, 0x23)  # version 4, client


@pytest.mark.parametrize(
    "answer",
    [b"", b"short", packet(0), packet(1, flags=0x23), packet(1, flags=0xE4), packet(1, stratum=0),
     packet(1, stratum=16)],
    ids=["empty", "short", "no time", "a client", "not synchronised", "kiss of death", "no stratum"],
)  # fmt: skip
def test_a_time_server_that_does_not_know_the_time_is_not_believed(answer: bytes) -> None:
    with time_server(lambda _: answer) as port, pytest.raises(ValueError, match=r"."):
        sntp("127.0.0.1", port)


def test_no_time_server_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match=r"."):
        sntp("127.0.0.1", free_port())


def ask(practice: Practice, *offsets: float | Exception) -> Any:
    """The finding about a clock that others see this many seconds ahead of ours."""

    def source(offset: float | Exception) -> datetime:
        if isinstance(offset, Exception):
            raise offset
        return practice.clock.now() + timedelta(seconds=offset)

    sources = [TimeSource(f"s{number}", partial(source, offset)) for number, offset in enumerate(offsets)]
    (found,) = practice.looked("clock", time_sources=sources)
    return found


@pytest.mark.parametrize(
    ("offset", "code", "detail"),
    [
        (0.0, "HORLOGE_OK", "0 s behind s0"),
        (59.0, "HORLOGE_OK", "59 s behind s0"),
        (-60.0, "HORLOGE_DECALEE", "60 s ahead of s0"),
        (599.0, "HORLOGE_DECALEE", "599 s behind s0"),
        (600.0, "HORLOGE_FAUSSE", "600 s behind s0"),
        (-86400.0, "HORLOGE_FAUSSE", "86400 s ahead of s0"),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much(practice: Practice, offset: float, code: str, detail: str) -> None:
    found = ask(practice, offset)
    assert (found.code, found.detail) == (code, detail)
    assert found.detail_fr.endswith("s0")


def test_the_first_who_answers_counts(practice: Practice) -> None:
    assert ask(practice, OSError("x"), ValueError("y"), 0.0, 9999.0).detail == "0 s behind s2"


def test_offline_is_a_finding(practice: Practice) -> None:
    found = ask(practice, TimeoutError("x"), ValueError("y"))
    assert (found.code, found.severity) == ("HORLOGE_NON_VERIFIEE", Severity.WARNING)
    assert found.detail == "s0: TimeoutError; s1: ValueError"


def test_the_real_sources_are_the_host_of_the_lists_and_a_time_server() -> None:
    assert [source.name for source in DEFAULT_TIME_SOURCES] == ["igc-sante.esante.gouv.fr", "fr.pool.ntp.org"]


def test_a_clock_behind_the_journal_is_an_error(practice: Practice) -> None:
    assert practice.told("clock and journal") == ["HORLOGE_SUIT"]  # no journal yet
    with practice.journal() as scene:
        scene.journal.add_trace(action="list", mailbox=BOX)
    assert practice.told("clock and journal") == ["HORLOGE_SUIT"]
    behind = FakeClock(practice.clock.now() - timedelta(seconds=61))
    (found,) = practice.looked("clock and journal", clock=behind)
    assert found.code == "HORLOGE_RECULEE"
    assert "61 s" in found.detail
    assert "61 s" in found.detail_fr


def test_a_journal_that_cannot_be_opened_is_told_elsewhere(practice: Practice) -> None:
    with practice.journal():
        pass
    (practice.data / "journal.key").unlink()
    assert practice.told("clock and journal") == []
