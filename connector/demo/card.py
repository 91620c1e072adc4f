"""The practitioner's card of the demonstration: a SoftHSM token that stands in for a CPS.

Everything else is real: the certificates have the form of those of a CPS, the key never leaves the token, the
connector asks for the PIN and signs its TLS handshakes with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from connector.client import Connection, read_endpoint
from connector.client.failure import ServiceError
from connector.daemon.endpoint import data_paths
from connector.demo.waiting import DemoFailed, wait_for
from connector.sandbox.authority import Authority
from connector.sandbox.certificates import CardHolders
from connector.sandbox.person import Holder
from connector.sandbox.pki import sandbox_name
from connector.sandbox.soft_card import SoftCardError, make_soft_card, practitioner_objects
from connector.settings.model import Settings

__all__ = ["DEMO_PIN", "DemoCard", "insert_card", "make_card"]

HOLDER = Holder(
    given="ALIX", family="EXEMPLE", national_id="899700054321", profession="Médecin",
    structure="CABINET EXEMPLE", structure_id="499700054321001", card_number="8025000001/9900054321",
)  # fmt: skip
"""Somebody who does not exist."""
DEMO_PIN = "1234"


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A card and who issued it."""

    module: Path  # its middleware
    environment: Mapping[str, str]  # of the process that uses it
    holders: CardHolders
    pin: str = field(repr=False)


def make_card(folder: Path, mailbox: str, *, pin: str = DEMO_PIN) -> DemoCard:
    """Issue a card for the holder of a mailbox.

    Args:
        folder: of the token; made.
        mailbox: that the operator opens for the holder of the card.
        pin: four digits.

    Raises:
        DemoFailed: SoftHSM is not installed.
    """
    now = datetime.now(UTC)
    root = Authority.root(sandbox_name("TEST AC RACINE BAC A SABLE STANDARD"), now=now)
    persons = root.intermediate(sandbox_name("TEST AC BAC A SABLE STANDARD PERSONNES"), now=now)
    folder.mkdir(mode=0o700, parents=True)
    try:
        soft = make_soft_card(folder, practitioner_objects(persons, HOLDER, now=now), pin=pin)
    except SoftCardError as error:
        raise DemoFailed(str(error)) from error
    authorities = (root.certificate, persons.certificate)
    return DemoCard(soft.module, soft.environment, CardHolders({HOLDER.national_id: mailbox}, authorities), pin)


def insert_card(settings: Settings, card: DemoCard) -> tuple[str, str]:
    """Wait until the connector asks for the PIN, and type it, once.

    Returns:
        Name of the holder and of the issuer, as the connector read them from the card.

    Raises:
        DemoFailed: the connector does not ask, or the PIN is refused.
    """
    with Connection(read_endpoint(data_paths(settings).endpoint)) as connector:

        def asked() -> tuple[str, str] | None:
            status = connector.card()
            seen = next((token.certificate for token in status.tokens if token.certificate), None)
            return (seen.name, seen.issuer) if seen and status.presence == "pin_needed" else None

        found = wait_for("the connector to ask for the PIN", asked)
        try:
            connector.unlock_card(card.pin)
        except ServiceError as error:
            raise DemoFailed(str(error)) from error
    return found
