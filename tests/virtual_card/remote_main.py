"""A process of its own with a card room and the mail sessions of one mailbox, driven by its parent.

The middleware and the PC/SC library keep what they learnt for as long as a process lives, so each test gets a new
one. Both directions carry pickled tuples: ``(number, command, arguments)`` in, ``(number, result, error)`` out.
Commands run side by side, as the workers and the API of the daemon do; the methods of :class:`Room` are the commands.
"""

import asyncio
import os
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, BinaryIO

from connector.domain.address import MailboxAddress
from connector.domain.states import WaitingFor
from connector.identities.base import external
from connector.identities.card.identity import CardIdentity
from connector.identities.card.service import CardService
from connector.identities.card.status import CardStatus
from connector.identities.factory import IdentityServices
from connector.operators.base import Acceptance, OutgoingEnvelope, Receiver, Sender, ServerMessage
from connector.operators.factory import make_receiver, make_sender
from connector.settings.model import CardChoice, CardSettings, IdentitySettings, MailboxSettings, OperatorSettings
from tests.servers.clock import WallClock
from tests.virtual_card.remote import RemoteError

__all__ = ["Room"]


@dataclass
class Mailbox:
    """Sender and receiver of the mailbox, each with its own thread as in the daemon."""

    sender: Sender
    receiver: Receiver
    identity: CardIdentity
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def start(self) -> None:
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def submit(self, envelope: OutgoingEnvelope) -> Acceptance:
        work = self.sender.submit(envelope, on_data=lambda: None)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def drop_stale(self) -> int:
        return asyncio.run_coroutine_threadsafe(self.sender.drop_stale(), self.loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.sender.close(), self.loop).result()
        self.reading.submit(self.receiver.close).result()
        self.loop.call_soon_threadsafe(self.loop.stop)


class Room:
    """What can be asked of the process. Every public method is a command."""

    def __init__(self, settings: CardSettings) -> None:
        self._settings = settings
        self._mailbox: Mailbox | None = None

    @cached_property
    def _cards(self) -> CardService:
        return CardService(self._settings, WallClock())

    def watch(self) -> CardStatus:
        """Start to watch the readers."""
        self._cards.start()
        return self._cards.look()

    def status(self) -> CardStatus:
        return self._cards.status()

    def unlock(self, pin: str, *, accept_last_try: bool = False, serial: str = "") -> CardStatus:
        return self._cards.unlock(pin, accept_last_try=accept_last_try, serial=serial)

    def lock(self) -> CardStatus:
        return self._cards.lock()

    def test(self, *, serial: str = "") -> str:
        return self._cards.test(serial=serial)

    # --- the mailbox ---------------------------------------------------------------------------------------------

    def open_mailbox(self, address: str, operator: dict[str, Any], *, holder: str = "") -> None:
        """Make sender and receiver of a mailbox whose holder has a card; connects to nothing yet."""
        mailbox, settings = MailboxAddress.parse(address), OperatorSettings.model_validate(operator)
        choice = CardChoice(holder=holder)
        identity = CardIdentity(
            cards=self._cards, choice=choice, credentials=partial(external, address), fallback_label=address
        )
        described = MailboxSettings(
            address=mailbox, operator="operator", identity=IdentitySettings(card=choice), given="Camille",
            family="MODELE",
        )  # fmt: skip
        services = IdentityServices(read_secret=str, clock=WallClock())
        sender = make_sender(described, settings, services, identity=identity)
        receiver = make_receiver(described, settings, services, identity=identity)
        self._mailbox = Mailbox(sender, receiver, identity)
        self._mailbox.start()

    def needs_person(self) -> WaitingFor | None:
        return self._open.identity.needs_person()

    def submit(self, envelope: OutgoingEnvelope) -> Acceptance:
        return self._open.submit(envelope)

    def drop_stale(self) -> int:
        """Close what the card no longer stands for; gives back how many SMTP connections stay open."""
        return self._open.drop_stale()

    def list_new(self, folder: str = "INBOX") -> list[ServerMessage]:
        work = partial(self._open.receiver.list_new, folder, known_after=None)
        return list(self._open.reading.submit(work).result())

    def wait_for_mail(self, seconds: float) -> bool:
        """IDLE."""
        work = partial(self._open.receiver.wait, "INBOX", seconds=seconds, stop=lambda: False)
        return self._open.reading.submit(work).result()

    def drop_stale_reading(self) -> bool:
        """The same for IMAP; tells whether its connection stays open."""
        return self._open.reading.submit(self._open.receiver.drop_stale).result()

    def close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()
        self._cards.close()

    @property
    def _open(self) -> Mailbox:
        assert self._mailbox is not None, "open_mailbox first"
        return self._mailbox


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Carry out commands until the parent closes the pipe."""
    room, speaking = Room(pickle.load(source)), threading.Lock()

    def carry_out(number: int, work: Callable[[], Any]) -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - all of them go to the parent
            error = RemoteError.of(raised)
        with speaking:
            pickle.dump((number, result, error), sink)
            sink.flush()

    with ThreadPoolExecutor(8) as workers:
        while True:
            try:
                number, command, arguments = pickle.load(source)
            except EOFError:
                break
            workers.submit(carry_out, number, partial(getattr(room, command), **arguments))


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever prints must not come between the answers
        main(sys.stdin.buffer, answers)
