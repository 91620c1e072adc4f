"""Bounces written for people: what the servers of the field say when they write no RFC 3464 report.

Each grammar needs the very sentence of its server before anything is believed, then takes the addresses as that
server sets them out. Known: Exim, qmail, sendmail 8, Postfix (a report whose parts were lost), Exchange 5.5 to 365 in
French and English, Domino.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.mail.text import clean_line

__all__ = ["BounceText", "FailedAddress", "read_bounce_text"]

MAX_LINES = 2_000
MAX_LINE_CHARS = 1_000
MAX_ADDRESSES = 1_000
MAX_DIAGNOSTIC_CHARS = 500

_ADDRESS = r"[A-Za-z0-9._%+'=/-]{1,64}@[A-Za-z0-9.-]{1,253}"
_FAILED = re.compile(
    r"could not be delivered to (?:one or more|all) of its recipients"  # Exim
    r"|wasn't able to deliver your message to the following addresses"  # qmail
    r"|the following addresses had permanent fatal errors"  # sendmail
    r"|could not be delivered to one or more recipients"  # Postfix
    r"|did not reach the following recipient\(s\)"  # Exchange 5.5, 2000
    r"|the following recipient\(s\) cannot be reached|les? ou les destinataires suivants n'ont pas pu être joints"
    r"|delivery has failed to these recipients or (?:groups|distribution lists)"  # Exchange 2007 and later
    r"|(?:la remise a échoué pour|échec de (?:la )?remise (?:à|pour)) (?:les|ces) destinataires"
    r"|was not delivered to:|n'a pas été remis à\s?:",  # Domino
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"has not yet been delivered to (?:one or more|all) of its recipients"  # Exim
    r"|the following addresses had transient non.fatal errors"  # sendmail
    r"|this is a warning only|could not be delivered for more than"  # Postfix
    r"|delivery to these recipients or groups is delayed|remise à ces destinataires .{0,20}retardée",  # Exchange
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"-{2,} ?(?:this is a copy of|below this line is a copy of|original message follows|message header follows"
    r"|original message|forwarded message)|(?:original message headers|en-têtes d[ue] message d'origine) ?:"
    r"|-{3,} *the body of the message is",
    re.IGNORECASE,
)
_LINE = re.compile(rf"[ \t>]{{0,8}}(?:to: )?['\"<]{{0,2}}({_ADDRESS})['\">]{{0,2}}(.*)", re.IGNORECASE)
_AFTER = re.compile(r"\s*$|:|,? (?:on|le) \S|<mailto:|\s*\((?:expanded from|reason)", re.IGNORECASE)
_NAMED = re.compile(rf"(?!.*message-id)[ \t]{{0,8}}[^@<>()]{{1,80}} [(<]({_ADDRESS})[)>]\s*$", re.IGNORECASE)
_ALIAS = re.compile(rf"(?:expanded from:?|ultimately generated from) <?({_ADDRESS})>?", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")
_ID = re.compile(r"message-id:\s*(<[^<>\s]{1,400}>)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FailedAddress:
    """One address that a server names."""

    address: str  # as we wrote it, when the server tells of an alias
    status: str = ""  # enhanced status code
    smtp_code: int = 0
    diagnostic: str = ""  # on one line


@dataclass(frozen=True, slots=True)
class BounceText:
    """What the text says."""

    addresses: tuple[FailedAddress, ...]
    is_final: bool  # False: the server goes on trying
    returned_ids: tuple[str, ...] = ()  # Message-IDs in the headers that follow, with angle brackets


def read_bounce_text(body: str) -> BounceText | None:
    """Read the text of a bounce.

    Args:
        body: plain text of the message, already bounded.

    Returns:
        What it says, or ``None`` when it is not the text of a server that we know, or names nobody.
    """
    lines = [line[:MAX_LINE_CHARS] for line in body.split("\n")[:MAX_LINES]]
    cut = next((number for number, line in enumerate(lines) if _RETURNED.search(line)), len(lines))
    told = lines[:cut]
    flat = re.sub(r"[\s-]+", " ", " ".join(told)).replace("’", "'")
    is_delayed, is_failed = bool(_DELAYED.search(flat)), bool(_FAILED.search(flat))
    if not (is_delayed or is_failed):
        return None
    addresses = tuple(_addresses(told))
    if not addresses:
        return None
    ids = tuple(dict.fromkeys(_ID.findall("\n".join(lines[cut:]))))
    return BounceText(addresses[:MAX_ADDRESSES], is_final=not is_delayed, returned_ids=ids[:10])


def _addresses(lines: Sequence[str]) -> Iterator[FailedAddress]:
    """Each address with the lines below it; one that is named again only adds to its words."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        match = _LINE.match(line)
        named = match if match and _AFTER.match(match[2]) else _NAMED.match(line)
        if named is not None:
            rest = named[2] if named is match else ""
            current = found.setdefault(named[1].rstrip("."), [])
            current.append(rest.lstrip(":"))
        elif current is not None:
            current.append(line)
    for address, told in found.items():
        yield _failed(address, told)


def _failed(address: str, told: Sequence[str]) -> FailedAddress:
    text = clean_line(" ".join(told))
    alias, status, code = _ALIAS.search(text), _STATUS.search(text), _CODE.search(text)
    return FailedAddress(
        address=alias[1] if alias else address,
        status=status[1] if status else "",
        smtp_code=int(code[1]) if code else 0,
        diagnostic=text.strip()[:MAX_DIAGNOSTIC_CHARS],
    )
