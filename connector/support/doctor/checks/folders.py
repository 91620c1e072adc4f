"""The exchange folders of each mailbox: there, writable, private, on a disk that suits them."""

import stat
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.intake.layout import BoxLayout, KnownFolders, demand_marker, folders_of
from connector.platform.files import unavailable
from connector.platform.share import is_share
from connector.platform.synced import synchronised_by
from connector.settings.model import MailboxSettings
from connector.support.doctor.check import Check, Gives, Group, Part
from connector.support.doctor.finding import Finding, error, ok, refusal, warning
from connector.support.doctor.rights import can_write
from connector.support.doctor.world import World

__all__ = ["CHECKS"]


def _mailboxes(world: World) -> Iterator[Part]:
    """One part each: a share that is gone holds up its own mailbox only."""
    return (partial(_folders, world, mailbox) for mailbox in world.mailboxes)


def _folders(world: World, mailbox: MailboxSettings) -> Iterator[Finding]:
    layout, subject = folders_of(world.known.spool, mailbox), mailbox.folder
    known = KnownFolders(world.paths.known_folders)
    try:
        is_new = layout.box not in known
        for folder in layout.marked:
            if folder in known:
                demand_marker(folder)
    except ConnectorError as failure:
        yield refusal(failure, subject)
        return
    faults = [*_places(world, layout), *([] if is_new else _rights(layout))]
    yield from faults
    if is_new:
        yield ok("DOSSIERS_NOUVEAUX", subject, str(layout.box))
    elif not faults:
        yield ok("DOSSIERS_OK", subject, str(layout.box))


def _places(world: World, layout: BoxLayout) -> Iterator[Finding]:
    """Both where the software drops and where it reads, which may be elsewhere."""
    share = world.known.spool.share
    for place in dict.fromkeys((layout.box, layout.received.parent)):
        if program := synchronised_by(place):
            yield warning("DOSSIER_SYNCHRONISE", str(place), program)
        if share is not True and is_share(place):
            if share == "auto":
                yield warning("DOSSIER_SUR_PARTAGE", str(place))
            else:
                yield error("PARTAGE_NON_DECLARE", str(place))


def _rights(layout: BoxLayout) -> Iterator[Finding]:
    for folder in (layout.outbox, layout.sent, layout.errors, layout.statuses, layout.received, layout.work):
        if not folder.exists():
            continue  # made again by itself
        try:
            can_write(folder)
        except OSError as failure:
            yield error("DOSSIER_REFUSE", str(folder), unavailable(failure).detail)
    if _open_to_all(layout.box) or _open_to_all(layout.received):
        yield warning("DOSSIER_OUVERT", str(layout.box))


def _open_to_all(folder: Path) -> bool:
    """True when any user of the machine may look in; a group may be meant to."""
    return sys.platform != "win32" and folder.exists() and bool(stat.S_IMODE(folder.stat().st_mode) & 0o007)


CHECKS = (
    Check(
        name="exchange folders", group=Group.FOLDERS, title=Text("dossiers d'échange", "exchange folders"),
        parts=_mailboxes, seconds=20.0,
        gives=Gives(
            ok=("DOSSIERS_OK", "DOSSIERS_NOUVEAUX"),
            warning=("DOSSIER_SYNCHRONISE", "DOSSIER_SUR_PARTAGE", "DOSSIER_OUVERT"),
            error=("PARTAGE_NON_DECLARE", "DOSSIER_REFUSE"),
            passes=("SPOOL_ABSENT", "SPOOL_REFUSE", "DISQUE_PLEIN"),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
