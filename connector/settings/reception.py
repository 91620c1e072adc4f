"""What a mailbox does with what it receives: where it goes, in which form, and what its sender hears."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from connector.settings.base import Address, Section

__all__ = ["ReadReceiptPolicy", "ReceptionSettings"]


class ReadReceiptPolicy(StrEnum):
    """When a read receipt that was asked for leaves."""

    NEVER = "never"
    DELIVERED = "delivered"
    TAKEN = "taken"
    ASK = "ask"


class ReceptionSettings(Section):
    """How the LPS reads what arrives."""

    folders: list[str] = ["INBOX"]
    profile: str = "plat"
    """Name of a file in ``config/lps/``."""
    path: Path | None = None
    """Default: ``<root>/<box>/RECUS``."""
    ok_flag: bool = False
    """Write ``.ok`` after the index."""
    text_encoding: Literal["cp1252", "cp850", "iso-8859-1", "utf-8", "utf-8-sig", "mac_roman"] = "cp1252"
    read_receipt: ReadReceiptPolicy | None = None
    """When a sender asks for a read receipt: ``never`` one; when the message was ``delivered`` to the folder (the
    receipt then only says that it was dispatched); when the software has ``taken`` it or says that it is integrated;
    ``ask``: a person or the software decides. Default: ``taken`` for an APP mailbox, ``ask`` for PER and ORG."""
    failure_notice_to: Literal["service", "sender", "nobody"] | Address = "service"
    """Who is written to when the software cannot integrate a message and its sender asked for no receipt:
    ``service``: the mailbox's own ``reply_to``, nobody when there is none; ``sender``; ``nobody``; or an address."""
    first_connection: Literal["all", "new"] = "all"
    """What to do with messages that were there before the first connection."""
    patient_mismatch: Literal["quarantine", "mark"] = "quarantine"
    """What to do when archive, document and result of one message name different patients: set the message aside for
    a person, or deliver it with a warning in its index."""
