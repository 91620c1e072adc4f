"""The world as the connector that runs sees it: what is open already is used, nothing is opened a second time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from connector.domain.ports import Clock
from connector.domain.text import Text
from connector.identities import IdentityServices
from connector.identities.card.status import CardPort
from connector.journal.journal import Journal
from connector.operators.trust import Trust
from connector.platform.paths import DataPaths
from connector.settings.load import Problem
from connector.settings.model import Settings
from connector.support.doctor.beside import folder_as_it_is
from connector.support.doctor.world import CardAnswer, World

__all__ = ["world_inside"]

_NO_CARDS = CardAnswer(None, Text("aucune boîte n'utilise de carte", "no mailbox uses a card"))


def world_inside(  # noqa: PLR0913 - everything that a daemon has, all by name
    *,
    settings_path: Path,
    settings: Settings,
    problems: Sequence[Problem],
    paths: DataPaths,
    clock: Clock,
    services: IdentityServices,
    trust: Trust,
    journal: Journal,
    cards: CardPort | None,
    health: Callable[[], Mapping[str, Any]],
) -> World:
    """What the checks look at; see :class:`connector.support.doctor.world.World`.

    Args:
        settings_path: of the settings that the daemon was started with.
        settings: those.
        problems: what does not fit the world any more (``problems_before_start``).
        paths: the data folder.
        clock: that of the daemon.
        services: that the mailboxes use.
        trust: likewise.
        journal: the open one.
        cards: the card room; ``None`` when no mailbox uses a card.
        health: the health tree as JSON values.
    """
    return World(
        settings_path=settings_path, settings=settings, problems=problems, paths=paths,
        data_folder=folder_as_it_is(paths.root), clock=clock, services=services, trust=trust, ask_health=health,
        open_journal=lambda: nullcontext(journal),
        ask_card=lambda: CardAnswer(cards.status()) if cards is not None else _NO_CARDS, is_daemon=True,
    )  # fmt: skip
