"""Clients of the API in the journal: hashes only, names that are free, an end that holds at once."""

from datetime import timedelta

import pytest

from connector.domain.errors import InvalidSubmission
from connector.domain.scopes import ALL_SCOPES, Scope
from connector.journal.clients import ApiClient
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import Scene

HASH = "ab" * 32


def added(scene: Scene, number: int = 1, name: str = "LPS", days: float | None = None) -> ApiClient:
    return scene.journal.add_client(
        f"01CLIENT{number:018d}", name=name, token_hash=HASH, scopes={Scope.MESSAGES_WRITE, Scope.INBOX_READ},
        expires_at=scene.clock.now() + timedelta(days=days) if days else None,
    )  # fmt: skip


def test_a_client_is_kept_as_it_was_given(scene: Scene) -> None:
    client = added(scene, days=30)
    assert scene.journal.client(client.id) == client
    assert client == ApiClient(
        id="01CLIENT000000000000000001", name="LPS", token_hash=HASH,
        scopes=frozenset({Scope.MESSAGES_WRITE, Scope.INBOX_READ}), created_at=EPOCH,
        expires_at=EPOCH + timedelta(days=30),
    )  # fmt: skip
    entry = scene.journal.trace()[-1]
    assert (entry.action, entry.subject_id, entry.answer) == (
        "client_add",
        client.id,
        "LPS: inbox:read messages:write",
    )


def test_nobody_is_nobody(scene: Scene) -> None:
    assert scene.journal.client("01CLIENT000000000000000009") is None
    assert scene.journal.clients() == []


def test_two_valid_clients_never_share_a_name(scene: Scene) -> None:
    added(scene, 1)
    with pytest.raises(InvalidSubmission) as refused:
        added(scene, 2)
    assert refused.value.code == "CLIENT_EXISTE"
    scene.journal.revoke_client("LPS")
    added(scene, 3, days=1)
    scene.clock.advance(24 * 3600)
    assert [client.is_valid(scene.clock.now()) for client in scene.journal.clients()] == [False, False]
    assert added(scene, 4).is_valid(scene.clock.now())


def test_revoking_is_by_name_or_id_once_and_traced(scene: Scene) -> None:
    first, second = added(scene, 1, "a"), added(scene, 2, "b")
    scene.clock.advance(5)
    assert scene.journal.revoke_client("a").revoked_at == EPOCH + timedelta(seconds=5)
    assert scene.journal.revoke_client(second.id.lower()).id == second.id
    for gone in ("a", first.id, "nobody"):
        with pytest.raises(InvalidSubmission) as refused:
            scene.journal.revoke_client(gone)
        assert refused.value.code == "CLIENT_INCONNU"
    assert [entry.action for entry in scene.journal.trace()][-2:] == ["client_revoke"] * 2


def test_the_last_use_is_known_to_the_hour_and_costs_one_write_an_hour(scene: Scene) -> None:
    client = added(scene)
    scene.clock.advance(30 * 60)
    for minutes, hour in ((0, 9), (29, 9), (1, 10), (30, 10), (30, 11)):
        scene.clock.advance(minutes * 60)
        scene.journal.note_client_use(client.id)
        found = scene.journal.client(client.id)
        assert found is not None
        assert found.last_used_at == EPOCH.replace(hour=hour)
    scene.journal.note_client_use("01CLIENT000000000000000009")


def test_a_right_that_this_version_does_not_know_grants_nothing(scene: Scene) -> None:
    client = added(scene)
    with scene.journal._store.engine.begin() as raw:
        raw.exec_driver_sql("UPDATE api_clients SET scopes = 'inbox:read world:rule'")
    found = scene.journal.client(client.id)
    assert found is not None
    assert found.scopes == {Scope.INBOX_READ}
    assert found.scopes < ALL_SCOPES
