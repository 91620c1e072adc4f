"""The connector itself: settings, data folder, secrets, the service, its port."""

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.platform.share import is_share
from connector.platform.synced import synchronised_by
from connector.settings.base import SecretRef
from connector.settings.model import MailboxSettings
from connector.support.doctor.check import Check, Gives, Group, once
from connector.support.doctor.finding import Finding, error, ok, refusal, warning
from connector.support.doctor.instance import lock_holder
from connector.support.doctor.rights import can_write
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

_CONNECT_SECONDS = 2.0


def _settings(world: World) -> Iterator[Finding]:
    for problem in world.problems:
        right, wrong = problem.right, problem.wrong
        yield error("REGLAGE_INVALIDE", problem.key, f"{wrong.en}; {right.en}", detail_fr=f"{wrong.fr} ; {right.fr}")
    if not world.problems:
        yield ok("REGLAGES_OK", str(world.settings_path))


def _data_folder(world: World) -> Iterator[Finding]:
    folder, found = world.paths.root, world.data_folder
    if found is None:
        yield ok("DONNEES_NOUVELLES", str(folder))
        return
    faults = [*_rights(folder, found), *_place(folder)]
    yield from faults or [ok("DONNEES_OK", str(folder))]


def _rights(folder: Path, found: os.stat_result) -> Iterator[Finding]:
    """What the file system says of the folder; the access lists of Windows are set anew at every start."""
    if not stat.S_ISDIR(found.st_mode):
        yield error("DONNEES_REFUSEES", str(folder), "it is not a folder", detail_fr="ce n'est pas un dossier")
        return
    if sys.platform != "win32" and stat.S_IMODE(found.st_mode) & 0o077:
        yield error("DONNEES_OUVERTES", str(folder), f"mode {stat.S_IMODE(found.st_mode):04o}")
    try:
        can_write(folder)
    except OSError as failure:
        yield error("DONNEES_REFUSEES", str(folder), f"{failure.strerror}")


def _place(folder: Path) -> Iterator[Finding]:
    if is_share(folder):
        yield error("DONNEES_SUR_PARTAGE", str(folder))
    if program := synchronised_by(folder):
        yield error("DONNEES_SYNCHRONISEES", str(folder), program)


def _secrets(world: World) -> Iterator[Finding]:
    for mailbox in world.mailboxes:
        for name, ref in _named_secrets(mailbox).items():
            subject = f"{mailbox.folder}, identity.{name}"
            try:
                world.services.read_secret(ref)
            except ConnectorError as failure:
                yield refusal(failure, subject)
            else:
                yield ok("SECRET_OK", subject, _where(ref))


def _named_secrets(mailbox: MailboxSettings) -> dict[str, SecretRef]:
    identity = mailbox.identity
    named = {"certificate_password": identity.certificate_password, "password": identity.password}
    return {name: ref for name, ref in named.items() if ref is not None}


def _where(ref: SecretRef) -> str:
    return next(f"in {name}" for name in ("keyring", "file", "env") if getattr(ref, name) is not None)


def _service(world: World) -> Iterator[Finding]:
    """Running and answering; or holding its lock without an answer; or stopped, and its port still free."""
    if world.is_daemon or world.ask_health() is not None:
        yield ok("SERVICE_OK", "")
        return
    holder = lock_holder(world.paths)
    if holder is None:
        yield warning("SERVICE_ARRETE", "")
        yield from _port(world)
    elif world.known.api.enabled:
        yield error("SERVICE_MUET", "", f"process {holder or 'unknown'}")
    else:
        yield ok("SERVICE_OK", "", f"process {holder or 'unknown'}")


def _port(world: World) -> Iterator[Finding]:
    """Nobody else may answer where the connector is going to listen."""
    api = world.known.api
    if not api.enabled or api.port == 0:
        return
    subject = f"{api.host}:{api.port}"
    with suppress(OSError), socket.create_connection((api.host, api.port), timeout=_CONNECT_SECONDS):
        yield error("PORT_OCCUPE", subject)
        return
    yield ok("PORT_OK", subject)


CHECKS = (
    Check(
        name="settings", group=Group.CONNECTOR, title=Text("réglages", "settings"), parts=once(_settings),
        needs=frozenset(), gives=Gives(ok=("REGLAGES_OK",), error=("REGLAGE_INVALIDE",)),
    ),
    Check(
        name="data folder", group=Group.CONNECTOR, title=Text("dossier de données", "data folder"),
        parts=once(_data_folder), needs=frozenset(),
        gives=Gives(
            ok=("DONNEES_OK", "DONNEES_NOUVELLES"),
            error=("DONNEES_OUVERTES", "DONNEES_REFUSEES", "DONNEES_SUR_PARTAGE", "DONNEES_SYNCHRONISEES"),
        ),
    ),
    Check(
        name="secrets", group=Group.CONNECTOR, title=Text("mots de passe enregistrés", "stored passwords"),
        parts=once(_secrets), seconds=30.0,
        gives=Gives(
            ok=("SECRET_OK",), passes=("SECRET_ABSENT", "SECRET_INDISPONIBLE", "CLE_PERMISSIONS", "CLE_INVALIDE")
        ),
    ),
    Check(
        name="service", group=Group.CONNECTOR, title=Text("service", "service"), parts=once(_service),
        gives=Gives(
            ok=("SERVICE_OK", "PORT_OK"), warning=("SERVICE_ARRETE",), error=("SERVICE_MUET", "PORT_OCCUPE")
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
