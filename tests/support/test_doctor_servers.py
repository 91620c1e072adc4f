"""Servers and logins, against real Postfix and Dovecot and against servers with bad moods."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.address import MailboxAddress
from connector.domain.errors import Unavailable
from connector.domain.states import OutgoingEvent
from connector.identities import IdentityServices
from connector.identities.base import IdentityUnavailable
from connector.identities.card.errors import needs_card, needs_pin
from connector.platform.keystore import resolve_secret
from connector.support.doctor import Severity
from connector.support.health import Component, Condition
from tests.servers.moody import ScriptedImap, ScriptedSmtp, server_context
from tests.servers.operator import MailOperator
from tests.servers.pki import LOCALHOST, Issued, Pki
from tests.servers.process import free_port
from tests.support.doctor_scene import BOX, Practice

SELECTED = {"SELECT": ("* OK [UIDVALIDITY 1] x", "* 0 EXISTS", "* 0 RECENT")}


@pytest.fixture
def practice(tmp_path: Path, pki: Pki) -> Practice:
    """Trusts the right authorities and looks at no revocation list."""
    pki.write_trust(tmp_path / "igc.pem")
    pki.client(str(BOX)).write(tmp_path / "alix.pem")
    practice = Practice(tmp_path)
    practice.operator.update(connect_seconds=10, answer_seconds=10)
    practice.operator["tls"] = {"trust": ["igc.pem"], "revocation": "off"}
    return practice


@contextlib.contextmanager
def served(
    practice: Practice, tls: ssl.SSLContext | None, **imap: Any
) -> Iterator[tuple[ScriptedSmtp, ScriptedImap]]:
    """Both servers, with one certificate."""
    smtp = ScriptedSmtp(tls, extensions=("AUTH PLAIN EXTERNAL",))
    with smtp, ScriptedImap(tls, untagged=SELECTED, **imap) as mailbox:
        practice.operator["smtp"] = {"host": "localhost", "port": smtp.port}
        practice.operator["imap"] = {"host": "localhost", "port": mailbox.port}
        yield smtp, mailbox


def said(smtp: ScriptedSmtp, imap: ScriptedImap) -> list[str]:
    """Beyond the way to TLS."""
    innocent = ("EHLO", "STARTTLS", "CAPABILITY", "LOGOUT", "QUIT")
    return [line for line in (*smtp.commands, *imap.commands) if not line.startswith(innocent)]


def at_real_servers(practice: Practice, operator: MailOperator, mailbox: MailboxAddress) -> None:
    """The mailbox is one of theirs, and its certificate says so."""
    practice.operator.update(operator.settings_for())
    practice.operator["tls"]["revocation"] = "off"
    practice.mailbox["address"] = str(mailbox)
    practice.mailbox["identity"]["certificate"] = str(operator.client_file(mailbox))


# --- name, port


def test_a_name_that_nobody_knows(practice: Practice) -> None:
    for side in ("smtp", "imap"):
        practice.operator[side] = {"host": "operateur.invalid", "port": 587}
    found = practice.looked("servers")
    assert [(one.code, one.subject) for one in found] == [("DNS_ECHEC", "operateur.invalid:587")] * 2


def test_a_port_at_which_nobody_listens(practice: Practice) -> None:
    port = free_port()
    practice.operator["smtp"] = practice.operator["imap"] = {"host": "127.0.0.1", "port": port}
    found = practice.looked("servers")
    assert [(one.code, one.subject) for one in found] == [("SERVEUR_REFUSE", f"127.0.0.1:{port}")] * 2


def test_a_port_that_swallows_everything(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", time_out)
    practice.mailbox["receive"] = False
    (found,) = practice.looked("servers")
    assert (found.code, found.detail) == ("SERVEUR_MUET", "TimeoutError")


@pytest.mark.parametrize(("send", "receive", "number"), [(True, True, 2), (True, False, 1), (False, True, 1)])
def test_only_servers_in_use_are_looked_at(practice: Practice, send: bool, receive: bool, number: int) -> None:
    practice.mailbox.update(send=send, receive=receive)
    assert practice.told("servers") == ["SERVEUR_REFUSE"] * number


# --- TLS


def test_real_servers_are_reached_and_trusted_and_nothing_is_said_to_them(
    practice: Practice, operator: MailOperator, mailbox: MailboxAddress
) -> None:
    at_real_servers(practice, operator, mailbox)
    found = practice.looked("servers")
    assert [one.code for one in found] == ["SERVEUR_JOIGNABLE", "TLS_OK"] * 2
    assert found[1].detail.startswith("TLSv1.2 ECDHE-RSA-")
    assert ", CN=localhost, 20" in found[1].detail
    assert "sasl_method" not in operator.postfix.log().rpartition(str(mailbox))[2]


def test_a_handshake_is_watched_without_saying_who_we_are(practice: Practice, pki: Pki) -> None:
    with served(practice, server_context(pki.server)) as servers:
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "TLS_OK"] * 2
    assert said(*servers) == []


def test_a_server_whose_certificate_ends_soon(practice: Practice, pki: Pki) -> None:
    issued = pki.organisations.issue("localhost", names=LOCALHOST, lasts=timedelta(days=20))
    with served(practice, server_context(issued)):
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "SERVEUR_BIENTOT_EXPIRE"] * 2


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("public_server", "SERVEUR_AUTORITE"),
        ("expired_server", "SERVEUR_EXPIRE"),
        ("elsewhere_server", "SERVEUR_NOM"),
    ],
)
def test_a_server_that_is_not_to_be_trusted_is_told_with_its_reason(
    practice: Practice, pki: Pki, which: str, code: str
) -> None:
    issued: Issued = getattr(pki, which)
    with served(practice, server_context(issued)) as servers:
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", code] * 2
    assert said(*servers) == []


def test_a_revoked_server_and_a_missing_list(practice: Practice, pki: Pki) -> None:
    context = server_context(pki.revoked_server)
    practice.operator["tls"] |= {"revocation": "if_listed", "crl": ["orga.crl"]}
    (practice.folder / "orga.crl").write_bytes(pki.organisations.crl().public_bytes(Encoding.DER))
    with served(practice, context):
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "SERVEUR_REVOQUE"] * 2
        practice.operator["tls"] |= {"revocation": "required", "crl": []}
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "CRL_ABSENTE"] * 2


def test_a_server_without_encryption(practice: Practice) -> None:
    with served(practice, None) as servers:
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "STARTTLS_ABSENT"] * 2
    assert said(*servers) == []


def test_a_server_with_another_version_of_tls(practice: Practice, pki: Pki) -> None:
    with served(practice, server_context(pki.server, version=ssl.TLSVersion.TLSv1_3)):
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "TLS_NON_CONFORME"] * 2


def demanding(pki: Pki, folder: Path) -> ssl.SSLContext:
    """The server side of TLS that ends a handshake without a client certificate."""
    context = server_context(pki.server, version=ssl.TLSVersion.TLSv1_2)
    context.load_verify_locations(pki.write_trust(folder / "clients.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_server_that_demands_a_certificate_gets_that_of_the_mailbox(practice: Practice, pki: Pki) -> None:
    with served(practice, demanding(pki, practice.folder)) as servers:
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "TLS_OK"] * 2
    assert said(*servers) == []


def test_without_a_usable_identity_such_a_server_is_a_warning(practice: Practice, pki: Pki) -> None:
    practice.mailbox["identity"] = {"auth": "xoauth2"}  # no token in this process, no certificate at all
    with served(practice, demanding(pki, practice.folder)):
        found = practice.looked("servers")
    assert [one.code for one in found] == ["SERVEUR_JOIGNABLE", "TLS_SANS_IDENTITE"] * 2
    assert found[1].severity is Severity.WARNING


def test_a_stranger_is_refused_and_that_is_an_error(practice: Practice, pki: Pki) -> None:
    pki.stranger.write(practice.folder / "alix.pem")
    with served(practice, demanding(pki, practice.folder)):
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "AUTHENTIFICATION"] * 2


def test_the_first_mailbox_that_is_ready_lends_its_certificate(practice: Practice, pki: Pki) -> None:
    waiting = {**practice.mailbox, "address": "labo@exemple.mssante.fr", "identity": {"auth": "xoauth2"}}
    practice.values["mailboxes"].insert(0, waiting)
    with served(practice, demanding(pki, practice.folder)):
        assert practice.told("servers") == ["SERVEUR_JOIGNABLE", "TLS_OK"] * 2


# --- login


def password(practice: Practice) -> None:
    secret = practice.folder / "secret.txt"
    secret.touch(mode=0o600)
    secret.write_text("hunter2")
    practice.mailbox["identity"] = {"auth": "plain", "password": {"file": "secret.txt"}}


def logins(practice: Practice) -> list[tuple[str, str]]:
    """Server and outcome of every login in the trace."""
    with practice.journal() as scene:
        return [(entry.server, entry.outcome) for entry in scene.journal.trace() if entry.action == "login"]


def test_a_certificate_logs_in_at_real_servers_and_leaves_a_trace(
    practice: Practice, operator: MailOperator, mailbox: MailboxAddress
) -> None:
    at_real_servers(practice, operator, mailbox)
    with practice.journal():
        pass
    found = practice.looked("login")
    smtp, imap = f"localhost:{operator.smtp_port}", f"localhost:{operator.imap_port}"
    folder = practice.settings.mailboxes[0].folder
    assert [(one.code, one.subject) for one in found] == [
        ("CONNEXION_OK", f"{folder}, {smtp}"), ("CONNEXION_OK", f"{folder}, {imap}"),
    ]  # fmt: skip
    assert sorted(logins(practice)) == sorted([(smtp, "ok"), (imap, "ok")])


def test_a_certificate_may_be_tried_without_a_journal(practice: Practice, pki: Pki) -> None:
    with served(practice, server_context(pki.server)):
        assert practice.told("login") == ["CONNEXION_OK"] * 2
    assert not practice.data.exists()


def test_a_refused_certificate_is_an_error_of_both_servers(practice: Practice, pki: Pki) -> None:
    refuses = {"AUTHENTICATE": "NO who are you"}
    with served(practice, server_context(pki.server), completions=refuses) as (smtp, _):
        smtp.answers = {"AUTH": "535 5.7.8 who are you"}
        found = practice.looked("login")
    assert [(one.code, one.severity) for one in found] == [("AUTHENTIFICATION", Severity.ERROR)] * 2


def test_what_is_wrong_with_a_server_is_not_told_twice(practice: Practice) -> None:
    found = practice.looked("login")
    assert [(one.code, one.severity) for one in found] == [("CONNEXION_NON_ESSAYEE", Severity.WARNING)] * 2


@pytest.mark.parametrize(("send", "receive"), [(True, False), (False, True)])
def test_only_the_sides_in_use_are_tried(practice: Practice, pki: Pki, send: bool, receive: bool) -> None:
    practice.mailbox.update(send=send, receive=receive)
    with served(practice, server_context(pki.server)):
        assert practice.told("login") == ["CONNEXION_OK"]


@pytest.mark.parametrize(
    ("identity", "detail"),
    [
        ({"auth": "xoauth2"}, "a Pro Santé Connect login is waited for"),
        ({"auth": "plain", "password": {"file": "absent.txt"}}, "a setting has to be corrected"),
        ({"auth": "code", "password": {"file": "absent.txt"}}, "identity.auth = code: SMTP and IMAP carry no code"),
    ],
)
def test_what_a_person_has_to_do_first_is_told(practice: Practice, identity: dict[str, Any], detail: str) -> None:
    practice.mailbox["identity"] = identity
    (found,) = practice.looked("login")
    assert (found.code, found.subject, found.detail) == ("CONNEXION_NON_ESSAYEE", "dr-modele", detail)
    assert found.detail_fr


class _Cards:
    """A card room of which only hindrances are asked; it fails the test when somebody wants a PIN."""

    def __init__(self, hindered: IdentityUnavailable | None) -> None:
        self.hindered = hindered

    def hindrance(self, _: object) -> IdentityUnavailable | None:
        return self.hindered

    def want(self, _: object) -> None:
        pytest.fail("the doctor asks nobody for a PIN")


@pytest.mark.parametrize(
    ("hindered", "detail"),
    [
        (needs_pin("PIN", "x"), "the PIN is waited for"),
        (needs_card("CARTE_ABSENTE", "x"), "the card is waited for"),
    ],
)
def test_a_card_that_is_not_open_is_left_alone(
    practice: Practice, hindered: IdentityUnavailable, detail: str
) -> None:
    practice.mailbox["identity"] = {"card": {}}
    services = IdentityServices(read_secret=resolve_secret, clock=practice.clock, cards=_Cards(hindered))  # type: ignore[arg-type]
    (found,) = practice.looked("login", services=services)
    assert (found.code, found.detail) == ("CONNEXION_NON_ESSAYEE", detail)


def test_a_command_has_no_card_that_is_open(practice: Practice) -> None:
    practice.mailbox["identity"] = {"card": {}}
    (found,) = practice.looked("login")
    assert found.detail == "the card opens in the connector that runs only; its page has this check"


def test_a_locked_key_store_is_waited_for(practice: Practice) -> None:
    def locked(_: object) -> str:
        raise Unavailable("SECRET_INDISPONIBLE", "locked")

    password(practice)
    services = IdentityServices(read_secret=locked, clock=practice.clock)
    (found,) = practice.looked("login", services=services)
    assert found.detail == "a secret is missing"


# --- passwords: never one that was refused before


def attempts(smtp: ScriptedSmtp, imap: ScriptedImap) -> int:
    return sum(line.startswith("AUTH") for line in (*smtp.commands, *imap.commands))


def test_a_password_is_not_tried_without_a_journal_to_remember_a_refusal(practice: Practice, pki: Pki) -> None:
    password(practice)
    with served(practice, server_context(pki.server)) as servers:
        (found,) = practice.looked("login")
        assert attempts(*servers) == 0
    assert (found.code, found.severity) == ("CONNEXION_NON_ESSAYEE", Severity.WARNING)
    assert found.detail == "without a journal nobody knows whether this password was refused before"


def test_a_password_that_was_never_refused_is_tried(practice: Practice, pki: Pki) -> None:
    password(practice)
    with practice.journal() as scene, served(practice, server_context(pki.server)) as servers:
        assert practice.told("login") == ["CONNEXION_OK"] * 2
        assert attempts(*servers) == 2
        assert all("hunter2" not in f"{entry}" for entry in scene.journal.trace())


def test_a_refused_password_is_tried_once_and_never_again(practice: Practice, pki: Pki) -> None:
    password(practice)
    with practice.journal(), served(practice, server_context(pki.server)) as (smtp, imap):
        smtp.answers = {"AUTH": "535 5.7.8 wrong"}
        assert practice.told("login") == ["AUTHENTIFICATION"]  # the other server would see the same password
        assert attempts(smtp, imap) == 1
        for _ in range(3):
            (found,) = practice.looked("login")
            assert found.detail == "the operator has refused this password before"
        assert attempts(smtp, imap) == 1
    assert [outcome for _, outcome in logins(practice)] == ["AUTHENTIFICATION"]


def test_a_refusal_at_the_mailbox_server_is_remembered_too(practice: Practice, pki: Pki) -> None:
    password(practice)
    refuses = {"AUTHENTICATE": "NO wrong"}
    with practice.journal(), served(practice, server_context(pki.server), completions=refuses) as servers:
        assert practice.told("login") == ["CONNEXION_OK", "AUTHENTIFICATION"]
        assert practice.told("login") == ["CONNEXION_NON_ESSAYEE"]
        assert attempts(*servers) == 2


def test_after_the_connector_itself_has_got_in_it_may_be_tried_again(practice: Practice, pki: Pki) -> None:
    password(practice)
    with practice.journal() as scene, served(practice, server_context(pki.server)) as servers:
        scene.journal.add_trace(action="login", mailbox=BOX, outcome="AUTHENTIFICATION")
        assert practice.told("login") == ["CONNEXION_NON_ESSAYEE"]
        scene.sent()
        assert practice.told("login") == ["CONNEXION_OK"] * 2
        assert attempts(*servers) == 2


def test_a_message_that_waits_after_a_refusal_says_it(practice: Practice, pki: Pki) -> None:
    password(practice)
    practice.refused()
    with served(practice, server_context(pki.server)) as servers:
        assert practice.told("login") == ["CONNEXION_NON_ESSAYEE"]
        assert attempts(*servers) == 0


def test_a_refusal_in_the_trace_counts_when_its_message_is_gone(practice: Practice, pki: Pki) -> None:
    password(practice)
    practice.refused()
    with practice.journal() as scene, served(practice, server_context(pki.server)) as servers:
        for message in scene.journal.waiting(BOX):
            scene.journal.record(message.id, OutgoingEvent.CANCEL)
        assert practice.told("login") == ["CONNEXION_NON_ESSAYEE"]
        assert attempts(*servers) == 0


def test_the_connector_that_runs_says_it(practice: Practice, pki: Pki) -> None:
    password(practice)
    refused = Component("receive", Condition.WAITING, code="AUTHENTIFICATION")
    for folder, codes in (("dr-modele", ["CONNEXION_NON_ESSAYEE"]), ("labo", ["CONNEXION_OK"] * 2)):
        practice.health = Component("connector", parts=(Component(folder, parts=(refused,)),)).as_dict()
        with practice.journal(), served(practice, server_context(pki.server)):
            assert practice.told("login") == codes


def test_a_refusal_of_another_mailbox_does_not_count(practice: Practice, pki: Pki) -> None:
    password(practice)
    with practice.journal() as scene, served(practice, server_context(pki.server)):
        scene.journal.add_trace(action="login", mailbox="labo@exemple.mssante.fr", outcome="AUTHENTIFICATION")
        assert practice.told("login") == ["CONNEXION_OK"] * 2


def test_a_journal_that_cannot_be_asked_knows_nothing(practice: Practice, pki: Pki) -> None:
    password(practice)
    with practice.journal():
        pass
    (practice.data / "journal.key").unlink()
    with served(practice, server_context(pki.server)) as servers:
        assert practice.told("login") == ["CONNEXION_NON_ESSAYEE"]
        assert attempts(*servers) == 0


def test_secrets_are_read_by_the_services_of_the_connector(practice: Practice) -> None:
    """The tests above would prove nothing if they read them otherwise."""
    assert practice.world().services.read_secret is resolve_secret
