"""From paths to drops: files and folders as the outbox would group them. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.domain.errors import ConnectorError, InvalidSubmission, Unavailable
from connector.domain.finding import Finding, Severity, each_once
from connector.domain.limits import Limits
from connector.intake.assemble import ClaimedDrop
from connector.intake.check.formats import refusal
from connector.intake.check.rehearsal import Examined, Rehearsal
from connector.intake.drop import Drop
from connector.intake.lookout import Lookout, incomplete
from connector.intake.scan import Listing, list_folder
from connector.platform.files import read_regular_file
from connector.settings.model import OutboxSettings, Readiness

__all__ = ["MOST_FOLDERS", "Examination", "Unreadable"]

MOST_FOLDERS = 1_000
"""Of one examination; a share with more of them is not one outbox."""


class Unreadable(Exception):
    """A path that cannot be looked at.

    Args:
        path: as it was given.
        reason: of the system, or a code of the catalogue.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Examination:
    """Examines what lies at paths.

    Attributes:
        rehearsal: for the mailbox whose outbox they could be in.
        outbox: how the files of a drop belong together.
        limits: bounds of reading.
    """

    rehearsal: Rehearsal
    outbox: OutboxSettings
    limits: Limits

    def run(self, paths: Sequence[Path]) -> Iterator[Examined]:
        """Examine drop after drop.

        Args:
            paths: files, which belong together as in one folder, and folders, which are looked through.

        Raises:
            Unreadable: one of them cannot be looked at.
        """
        single: dict[Path, set[str]] = {}
        folders = 0
        for path in paths:
            if path.is_dir():
                for folder in _folders(path, MOST_FOLDERS, inner=self.outbox.readiness is not Readiness.FOLDER):
                    folders += 1
                    yield from self._in_folder(folder, None)
            else:
                single.setdefault(path.parent, set()).add(path.name)
        for folder, names in single.items():
            yield from self._in_folder(folder, names)

    def _in_folder(self, folder: Path, names: set[str] | None) -> Iterator[Examined]:
        """The drops of a folder, or those that some of its files make."""

        def look(path: Path) -> Listing:
            listing = list_folder(path)
            if names is None:
                return listing
            found = tuple(file for file in listing.files if file.name in names)
            if missing := names - {file.name for file in found}:
                raise Unreadable(folder / min(missing), "not a file, or empty")
            return Listing(found)

        lookout = Lookout(folder, self.outbox, self.limits, settle_seconds=0.0, look=look)
        try:
            drops = lookout.drops(0.0)
        except OSError as error:
            raise Unreadable(folder, error.strerror or type(error).__name__) from error
        for drop in drops:
            yield self._drop(folder, drop, lookout)

    def _drop(self, folder: Path, drop: Drop, lookout: Lookout) -> Examined:
        try:
            files = [
                (file.name, read_regular_file(folder / file.place, max_bytes=self.limits.max_member_bytes))
                for file in drop.files
            ]
        except InvalidSubmission as error:
            return Examined(drop.base, tuple(refusal(error, drop.base)))
        except (OSError, Unavailable) as error:
            reason = error.code if isinstance(error, ConnectorError) else error.strerror
            raise Unreadable(folder / drop.base, reason or type(error).__name__) from error
        examined = self.rehearsal.examine(ClaimedDrop(self.rehearsal.rules.ids.ulid(), drop.base, files))
        return _with(examined, self._whole(drop, lookout))

    def _whole(self, drop: Drop, lookout: Lookout) -> list[Finding]:
        """What the folder would wait for, and refuse in the end. A ready marker that is missing is no fault here."""
        found: list[Finding] = []
        if drop.index is None and (drop.missing or not drop.data):
            found += refusal(incomplete(drop, Readiness.STABLE), drop.base)
        for name in sorted(lookout.cut(drop)):
            french = f"Fichier « {name} » : la fin n'est pas là."
            found.append(
                Finding(
                    severity=Severity.ERROR,
                    code="INCOMPLET",
                    file=name,
                    french=french,
                    detail="the end of the file is not there",
                )
            )
        return found


def _with(examined: Examined, more: Sequence[Finding]) -> Examined:
    if not more:
        return examined
    return Examined(examined.name, each_once([*more, *examined.findings]), examined.sendings)


def _folders(top: Path, most: int, *, inner: bool) -> Iterator[Path]:
    """The folder and, unless each of them is one drop, those inside; links are not followed."""
    waiting = [top]
    for _ in range(most):
        if not waiting:
            return
        folder = waiting.pop(0)
        yield folder
        if inner:
            try:
                waiting += [folder / name for name in list_folder(folder).folders]
            except OSError as error:
                raise Unreadable(folder, error.strerror or type(error).__name__) from error
    if waiting:
        raise Unreadable(top, f"more than {most} folders")
