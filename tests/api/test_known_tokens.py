"""A token that was looked up is known for a moment; one that was revoked or has run out opens nothing any more."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.api import access
from connector.domain.errors import Unavailable
from connector.domain.scopes import Scope
from connector.journal.clients import ApiClient
from connector.journal.journal import Journal
from tests.api.api_scene import ApiScene
from tests.journal.journal_builders import open_journal

PATH = "/api/v1/mailboxes"


@pytest.fixture
def other(scene: ApiScene, tmp_path: Path) -> Iterator[Journal]:
    """The command at the terminal: another connection to the same file."""
    journal = open_journal(tmp_path / "data", scene.clock)
    yield journal
    journal.close()


def outcome(web: TestClient, **headers: str) -> tuple[int, str]:
    answer = web.get(PATH, headers=headers)
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["code"]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def looks(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the applications that were looked up in the journal for a request."""
    found: list[str] = []
    client = scene.journal.client

    def noting(client_id: str) -> ApiClient | None:
        found.append(client_id)
        return client(client_id)

    monkeypatch.setattr(scene.journal, "client", noting)
    return found


def test_a_token_is_looked_up_once_in_a_while(scene: ApiScene, looks: list[str]) -> None:
    web = scene.web(scene.client_token())
    assert [outcome(web) for _ in range(3)] == [(200, "")] * 3
    once = len(looks)
    scene.clock.advance(access.KNOWN_SECONDS + 0.1)
    assert outcome(web) == (200, "")
    assert len(looks) == 2 * once


def test_a_known_token_that_is_revoked_here_opens_nothing_any_more(scene: ApiScene) -> None:
    web = scene.web(scene.client_token())
    assert outcome(web) == (200, "")
    scene.journal.revoke_client("LPS")
    assert [outcome(web) for _ in range(2)] == [(401, "ACCES_JETON_INVALIDE")] * 2


def test_a_known_token_that_is_revoked_at_the_terminal_opens_nothing_any_more(
    scene: ApiScene, other: Journal
) -> None:
    web = scene.web(scene.client_token())
    assert outcome(web) == (200, "")
    other.revoke_client("LPS")
    assert [outcome(web) for _ in range(2)] == [(401, "ACCES_JETON_INVALIDE")] * 2


def test_others_go_on_when_one_is_revoked(scene: ApiScene) -> None:
    first, second = scene.client_token(name="a"), scene.client_token(name="b")
    web = scene.web(None)
    assert outcome(web, **bearer(first)) == outcome(web, **bearer(second)) == (200, "")
    scene.journal.revoke_client("a")
    assert outcome(web, **bearer(first)) == (401, "ACCES_JETON_INVALIDE")
    assert outcome(web, **bearer(second)) == (200, "")


def test_a_revocation_while_a_token_is_looked_up_is_not_missed(
    scene: ApiScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, client = scene.web(scene.client_token()), scene.journal.client

    def revoked_behind(client_id: str) -> ApiClient | None:
        found = client(client_id)
        monkeypatch.undo()
        scene.journal.revoke_client("LPS")
        return found

    monkeypatch.setattr(scene.journal, "client", revoked_behind)
    assert outcome(web) == (200, "")  # it was valid when it was read
    assert outcome(web) == (401, "ACCES_JETON_INVALIDE")


def test_a_known_token_runs_out_in_its_second(scene: ApiScene) -> None:
    web = scene.web(scene.client_token(days=1))
    scene.clock.advance(24 * 3600 - 1)
    assert outcome(web) == (200, "")
    scene.clock.advance(1)
    assert outcome(web) == (401, "ACCES_JETON_EXPIRE")


def test_a_known_token_lends_nothing_to_another_one_of_its_application(scene: ApiScene) -> None:
    token = scene.client_token()
    web = scene.web(None)
    assert outcome(web, **bearer(token)) == (200, "")
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert outcome(web, **bearer(forged)) == (401, "ACCES_JETON_INVALIDE")
    assert outcome(web, **bearer(token)) == (200, "")


def test_a_known_token_keeps_its_scopes(scene: ApiScene) -> None:
    web = scene.web(scene.client_token(Scope.INBOX_READ))
    assert [outcome(web) for _ in range(2)] == [(403, "ACCES_INSUFFISANT")] * 2


def test_a_refusal_is_not_remembered(scene: ApiScene, looks: list[str]) -> None:
    web = scene.web(scene.client_token())
    scene.journal.revoke_client("LPS")
    outcome(web)
    first = len(looks)
    outcome(web)
    assert len(looks) == 2 * first


def test_only_so_many_tokens_are_known(
    scene: ApiScene, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(access, "_MOST_KNOWN", 2)
    tokens, web = [scene.client_token(name=name) for name in "abc"], scene.web(None)
    for token in tokens:
        assert outcome(web, **bearer(token)) == (200, "")
    looks.clear()
    assert outcome(web, **bearer(tokens[2])) == (200, "")
    assert looks == []
    assert outcome(web, **bearer(tokens[0])) == (200, "")
    assert looks


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("is_known", [True, False])
def test_while_revocations_cannot_be_told_every_token_is_looked_up(
    is_known: bool, scene: ApiScene, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = scene.web(scene.client_token())
    if is_known:
        assert outcome(web) == (200, "")
    busy = _raising(sqlite3.OperationalError("database is locked"))
    monkeypatch.setattr(scene.journal._store.revocations, "_count", busy)
    for _ in range(2):
        before = len(looks)
        assert outcome(web) == (200, "")
        assert len(looks) > before
    scene.journal.revoke_client("LPS")
    assert outcome(web) == (401, "ACCES_JETON_INVALIDE")


def test_a_journal_that_does_not_answer_is_told(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    web = scene.web(scene.client_token())
    monkeypatch.setattr(scene.journal, "client", _raising(Unavailable("JOURNAL_INDISPONIBLE", "locked")))
    assert outcome(web) == (503, "JOURNAL_INDISPONIBLE")
