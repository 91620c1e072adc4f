"""What time it is elsewhere: the ``Date`` of an HTTP answer (RFC 9110 6.6.1), or SNTP (RFC 4330). One small question.

Neither is trusted for anything but telling a person that this machine's clock is wrong.
"""

import http.client
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["DEFAULT_TIME_SOURCES", "TimeSource", "http_date", "sntp"]

ANSWER_SECONDS = 4.0
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_ERA = 1 << 32  # seconds; the first one ends in 2036, and a small number then belongs to the next
_PACKET = struct.Struct("!BBbb11I")
_CLIENT, _SERVER = 0x23, 4  # version 4, mode 3; mode 4
_UNSYNCHRONISED = 3  # leap indicator


@dataclass(frozen=True, slots=True)
class TimeSource:
    """Somebody to ask."""

    name: str  # for the person
    ask: Callable[[], datetime]
    """Gives an aware time; raises ``OSError`` or ``ValueError`` when it cannot be had."""


def http_date(host: str, port: int = 80) -> datetime:
    """The ``Date`` header of whatever a server answers, also when it refuses; exact to a second.

    Raises:
        OSError: it does not answer.
        ValueError: it answers without a usable date.
    """
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("HEAD", "/")
        told = connection.getresponse().getheader("Date")
    except http.client.HTTPException as failure:
        raise ValueError(f"{type(failure).__name__} instead of an answer") from failure
    finally:
        connection.close()
    if told is None:
        raise ValueError("an answer without date")
    return parsedate_to_datetime(told).astimezone(UTC)


def sntp(host: str, port: int = 123) -> datetime:
    """The transmit time of an SNTP server; the way back is not taken off, milliseconds do not matter here.

    Raises:
        OSError: it does not answer.
        ValueError: the answer is none, or the server does not know the time itself.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as wire:
        wire.settimeout(ANSWER_SECONDS)
        wire.connect(address)  # answers of others are dropped
        wire.send(_PACKET.pack(_CLIENT, *(0,) * 14))
        answer = wire.recv(512)
    if len(answer) < _PACKET.size:
        raise ValueError("an answer that is too short")
    flags, stratum, *_, seconds, fraction = _PACKET.unpack_from(answer)
    if flags & 7 != _SERVER or flags >> 6 == _UNSYNCHRONISED or not 0 < stratum < 16 or not seconds:
        raise ValueError("the server does not know the time")
    era = 0 if seconds & 1 << 31 else _ERA
    return _NTP_EPOCH + timedelta(seconds=seconds + era + fraction / _ERA)


DEFAULT_TIME_SOURCES = (
    TimeSource("igc-sante.esante.gouv.fr", lambda: http_date("igc-sante.esante.gouv.fr")),
    TimeSource("fr.pool.ntp.org", lambda: sntp("fr.pool.ntp.org")),
)
"""The host that the revocation lists come from has to be reached anyway; a public time server where it is not."""
