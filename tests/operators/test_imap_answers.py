"""IMAP servers that offer less, or say more, than Dovecot does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.identities import PasswordIdentity, SaslCredentials, external, login, plain
from connector.operators.base import ServerMessage
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OperatorError,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.operators.smtp_imap import ImapReceiver
from connector.settings.model import OperatorSettings
from tests.servers.moody import ScriptedImap, Wire, server_context
from tests.servers.pki import Pki

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
SELECT = ("* 1 EXISTS", "* 0 RECENT", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 5] x")
NO_KEYWORDS = (*SELECT, r"* OK [PERMANENTFLAGS (\Seen \Deleted)] x")
FOUND = {"SELECT": SELECT, "SEARCH": ("* SEARCH 4",), "FETCH": ("* 1 FETCH (UID 4 RFC822.SIZE 10)",)}
PLACE = ServerMessage("INBOX", 7, 4, 10)


@pytest.fixture
def trust(pki: Pki, tmp_path: Path) -> Path:
    return pki.write_trust(tmp_path / "trust.pem")


class Talk:
    def __init__(self, server: ScriptedImap, receiver: ImapReceiver) -> None:
        self.server, self.receiver = server, receiver

    def said(self, word: str) -> list[str]:
        """Commands of the client that hold a word."""
        return [command for command in self.server.commands if word in command]

    def list_new(self, known_after: tuple[int, int] | None = None) -> list[ServerMessage]:
        return list(self.receiver.list_new("INBOX", known_after=known_after))


@pytest.fixture
def talk(pki: Pki, trust: Path) -> Any:
    @contextmanager
    def open_talk(
        untagged: dict[str, tuple[str, ...]] | None = None,
        *,
        credentials: SaslCredentials | None = None,
        changes: dict[str, Any] | None = None,
        **server: Any,
    ) -> Iterator[Talk]:
        identity = PasswordIdentity(credentials=lambda: credentials or plain(str(ME), "secret"), label=str(ME))
        with ScriptedImap(server_context(pki.server), untagged=FOUND | (untagged or {}), **server) as imap:
            table = {"host": "localhost", "port": imap.port}
            tls = {"trust": [trust], "revocation": "if_listed"}
            values = {"smtp": table, "imap": table, "tls": tls, "answer_seconds": 5}
            receiver = ImapReceiver(OperatorSettings.model_validate(values | (changes or {})), identity)
            try:
                yield Talk(imap, receiver)
            finally:
                receiver.close()

    return open_talk


def test_our_keyword_decides_where_keywords_are_allowed(talk: Any) -> None:
    with talk() as at:
        assert at.list_new() == [PLACE]
        at.receiver.mark_done([PLACE])
        assert at.said("SEARCH") == ["UID SEARCH UNKEYWORD $MSSConnectorDone"]
        (store,) = at.said("STORE")
        assert "$MSSConnectorDone" in store
        assert r"\Seen" in store


def test_seen_takes_its_place_where_they_are_not(talk: Any) -> None:
    with talk({"SELECT": NO_KEYWORDS}) as at:
        at.list_new()
        at.list_new(known_after=(7, 3))
        at.receiver.mark_done([PLACE])
        assert at.said("SEARCH") == ["UID SEARCH UNSEEN", "UID SEARCH UID 4:*"]
        assert "$MSS" not in at.said("STORE")[0]


@pytest.mark.parametrize("word", ["SEARCH", "STORE"])
def test_a_server_that_promises_keywords_and_refuses_them_gets_seen(talk: Any, word: str) -> None:
    class Fickle(dict[str, str]):
        """Refuses the first use of the keyword only."""

        def get(self, key: str, default: Any = None) -> Any:
            last = at.server.commands[-1]
            return "NO keywords are not for you" if key == word and "$MSS" in last else default

    with talk() as at:
        at.server.completions = Fickle()
        assert at.list_new() == [PLACE]
        at.receiver.mark_done([PLACE])
        assert "$MSS" not in at.said("STORE")[-1]


def test_a_star_range_that_finds_an_old_message_again_is_not_new(talk: Any) -> None:
    with talk() as at:
        assert at.list_new(known_after=(7, 4)) == []


def test_a_message_that_vanishes_between_search_and_fetch_is_left_out(talk: Any) -> None:
    with talk({"FETCH": ()}) as at:
        assert at.list_new() == []
        assert list(at.receiver.fetch([PLACE])) == []


def test_a_refusal_of_search_without_keywords_is_told(talk: Any) -> None:
    with talk({"SELECT": NO_KEYWORDS}, completions={"SEARCH": "NO [SERVERBUG] oops"}) as at:
        with pytest.raises(TemporaryRefusal):
            at.list_new()
        at.server.completions = {"SEARCH": "BAD what?"}
        with pytest.raises(PermanentRefusal):
            at.list_new()


@pytest.mark.parametrize(
    ("completion", "error"),
    [
        ("NO [AUTHENTICATIONFAILED] no", AuthenticationRefused),
        ("NO [UNAVAILABLE] later", TemporaryRefusal),
        ("BAD what?", AuthenticationRefused),
        ("", ConnectionFailed),
    ],
)
def test_what_a_login_failure_means(talk: Any, completion: str, error: type[OperatorError]) -> None:
    with talk(completions={"AUTHENTICATE": completion}) as at, pytest.raises(error):
        at.list_new()


def test_credentials_are_not_offered_to_a_server_that_does_not_know_the_mechanism(talk: Any) -> None:
    with talk(capabilities="IDLE AUTH=PLAIN", credentials=external("moi")) as at:
        with pytest.raises(AuthenticationRefused):
            at.list_new()
        assert at.said("AUTHENTICATE") == []


def test_login_is_quoted_and_cannot_break_out_of_its_line(talk: Any) -> None:
    with talk(credentials=login("moi", 'a "b" \\ c')) as at:
        at.list_new()
        assert at.said("LOGIN") == ['LOGIN "moi" "a \\"b\\" \\\\ c"']
    with talk(credentials=login("moi", "a\r\nx LOGOUT")) as at:
        with pytest.raises(AuthenticationRefused):
            at.list_new()
        assert at.said("LOGIN") == []


def test_a_password_that_the_server_repeats_is_kept_without_it(talk: Any) -> None:
    with talk(credentials=login("moi", "tr3s-s3cret"), completions={"LOGIN": "NO tr3s-s3cret is wrong"}) as at:
        with pytest.raises(AuthenticationRefused) as refusal:
            at.list_new()
        assert refusal.value.answer == "… is wrong"


def test_what_was_said_to_log_in_is_not_kept_in_memory(talk: Any) -> None:
    with talk(credentials=login("moi", "tr3s-s3cret")) as at:
        at.list_new()
        assert "s3cret" not in repr(vars(at.receiver._client._imap))


def test_without_idle_it_waits_all_the_same(talk: Any) -> None:
    with talk(capabilities="AUTH=PLAIN") as at:
        asked: list[bool] = []

        def stop() -> bool:
            asked.append(True)
            return len(asked) > 1

        assert at.receiver.wait("INBOX", seconds=0.05, stop=lambda: False) is False
        assert at.receiver.wait("INBOX", seconds=0.05, stop=stop) is False
        assert at.said("IDLE") == []


def idling(*lines: str, after_done: tuple[str, ...] = ()) -> Any:
    """IDLE that says these lines at once, and others after DONE."""

    def idle(wire: Wire, tag: str) -> None:
        wire.say("+ idling", *lines)
        if wire.line() == "DONE":
            wire.say(*after_done, f"{tag} OK done")

    return idle


def test_news_in_the_same_breath_as_the_beginning_of_idle_is_not_missed(talk: Any) -> None:
    with talk(idle=idling("* 2 EXISTS")) as at:
        assert at.receiver.wait("INBOX", seconds=20, stop=lambda: False) is True


def test_news_that_comes_with_the_answer_to_done_counts(talk: Any) -> None:
    with talk(idle=idling(after_done=("* 2 EXISTS",))) as at:
        assert at.receiver.wait("INBOX", seconds=0.05, stop=lambda: False) is True


def test_a_sign_of_life_is_no_news(talk: Any) -> None:
    with talk(idle=idling("* OK still here")) as at:
        assert at.receiver.wait("INBOX", seconds=0.05, stop=lambda: False) is False


def test_a_farewell_in_idle_is_a_failed_connection(talk: Any) -> None:
    def farewell(wire: Wire, tag: str) -> None:
        wire.say("+ idling")
        wire.say("* BYE maintenance")
        wire.line()

    with talk(idle=farewell) as at, pytest.raises(ConnectionFailed):
        at.receiver.wait("INBOX", seconds=20, stop=lambda: False)


def test_a_server_that_refuses_idle_is_a_failed_connection(talk: Any) -> None:
    with talk(completions={"IDLE": "NO not now"}) as at, pytest.raises(ConnectionFailed):
        at.receiver.wait("INBOX", seconds=20, stop=lambda: False)


def test_a_change_of_uidvalidity_is_news(talk: Any) -> None:
    with talk() as at:
        at.list_new()
        at.server.untagged = {"SELECT": ("* 0 EXISTS", "* OK [UIDVALIDITY 8] x")}
        assert at.receiver.wait("INBOX", seconds=20, stop=lambda: False) is True


def test_a_secret_never_reaches_a_log(talk: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with talk() as at:
        at.list_new()
    assert "AHNlY3JldA" not in caplog.text  # what base64 makes of "\0secret"
    assert "secret" not in caplog.text


def test_closing_never_raises(talk: Any) -> None:
    with talk(completions={"LOGOUT": ""}) as at:
        at.list_new()
        at.server.cut()
        at.receiver.close()
