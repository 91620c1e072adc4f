"""What a program does with the client: send, look, decide, read what arrived, follow what happens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection, ServiceError, StreamEvent
from connector.client.connection import _events
from connector.client.failure import ServiceUnreachable
from connector.domain.scopes import Scope
from connector.sandbox.samples import sample
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, PDF, arrive
from tests.api.test_client_connection import endpoint, impostor, proven
from tests.journal.journal_builders import Scene

TO = "correspondant@autre.mssante.fr"


@pytest.fixture
def connector(scene: ApiScene) -> Iterator[Connection]:
    with scene.live() as live, Connection(live.endpoint) as connection:
        yield connection


def test_documents_are_sent_seen_and_decided_about(scene: ApiScene, connector: Connection) -> None:
    document = sample("cr-biologie-v1.xml")
    sent = connector.submit(
        "dr-modele", {"cr.xml": document}, recipients=[TO], copies=["c@autre.mssante.fr"], reference="CR-1",
        options={"read_receipt": True}, key="k-1",
    )  # fmt: skip
    again = connector.submit(
        "dr-modele", {"cr.xml": document}, recipients=[TO], copies=["c@autre.mssante.fr"], reference="CR-1",
        options={"read_receipt": True}, key="k-1",
    )  # fmt: skip
    assert again.id == sent.id
    assert connector.message(sent.id).timeline[0].action == "take"
    assert [item.id for item in connector.messages(states=["received"], text="cr-1", mailbox="dr-modele").items] == [
        sent.id
    ]
    assert connector.messages(states=["sent"]).items == []
    assert connector.cancel(sent.id).state == "cancelled"
    with pytest.raises(ServiceError) as refused:
        connector.release(sent.id)
    assert refused.value.code == "TRANSITION"


def test_without_a_key_each_call_is_a_request_of_its_own(scene: ApiScene, connector: Connection) -> None:
    options = {"allow_duplicate": True}
    ids = {connector.submit("dr-modele", {"a.xml": CDA}, recipients=[TO], options=options).id for _ in range(2)}
    assert len(ids) == 2


def test_a_failed_message_is_tried_again(scene: ApiScene, connector: Connection) -> None:
    journal = Scene(scene.journal, scene.clock, Path())
    submission_id = journal.message(journal.held()).submission_id
    assert connector.retry(submission_id).state == "prepared"


def test_pages_lead_to_the_next(scene: ApiScene, connector: Connection) -> None:
    journal = Scene(scene.journal, scene.clock, Path())
    ids = [journal.message(journal.taken()).submission_id for _ in range(3)]
    first = connector.messages(limit=2)
    second = connector.messages(limit=2, cursor=first.next_cursor)
    assert [item.id for item in (*first.items, *second.items)] == ids[::-1]


def test_what_arrived_is_read_and_taken(scene: ApiScene, connector: Connection) -> None:
    row = arrive(scene)
    (item,) = connector.inbox(mailbox="dr-modele", states=["delivered"]).items
    assert item.id == row
    shown = connector.inbox_message(row)
    assert [connector.inbox_document(row, each.number) for each in shown.documents] == [CDA, PDF]
    assert b"Subject: " in connector.inbox_raw(row)
    assert connector.take(row).taken_by == "person of this machine"


def test_an_application_asks_with_its_own_token(scene: ApiScene) -> None:
    token = scene.client_token(Scope.MESSAGES_READ)
    with scene.live() as live:
        with Connection.for_application(token, port=live.endpoint.port, language="en") as connector:
            assert connector.messages().items == []
            with pytest.raises(ServiceError) as refused:
                connector.inbox()
        assert refused.value.code == "ACCES_INSUFFISANT"
        assert refused.value.problem["title"] == refused.value.problem["title_en"]


# --- events ---


def test_events_are_followed_until_the_connector_stops(scene: ApiScene) -> None:
    journal = Scene(scene.journal, scene.clock, Path())
    start = scene.journal.last_number()
    submission_id = journal.message(journal.taken()).submission_id
    found: list[StreamEvent] = []
    enough = threading.Event()

    def listen(connector: Connection) -> None:
        for event in connector.events(after=start):
            found.append(event)
            if event.event is not None:
                enough.set()

    with scene.live() as live:
        connector = Connection(live.endpoint)
        thread = threading.Thread(target=listen, args=(connector,))
        thread.start()
        assert enough.wait(20)
    thread.join(20)
    connector.close()
    assert [event.name for event in found] == ["hello", "message"]
    assert (found[0].number, found[1].number) == (None, start + 1)
    assert found[1].event is not None
    assert found[1].event.subject_id == submission_id


def test_a_stream_that_is_refused(scene: ApiScene) -> None:
    token = scene.client_token(Scope.MESSAGES_READ)
    with scene.live() as live, Connection.for_application(token, port=live.endpoint.port) as connector:
        with pytest.raises(ServiceError):
            next(connector.events())
        assert connector.messages().items == []  # the connection goes on


def test_a_stream_that_breaks_off() -> None:
    def respond(path: str, port: int) -> tuple[int, bytes]:
        return (200, proven(path, port)) if "instance" in path else (200, b"event: hello\ndata: {}\n\n")

    with impostor(respond, short_by=10) as (port, _):
        connector = Connection(endpoint(port))
        with connector, pytest.raises(ServiceUnreachable):
            list(connector.events())


def test_hints_comments_and_unknown_events_harm_nobody() -> None:
    lines = [
        "retry: 2000", "event: hello", "id: 7", 'data: {"number": 7}', "", ": still here", "", "event: news",
        "data:x", "", "data: nothing", "", "event: unfinished",
    ]  # fmt: skip
    assert list(_events(iter(lines))) == [StreamEvent("hello", 7), StreamEvent("news", None)]
