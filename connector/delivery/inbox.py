"""Delivering the messages of one mailbox to one folder of the LPS, in the form of its profile.

Source rule: lps-folder-conventions 8.6.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

import structlog

from connector.delivery.folder import HandOver
from connector.delivery.layout import Stamp, index_path, lay_out, lay_out_aside
from connector.delivery.line import LpsLine
from connector.delivery.package import Package
from connector.delivery.pieces import Owner
from connector.delivery.profile import LpsProfile, load_profile
from connector.domain.catalogue import explain
from connector.domain.legacy_text import note
from connector.exchange.arrival import Arrival, Delivered, Quarantined
from connector.platform.files import private_folder, remove_litter, unavailable, write_atomic
from connector.settings.lps import LpsOptions
from connector.settings.model import MailboxSettings

__all__ = ["Inbox", "Outlet", "Places", "mailbox_profile"]

_log = structlog.get_logger(__name__)

_ID_LENGTHS = (6, 10, 26)
_CONTROL_CHARS = 17  # of the 20 that MSH-10 has in HL7 2.5


class Places(Protocol):
    """Where the delivery works; :class:`connector.intake.layout.BoxLayout` has them all."""

    @property
    def received(self) -> Path:
        """What the LPS reads."""
        ...

    @property
    def delivery_work(self) -> Path:
        """Ours, on the volume of :attr:`received`."""
        ...

    @property
    def errors(self) -> Path:
        """Where a person looks for what went wrong."""
        ...

    def check(self) -> None:
        """Make sure that the disk is there.

        Raises:
            Unavailable: it is not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """What a software gets, and how."""

    profile: LpsProfile
    line: LpsLine | None = None  # to a software that listens for HL7 v2 messages; None = they are files
    work: str = "livraison"  # name of the folder where deliveries are prepared: one for each outlet of a folder


def mailbox_profile(mailbox: MailboxSettings, name: str = "") -> LpsProfile:
    """A profile as a mailbox wants it.

    Args:
        mailbox: its reception settings; ``text_encoding`` and ``ok_flag`` are older words for two of the options.
        name: of the profile; that of the mailbox, with the options of the mailbox, when it is empty.

    Raises:
        InvalidProfile: ``REGLAGE_INVALIDE``.
    """
    reception = mailbox.reception
    if name not in ("", reception.profile):
        return load_profile(name, reception.profiles)
    older: dict[str, object] = {}
    if "text_encoding" in reception.model_fields_set:
        older["encodage"] = reception.text_encoding
    if reception.ok_flag:
        older["drapeau"] = ".ok"
    options = reception.options.over(LpsOptions.model_validate(older))
    return load_profile(reception.profile, reception.profiles, options)


class Inbox:
    """Delivers the messages of one mailbox; fulfils :class:`connector.exchange.arrival.DeliveryTarget`.

    A quarantined message never reaches the LPS's folder: its raw bytes go to ``ERREURS/RECEPTION/<prefix>.eml`` (they
    stay in the journal too) with a note in French beside them.

    Args:
        mailbox: its reception settings.
        places: its folders.
        zone: zone of the stamps; ``None`` = that of the machine.
        outlet: another form than that of the mailbox.
        new_id: makes ids; default: those of HL7 v2 messages follow from the id of the mail.

    Raises:
        InvalidProfile: ``REGLAGE_INVALIDE``.
    """

    def __init__(
        self, mailbox: MailboxSettings, places: Places, *, zone: tzinfo | None = None, outlet: Outlet | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:  # fmt: skip
        chosen = outlet or Outlet(profile=mailbox_profile(mailbox))
        self._places = places
        self._zone = zone
        self._owner_name = mailbox.display_name
        self._new_id = new_id
        self._profile = chosen.profile
        self._plat = load_profile("plat")
        self._line = chosen.line
        send = chosen.line.give if chosen.line else None
        self._hand_over = HandOver(places.received, places.delivery_work, chosen.work, send=send)
        self._refused = HandOver(places.received, places.delivery_work, f"{chosen.work}-refus")
        self._gate = threading.Lock()
        self._unsettled: set[str] = set()

    def deliver(self, arrival: Arrival) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._places.check()
            given = self._hand_over.hand_over(arrival.incoming_id, lambda: self._package(arrival))
            return given if self._line is None else self._answered(arrival, given, self._line)

    def _answered(self, arrival: Arrival, given: Delivered, line: LpsLine) -> Delivered:
        """What the software refused lies whole where a person looks, before the sender hears of it."""
        messages = self._hand_over.messages(arrival.incoming_id)
        if not messages:
            return given
        refusals = line.refusals(messages)
        if refusals:
            aside = self._refused.hand_over(arrival.incoming_id, lambda: self._package_of_refused(arrival))
            given = Delivered(given.prefix, (*given.files, *aside.files))
        line.conclude(arrival.incoming_id, refusals)
        return given

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._unsettled.update(incoming_ids)
            for incoming_id in list(self._unsettled):
                with suppress(OSError):  # kept, and tried again with the next ones
                    self._hand_over.settle(incoming_id)
                    self._refused.settle(incoming_id)
                    self._unsettled.discard(incoming_id)

    def recover(self, is_open: Callable[[str], bool]) -> int:
        """At the start: forget the receipts of deliveries that the journal has committed, and half-written files.

        Args:
            is_open: True for the id of a message that still has to be delivered.

        Raises:
            Unavailable: the folder is not there now; call again.
        """
        with self._gate:
            self._places.check()
            try:
                remove_litter(self._places.errors / "RECEPTION")
                return self._hand_over.sweep(is_open) + self._refused.sweep(is_open)
            except OSError as error:
                raise unavailable(error) from error

    def quarantine(self, message: Quarantined) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._places.check()
            folder = self._places.errors / "RECEPTION"
            stamp = _time(message.received_at, self._zone)
            prefix = f"{stamp}_{message.incoming_id[-6:]}"
            texts = explain(message.code)
            told = note(
                "Un message reçu n'a pas pu être ouvert.",
                f"Arrivée : {message.received_at.astimezone(self._zone):%d/%m/%Y %H:%M:%S}\n"
                f"Numéro  : {message.incoming_id[-6:]}\nOriginal : {prefix}.eml",
                f"Ce qui s'est passé\n  {texts.title_fr}",
                f"Que faire\n  {texts.cure_fr}",
                f"Code : {message.code}",
            )
            try:
                if not folder.is_dir():
                    private_folder(folder)
                write_atomic(folder / f"{prefix}.eml", message.raw)
                write_atomic(folder / f"{prefix}.erreur.txt", told)
            except OSError as error:
                raise unavailable(error) from error
            files = ((f"{prefix}.eml", message.raw), (f"{prefix}.erreur.txt", told))
            return Delivered(prefix, tuple((name, hashlib.sha256(data).hexdigest()) for name, data in files))

    def _package(self, arrival: Arrival) -> Package:
        stamp = self._free_stamp(arrival)
        package = lay_out(arrival, stamp, self._profile, plat=self._plat, owner=self._owner(arrival))
        if package.is_aside:
            _log.warning("outside_profile", id=arrival.incoming_id, code="RECU_HORS_PROFIL")
        return package

    def _package_of_refused(self, arrival: Arrival) -> Package:
        _log.warning("refused_by_software", id=arrival.incoming_id, code="RECU_REFUSE_PAR_LOGICIEL")
        return lay_out_aside(
            arrival, self._free_stamp(arrival), self._profile, plat=self._plat, owner=self._owner(arrival),
            warnings=["RECU_REFUSE_PAR_LOGICIEL"],
        )  # fmt: skip

    def _owner(self, arrival: Arrival) -> Owner:
        """With the beginning of control ids that are new: those of a delivery that was begun are in its receipt."""
        control = (self._new_id() if self._new_id else arrival.incoming_id)[-_CONTROL_CHARS:]
        return Owner(name=self._owner_name, control=control, zone=self._zone)

    def _free_stamp(self, arrival: Arrival) -> Stamp:
        """With six characters of the id, or more when another message has them in the same second."""
        time = _time(arrival.received_at, self._zone)
        stamps = [Stamp(time, arrival.incoming_id[-length:]) for length in _ID_LENGTHS]
        for stamp in stamps[:-1] if self._profile.options.index else ():
            if not self._belongs_to_another(stamp, arrival.incoming_id):
                return stamp
        return stamps[-1] if self._profile.options.index else stamps[0]

    def _belongs_to_another(self, stamp: Stamp, incoming_id: str) -> bool:
        try:
            index = (self._places.received / index_path(stamp, self._profile)).read_bytes()
        except FileNotFoundError:
            return False
        return incoming_id.encode("ascii") not in index


def _time(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).strftime("%Y%m%d-%H%M%S")
