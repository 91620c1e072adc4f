"""The world as a command sees it: a process of its own, beside a connector that may be running."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.domain.errors import Unavailable
from connector.identities import IdentityServices
from connector.journal.journal import Journal
from connector.journal.look import look_at
from connector.journal.vault import Vault
from connector.operators.trust import Trust
from connector.platform.keystore import journal_key, resolve_secret
from connector.platform.paths import DataPaths, default_data_dir
from connector.platform.system import SystemClock, SystemIds
from connector.settings.load import Problem
from connector.settings.model import Settings
from connector.support.doctor.world import CardAnswer, World

__all__ = ["existing_journal", "folder_as_it_is", "world_beside"]


def world_beside(
    settings_path: Path,
    settings: Settings | None,
    problems: Sequence[Problem],
    *,
    ask_health: Callable[[], Mapping[str, Any] | None],
    ask_card: Callable[[], CardAnswer],
    offline: bool = False,
    box: str = "",
) -> World:
    """What the checks look at; see :class:`connector.support.doctor.world.World` for the arguments."""
    root = settings.software.data_dir if settings is not None else None
    paths, clock = DataPaths(root or default_data_dir()), SystemClock()
    kept = paths.trust if paths.root.is_dir() else None  # what judges a server also notes which lists it wants

    def open_journal() -> Any:
        if settings is None:
            raise Unavailable("JOURNAL_INDISPONIBLE", "without settings nobody knows where the journal is")
        return existing_journal(settings, paths)

    return World(
        settings_path=settings_path, settings=settings, problems=problems, paths=paths,
        data_folder=folder_as_it_is(paths.root), clock=clock,
        services=IdentityServices(read_secret=resolve_secret, clock=clock),
        trust=Trust(kept, clock), ask_health=ask_health, open_journal=open_journal,
        ask_card=ask_card, offline=offline, box=box,
    )  # fmt: skip


def folder_as_it_is(folder: Path) -> os.stat_result | None:
    """What the system says of a folder; ``None`` when it is not there or not ours to look at."""
    try:
        return folder.stat()
    except OSError:
        return None


@contextmanager
def existing_journal(settings: Settings, paths: DataPaths) -> Iterator[Journal | None]:
    """The journal as it is: neither made nor migrated. ``None`` when there is none that this version can read.

    Raises:
        Unavailable, ConfigurationError, JournalDamaged: as :meth:`connector.journal.journal.Journal.open`.
    """
    url = settings.journal.url or paths.journal_url
    if not look_at(url).is_current:
        yield None
        return
    key = journal_key(settings.journal.key_store, paths.key, journal_exists=True)
    journal = Journal.open(url, vault=Vault(key), clock=SystemClock(), ids=SystemIds(), actor="doctor")
    try:
        yield journal
    finally:
        journal.close()
