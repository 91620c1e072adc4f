"""Finds the card middleware (a PKCS#11 library) and loads it.

Cryptolib CPS installs itself at fixed places; the names below are those of its installers (versions 5.0 to 5.2), the
ones in use now first. A library only fits a process of its own architecture, and the dynamic loader's own message
about that is different on each system and clear on none, so the file's header is read first.
"""

import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import TYPE_CHECKING

import pkcs11
from pkcs11.exceptions import PKCS11Error

from connector.domain.errors import Unavailable

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class with the name of a function

__all__ = ["Host", "architectures", "find_module", "load_module", "places"]

_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Host:
    """The process that is to load the library."""

    system: str  # sys.platform: linux, win32, darwin
    machine: str  # x86_64, x86, arm64
    windows: str = r"C:\Windows"

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> "Host":
        """This one.

        Args:
            environment: ``os.environ``; Windows says there where it is.
        """
        machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
        if machine == "x86_64" and sys.maxsize < 2**32:
            machine = "x86"
        return cls(sys.platform, machine, environment.get("SystemRoot", r"C:\Windows"))


_MACHINES = MappingProxyType({
    "amd64": "x86_64", "x86_64": "x86_64", "i386": "x86", "i686": "x86", "x86": "x86", "arm64": "arm64",
    "aarch64": "arm64",
})  # fmt: skip
"""``platform.machine()`` in lower case to one name for each."""

_LINUX = (
    "/opt/santesocial/CPS/lib/libcps3_pkcs11_lux.so",  # package of 5.2
    "/opt/santesocial/CPS/lib64/libcps3_pkcs11_lux.so",
    "/usr/lib/libcps3_pkcs11_lux.so",
    "/usr/lib64/libcps3_pkcs11_lux.so",
    "/usr/lib/x86_64-linux-gnu/libcps3_pkcs11_lux.so",
    "/usr/local/lib/libcps3_pkcs11_lux.so",
    "/usr/local/galss/libcps3_pkcs11_lux.so",  # 5.0 with GALSS
)
_MACOS = (
    "/usr/local/lib/libcps3_pkcs11_osx.dylib",
    "/Library/Frameworks/cps3.framework/cps3_pkcs11",
    "/opt/santesocial/CPS/lib/libcps3_pkcs11_osx.dylib",
)
_WINDOWS = MappingProxyType({
    # a 32-bit process that names System32 is given SysWOW64 by Windows itself; Sysnative is not for libraries
    "x86": (r"System32\cps3_pkcs11_w32.dll",),
    "x86_64": (r"System32\cps3_pkcs11_w64.dll",),
    "arm64": (r"System32\cps3_pkcs11_w64.dll",),  # refused as a foreign architecture, which is the truth about it
})  # fmt: skip


def places(host: Host) -> tuple[PurePath, ...]:
    """Where Cryptolib CPS installs its library on a host, the likeliest first."""
    if host.system == "win32":
        names = _WINDOWS.get(host.machine, _WINDOWS["x86_64"])
        return tuple(PureWindowsPath(host.windows, name) for name in names)
    return tuple(PurePosixPath(name) for name in (_MACOS if host.system == "darwin" else _LINUX))


def find_module(configured: Path | None, host: Host) -> Path:
    """The library to load.

    Args:
        configured: ``card.module`` of the settings; nothing else is looked at then.
        host: see :meth:`Host.here`.

    Raises:
        Unavailable: ``MODULE_ABSENT``.
    """
    candidates = [configured] if configured is not None else [Path(place) for place in places(host)]
    for path in candidates:
        if path.is_file():
            return path
    looked = f"{candidates[0]} is no file" if configured else f"not found in {len(candidates)} places"
    raise Unavailable("MODULE_ABSENT", f"no card middleware: {looked}")


def load_module(path: Path, host: Host) -> "Library":
    """Load the library and initialise it; only ever called on the card thread.

    Args:
        path: from :func:`find_module`.
        host: this process.

    Raises:
        Unavailable: ``MODULE_ARCHITECTURE``, ``MODULE_ILLISIBLE`` (the system does not load it, or it is no PKCS#11
            library), ``MODULE_REFUSE`` (it does not start).
    """
    _check_architecture(path, host)
    try:
        return pkcs11.lib(str(path))
    except PKCS11Error as error:
        reason = str(error) or type(error).__name__
    if reason.startswith(("OS exception", "Unknown exception")):  # what python-pkcs11 says of dlopen and LoadLibrary
        raise Unavailable("MODULE_ILLISIBLE", f"{path.name} cannot be loaded ({reason.partition(': ')[2] or reason})")
    raise Unavailable("MODULE_REFUSE", f"{path.name} does not start ({reason.rstrip('.')})")


def _check_architecture(path: Path, host: Host) -> None:
    try:
        with path.open("rb") as file:
            made_for = architectures(file.read(_HEADER_BYTES))
    except OSError as error:
        raise Unavailable("MODULE_ILLISIBLE", f"{path.name} cannot be read ({error.strerror})") from error
    if made_for and host.machine not in made_for:
        text = f"{path.name} is made for {', '.join(sorted(made_for))}, this program runs as {host.machine}"
        raise Unavailable("MODULE_ARCHITECTURE", text)


def architectures(header: bytes) -> frozenset[str]:
    """What a library is made for, from its first bytes; empty when that cannot be told (then loading will tell).

    Sources: ELF gABI 4.1 (``e_machine``), PE/COFF 3.3.1 (``Machine``), Mach-O ``loader.h`` and ``fat.h``.
    """
    try:
        return frozenset(_named(header))
    except struct.error:  # too short
        return frozenset()


_ELF = MappingProxyType({3: "x86", 62: "x86_64", 183: "arm64"})
_PE = MappingProxyType({0x14C: "x86", 0x8664: "x86_64", 0xAA64: "arm64"})
_MACH_O = MappingProxyType({7: "x86", 0x01000007: "x86_64", 0x0100000C: "arm64"})
_MACH_O_THIN = (0xFEEDFACE, 0xFEEDFACF)
_MACH_O_FAT = 0xCAFEBABE  # big-endian whatever the machine
_FAT_ENTRY_BYTES = 20


def _named(header: bytes) -> list[str]:
    if header.startswith(b"\x7fELF"):
        order = ">" if header[5:6] == b"\x02" else "<"
        return _known(_ELF, struct.unpack_from(f"{order}H", header, 18))
    if header.startswith(b"MZ"):
        (start,) = struct.unpack_from("<I", header, 0x3C)
        return _known(_PE, struct.unpack_from("<H", header, start + 4))
    if struct.unpack_from("<I", header)[0] in _MACH_O_THIN:
        return _known(_MACH_O, struct.unpack_from("<I", header, 4))
    if struct.unpack_from(">I", header)[0] == _MACH_O_FAT:
        (count,) = struct.unpack_from(">I", header, 4)
        kinds = [struct.unpack_from(">I", header, 8 + _FAT_ENTRY_BYTES * n)[0] for n in range(min(count, 16))]
        return _known(_MACH_O, tuple(kinds))
    return []


def _known(table: Mapping[int, str], kinds: tuple[int, ...]) -> list[str]:
    return [table.get(kind, f"machine {kind:#x}") for kind in kinds]
