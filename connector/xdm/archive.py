"""Opening a zip that comes from outside: everything is measured before it is expanded, nothing becomes a path.

Refused: traversal and absolute names, links and special files, encryption, other methods than stored and deflate,
names given twice, too many entries, too much data. The sizes that the archive declares are added up beforehand, and
inflating stops at the declared size of each entry: a liar is found by its CRC before it costs memory.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property

from connector.domain.errors import ConnectorError
from connector.domain.limits import Limits

__all__ = ["Archive", "base_name", "folder_of", "is_noise"]

_RATIO_FLOOR = 1 << 20
_ABSURD_ENTRIES = 20_000  # counted before the directory is parsed, which costs memory for each
_DAMAGE = (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, OverflowError, zlib.error)
_NOISE_FOLDERS = {"__macosx", ".svn", ".git", "cvs"}
_NOISE_FILES = {".ds_store", "thumbs.db", "desktop.ini"}


class Archive:
    """The regular files of a zip, by name, safe to read one after the other.

    Args:
        data: the bytes of the zip.
        limits: bounds.
        error: what to raise.

    Raises:
        ConnectorError: ``error`` with ``XDM_INVALIDE`` (not a zip, damaged) or ``ARCHIVE_DANGEREUSE``.
    """

    def __init__(self, data: bytes, limits: Limits, *, error: type[ConnectorError]) -> None:
        self._limits = limits
        self._error = error
        if data.count(b"PK\x01\x02") > _ABSURD_ENTRIES:
            raise self._danger("the archive has too many entries")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGE:
            raise error("XDM_INVALIDE", "the file is not a readable zip archive") from None
        self.infos = self._zip.infolist()
        if len(self.infos) > limits.max_members:
            raise self._danger(f"the archive has {len(self.infos)} entries, {limits.max_members} are allowed")
        self._files: dict[str, zipfile.ZipInfo] = {}
        for info in self.infos:
            self._admit(info)
        if sum(info.file_size for info in self._files.values()) > limits.max_expanded_bytes:
            raise self._danger("the archive expands to more than is allowed")

    def __iter__(self) -> Iterator[str]:
        """Names of the files, without folders, slashes as separators, in the order of the archive."""
        return iter(self._files)

    @cached_property
    def _by_folded_name(self) -> dict[str, str]:
        return {name.casefold(): name for name in self._files}

    def find(self, name: str) -> str | None:
        """The name as the archive writes it, letter case ignored; ``None`` when there is no such file."""
        return self._by_folded_name.get(name.casefold())

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            ConnectorError: ``XDM_INVALIDE`` when the data are damaged or not of the declared size.
        """
        info = self._files[name]
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size + 1)
        except _DAMAGE:
            raise self._error("XDM_INVALIDE", "an entry of the archive is damaged") from None
        if len(content) != info.file_size:
            raise self._error("XDM_INVALIDE", "an entry of the archive is not of its declared size")
        return content

    def _danger(self, detail: str) -> ConnectorError:
        return self._error("ARCHIVE_DANGEREUSE", detail)

    def _admit(self, info: zipfile.ZipInfo) -> None:
        """Check one entry of the directory and keep it when it is a file."""
        name = info.filename.replace("\\", "/")
        self._check_name(name)
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise self._danger("the archive holds a link or a special file")
        if info.flag_bits & 0x41:
            raise self._danger("the archive is encrypted")
        if name.endswith("/"):
            return
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise self._danger("the archive uses an unusual compression method")
        if info.file_size > self._limits.max_member_bytes:
            raise self._danger("an entry of the archive is larger than is allowed")
        if info.file_size > max(_RATIO_FLOOR, info.compress_size * self._limits.max_ratio):
            raise self._danger("an entry of the archive expands beyond any reasonable ratio")
        if any(name.casefold() == known.casefold() for known in self._files):
            raise self._danger("the archive holds the same name twice")
        self._files[name] = info

    def _check_name(self, name: str) -> None:
        if len(name) > self._limits.max_name_chars or not name.isprintable():
            raise self._danger("an entry of the archive has an impossible name")
        if name.startswith("/") or ":" in name or ".." in name.split("/"):
            raise self._danger("an entry of the archive points outside of it")


def folder_of(name: str) -> str:
    """The folder part of a name with its final slash, or an empty string."""
    return name[: name.rfind("/") + 1]


def base_name(name: str) -> str:
    """The last part of a name."""
    return name[name.rfind("/") + 1 :]


def is_noise(name: str) -> bool:
    """True for what file managers, version control and editors leave behind."""
    *folders, last = name.casefold().split("/")
    return (
        bool(_NOISE_FOLDERS & set(folders)) or last in _NOISE_FILES or last.startswith("._") or last.endswith(".swp")
    )
