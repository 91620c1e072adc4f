"""This machine: Python, OpenSSL, time zones, room on the disks."""

import platform
import ssl
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

from connector.domain.text import Text
from connector.support.doctor.check import Check, Gives, Group, once
from connector.support.doctor.finding import Finding, error, ok, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

OLDEST_PYTHON = (3, 11)
NEWEST_TRIED_PYTHON = (3, 14)
LITTLE_BYTES = 1_000_000_000
TOO_LITTLE_BYTES = 100_000_000
_ZONES = ("Europe/Paris", "UTC")
_MEGABYTE = 1_000_000


def _python(_: World) -> Iterator[Finding]:
    version, bits = sys.version_info[:2], "64" if sys.maxsize > 1 << 32 else "32"
    told = f"{platform.python_version()}, {bits} bit, {platform.system()} {platform.machine()}"
    if version < OLDEST_PYTHON:
        yield error("PYTHON_ANCIEN", "Python", told)
    elif version > NEWEST_TRIED_PYTHON:
        yield warning("PYTHON_NON_ESSAYE", "Python", told)
    else:
        yield ok("PYTHON_OK", "Python", told)


def _openssl(_: World) -> Iterator[Finding]:
    is_right = ssl.OPENSSL_VERSION.startswith("OpenSSL") and ssl.OPENSSL_VERSION_INFO >= (3,)
    if is_right:
        yield ok("OPENSSL_OK", "OpenSSL", ssl.OPENSSL_VERSION)
    else:
        yield error("OPENSSL_ANCIEN", "OpenSSL", ssl.OPENSSL_VERSION)


def _zones(_: World) -> Iterator[Finding]:
    for name in _ZONES:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
            yield error("FUSEAUX_ABSENTS", name)
            return
    yield ok("FUSEAUX_OK", ", ".join(_ZONES))


def _disks(world: World) -> Iterator[Finding]:
    """Each place that we write to; two on the same volume count as one."""
    places = [world.paths.root]
    if world.settings is not None:
        places += [world.settings.spool.root.expanduser()]
        places += [path.expanduser() for mailbox in world.mailboxes for path in mailbox.reception.places]
    seen: set[int] = set()
    for place in map(_existing, places):
        volume = place.stat().st_dev
        if volume not in seen:
            seen.add(volume)
            yield _room(place)


def _existing(path: Path) -> Path:
    """The path, or the first folder above that is there."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _room(place: Path) -> Finding:
    usage = disk_usage(place)
    free, total = usage.free // _MEGABYTE, usage.total // _MEGABYTE
    told = {"detail": f"{free} MB free of {total} MB", "detail_fr": f"{free} Mo libres sur {total} Mo"}
    if usage.free < TOO_LITTLE_BYTES:
        return error("DISQUE_PLEIN", str(place), **told)
    if usage.free < LITTLE_BYTES:
        return warning("DISQUE_BIENTOT_PLEIN", str(place), **told)
    return ok("DISQUE_OK", str(place), **told)


CHECKS = (
    Check(
        name="python", group=Group.MACHINE, title=Text("Python", "Python"), parts=once(_python), needs=frozenset(),
        gives=Gives(ok=("PYTHON_OK",), warning=("PYTHON_NON_ESSAYE",), error=("PYTHON_ANCIEN",)),
    ),
    Check(
        name="openssl", group=Group.MACHINE, title=Text("OpenSSL", "OpenSSL"), parts=once(_openssl),
        needs=frozenset(), gives=Gives(ok=("OPENSSL_OK",), error=("OPENSSL_ANCIEN",)),
    ),
    Check(
        name="time zones", group=Group.MACHINE, title=Text("fuseaux horaires", "time zones"), parts=once(_zones),
        needs=frozenset(), gives=Gives(ok=("FUSEAUX_OK",), error=("FUSEAUX_ABSENTS",)),
    ),
    Check(
        name="disk space", group=Group.MACHINE, title=Text("place sur les disques", "disk space"),
        parts=once(_disks), needs=frozenset(),
        gives=Gives(ok=("DISQUE_OK",), warning=("DISQUE_BIENTOT_PLEIN",), error=("DISQUE_PLEIN",)),
    ),
)  # fmt: skip
"""In the order in which they are told."""
