"""Which folders and software get a message: the routes of its mailbox, and each place exactly once.

Source rule: lps-folder-conventions 3 (one folder for results, another for documents; one for each doctor). A message
is delivered when every place has it: each keeps its own receipt until then, so a crash between two of them finishes
what is missing and repeats nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from connector.domain.errors import Unavailable
from connector.exchange.arrival import Arrival, Delivered, Quarantined
from connector.settings.routing import PatientKnown, RouteSender, RouteSettings

__all__ = ["LatePlace", "Place", "RoutedInbox", "routes_of"]

_KINDS = {RouteSender.PROFESSIONAL: "professional", RouteSender.PATIENT: "usager"}


class Place(Protocol):
    """One folder or software; :class:`connector.delivery.inbox.Inbox`."""

    def deliver(self, arrival: Arrival) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        ...

    def quarantine(self, message: Quarantined) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        ...

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        ...

    def recover(self, is_open: Callable[[str], bool]) -> int:
        """At the start: forget what the journal has committed."""
        ...


def routes_of(routes: Sequence[RouteSettings], arrival: Arrival) -> list[int | None]:
    """Where a message goes: numbers of routes; ``None`` is the mailbox's own folder. Pure."""
    found: list[int | None] = []
    for number, route in enumerate(routes):
        if _holds(route, arrival):
            found.append(number)
            if not route.go_on:
                return found
    return [*found, None]


def _holds(route: RouteSettings, arrival: Arrival) -> bool:
    wanted = {str(address).casefold() for address in route.recipients}
    present = {person.address.casefold() for person in (*arrival.recipients, *arrival.copies)}
    types = {document.header.code.code for document in arrival.documents}
    return (
        (not wanted or bool(wanted & present))
        and (not route.senders or _is_from(arrival.sender.address, route.senders))
        and (route.sender_kind is None or arrival.sender_kind == _KINDS[route.sender_kind])
        and (not route.document_types or bool(types & set(route.document_types)))
        and (route.patient is None or _is_known(arrival, route.patient))
    )


def _is_from(address: str, senders: Sequence[str]) -> bool:
    sender = address.casefold()
    domain = "@" + sender.rpartition("@")[2]
    return any(one.casefold() in (sender, domain) for one in senders)


def _is_known(arrival: Arrival, wanted: PatientKnown) -> bool:
    patients = arrival.patients
    if wanted is PatientKnown.NOBODY:
        return not patients
    if wanted is PatientKnown.QUALIFIED:
        return bool(patients) and all(one.is_qualified for one in patients)
    if wanted is PatientKnown.INS:
        return bool(patients) and all(one.has_valid_ins for one in patients)
    return bool(patients)


class LatePlace:
    """A place that is opened when it is there: while its disk or share is away, the others go on.

    Args:
        build: opens it; raises :class:`connector.domain.errors.Unavailable`.
    """

    def __init__(self, build: Callable[[], Place]) -> None:
        self._build = build
        self._place: Place | None = None
        self._is_open: Callable[[str], bool] = lambda _: True  # nothing is forgotten unless the journal was asked

    def _opened(self) -> Place:
        if self._place is None:
            place = self._build()
            place.recover(self._is_open)
            self._place = place
        return self._place

    def deliver(self, arrival: Arrival) -> Delivered:
        """See :class:`Place`."""
        return self._opened().deliver(arrival)

    def quarantine(self, message: Quarantined) -> Delivered:
        """See :class:`Place`."""
        return self._opened().quarantine(message)

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """See :class:`Place`; one that was never opened has delivered nothing."""
        if self._place is not None:
            self._place.settle(incoming_ids)

    def recover(self, is_open: Callable[[str], bool]) -> int:
        """See :class:`Place`; done later when it is away now."""
        self._is_open = is_open
        with suppress(Unavailable):
            return self._opened().recover(is_open)
        return 0


@dataclass(frozen=True, slots=True)
class RoutedInbox:
    """Delivers the messages of a mailbox with routes; fulfils :class:`connector.exchange.arrival.DeliveryTarget`.

    Args:
        own: the mailbox's own folder.
        routes: of the settings.
        places: by the number of a route; routes to the same place share one.
        elsewhere: by the number of a route, the folder when it is another than the mailbox's own: the files there are
            told with their whole path.
    """

    own: Place
    routes: Sequence[RouteSettings]
    places: Mapping[int, Place]
    elsewhere: Mapping[int, Path] = field(default_factory=dict)

    def deliver(self, arrival: Arrival) -> Delivered:
        """To every place that the routes name; a place that is away holds up no other.

        Raises:
            Unavailable: of the first place that does not have it yet; call again.
        """
        given: list[Delivered] = []
        away: list[Unavailable] = []
        for place, folder in self._places_for(arrival):
            try:
                given.append(_below(folder, place.deliver(arrival)))
            except Unavailable as hindrance:
                away.append(hindrance)
        if away:
            raise away[0]
        return Delivered(given[0].prefix, tuple(file for one in given for file in one.files))

    def _places_for(self, arrival: Arrival) -> list[tuple[Place, Path | None]]:
        """Each once, also when two routes lead there; with its folder when that is not the mailbox's own."""
        chosen = [
            (self.own, None) if number is None else (self.places[number], self.elsewhere.get(number))
            for number in routes_of(self.routes, arrival)
        ]
        return list({id(place): (place, folder) for place, folder in chosen}.values())

    def quarantine(self, message: Quarantined) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`: always beside the mailbox's own folder."""
        return self.own.quarantine(message)

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        for place in self._all():
            place.settle(incoming_ids)

    def recover(self, is_open: Callable[[str], bool]) -> int:
        """At the start, everywhere. See :meth:`connector.delivery.inbox.Inbox.recover`."""
        return sum(place.recover(is_open) for place in self._all())

    def _all(self) -> list[Place]:
        return list({id(place): place for place in (self.own, *self.places.values())}.values())


def _below(folder: Path | None, one: Delivered) -> Delivered:
    if folder is None:
        return one
    return Delivered(one.prefix, tuple(((folder / name).as_posix(), digest) for name, digest in one.files))
