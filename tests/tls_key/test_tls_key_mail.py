"""What the mail rooms say when the key of a card hinders a handshake: its own cause, at once, and nothing twice."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, ConnectorError, NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities import SaslCredentials
from connector.identities.tls_key import TlsKey, attach
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings.model import OperatorSettings
from tests.servers.mail import Submitter, envelope_for
from tests.servers.moody import ScriptedImap, ScriptedSmtp
from tests.servers.pki import Pki
from tests.tls_key.contract import Watched
from tests.tls_key.keys import Profile, software_key
from tests.tls_key.peer import V12, V13, SecureImap, demanding

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")


@dataclass
class KeyIdentity:
    """A card's key that is always ready until it signs."""

    key: TlsKey
    label: str = str(ME)

    def revision(self) -> str:
        return "1"

    def apply_to(self, context: Any) -> None:
        attach(context, self.key)

    def sasl(self) -> SaslCredentials | None:
        return None

    def needs_person(self) -> WaitingFor | None:
        return None


@dataclass
class Practice:
    """Both servers, one key, and a way to talk to each."""

    pki: Pki
    trust: Path
    smtp: ScriptedSmtp
    imap: ScriptedImap
    watched: Watched
    key: TlsKey
    changes: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> OperatorSettings:
        server = "implicit" if self.smtp.implicit else "starttls"
        tls = {"trust": [self.trust], "revocation": "off", "maximum": "1.3"} | self.changes.pop("tls", {})
        return OperatorSettings.model_validate({
            "smtp": {"host": "localhost", "port": self.smtp.port, "tls": server},
            "imap": {"host": "localhost", "port": self.imap.port, "tls": server},
            "tls": tls, "connect_seconds": 20, "answer_seconds": 20,
        } | self.changes)  # fmt: skip

    def submit(self) -> None:
        with Submitter(SmtpSender(self.settings(), KeyIdentity(self.key))) as sender:
            sender.submit(envelope_for(ME, ME))

    def receive(self) -> None:
        receiver = ImapReceiver(self.settings(), KeyIdentity(self.key))
        try:
            receiver.list_new("INBOX", known_after=None)
        finally:
            receiver.close()


Servers = Callable[..., Practice]
Visit = Callable[[Practice], None]
BOTH = pytest.mark.parametrize("visit", [Practice.submit, Practice.receive], ids=["SMTP", "IMAP"])
IMPLICIT = pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])


@pytest.fixture
def practice(pki: Pki, tmp_path: Path) -> Iterator[Servers]:
    with ExitStack() as stack:

        def make(*, profile: Profile = Profile.CPS4, implicit: bool = False, **server: Any) -> Practice:
            key = software_key(pki, profile)
            watched = Watched(key.signer)
            imap_kind = SecureImap if implicit else ScriptedImap
            folder = {"SELECT": ("* 0 EXISTS", "* OK [UIDVALIDITY 1] ok", "* OK [UIDNEXT 1] ok"),
                      "SEARCH": ("* SEARCH",)}  # fmt: skip
            return Practice(
                pki, pki.write_trust(tmp_path / "trust.pem"),
                stack.enter_context(ScriptedSmtp(demanding(pki, **server), implicit=implicit)),
                stack.enter_context(imap_kind(demanding(pki, **server), untagged=folder)),
                watched, replace(key, signer=watched),
            )  # fmt: skip

        yield make


@BOTH
@IMPLICIT
@pytest.mark.parametrize("profile", Profile, ids=lambda profile: profile.name)
def test_a_key_that_only_signs_opens_a_session(
    practice: Servers, visit: Visit, implicit: bool, profile: Profile
) -> None:
    scene = practice(implicit=implicit, profile=profile)
    visit(scene)
    assert len(scene.watched.asked) == 1


@BOTH
@IMPLICIT
@pytest.mark.parametrize(
    "cause",
    [
        NeedsPerson("CARTE_ABSENTE", "the card was pulled"),
        NeedsPerson("PIN", "the PIN is missing"),
        Unavailable("CARTE_DEFAILLANTE", "the card does not answer"),
    ],
    ids=lambda cause: cause.code,
)
def test_what_hinders_the_card_reaches_the_mail_room_and_nothing_is_tried_again(
    practice: Servers, visit: Visit, implicit: bool, cause: ConnectorError
) -> None:
    def hindered() -> None:
        raise cause

    scene = practice(implicit=implicit)
    scene.watched.before = hindered
    with pytest.raises(type(cause)) as failure:
        visit(scene)
    assert failure.value is cause
    assert len(scene.watched.asked) == 1
    assert not _is_circular(cause)


@BOTH
@IMPLICIT
@pytest.mark.parametrize(
    "server", [{"lowest": V13}, {"highest": V12, "algorithms": "rsa_pss_rsae_sha256"}], ids=["TLS 1.3", "PSS"]
)
def test_an_operator_that_wants_more_than_the_card_can_do_is_named_as_the_reason(
    practice: Servers, visit: Visit, implicit: bool, server: dict[str, Any]
) -> None:
    scene = practice(profile=Profile.CPS3, implicit=implicit, **server)
    with pytest.raises(ConfigurationError, match=r"TLS 1\.3 or PSS") as failure:
        visit(scene)
    assert failure.value.code == "CARTE_SANS_PSS"


@BOTH
def test_settings_that_demand_more_than_the_card_can_do_are_refused_before_anything_is_said(
    practice: Servers, visit: Visit
) -> None:
    scene = practice(profile=Profile.CPS3)
    scene.changes["tls"] = {"minimum": "1.3"}
    with pytest.raises(ConfigurationError) as failure:
        visit(scene)
    assert failure.value.code == "CARTE_TLS12"
    assert scene.smtp.commands == scene.imap.commands == []


@IMPLICIT
def test_ctrl_c_while_the_card_signs_for_imap_comes_through(practice: Servers, implicit: bool) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    scene = practice(implicit=implicit)
    scene.watched.before = interrupted
    with pytest.raises(KeyboardInterrupt):
        scene.receive()
    assert len(scene.watched.asked) == 1


@BOTH
def test_with_sessions_taken_up_again_the_card_signs_once(practice: Servers, visit: Visit) -> None:
    scene = practice()
    scene.changes["resume_tls_sessions"] = True
    settings = scene.settings()
    identity = KeyIdentity(scene.key)
    if visit is Practice.submit:
        sender = SmtpSender(settings, identity)
        with Submitter(sender) as submitter:
            for _ in range(2):
                submitter.submit(envelope_for(ME, ME))
                submitter.run(sender.close())
    else:
        receiver = ImapReceiver(settings, identity)
        for _ in range(2):
            receiver.list_new("INBOX", known_after=None)
            receiver.close()
    assert len(scene.watched.asked) == 1


def _is_circular(error: BaseException) -> bool:
    seen, cause = set(), error.__cause__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause = cause.__cause__
    return cause is not None
