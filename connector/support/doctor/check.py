"""A check as data: its name, what it needs, what it can say, how long it may take, and the function behind it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from connector.domain.text import Text
from connector.support.doctor.finding import Finding
from connector.support.doctor.world import World

__all__ = ["GROUP_WORDS", "Check", "Gives", "Group", "Need", "Part", "once"]

Part = Callable[[], Iterable[Finding]]
"""One piece of work of a check, done in a thread of its own; findings count from the moment they are yielded."""


class Group(StrEnum):
    """Under which heading a check is shown."""

    MACHINE = "machine"
    CONNECTOR = "connector"
    FOLDERS = "folders"
    CARD = "card"
    IDENTITIES = "identities"
    TRUST = "trust"
    OPERATORS = "operators"


GROUP_WORDS = {
    Group.MACHINE: Text("Cette machine", "This machine"),
    Group.CONNECTOR: Text("Le connecteur", "The connector"),
    Group.FOLDERS: Text("Les dossiers d'échange", "The exchange folders"),
    Group.CARD: Text("La carte et son lecteur", "The card and its reader"),
    Group.IDENTITIES: Text("L'identité des boîtes", "The identity of the mailboxes"),
    Group.TRUST: Text("Les autorités de confiance", "The trusted authorities"),
    Group.OPERATORS: Text("Les opérateurs de messagerie", "The mail operators"),
}
"""Headings."""


class Need(StrEnum):
    """Without which a check makes no sense and is left out."""

    SETTINGS = "settings"
    NETWORK = "network"
    CARD = "card"  # a mailbox whose key is on a card


@dataclass(frozen=True, slots=True, kw_only=True)
class Gives:
    """Every code that a check can give: its own by severity, and those that other rooms raise through it."""

    ok: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()

    @property
    def own(self) -> frozenset[str]:
        """Those that the check itself names."""
        return frozenset((*self.ok, *self.warning, *self.error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the registry."""

    name: str
    group: Group
    title: Text
    parts: Callable[[World], Iterable[Part]]
    gives: Gives
    needs: frozenset[Need] = field(default_factory=lambda: frozenset({Need.SETTINGS}))
    seconds: float = 10.0
    """How long one part may take; what it has found until then counts."""

    def missing(self, world: World) -> Need | None:
        """The first thing that it needs and does not have."""
        have = {
            Need.SETTINGS: world.settings is not None,
            Need.NETWORK: not world.offline,
            Need.CARD: world.uses_card,
        }
        return next((need for need in Need if need in self.needs and not have[need]), None)


def once(look: Callable[[World], Iterable[Finding]]) -> Callable[[World], Iterable[Part]]:
    """A check that is one piece of work."""
    return lambda world: [lambda: look(world)]
