"""Watching whether the LPS takes what it was given: a result that nobody integrates is a risk for its patient.

A delivery *stands* until the LPS has moved or deleted what it reads of it, or has reported that it is integrated
(:mod:`connector.delivery.reports`), or an application has taken it. One that stands for too long is told once, and
not any more when it is taken. A folder that is not there tells nothing: no delivery counts as taken because a share
is away.

Source rule: lps-folder-conventions 8.6.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Literal, Protocol

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.journal.deliveries import StandingDelivery
from connector.journal.journal import Journal
from connector.platform.files import unavailable

__all__ = ["FOLDER", "ReceptionWatch", "TakenRules", "names_below"]

FOLDER = "RECUS"
"""Who took it, where no application said so."""
_BATCH = 500
_INDEX = ".mss.json"


class _Folder(Protocol):
    @property
    def received(self) -> Path: ...

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRules:
    """When a delivery counts as taken, and when it has stood for too long."""

    when: Literal["any", "all"] = "any"  # of its files, without index and flag, have gone
    overdue_hours: float = 24.0  # 0 = never
    aside: str = "AUTRES"  # folder where a message lies whole when its profile leaves something of it out
    flag: str = ".ok"  # extension; empty = no flags


@dataclass(slots=True)
class ReceptionWatch:
    """Looks at the folders of one mailbox.

    Args:
        mailbox: whose.
        places: its folders: its own first, then those of its routes.
        journal: knows what was delivered.
        clock: what time it is.
        rules: of its settings.
        take: notes that a message, by its row id, was taken, and tells its sender.
    """

    mailbox: MailboxAddress
    places: Sequence[_Folder]
    journal: Journal
    clock: Clock
    rules: TakenRules
    take: Callable[[str], object]
    _after: str = field(default="", init=False)

    def run_once(self) -> int:
        """Look at the next few hundred deliveries that stand, from the oldest on; the next look goes on from there.

        Returns:
            How many were found to be taken.

        Raises:
            Unavailable: folder or journal: nothing is concluded.
        """
        standing = self.journal.standing(self.mailbox, after=self._after, limit=_BATCH)
        self._after = standing[-1].incoming_id if len(standing) == _BATCH else ""
        if not standing:
            return 0
        present = self._present([name for one in standing for name in one.files])
        taken = [one for one in standing if self._is_taken(one, present)]
        for one in taken:
            self.take(one.incoming_id)
        self.journal.note_overdue([one.incoming_id for one in standing if one not in taken and self._is_late(one)])
        return len(taken)

    def _present(self, names: Sequence[str]) -> set[str]:
        """Names are below the mailbox's own folder; those below the folder of a route are whole paths."""
        for place in self.places:
            place.check()
        found = names_below(self.places[0].received, names)
        for place in self.places:
            place.check()  # a share that went away meanwhile has shown an empty folder
        return found

    def _is_taken(self, one: StandingDelivery, present: set[str]) -> bool:
        return all(self._is_gone(files, present) for files in self._forms(one))

    def _forms(self, one: StandingDelivery) -> list[list[str]]:
        """What the software gets, and the whole message beside it when that is not all: both are waited for."""
        below = f"{self.rules.aside}/"
        has_aside = any(name.startswith(below) and name.casefold().endswith(_INDEX) for name in one.files)
        ours = (_INDEX, self.rules.flag) if self.rules.flag else (_INDEX,)  # what an LPS may well leave behind
        files = [name for name in one.files if not name.casefold().endswith(ours)]
        aside = [name for name in files if has_aside and name.startswith(below)]
        return [form for form in (aside, [name for name in files if name not in aside]) if form]

    def _is_gone(self, files: Sequence[str], present: set[str]) -> bool:
        here = sum(name in present for name in files)
        return here < len(files) if self.rules.when == "any" else here == 0

    def _is_late(self, one: StandingDelivery) -> bool:
        hours = self.rules.overdue_hours
        return bool(hours) and one.overdue_at is None and one.since + timedelta(hours=hours) <= self.clock.now()


def names_below(root: Path, names: Iterable[str]) -> set[str]:
    """Which of these names exist, relative ones below a folder; each folder is listed once: cheap on a share.

    Raises:
        Unavailable: ``SPOOL_REFUSE`` and the like: what is there cannot be seen.
    """
    by_folder: defaultdict[PurePath, list[str]] = defaultdict(list)
    for name in names:
        by_folder[PurePath(name).parent].append(name)
    found: set[str] = set()
    for folder, wanted in by_folder.items():
        here = _listed(root / folder)
        found.update(name for name in wanted if PurePath(name).name in here)
    return found


def _listed(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names only
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise unavailable(error) from error
