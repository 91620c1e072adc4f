"""Access tokens at servers that answer in every way that was seen: SMTP and IMAP behave alike."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError
from connector.domain.states import WaitingFor
from connector.identities import IdentityServices, IdentityUnavailable, TokenStore, make_identity
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    LoginDeferred,
    TokenRefused,
    UntrustedServer,
)
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings.model import IdentitySettings, OperatorSettings, SecretRef, ServerSettings
from connector.testing.clock import FakeClock
from tests.servers.mail import Submitter
from tests.servers.moody import server_context
from tests.servers.pki import Pki
from tests.servers.token_servers import EXPLANATION, TokenImap, TokenSmtp

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
FIRST, SECOND = "eyJ.first." + "a" * 30, "eyJ.second." + "b" * 30
LONG = "eyJ.long." + "c" * 2000
SELECTED = {"SELECT": ("* 0 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 1] x"), "SEARCH": ("* SEARCH",)}


def no_secret(reference: SecretRef) -> str:
    raise AssertionError(f"no secret is needed: {reference}")


@dataclass
class Scene:
    """A server, and somebody who wants to log in to it."""

    server: Any
    store: TokenStore
    log_in: Callable[[], object]
    tokens: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.server.judge.tokens

    @property
    def shown(self) -> list[str]:
        return list(self.server.judge.shown)

    def fail(self) -> ConnectorError:
        with pytest.raises(ConnectorError) as failure:
            self.log_in()
        return failure.value

    def said(self, word: str) -> list[str]:
        return [line for line in self.server.commands if line.startswith(word)]


Open = Callable[..., AbstractContextManager[Scene]]


@pytest.fixture(params=["smtp", "imap"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(pki: Pki, tmp_path: Path) -> Callable[..., Any]:
    """Opens a scene with a protocol; ``server`` are attributes of it, ``changes`` settings of the operator."""

    @contextmanager
    def open_scene(
        protocol: str, *, auth: str = "xoauth2", tokens: tuple[str, ...] = (FIRST,),
        server: dict[str, Any] | None = None, **changes: Any,
    ) -> Iterator[Scene]:  # fmt: skip
        context = server_context(pki.server)
        made: Any = TokenSmtp(context, **(server or {})) if protocol == "smtp" else TokenImap(
            context, untagged=SELECTED, **(server or {})
        )  # fmt: skip
        store = TokenStore(FakeClock())
        for token in tokens:
            store.put(ME, token)
        with made:
            table = {"host": "localhost", "port": made.port}
            trust = {"trust": [pki.write_trust(tmp_path / "trust.pem")], "revocation": "off"}
            settings = OperatorSettings.model_validate(
                {"smtp": table, "imap": table, "tls": trust, "answer_seconds": 5} | changes
            )
            services = IdentityServices(read_secret=no_secret, clock=FakeClock(), tokens=store)
            identity = make_identity(
                IdentitySettings.model_validate({"auth": auth}), ME, services, server=ServerSettings(**table)
            )
            if protocol == "smtp":
                with Submitter(SmtpSender(settings, identity)) as desk:
                    yield Scene(made, store, lambda: desk.run(desk.sender.limits()))
            else:
                receiver = ImapReceiver(settings, identity)
                try:
                    yield Scene(made, store, lambda: receiver.list_new("INBOX", known_after=None))
                finally:
                    receiver.close()

    return open_scene


@pytest.fixture
def scene(protocol: str, opened: Any) -> Open:
    """A scene with either protocol."""

    def open_scene(**options: Any) -> AbstractContextManager[Scene]:
        made: AbstractContextManager[Scene] = opened(protocol, **options)
        return made

    return open_scene


def test_the_token_is_said_as_specified(scene: Open) -> None:
    with scene() as at:
        at.log_in()
        assert at.server.judge.said == [f"user={ME}\x01auth=Bearer {FIRST}\x01\x01"]


def test_oauthbearer_is_said_when_the_server_lists_no_other(protocol: str, scene: Open) -> None:
    offers = {"extensions": ("AUTH OAUTHBEARER",)} if protocol == "smtp" else {"capabilities": "AUTH=OAUTHBEARER"}
    with scene(server=offers) as at:
        at.log_in()
        where = f"host=localhost\x01port={at.server.port}\x01"
        assert at.server.judge.said == [f"n,a={ME},\x01{where}auth=Bearer {FIRST}\x01\x01"]


def test_oauthbearer_is_said_when_the_settings_want_it_and_xoauth2_never(scene: Open) -> None:
    with scene(auth="oauthbearer") as at:
        at.log_in()
        assert at.server.judge.said[0].startswith("n,a=")


def test_a_server_without_tokens_gets_none(protocol: str, scene: Open) -> None:
    offers = {"extensions": ("AUTH PLAIN",)} if protocol == "smtp" else {"capabilities": "AUTH=PLAIN"}
    with scene(server=offers) as at:
        failure = at.fail()
        assert (type(failure), failure.code) == (AuthenticationRefused, "MECANISME_ABSENT")
        assert at.said("AUTH") == []
        assert at.store.status(ME).usable


def test_a_short_token_goes_inside_the_command_where_the_server_takes_it_there(scene: Open) -> None:
    with scene() as at:
        at.log_in()
        (line,) = at.said("AUTH")
        assert len(line.split()) == 3


def test_an_operator_that_wants_no_initial_response_gets_none(protocol: str, scene: Open) -> None:
    server = {"takes_initial": False} if protocol == "smtp" else {}
    with scene(server=server, sasl_initial_response=False) as at:
        at.log_in()
        assert at.said("AUTH") == ["AUTH XOAUTH2" if protocol == "smtp" else "AUTHENTICATE XOAUTH2"]
        assert at.shown == [FIRST]


def test_a_long_token_waits_for_the_challenge(scene: Open) -> None:
    with scene(tokens=(LONG,)) as at:
        at.log_in()
        assert [line.split()[1:] for line in at.said("AUTH")] == [["XOAUTH2"]]
        assert at.shown == [LONG]


def test_an_imap_server_without_sasl_ir_is_waited_for(opened: Any) -> None:
    with opened("imap", server={"capabilities": "AUTH=XOAUTH2"}) as at:
        at.log_in()
        assert at.said("AUTH") == ["AUTHENTICATE XOAUTH2"]


@pytest.mark.parametrize("verdict", ["explain", "explain and hang up", "hang up", "repeat"])
def test_each_way_to_refuse_a_token_is_a_refusal_of_this_token_and_not_of_the_network(
    scene: Open, verdict: str
) -> None:
    with scene() as at:
        at.tokens[FIRST] = verdict
        failure = at.fail()
        assert isinstance(failure, TokenRefused)
        assert (failure.code, failure.waiting_for) == ("JETON_REFUSE", WaitingFor.TOKEN)
        assert at.store.status(ME).code == "JETON_REFUSE"
        assert at.shown == [FIRST]


@pytest.mark.parametrize("verdict", ["explain", "explain and hang up"])
def test_what_the_server_explained_is_kept_for_the_trace(scene: Open, verdict: str) -> None:
    with scene() as at:
        at.tokens[FIRST] = verdict
        failure = at.fail()
        assert isinstance(failure, TokenRefused)
        assert EXPLANATION in failure.answer


@pytest.mark.parametrize(("auth", "parting"), [("xoauth2", ""), ("oauthbearer", "AQ==")])
def test_an_explanation_is_answered_in_good_order(scene: Open, auth: str, parting: str) -> None:
    with scene(auth=auth) as at:
        at.tokens[FIRST] = "explain"
        at.fail()
        assert at.server.judge.partings == [parting]


def test_a_server_that_asks_on_and_on_has_refused_the_token(scene: Open) -> None:
    with scene() as at:
        at.tokens[FIRST] = "ask"
        failure = at.fail()
        assert isinstance(failure, TokenRefused)
        assert "what?" in failure.answer
        assert len(at.server.judge.partings) < 5
        assert at.store.status(ME).code == "JETON_REFUSE"


def test_the_answer_that_repeats_a_token_is_kept_without_it(scene: Open) -> None:
    with scene(tokens=(LONG,)) as at:
        at.tokens[LONG] = "repeat"
        failure = at.fail()
        assert isinstance(failure, TokenRefused)
        assert "is not valid" in failure.answer
        assert "ccc" not in f"{failure.answer} {failure}"


def test_a_refused_token_is_never_shown_again(scene: Open) -> None:
    with scene() as at:
        at.tokens[FIRST] = "hang up"
        at.fail()
        failure = at.fail()
        assert isinstance(failure, IdentityUnavailable)
        assert (failure.code, failure.waiting_for) == ("JETON_REFUSE", WaitingFor.TOKEN)
        assert at.shown == [FIRST]


def test_another_token_that_came_meanwhile_is_shown_once_on_a_new_connection(
    scene: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene() as at:
        at.tokens[FIRST] = "explain and hang up"
        renew_while_it_is_judged(at, monkeypatch, SECOND)
        at.log_in()
        assert at.shown == [FIRST, SECOND]


def test_two_refused_tokens_in_a_row_are_the_operators_trouble_and_pass(
    scene: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene() as at:
        at.tokens |= {FIRST: "explain", SECOND: "hang up"}
        renew_while_it_is_judged(at, monkeypatch, SECOND)
        failure = at.fail()
        assert (type(failure), failure.code) == (ConnectionFailed, "JETON_DIFFERE")
        assert at.shown == [FIRST, SECOND]


def renew_while_it_is_judged(at: Scene, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """The LPS hands over another token while the server still looks at the first one."""
    judge, verdict = at.server.judge, at.server.judge.verdict

    def slow(line: str) -> str:
        if not judge.said:
            at.store.put(ME, token)
        return str(verdict(line))

    monkeypatch.setattr(judge, "verdict", slow)


def test_a_server_that_cannot_judge_now_leaves_the_token_good(scene: Open) -> None:
    with scene() as at:
        at.tokens[FIRST] = "defer"
        failure = at.fail()
        assert (type(failure), failure.code) == (LoginDeferred, "OPERATEUR_DIFFERE")
        at.tokens.clear()
        at.log_in()
        assert at.shown == [FIRST, FIRST]


def test_hanging_up_before_the_token_was_said_is_the_network(opened: Any) -> None:
    with opened("smtp", server={"hangs_up_early": True}, sasl_initial_response=False) as at:
        failure = at.fail()
        assert (type(failure), failure.code) == (ConnectionFailed, "OPERATEUR_INJOIGNABLE")
        assert at.store.status(ME).usable


def test_without_a_token_the_connection_ends_before_anything_is_said(scene: Open) -> None:
    with scene(tokens=()) as at:
        failure = at.fail()
        assert isinstance(failure, IdentityUnavailable)
        assert (failure.code, at.said("AUTH")) == ("JETON_ABSENT", [])


def test_a_token_is_not_given_to_a_server_that_is_not_trusted(scene: Open, pki: Pki, tmp_path: Path) -> None:
    stranger = Pki().write_trust(tmp_path / "other.pem")
    with scene(tls={"trust": [stranger], "revocation": "off"}) as at:
        assert isinstance(at.fail(), UntrustedServer)
        assert at.server.judge.said == []


def test_an_open_session_outlives_its_token_until_it_is_closed(scene: Open) -> None:
    with scene() as at:
        at.log_in()
        at.store.forget(ME)
        at.log_in()
        assert at.shown == [FIRST]
        at.store.close(ME)
        assert isinstance(at.fail(), IdentityUnavailable)
        assert at.said("QUIT") or at.said("LOGOUT")


def test_a_renewed_token_opens_no_new_session(scene: Open) -> None:
    with scene() as at:
        at.log_in()
        at.store.put(ME, SECOND)
        at.log_in()
        assert at.shown == [FIRST]


def test_a_token_never_reaches_a_log(scene: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with scene(sasl_initial_response=False) as at:
        at.log_in()
        at.store.close(ME)
        at.store.put(ME, SECOND)
        at.tokens[SECOND] = "repeat"
        at.fail()
    said = " ".join(record.getMessage() for record in caplog.records)
    assert FIRST not in said
    assert SECOND not in said
    assert "auth=Bearer" not in said
