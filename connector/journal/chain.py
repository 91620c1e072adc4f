"""The chain of the trace: each entry carries the hash of the one before it (Ref#2 ECO.4.1.2, client rules 14.3).

Pure. The chain shows that an entry was changed, left out or put in between; it does not show that the newest ones
were cut off, for which a copy of the last hash has to be kept elsewhere.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["FIELDS", "FIRST_HASH", "entry_hash", "sanitised"]

FIRST_HASH = "0" * 64
"""What stands before the first entry."""

FIELDS = ("seq", "at", "actor", "action", "mailbox", "subject_id", "server", "answer", "outcome")
"""What is hashed, besides the previous hash; ``at`` in microseconds since 1970."""

_LONGEST = {"actor": 255, "action": 40, "mailbox": 320, "subject_id": 64, "server": 255, "answer": 300, "outcome": 80}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PATIENT = re.compile(r"[^\s<>,;:@]+@(?=patient\.mssante\.fr)", re.IGNORECASE)


def entry_hash(previous_hash: str, entry: Mapping[str, Any]) -> str:
    """SHA-256, lower-case hex, over the previous hash and the canonical JSON of the entry."""
    canonical = json.dumps([entry[name] for name in FIELDS], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous_hash}\n{canonical}".encode("ascii")).hexdigest()


def sanitised(name: str, text: str) -> str:
    """``text`` as it may stand in the field ``name``: one line, bounded, and without a citizen's matricule.

    The local part of a citizen's address is the matricule INS (Ref#2 ECO.2.2.6), and servers quote addresses.
    """
    return _PATIENT.sub("…@", _CONTROL.sub(" ", text)).strip()[: _LONGEST[name]]
