"""The whole way by REST, with the public client, against a real daemon: sent, followed, arrived, taken."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection, StreamEvent, read_endpoint
from connector.daemon.endpoint import data_paths
from connector.demo.stage import PRACTITIONER, Stage, stage
from connector.sandbox.samples import sample

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")

CDA = sample("cr-biologie-v1.xml")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def connection(scene: Stage) -> Connection:
    return Connection(read_endpoint(data_paths(scene.settings).endpoint))


def until(events: Iterator[StreamEvent], kind: str, outcome: str) -> StreamEvent:
    """The next event about something that comes to a state; a stream that is silent for too long raises."""
    for event in events:
        if event.event is not None and (event.name, event.event.outcome) == (kind, outcome):
            return event
    raise AssertionError("the stream has ended")


def test_a_document_goes_all_the_way(scene: Stage) -> None:
    with connection(scene) as connector, connection(scene) as listener:
        events = listener.events()
        assert next(events).name == "hello"
        sent = connector.submit("labo-exemple", {"cr.xml": CDA}, recipients=[PRACTITIONER], reference="R-1", key="k")
        left = until(events, "message", "sent")
        assert left.event is not None
        assert left.event.subject_id == sent.id
        arrived = until(events, "inbox", "delivered")
        assert arrived.event is not None
        message = connector.inbox_message(arrived.event.subject_id)
        assert message.sender_address == "resultats@labo-exemple.mssante.example"
        documents = {each.role: connector.inbox_document(message.id, each.number) for each in message.documents}
        assert documents["cda"] == CDA
        assert connector.take(message.id).taken_by
        story = connector.message(sent.id)
        assert story.reference == "R-1"
        assert {"take", "freeze", "claim", "data", "send"} <= {entry.action for entry in story.timeline}
        again = connector.submit("labo-exemple", {"cr.xml": CDA}, recipients=[PRACTITIONER], reference="R-1", key="k")
        assert again.id == sent.id


def test_the_events_are_taken_up_again_after_a_break(scene: Stage) -> None:
    with connection(scene) as connector:
        number = next(connector.events()).number
        connector.submit("labo-exemple", {"cr.xml": CDA}, recipients=[PRACTITIONER])
        events = connector.events(after=number)
        seen = [next(events)]
        while seen[-1].event is None or seen[-1].event.outcome != "sent":
            seen.append(next(events))
        numbers = [event.number for event in seen[1:] if event.number is not None]
        assert numbers == sorted(set(numbers))
        assert number is not None
        assert numbers[0] == number + 1
