"""Numbers for monitoring: right, complete, and without a name of anybody."""

from prometheus_client.parser import text_string_to_metric_families

from connector.domain.scopes import Scope
from connector.domain.states import WaitingFor
from connector.support.health import Component, Condition
from tests.api.api_scene import ApiScene
from tests.journal.journal_builders import Scene


def numbers(text: str) -> dict[tuple[str, ...], float]:
    """Name and label values to number."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_numbers_are_those_of_journal_card_and_health(scene: ApiScene) -> None:
    journal = Scene(scene.journal, scene.clock, scene.journal._store.engine.url)  # type: ignore[arg-type] # the folder is not asked
    journal.held(WaitingFor.PIN)
    scene.tree = Component(
        "connector", parts=(Component("dr-modele", Condition.WAITING, "PIN"), Component("journal"))
    )  # fmt: skip
    answer = scene.web().get("/api/v1/metrics")
    found = numbers(answer.text)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert found["mss_outgoing_messages", "dr-modele", "waiting"] == 1
    assert found["mss_card_signatures_total",] == 3
    assert found["mss_card_presence", "pin_needed"] == 1
    assert found["mss_card_presence", "open"] == 0
    assert (found["mss_component_works", "dr-modele"], found["mss_component_works", "journal"]) == (0, 1)


def test_no_address_and_no_name_is_in_them(scene: ApiScene) -> None:
    Scene(scene.journal, scene.clock, scene.journal._store.engine.url).held(WaitingFor.PIN)  # type: ignore[arg-type] # as above
    assert "@" not in scene.web().get("/api/v1/metrics").text


def test_whoever_may_not_see_the_state_gets_none(scene: ApiScene) -> None:
    assert scene.web(scene.client_token(Scope.MESSAGES_WRITE)).get("/api/v1/metrics").status_code == 403
