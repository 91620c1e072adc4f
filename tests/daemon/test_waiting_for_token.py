"""One mailbox as the daemon runs it, at a real operator that takes access tokens: it waits, goes on, and logs out."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from connector.daemon.mailbox import MailboxParts, Shared, build_mailbox
from connector.daemon.store import open_journal
from connector.daemon.supervisor import Supervisor
from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState, WaitingFor
from connector.domain.submission import Recipient, SendOptions, SourceKind, Submission
from connector.identities import IdentityServices, TokenStore
from connector.intake.desk import DeskMaker
from connector.intake.layout import KnownFolders
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, OutgoingMessage
from connector.platform.system import SystemClock, SystemIds
from connector.settings.load import load_settings
from connector.settings.model import SecretRef, Settings
from connector.support.health import Component, Condition
from tests.daemon.daemon_scene import until
from tests.servers.mail import message
from tests.servers.operator import MailOperator

pytestmark = pytest.mark.servers


def no_secret(reference: SecretRef) -> str:
    raise AssertionError(f"no secret is needed: {reference}")


@dataclass
class Place:
    """A running mailbox."""

    operator: MailOperator
    me: MailboxAddress
    you: MailboxAddress
    journal: Journal
    tokens: TokenStore
    parts: MailboxParts

    def submit(self) -> str:
        """A frozen message for the colleague; gives back its row id."""
        ids, options = SystemIds(), SendOptions(allow_duplicate=True, delivery_receipt=False)
        submission = Submission(
            id=ids.ulid(), mailbox=self.me, source=SourceKind.REST, source_name="x", options=options,
            recipients=(Recipient(self.you),), files=(), created_at=SystemClock().now(),
        )  # fmt: skip
        taken = self.journal.take(
            submission, deadline_at=SystemClock().now() + timedelta(hours=48), duplicate_hours=0
        )
        header = f"<{taken.message_id}@cabinet.mssante.test>"
        content = message(self.me, message_id=header)
        frozen = FrozenMessage(header_message_id=header, recipients=(self.you,), content=content)
        (row,) = self.journal.freeze(taken.message_id, [frozen])
        self.parts.send_bell.ring()
        return row

    def state(self, row: str) -> OutgoingMessage:
        return self.journal.outgoing(row)

    def worker(self, name: str) -> Component:
        return next(part for part in self.parts.health().parts if part.name == name)

    def is_waiting(self, row: str) -> bool:
        return self.state(row).state is OutgoingState.WAITING

    def logins(self) -> int:
        return self._lines("Login: user=")

    def logouts(self) -> int:
        return self._lines("Logged out")

    def _lines(self, words: str) -> int:
        lines = self.operator.dovecot.log().splitlines()
        return sum(words in line and str(self.me) in line for line in lines)


@pytest.fixture
def place(token_operator: MailOperator, tmp_path: Path) -> Iterator[Place]:
    me, you = token_operator.new_mailbox(), token_operator.new_mailbox("dr.correspondant")
    settings = settings_of(token_operator, me, tmp_path)
    clock, tokens = SystemClock(), TokenStore()
    supervisor = Supervisor(clock)
    with contextlib.closing(open_journal(settings, actor="test")) as journal:
        shared = Shared(
            settings=settings, journal=journal, clock=clock, ids=SystemIds(), supervisor=supervisor,
            known_folders=KnownFolders(tmp_path / "folders.json"), prepare_bells=(), owner="test",
            desks=DeskMaker(settings, journal=journal, clock=clock, ids=SystemIds()),
            identities=IdentityServices(read_secret=no_secret, clock=clock, tokens=tokens),
        )  # fmt: skip
        parts = build_mailbox(settings.mailboxes[0], shared)
        tokens.subscribe(lambda mailbox: parts.identity_changed() if mailbox == me else None)
        supervisor.start()
        try:
            yield Place(token_operator, me, you, journal, tokens, parts)
        finally:
            assert supervisor.stop(20) == []
        assert journal.violations() == []


def settings_of(operator: MailOperator, me: MailboxAddress, folder: Path) -> Settings:
    return load_settings(
        {
            "software": {"product_reference": "DEV0417", "data_dir": str(folder / "data")},
            "journal": {"key_store": "file"},
            "spool": {"root": str(folder / "spool")},
            "operators": {"op": json.loads(json.dumps(operator.settings_for(), default=str))},
            "mailboxes": [
                {
                    "address": str(me), "operator": "op", "given": "Alix", "family": "EXEMPLE",
                    "identity": {"auth": "xoauth2"},
                },
            ],
        },
        base=folder,
    )  # fmt: skip


def test_a_token_that_is_handed_over_lets_messages_go_and_come(place: Place) -> None:
    row = place.submit()
    until(lambda: place.is_waiting(row), "the message to wait")
    waiting = place.state(row)
    assert (waiting.waiting_for, waiting.code, waiting.attempts) == (WaitingFor.TOKEN, "JETON_ABSENT", 0)
    for name in ("send", "receive"):
        until(lambda name=name: place.worker(name).code == "JETON_ABSENT", f"{name} to show it")  # type: ignore[misc]
        assert place.worker(name).condition is Condition.WAITING
    place.operator.deliver(message(place.you, message_id="<arrives@test>"), place.me)

    place.tokens.put(place.me, place.operator.issuer.token(place.me))

    until(lambda: place.state(row).state is OutgoingState.SENT, "the message to leave")
    assert place.state(row).attempts == 1
    until(lambda: place.journal.incoming_messages(limit=10), "the message to arrive")
    until(lambda: place.parts.health().overall is Condition.OK, "the mailbox to be well")


def test_a_refused_token_is_not_tried_again_and_a_fresh_one_is_at_once(place: Place) -> None:
    row = place.submit()
    until(lambda: place.is_waiting(row), "the message to wait")
    place.tokens.put(place.me, place.operator.issuer.token(place.me, genuine=False))
    until(lambda: place.tokens.status(place.me).code == "JETON_REFUSE", "the refusal")
    until(lambda: place.state(row).code == "JETON_REFUSE", "the message to say so")

    place.tokens.put(place.me, place.operator.issuer.token(place.me))

    until(lambda: place.state(row).state is OutgoingState.SENT, "the message to leave")


def test_logging_out_ends_the_sessions_and_logging_in_again_goes_on(place: Place) -> None:
    place.tokens.put(place.me, place.operator.issuer.token(place.me))
    first = place.submit()
    until(lambda: place.state(first).state is OutgoingState.SENT, "the first message to leave")
    until(lambda: place.logins() == 1, "the reception to log in")

    place.tokens.close(place.me)

    until(lambda: place.logouts() == 1, "the reception to log out")
    until(lambda: place.worker("receive").code == "JETON_ABSENT", "it to say so")
    second = place.submit()
    until(lambda: place.is_waiting(second), "the second message to wait")

    place.tokens.put(place.me, place.operator.issuer.token(place.me))
    until(lambda: place.state(second).state is OutgoingState.SENT, "the second message to leave")
    until(lambda: place.logins() == 2, "the reception to log in again")
