"""Whatever happens to mailbox, line and process, in whatever order: each message that was there is delivered once."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.ports import watch_steps
from connector.exchange import listing
from connector.operators.errors import ConnectionFailed
from tests.exchange.exchange_scene import LAB, Killed, Scene

STEPS = ["journal.seen", "journal.stored", "journal.opened", "journal.delivered", "mark.set", "mark.tidied"]
EVENTS = st.one_of(
    st.tuples(st.just("arrive"), st.integers(0, 2)),  # which of three Message-IDs it bears
    st.tuples(st.just("round"), st.just("")),
    st.tuples(st.just("renumber"), st.booleans()),  # are flags lost too
    st.tuples(st.just("die"), st.sampled_from(STEPS)),
    st.tuples(st.just("offline"), st.just("")),
)

RECEPTION: list[dict[str, Any]] = [
    {},
    {"after_delivery": "delete"},
    {"after_delivery": "move", "move_to": "Sent", "folders": ["INBOX", "Sent"]},
    {"after_delivery": "nothing"},
]


class World:
    """A mailbox to which things happen; remembers what was put into it."""

    def __init__(self, scene: Scene, reception: dict[str, Any]) -> None:
        self.scene, self.reception = scene, reception
        self.put: list[str] = []

    def arrive(self, message_id: int) -> None:
        """Messages that bear the same Message-ID are of one size, and differ."""
        name = f"n{len(self.put):03}"
        head = (
            f"From: <alix@cabinet.mssante.fr>\r\nTo: <{LAB}>\r\nMessage-ID: <{message_id}@x>\r\nSubject: {name}\r\n"
        )
        self.scene.operator.deliver(LAB, head.encode() + b"\r\nBonjour.\r\n")
        self.scene.clock.advance(1)
        self.put.append(name)

    def round(self, _: str = "") -> None:
        """One look into the mailbox by a process of its own, and one at what is to be delivered."""
        self.scene.collector(**self.reception).run_once(self.scene.operator.receiver(LAB))
        self.scene.open_mail()

    def renumber(self, flags_are_lost: bool) -> None:
        self.scene.operator.renumber(LAB)
        if flags_are_lost:
            for message in self.scene.operator.folder(LAB, "INBOX").messages:
                message.flags.clear()

    def die(self, step: str) -> None:
        """The process dies at a step, if it reaches it."""

        def kill(reached: str) -> None:
            if reached == step:
                raise Killed

        watch_steps(kill)
        try:
            with suppress(Killed):
                self.round()
        finally:
            watch_steps(None)
        self.scene.journal.recover(owner="test")

    def offline(self, _: str) -> None:
        """The operator is not there for a round."""
        self.scene.operator.online = False
        with suppress(ConnectionFailed):
            self.round()
        self.scene.operator.online = True

    def settle(self) -> None:
        for _ in range(10 + 2 * len(self.put)):
            self.round()

    def delivered(self) -> list[str]:
        return sorted(arrival.subject_display for arrival in self.scene.inbox.delivered.values())


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENTS, max_size=25), reception=st.sampled_from(RECEPTION))
def test_each_message_is_delivered_once(events: list[tuple[str, object]], reception: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as small:
        small.setattr(listing, "SLICE_MESSAGES", 2)
        scene = Scene(Path(folder))
        world = World(scene, reception)
        for event, detail in events:
            getattr(world, event)(detail)
        world.settle()
        assert world.delivered() == world.put
        left = scene.operator.messages(LAB)
        assert len(left) == (0 if reception.get("after_delivery") in ("delete", "move") else len(world.put))
        assert scene.journal.violations() == []
        scene.journal.close()
