"""The middleware is found on three systems, and what is wrong with it is said."""

import _ctypes
import platform
import shutil
import struct
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import Unavailable
from connector.identities.card.module import Host, architectures, find_module, load_module, places
from tests.card.rig import CardRig

HERE = Host.here({})


@pytest.mark.parametrize(
    ("host", "first"),
    [
        (Host("linux", "x86_64"), PurePosixPath("/opt/santesocial/CPS/lib/libcps3_pkcs11_lux.so")),
        (Host("darwin", "arm64"), PurePosixPath("/usr/local/lib/libcps3_pkcs11_osx.dylib")),
        (Host("win32", "x86_64"), PureWindowsPath(r"C:\Windows\System32\cps3_pkcs11_w64.dll")),
        (Host("win32", "x86", r"D:\WINNT"), PureWindowsPath(r"D:\WINNT\System32\cps3_pkcs11_w32.dll")),
        (Host("win32", "arm64"), PureWindowsPath(r"C:\Windows\System32\cps3_pkcs11_w64.dll")),
    ],
)
def test_where_cryptolib_installs_itself(host: Host, first: PurePosixPath | PureWindowsPath) -> None:
    found = places(host)
    assert found[0] == first
    assert len(set(found)) == len(found)
    assert all(place.is_absolute() for place in found)


@pytest.mark.parametrize(
    ("system", "machine", "pointer_bits", "expected"),
    [
        ("win32", "AMD64", 64, "x86_64"),
        ("win32", "AMD64", 32, "x86"),
        ("win32", "ARM64", 64, "arm64"),
        ("darwin", "arm64", 64, "arm64"),
        ("linux", "aarch64", 64, "arm64"),
        ("linux", "riscv64", 64, "riscv64"),
    ],
)
def test_the_process_counts_and_not_the_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, pointer_bits: int, expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sys, "maxsize", 2 ** (pointer_bits - 1) - 1)
    host = Host.here({"SystemRoot": r"D:\Windows"})
    assert (host.system, host.machine, host.windows) == (system, expected, r"D:\Windows")


def test_a_configured_module_is_the_only_one_that_counts(tmp_path: Path) -> None:
    configured = tmp_path / "module.so"
    with pytest.raises(Unavailable) as missing:
        find_module(configured, HERE)
    assert (missing.value.code, "module.so" in missing.value.detail) == ("MODULE_ABSENT", True)
    configured.touch()
    assert find_module(configured, HERE) == configured


def test_without_middleware_it_is_said_how_many_places_were_looked_at() -> None:
    with pytest.raises(Unavailable, match=r"not found in 1 places") as missing:
        find_module(None, Host("win32", "x86_64", "/nowhere"))
    assert missing.value.code == "MODULE_ABSENT"


# --- architecture --------------------------------------------------------------------------------------------------


def elf(machine: int, *, big: bool = False) -> bytes:
    head = b"\x7fELF\x02" + (b"\x02" if big else b"\x01") + bytes(10)
    return head + struct.pack(">HH" if big else "<HH", 3, machine) + bytes(40)


def pe(machine: int) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(64) + b"PE\0\0" + struct.pack("<H", machine)


def mach_o(machine: int) -> bytes:
    return struct.pack("<II", 0xFEEDFACF, machine) + bytes(24)


def fat(*machines: int) -> bytes:
    entries = (struct.pack(">IIIII", machine, 0, 0, 0, 0) for machine in machines)
    return struct.pack(">II", 0xCAFEBABE, len(machines)) + b"".join(entries)


@pytest.mark.parametrize(
    ("header", "made_for"),
    [
        (elf(62), {"x86_64"}),
        (elf(3), {"x86"}),
        (elf(183), {"arm64"}),
        (elf(21, big=True), {"machine 0x15"}),
        (pe(0x8664), {"x86_64"}),
        (pe(0x14C), {"x86"}),
        (pe(0xAA64), {"arm64"}),
        (mach_o(0x01000007), {"x86_64"}),
        (mach_o(0x0100000C), {"arm64"}),
        (fat(0x01000007, 0x0100000C), {"x86_64", "arm64"}),
        (b"#!/bin/sh\n", set()),
        (b"", set()),
        (b"MZ", set()),
    ],
)
def test_what_a_library_is_made_for(header: bytes, made_for: set[str]) -> None:
    assert architectures(header) == made_for


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"]))
def test_any_header_can_be_looked_at(noise: bytes, start: bytes) -> None:
    assert isinstance(architectures(start + noise), frozenset)


def test_a_library_for_another_machine_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(elf(183 if HERE.machine != "arm64" else 62))
    with pytest.raises(Unavailable, match="this program runs as") as refusal:
        load_module(foreign, HERE)
    assert refusal.value.code == "MODULE_ARCHITECTURE"


# --- loading -------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("not a library")
    with pytest.raises(Unavailable, match="cannot be loaded") as refusal:
        load_module(text, HERE)
    assert refusal.value.code == "MODULE_ILLISIBLE"


def test_a_library_that_is_no_pkcs11_module() -> None:
    with pytest.raises(Unavailable) as refusal:
        load_module(Path(_ctypes.__file__), HERE)
    assert refusal.value.code == "MODULE_ILLISIBLE"


def test_a_folder_instead_of_a_library(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read") as refusal:
        load_module(tmp_path, HERE)
    assert refusal.value.code == "MODULE_ILLISIBLE"


@pytest.mark.parametrize(("answer", "name"), [("5", "GeneralError"), ("30", "DeviceError"), ("191", "already init")])
def test_a_module_that_refuses_to_start(rig: CardRig, answer: str, name: str) -> None:
    rig.control(f"start={answer}")
    with pytest.raises(Unavailable, match=name) as refusal:
        load_module(rig.module, HERE)
    assert refusal.value.code == "MODULE_REFUSE"


def test_a_module_that_starts(rig: CardRig, tmp_path: Path) -> None:
    copy = shutil.copy(rig.module, tmp_path / "copy.so")
    library = load_module(Path(copy), HERE)
    try:
        assert library.initialized
    finally:
        library.finalize()
