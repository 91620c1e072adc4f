"""The table of correspondents: which MSSanté address belongs to the code that a laboratory has for a doctor.

From the settings, and from a CSV file (``code;adresse``, header compulsory) that the laboratory keeps and that is
read again when it has changed. A file that is damaged or names a code twice with two addresses is refused as a whole
and the table before stays: a result must not go to the wrong doctor because of a slip in a spreadsheet.
"""

import csv
import io
import threading
from collections.abc import Mapping
from pathlib import Path

import structlog

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.mail.text import decode_text
from connector.platform.files import read_regular_file

__all__ = ["Correspondents"]

_log = structlog.get_logger(__name__)

_MOST_BYTES = 5_000_000
_COLUMNS = ("code", "adresse")


class Correspondents:
    """Looks codes up; thread-safe.

    Args:
        table: of the settings.
        file: CSV file of the laboratory; ``None`` = none.
    """

    def __init__(self, table: Mapping[str, MailboxAddress], file: Path | None = None) -> None:
        self._fixed = {_folded(code): address for code, address in table.items()}
        self._file = file.expanduser() if file else None
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._read: dict[str, MailboxAddress] = {}

    def lookup(self, code: str) -> MailboxAddress | None:
        """The address for a code, of the settings first; blanks at the ends, case and leading zeros do not count."""
        key = _folded(code)
        if not key:
            return None
        return self._fixed.get(key) or self._of_file().get(key)

    def _of_file(self) -> dict[str, MailboxAddress]:
        if self._file is None:
            return {}
        with self._lock:
            try:
                status = self._file.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                if stamp != self._stamp:
                    self._read = _table(decode_text(read_regular_file(self._file, max_bytes=_MOST_BYTES)))
                    self._stamp = stamp
            except (OSError, ConnectorError) as error:
                detail = error.detail if isinstance(error, ConnectorError) else type(error).__name__
                _log.warning("correspondents_not_read", detail=detail)
            return self._read


def _table(text: str) -> dict[str, MailboxAddress]:
    """The rows of the file.

    Raises:
        InvalidSubmission: ``CORRESPONDANTS_INVALIDES``, naming the line.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    delimiter = max(";\t,", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {(name or "").strip().casefold(): name for name in rows.fieldnames or ()}
    if not all(column in names for column in _COLUMNS):
        raise InvalidSubmission("CORRESPONDANTS_INVALIDES", "the first line must name the columns code and adresse")
    found: dict[str, MailboxAddress] = {}
    for number, row in enumerate(rows, 2):
        code, address = (_folded(row[names[column]] or "") for column in _COLUMNS)
        if not code and not address:
            continue
        try:
            parsed = MailboxAddress.parse(address)
        except InvalidSubmission:
            raise InvalidSubmission("CORRESPONDANTS_INVALIDES", f"line {number}: no mail address") from None
        if found.setdefault(code, parsed) != parsed:
            raise InvalidSubmission("CORRESPONDANTS_INVALIDES", f"line {number}: the code has another address before")
    return found


def _folded(code: str) -> str:
    return code.strip().casefold().lstrip("0") or code.strip()
