"""Everything that checks may look at, gathered once; whatever touches the outside is a seam that the caller fills.

The command fills it for a process of its own; the daemon fills it with what it has open already (journal, cards,
tokens), so that nothing is opened twice.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.domain.ports import Clock
from connector.domain.text import Text
from connector.identities import IdentityServices
from connector.identities.card.reader import PcscReaders, ReaderView
from connector.identities.card.status import CardStatus
from connector.journal.journal import Journal
from connector.operators.trust import Trust
from connector.platform.paths import DataPaths
from connector.settings.load import Problem
from connector.settings.model import MailboxSettings, OperatorSettings, Settings
from connector.support.doctor.time_sources import DEFAULT_TIME_SOURCES, TimeSource

__all__ = ["CardAnswer", "World", "look_at_readers"]


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """How the cards are, or why it cannot be told."""

    status: CardStatus | None
    reason: Text | None = None  # when there is no status


def look_at_readers() -> ReaderView:
    """The readers as the system's card service sees them; no card is touched."""
    readers = PcscReaders()
    try:
        return readers.look()
    finally:
        readers.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What there is to look at.

    Attributes:
        settings_path: the file, also when it cannot be read.
        settings: ``None`` when the file cannot be used.
        problems: of the settings, found while they were read.
        paths: the data folder.
        data_folder: what the system said of that folder before anything was opened in it, which puts its rights
            right; ``None`` = it is not there.
        clock: wall time.
        services: what identities are made with; in the daemon those that are in use.
        trust: accepted authorities and their revocation lists.
        ask_health: the health tree of the connector that runs for these settings; ``None`` when none answers.
        open_journal: the journal, never made or migrated by it; ``None`` inside when there is none yet.
        ask_card: readers and cards as they are now; may take some seconds.
        ask_readers: the card service of the system.
        is_daemon: we are the connector that runs.
        offline: leave out what needs the network.
        box: look at this mailbox only (folder name); empty = all.
        time_sources: whom to ask what time it is, the first that answers counts.
    """

    settings_path: Path
    settings: Settings | None
    problems: Sequence[Problem] = ()
    paths: DataPaths
    data_folder: os.stat_result | None
    clock: Clock
    services: IdentityServices
    trust: Trust
    ask_health: Callable[[], Mapping[str, Any] | None]
    open_journal: Callable[[], AbstractContextManager[Journal | None]]
    ask_card: Callable[[], CardAnswer]
    ask_readers: Callable[[], ReaderView] = look_at_readers
    is_daemon: bool = False
    offline: bool = False
    box: str = ""
    time_sources: Sequence[TimeSource] = DEFAULT_TIME_SOURCES

    @property
    def known(self) -> Settings:
        """The settings, for a check that needs them.

        Raises:
            LookupError: there are none; the registry says that the check needs them.
        """
        if self.settings is None:
            raise LookupError("this check needs settings")
        return self.settings

    @property
    def journal_url(self) -> str:
        """Where the journal is, or would be."""
        return self.known.journal.url or self.paths.journal_url

    @property
    def mailboxes(self) -> list[MailboxSettings]:
        """Those to look at."""
        found = self.settings.mailboxes if self.settings is not None else []
        return [mailbox for mailbox in found if self.box in ("", mailbox.folder)]

    @property
    def operators(self) -> dict[str, OperatorSettings]:
        """Those that the mailboxes to look at use, in the order of the file."""
        used = {mailbox.operator for mailbox in self.mailboxes}
        return {name: operator for name, operator in self.known.operators.items() if name in used}

    @property
    def uses_card(self) -> bool:
        """True when the key of a mailbox is on a card that we read ourselves.

        A machine without settings is being set up: its reader and middleware are what the person wants to hear of.
        """
        return self.settings is None or any(mailbox.identity.card is not None for mailbox in self.mailboxes)
