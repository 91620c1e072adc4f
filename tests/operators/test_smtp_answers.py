"""What each odd answer, silence or cut of an SMTP server means for the message."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.ports import watch_steps
from connector.identities import PasswordIdentity, SaslCredentials, external, login, plain
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    LoginDeferred,
    OperatorError,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.operators.smtp_imap import SmtpSender
from connector.operators.smtp_imap import sender as sender_module
from connector.settings.model import OperatorSettings
from tests.servers.mail import Submitter, envelope_for
from tests.servers.moody import ScriptedSmtp, server_context
from tests.servers.pki import Pki

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
YOU = MailboxAddress("dr.correspondant", "cabinet.mssante.test")


@pytest.fixture
def trust(pki: Pki, tmp_path: Path) -> Path:
    return pki.write_trust(tmp_path / "trust.pem")


class Desk:
    """A scripted server and a sender in front of it."""

    def __init__(self, server: ScriptedSmtp, submitter: Submitter) -> None:
        self.server, self.submitter, self.begun = server, submitter, 0

    def send(self, *recipients: MailboxAddress, body: bytes = b"Bonjour\r\n") -> Any:
        return self.submitter.submit(envelope_for(ME, *(recipients or (YOU,)), body=body), on_data=self._begin)

    def fail(self, *recipients: MailboxAddress, body: bytes = b"Bonjour\r\n") -> OperatorError:
        with pytest.raises(OperatorError) as failure:
            self.send(*recipients, body=body)
        return failure.value

    def count(self, verb: str) -> int:
        return sum(line.startswith(verb) for line in self.server.commands)

    def _begin(self) -> None:
        self.begun += 1


Open = Callable[..., Any]


@pytest.fixture
def desk(pki: Pki, trust: Path) -> Open:
    """Opens a desk: ``answers`` of the server, then its ``extensions``, our credentials, and settings."""

    @contextmanager
    def open_desk(
        answers: dict[str, str] | None = None,
        *,
        extensions: tuple[str, ...] = ("SIZE 1000000", "8BITMIME", "DSN", "AUTH PLAIN"),
        credentials: SaslCredentials | None = None,
        greeting: str = "220 moody",
        **changes: Any,
    ) -> Iterator[Desk]:
        identity = PasswordIdentity(credentials=lambda: credentials or plain(str(ME), "secret"), label=str(ME))
        context = server_context(pki.server)
        with ScriptedSmtp(context, answers=answers or {}, extensions=extensions, greeting=greeting) as server:
            table = {"host": "localhost", "port": server.port}
            tls = {"trust": [trust], "revocation": "if_listed"}
            values = {"smtp": table, "imap": table, "tls": tls, "answer_seconds": 5} | changes
            with Submitter(SmtpSender(OperatorSettings.model_validate(values), identity)) as submitter:
                yield Desk(server, submitter)

    return open_desk


@pytest.mark.parametrize(
    ("answers", "error", "code"),
    [
        ({"MAIL": "451 4.3.0 later"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({"MAIL": "550 5.7.1 not yours"}, PermanentRefusal, "OPERATEUR_REFUS"),
        ({"MAIL": "552 5.3.4 too big"}, PermanentRefusal, "TROP_GROS"),
        ({"MAIL": "530 5.7.0 authenticate first"}, AuthenticationRefused, "AUTHENTIFICATION"),
        ({"MAIL": "421 4.3.2 closing"}, ConnectionFailed, "OPERATEUR_DIFFERE"),
        ({"MAIL": ""}, ConnectionFailed, "OPERATEUR_INJOIGNABLE"),
        ({"MAIL": "gibberish"}, ConnectionFailed, "OPERATEUR_INJOIGNABLE"),
        ({"RCPT": "451 4.7.1 greylisted"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({"RCPT": "550 5.1.1 unknown"}, PermanentRefusal, "OPERATEUR_REFUS"),
        ({"RCPT": "421 4.7.0 too many errors"}, ConnectionFailed, "OPERATEUR_DIFFERE"),
        ({"RCPT": ""}, ConnectionFailed, "OPERATEUR_INJOIGNABLE"),
        ({"AUTH": "535 5.7.8 no"}, AuthenticationRefused, "AUTHENTIFICATION"),
        ({"AUTH": "454 4.7.0 try later"}, LoginDeferred, "OPERATEUR_DIFFERE"),
        ({"AUTH": "334 e30="}, AuthenticationRefused, "AUTHENTIFICATION"),
        ({"AUTH": ""}, ConnectionFailed, "OPERATEUR_INJOIGNABLE"),
    ],
)
def test_before_data_nothing_has_left(
    desk: Open, answers: dict[str, str], error: type[OperatorError], code: str
) -> None:
    with desk(answers) as at:
        failure = at.fail()
        assert (type(failure), failure.code, at.begun, at.server.contents) == (error, code, 0, [])


@pytest.mark.parametrize(
    ("answers", "error", "code"),
    [
        ({"DATA": "451 4.3.0 no room"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({"DATA": "554 5.5.1 no valid recipients"}, PermanentRefusal, "OPERATEUR_REFUS"),
        ({"DATA": "250 what?"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({"DATA": ""}, OutcomeUnknown, "ISSUE_INCONNUE"),
        ({".": "451 4.3.0 queue full"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({".": "421 4.3.2 closing"}, TemporaryRefusal, "OPERATEUR_DIFFERE"),
        ({".": "554 5.6.0 not like this"}, PermanentRefusal, "OPERATEUR_REFUS"),
        ({".": "552 5.2.3 too big"}, PermanentRefusal, "TROP_GROS"),
        ({".": ""}, OutcomeUnknown, "ISSUE_INCONNUE"),
        ({".": "gibberish"}, OutcomeUnknown, "ISSUE_INCONNUE"),
        ({".": "354 again?"}, OutcomeUnknown, "ISSUE_INCONNUE"),
    ],
)
def test_after_data_only_a_refusal_is_certain(
    desk: Open, answers: dict[str, str], error: type[OperatorError], code: str
) -> None:
    with desk(answers) as at:
        failure = at.fail()
        assert (type(failure), failure.code, at.begun) == (error, code, 1)
        assert at.count("DATA") == 1


def test_silence_after_the_content_is_an_unknown_outcome(desk: Open) -> None:
    with desk({".": "250-almost"}, answer_seconds=0.1) as at:
        assert isinstance(at.fail(), OutcomeUnknown)


def test_silence_before_data_is_a_failed_connection(desk: Open) -> None:
    with desk({"MAIL": "250-almost"}, answer_seconds=0.1) as at:
        assert isinstance(at.fail(), ConnectionFailed)


@pytest.mark.parametrize("greeting", ["554 no service here", "421 too busy", "hello"])
def test_a_server_that_does_not_greet_is_a_failed_connection(desk: Open, greeting: str) -> None:
    with desk(greeting=greeting) as at:
        failure = at.fail()
        assert (type(failure), failure.code) == (ConnectionFailed, "OPERATEUR_INJOIGNABLE")


def test_the_answer_travels_with_the_error(desk: Open) -> None:
    with desk({"RCPT": "450-4.2.0 the\n450 4.2.0 reason\x07"}) as at:
        failure = at.fail()
        assert failure.answer == "450 4.2.0 the 4.2.0 reason"
        assert [answer.code for answer in failure.recipients] == [450]


def test_one_temporarily_refused_recipient_keeps_a_message_alive(desk: Open) -> None:
    with desk({"RCPT": "550 5.1.1 unknown|451 4.7.1 later"}) as at:
        failure = at.fail(YOU, ME)
        assert isinstance(failure, TemporaryRefusal)
        assert [answer.code for answer in failure.recipients] == [550, 451]


def test_recipients_are_answered_one_by_one(desk: Open) -> None:
    with desk({"RCPT": "250 ok|550 5.1.1 unknown|451 4.7.1 later"}) as at:
        acceptance = at.send(YOU, ME, YOU)
        assert [(a.accepted, a.temporary) for a in acceptance.recipients] == [
            (True, False), (False, False), (False, True),
        ]  # fmt: skip


def test_a_refused_transaction_is_reset_before_the_next_message(desk: Open) -> None:
    with desk({"RCPT": "550 5.1.1 unknown|250 ok"}) as at:
        at.fail()
        assert at.send().code == 250
        assert (at.count("RSET"), at.count("EHLO")) == (1, 2)


def test_a_server_that_does_not_reset_gets_a_new_connection(desk: Open) -> None:
    with desk({"RCPT": "550 5.1.1 unknown|250 ok", "RSET": "502 5.5.1 what?"}) as at:
        at.fail()
        assert at.send().code == 250
        assert at.count("EHLO") == 4


def test_a_connection_in_use_costs_no_question(desk: Open) -> None:
    with desk() as at:
        for _ in range(3):
            at.send()
        assert (at.count("NOOP"), at.count("RSET"), at.count("EHLO")) == (0, 0, 2)


def test_a_connection_long_unused_is_asked_first(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "CHECK_AFTER_SECONDS", 0.0)
    with desk({"NOOP": "250 Ok|421 4.4.2 timeout"}) as at:
        for _ in range(3):
            assert at.send().code == 250
        assert (at.count("NOOP"), at.count("EHLO")) == (2, 4)


def test_a_kept_connection_that_says_421_is_replaced(desk: Open) -> None:
    with desk({"MAIL": "250 ok|421 4.4.2 timeout exceeded|250 ok"}) as at:
        at.send()
        assert at.send().code == 250
        assert (at.begun, at.count("EHLO")) == (2, 4)


def test_a_new_connection_that_says_421_is_not_tried_again(desk: Open) -> None:
    with desk({"MAIL": "421 4.3.2 closing"}) as at:
        at.fail()
        assert at.count("EHLO") == 2


def test_after_an_unknown_outcome_the_connection_is_not_used_again(desk: Open) -> None:
    with desk({".": "354 again?|250 ok"}) as at:
        at.fail()
        at.send()
        assert (at.count("RSET"), at.count("EHLO")) == (0, 4)


@pytest.mark.parametrize(
    ("early", "error"), [("554 5.7.1 enough", PermanentRefusal), ("250 2.0.0 thanks", OutcomeUnknown)]
)
def test_an_answer_before_the_end_of_the_content_counts_only_as_a_refusal(
    desk: Open, early: str, error: type[OperatorError]
) -> None:
    with desk(max_message_bytes=50_000_000, extensions=("AUTH PLAIN",)) as at:
        at.server.early = early
        assert isinstance(at.fail(body=(b"x" * 70 + b"\r\n") * 300_000), error)
        at.server.early = ""
        assert at.send().code == 250


def test_what_the_server_announces_is_kept(desk: Open) -> None:
    with desk(extensions=("SIZE 200", "AUTH PLAIN")) as at:
        failure = at.fail(body=b"x" * 300 + b"\r\n")
        assert (type(failure), failure.code, at.begun) == (PermanentRefusal, "TROP_GROS", 0)
    with desk(extensions=("SIZE 0", "AUTH PLAIN")) as at:
        limits = at.submitter.run(at.submitter.sender.limits())
        assert (limits.max_bytes, limits.offers_dsn) == (None, False)


def test_plain_login_and_external_are_spoken_as_specified(desk: Open) -> None:
    with desk(credentials=plain("moi", "secret")) as at:
        at.send()
        (line,) = [line for line in at.server.commands if line.startswith("AUTH")]
        assert base64.b64decode(line.split()[2]) == b"\0moi\0secret"
    with desk({"AUTH": "334 VXNlcm5hbWU6", "BW9P": "334 UGFzc3dvcmQ6", "C2VJCMV0": "235 in"},
              credentials=login("moi", "secret"), extensions=("AUTH LOGIN",)) as at:  # fmt: skip
        at.send()
        assert at.server.commands[4:6] == ["bW9p", "c2VjcmV0"]
    with desk(credentials=external("moi"), extensions=("AUTH EXTERNAL",)) as at:
        at.send()
        assert "AUTH EXTERNAL bW9p" in at.server.commands
    with desk(credentials=external(""), extensions=("AUTH EXTERNAL",)) as at:
        at.send()
        assert "AUTH EXTERNAL =" in at.server.commands


def test_a_token_refused_the_xoauth2_way_is_an_authentication_refusal(desk: Open) -> None:
    token = SaslCredentials("XOAUTH2", (b"user=moi",), initial_response=False)
    with desk({"AUTH": "334 "}, credentials=token, extensions=("AUTH XOAUTH2",)) as at:
        failure = at.fail()
        assert isinstance(failure, AuthenticationRefused)
        assert at.server.commands[3] == "AUTH XOAUTH2"


def test_mutual_tls_alone_may_be_enough(pki: Pki, trust: Path) -> None:
    holder = PasswordIdentity(credentials=lambda: None, label=str(ME))
    with ScriptedSmtp(server_context(pki.server)) as server:
        table = {"host": "localhost", "port": server.port}
        values = {"smtp": table, "imap": table, "tls": {"trust": [trust], "revocation": "off"}}
        with Submitter(SmtpSender(OperatorSettings.model_validate(values), holder)) as submitter:
            assert submitter.submit(envelope_for(ME, YOU)).code == 250
        assert not any(line.startswith("AUTH") for line in server.commands)


def test_a_server_that_goes_by_the_certificate_alone_needs_no_auth(desk: Open) -> None:
    with desk(credentials=external("moi"), extensions=()) as at:
        assert at.send().code == 250
        assert at.count("AUTH") == 0


def test_a_password_is_not_given_to_a_server_that_does_not_ask_for_it(desk: Open) -> None:
    with desk(extensions=("AUTH EXTERNAL",)) as at:
        assert isinstance(at.fail(), AuthenticationRefused)
        assert at.count("AUTH") == 0


def test_a_security_answer_to_ehlo_over_tls_is_about_us(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk() as at:
        polite = at.server._answer
        monkeypatch.setattr(at.server, "_answer", lambda wire, verb: _suspicious(at, polite, wire, verb))
        failure = at.fail()
        assert (type(failure), failure.answer) == (AuthenticationRefused, "421 4.7.1 no certificate")


def _suspicious(at: Desk, polite: Any, wire: Any, verb: str) -> bool:
    if verb == "EHLO" and at.count("EHLO") == 2:
        wire.say("421 4.7.1 no certificate")
        return False
    return bool(polite(wire, verb))


def test_cancelling_a_submission_drops_its_connection(desk: Open) -> None:
    with desk({".": "250-almost", "MAIL": "250 ok"}) as at:

        async def cancelled() -> None:
            given = asyncio.Event()
            watch_steps(lambda step: given.set() if step == "send.content_given" else None)
            sending = asyncio.ensure_future(at.submitter.sender.submit(envelope_for(ME, YOU), on_data=lambda: None))
            await given.wait()
            watch_steps(None)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending

        at.submitter.run(cancelled())
        at.server.answers = {}
        at.send()
        assert at.count("EHLO") == 4


def test_the_steps_of_a_submission_are_named_in_order(desk: Open) -> None:
    steps: list[str] = []
    with desk() as at:
        watch_steps(steps.append)
        try:
            at.send()
        finally:
            watch_steps(None)
    assert steps == [
        "send.connected", "send.recipients_accepted", "send.data_begun", "send.content_given", "send.accepted",
    ]  # fmt: skip


def test_a_sender_can_be_used_again_after_closing(desk: Open) -> None:
    with desk() as at:
        at.send()
        at.submitter.run(at.submitter.sender.close())
        assert at.send().code == 250
        assert at.count("QUIT") == 1


def test_content_is_checked_before_a_connection_is_made(desk: Open) -> None:
    with desk() as at:
        failure = at.fail(body=b"x\n.\r\n")
        assert (failure.code, at.server.commands) == ("MESSAGE_MALFORME", [])
