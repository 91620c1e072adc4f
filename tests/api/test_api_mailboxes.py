"""Mailboxes over the API: how they are, and the tokens and codes that open their sessions."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from connector.api.app import create_app
from connector.api.codes import CodeDesk
from connector.api.services import ApiServices
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.scopes import Scope
from connector.domain.states import WaitingFor
from connector.identities.code import Challenge, CodeRefused, CodeSession, CodeSessions, SessionGrant
from connector.settings.model import Settings
from connector.support.health import Component, Condition
from connector.testing.clock import EPOCH
from tests.api.api_scene import PORT, ApiScene, settings_of
from tests.journal.journal_builders import Scene

PSC = MailboxAddress("psc", "exemple.mssante.fr")
TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"


def test_every_mailbox_says_how_it_is_and_what_it_waits_for(scene: ApiScene) -> None:
    journal = Scene(scene.journal, scene.clock, scene.journal._store.engine.url)  # type: ignore[arg-type] # the folder is not asked
    journal.held(WaitingFor.PIN)
    sending = Component("send", Condition.WAITING, "PIN", "2026-11-20T09:00:00+00:00")
    broken = Component("folders", Condition.ERROR, "SPOOL_ABSENT", "2026-11-20T08:00:00+00:00")
    scene.tree = Component("connector", parts=(Component("dr-modele", parts=(sending, broken)),))
    first, second = scene.web().get("/api/v1/mailboxes").json()["items"]
    assert (first["box"], first["address"], first["identity"]) == (
        "dr-modele",
        "dr.modele@exemple.mssante.fr",
        "card",
    )
    assert (first["status"], first["code"], first["since"]) == ("error", "SPOOL_ABSENT", broken.since)
    assert first["cure_fr"].startswith("Vérifiez")
    assert (first["waiting_for"], first["waiting_messages"], first["token"]) == (["pin"], 1, None)
    assert (second["box"], second["status"], second["code"], second["title_fr"]) == ("psc", "ok", "", "")
    assert second["token"] == {"usable": False, "expires_at": None, "code": "JETON_ABSENT"}


# --- tokens ---


@pytest.mark.parametrize("name", ["psc", "PSC", "psc@exemple.mssante.fr", "Psc@Exemple.mssante.fr"])
def test_a_token_is_taken_and_dropped(scene: ApiScene, name: str) -> None:
    web = scene.web()
    answer = web.put(f"/api/v1/mailboxes/{name}/token", json={"access_token": TOKEN, "expires_in": 120})
    expires = (EPOCH + timedelta(seconds=120)).isoformat().replace("+00:00", "Z")
    assert answer.json() == {"usable": True, "expires_at": expires, "code": ""}
    assert scene.tokens.current(PSC) == TOKEN
    before = scene.tokens.sessions(PSC)
    gone = web.delete(f"/api/v1/mailboxes/{name}/token")
    assert (gone.status_code, gone.content) == (204, b"")
    assert scene.tokens.sessions(PSC) == before + 1
    assert not scene.tokens.status(PSC).usable


def test_a_token_without_a_life_is_believed_for_a_while(scene: ApiScene) -> None:
    answer = scene.web().put("/api/v1/mailboxes/psc/token", json={"access_token": TOKEN})
    assert answer.json()["usable"]


@pytest.mark.parametrize(
    ("box", "body", "status", "code"),
    [
        ("nobody", {"access_token": TOKEN}, 404, "BOITE_INCONNUE"),
        ("dr-modele", {"access_token": TOKEN}, 409, "BOITE_AUTRE_IDENTITE"),
        ("psc", {"access_token": "not a token"}, 422, "JETON_INVALIDE"),
        ("psc", {"access_token": TOKEN, "expires_in": 5}, 422, "JETON_EXPIRE"),
        ("psc", {"access_token": TOKEN, "expires_in": 0}, 422, "API_REQUETE_INVALIDE"),
        ("psc", {"access_token": ""}, 422, "API_REQUETE_INVALIDE"),
        ("psc", {"access_token": "x" * 16_001}, 422, "API_REQUETE_INVALIDE"),
        ("psc", {}, 422, "API_REQUETE_INVALIDE"),
    ],
)
def test_a_token_that_cannot_be_taken(
    scene: ApiScene, box: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = scene.web().put(f"/api/v1/mailboxes/{box}/token", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not body.get("access_token") or body["access_token"] not in answer.text


def test_tokens_need_their_own_right(scene: ApiScene) -> None:
    web = scene.web(scene.client_token(Scope.STATUS_READ, Scope.MESSAGES_WRITE))
    assert web.put("/api/v1/mailboxes/psc/token", json={"access_token": TOKEN}).status_code == 403
    assert web.delete("/api/v1/mailboxes/psc/token").status_code == 403


# --- codes ---


class Operator:
    """Sends one code, accepts one."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def start(self, login: str, password: str) -> Challenge:
        self.heard.append((login, password))
        return Challenge(EPOCH + timedelta(minutes=4), "06 ** ** ** 12")

    def finish(self, code: str) -> SessionGrant:
        self.heard.append((code,))
        if code != "123456":
            raise CodeRefused("CODE_REFUSE", "wrong code", is_final=True)
        return SessionGrant(EPOCH + timedelta(hours=1))


BOX = MailboxAddress("code", "exemple.mssante.fr")
CODES = "/api/v1/mailboxes/code/code"


def code_settings(**identity: Any) -> Settings:
    base = settings_of()
    mailbox = {
        "address": str(BOX), "operator": "op", "given": "Zoe", "family": "MODELE",
        "identity": {"auth": "code", "password": {"env": "CODE_PASSWORD"}, **identity},
    }  # fmt: skip
    return settings_of(mailboxes=[*base.model_dump()["mailboxes"], mailbox])


def code_scene(scene: ApiScene) -> tuple[TestClient, Operator]:
    operator, sessions = Operator(), CodeSessions()
    sessions.add(BOX, CodeSession(operator, scene.clock))
    services = ApiServices(
        settings=code_settings(), report=lambda: scene.tree, journal=scene.journal, clock=scene.clock,
        desks=scene.desks(), owner=scene.owner, codes=CodeDesk(sessions, lambda ref: "secret-password"),
    )  # fmt: skip
    headers = {"host": f"127.0.0.1:{PORT}", "Authorization": f"Bearer {scene.owner.token}"}
    return TestClient(create_app(services, port=PORT), headers=headers), operator


def test_a_session_opens_in_two_steps(scene: ApiScene) -> None:
    web, operator = code_scene(scene)
    assert web.get(CODES).json()["state"] == "needs_start"
    started = web.post(f"{CODES}/start").json()
    assert (started["state"], started["sent_to"]) == ("code_expected", "06 ** ** ** 12")
    assert web.post(CODES, json={"code": "123456"}).json()["state"] == "open"
    assert operator.heard == [(str(BOX), "secret-password"), ("123456",)]


def test_a_refused_code_stands_nowhere_and_a_locked_session_is_unlocked_by_a_person(scene: ApiScene) -> None:
    web, _ = code_scene(scene)
    web.post(f"{CODES}/start")
    refused = web.post(CODES, json={"code": "654321"})
    assert (refused.status_code, refused.json()["code"]) == (403, "CODE_REFUSE")
    assert "654321" not in refused.text
    assert web.get(CODES).json()["state"] == "locked"
    assert web.post(f"{CODES}/unlock").json()["state"] == "needs_start"


def test_a_mailbox_of_another_kind_has_no_codes(scene: ApiScene) -> None:
    web, _ = code_scene(scene)
    assert web.get("/api/v1/mailboxes/psc/code").json()["code"] == "BOITE_AUTRE_IDENTITE"


def test_an_operator_without_codes_is_named(scene: ApiScene) -> None:
    mailbox = code_settings().mailboxes[-1]
    with pytest.raises(InvalidSubmission) as refused:
        CodeDesk(CodeSessions(), lambda ref: "").status(mailbox)
    assert refused.value.code == "CODE_SANS_OPERATEUR"


def test_a_login_without_password_is_a_setting(scene: ApiScene) -> None:
    sessions = CodeSessions()
    sessions.add(BOX, CodeSession(Operator(), scene.clock))
    mailbox = code_settings().mailboxes[-1]
    bare = mailbox.model_copy(update={"identity": mailbox.identity.model_copy(update={"password": None})})
    with pytest.raises(ConfigurationError):
        CodeDesk(sessions, lambda ref: "").start(bare)
