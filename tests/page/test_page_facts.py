"""What the choice of the need is made of, gathered from a real journal; and who looks at it from time to time."""

import threading

from connector.api.page.facts import gather
from connector.api.page.herald import Herald
from connector.daemon.upkeep import Upkeep
from connector.domain.errors import Unavailable
from connector.domain.states import WaitingFor
from connector.identities.card.status import Presence
from connector.support.health import Component, Condition
from tests.page.page_scene import WRONG, PageScene


def test_facts_come_from_journal_health_and_card(scene: PageScene) -> None:
    scene.held()
    failed = scene.sent(WRONG, refused=(WRONG,))
    scene.set_aside()
    scene.tree = Component("connector", parts=(Component("send", Condition.WAITING, "PIN"),))
    facts = gather(scene.services(), ["LPS"])
    assert facts.waiting == {WaitingFor.PIN: 1}
    assert [message.id for message in facts.attention] == [failed]
    assert (facts.set_aside, facts.codes, facts.pairing) == (1, ["PIN"], ["LPS"])
    assert facts.card is not None
    assert facts.card.presence is Presence.PIN_NEEDED


def test_without_a_card_there_is_none_to_tell_of(scene: PageScene) -> None:
    scene.cards = None
    assert gather(scene.services()).card is None


def test_a_journal_that_is_busy_calls_nobody() -> None:
    def busy() -> None:
        raise Unavailable("JOURNAL_INDISPONIBLE", "busy")

    herald = Herald(busy, None)  # type: ignore[arg-type]  # neither gets that far
    herald.look()
    herald.look()


def test_somebody_looks_from_time_to_time_while_the_connector_runs(scene: PageScene) -> None:
    looked = threading.Event()
    upkeep = Upkeep(scene.settings, scene.journal, scene.clock, lambda: None)
    upkeep.every(0.01, "look", looked.set)
    with upkeep.scheduled(None):
        assert looked.wait(10)
