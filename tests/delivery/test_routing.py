"""Routes: which place a message goes to, and that every place has it once before it counts as delivered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connector.delivery.routing import routes_of
from connector.domain.errors import Unavailable
from connector.domain.ports import watch_steps
from connector.domain.states import IncomingState
from connector.exchange.arrival import ArrivalPerson
from connector.settings.routing import RouteSettings
from tests.delivery.delivery_scene import N3, arrival, document, tree
from tests.delivery.place_scene import PlaceScene
from tests.opening.opened import N1, attached, hprim, text
from tests.receipts.notice_scene import Killed

PROFILE = {"profile": "dossier"}
RESULT = attached("a.hpr", hprim())


def route(**values: Any) -> RouteSettings:
    return RouteSettings.model_validate(PROFILE | values)


def places_of(*routes: RouteSettings, **changed: Any) -> list[int | None]:
    whole = replace(arrival(documents=[document(N3, "CR-BIO")]), **changed)
    return routes_of(routes, replace(whole, patients=tuple(one.patient for one in whole.documents if one.patient)))


HOLDS = [
    ({}, {}),
    ({"recipients": ["ALIX.exemple@test.mssante.example"]}, {}),
    ({"recipients": ["b@test.mssante.example"]}, {"copies": (ArrivalPerson("B@test.mssante.example"),)}),
    ({"senders": ["dr.modele@test.mssante.example"]}, {}),
    ({"senders": ["x@y.fr", "@Test.MSSANTE.example"]}, {}),
    ({"sender_kind": "professional"}, {}),
    ({"sender_kind": "patient"}, {"sender_kind": "usager"}),
    ({"document_types": ["34133-9", "11502-2"]}, {}),
    ({"patient": "qualified"}, {}),
    ({"patient": "ins"}, {}),
    ({"patient": "named"}, {}),
    ({"patient": "nobody"}, {"documents": ()}),
    ({"sender_kind": "professional", "patient": "named", "document_types": ["11502-2"]}, {}),
]
FAILS = [
    ({"recipients": ["b@test.mssante.example"]}, {}),
    ({"senders": ["@mssante.example"]}, {}),
    ({"senders": ["autre@test.mssante.example"]}, {}),
    ({"sender_kind": "patient"}, {}),
    ({"document_types": ["34133-9"]}, {}),
    ({"document_types": ["11502-2"]}, {"documents": ()}),
    ({"patient": "nobody"}, {}),
    ({"patient": "named"}, {"documents": ()}),
    ({"patient": "qualified"}, {"documents": ()}),
    ({"sender_kind": "professional", "patient": "nobody"}, {}),
]


@pytest.mark.parametrize(("conditions", "message"), HOLDS)
def test_conditions_that_hold(conditions: dict[str, Any], message: dict[str, Any]) -> None:
    assert places_of(route(**conditions), **message) == [0]


@pytest.mark.parametrize(("conditions", "message"), FAILS)
def test_conditions_that_do_not(conditions: dict[str, Any], message: dict[str, Any]) -> None:
    assert places_of(route(**conditions), **message) == [None]


def test_a_patient_without_a_good_ins_is_only_named() -> None:
    whole = document(N3, "CR")
    assert whole.patient is not None
    wrong = replace(whole, patient=replace(whole.patient, ids=(), is_qualified=False))
    for wanted, places in (("qualified", [None]), ("ins", [None]), ("named", [0])):
        assert places_of(route(patient=wanted), documents=(wrong,)) == places


def test_the_first_one_counts_unless_it_says_to_go_on() -> None:
    one, two = route(), route(sender_kind="professional")
    on = route(go_on=True)
    assert places_of(one, two) == [0]
    assert places_of(on, two, one) == [0, 1]
    assert places_of(on, route(sender_kind="patient"), on) == [0, 2, None]
    assert places_of() == [None]


@pytest.mark.parametrize(
    "values",
    [
        {"profile": ""},
        {"senders": ["labo"]},
        {"senders": ["a@b@c.fr"]},
        {"senders": ["@labo"]},
        {"sender_kind": "machine"},
        {"mllp": {"host": "10.0.0.7", "port": 2575}},
        {"recipients": ["nobody"]},
        {"colour": "blue"},
    ],
)
def test_a_route_that_cannot_be_meant_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        route(**values)


# --- real folders ------------------------------------------------------------------------------------------------


def both(scene: PlaceScene) -> dict[str, Any]:
    """Results to a folder of their own, a copy of everything to one of the whole practice."""
    return {
        "options": {"drapeau": ".ok"},
        "routes": [
            {"path": str(scene.folder / "cabinet"), "profile": "dossier", "go_on": True},
            {"path": str(scene.folder / "bio"), "profile": "hprim", "patient": "named"},
        ],
    }


def found(scene: PlaceScene) -> dict[str, list[str]]:
    def below(folder: Path) -> list[str]:
        return [name for name in tree(folder) if not name.startswith(".")] if folder.is_dir() else []

    return {name: below(scene.folder / name) for name in ("cabinet", "bio", "spool/labo/RECUS")}


def test_each_message_goes_where_its_route_says(scene: PlaceScene) -> None:
    scene.arrives(text("Voir."), RESULT)
    scene.arrives(text("Bonjour."))
    assert scene.opening(scene.target(**both(scene))).run_once() == 2
    given = found(scene)
    told = [name for row in scene.incoming() for name, _ in scene.journal.delivered_files(row.id)]
    own = {name for name in told if not Path(name).is_absolute()}
    assert sorted(own) == given["spool/labo/RECUS"]
    elsewhere = {scene.folder / place / name for place in ("cabinet", "bio") for name in given[place]}
    assert {Path(name) for name in told if name not in own} == elsewhere
    assert len({name.partition("/")[0] for name in given["cabinet"]}) == 2
    assert [Path(name).suffix for name in given["bio"]] == [".hpm"]
    assert [Path(name).suffix for name in given["spool/labo/RECUS"]] == [".json", ".ok", ".txt"]


def test_two_routes_to_one_place_give_once(scene: PlaceScene) -> None:
    routes = [{"profile": "plat", "go_on": True}, {"profile": "plat", "patient": "nobody", "go_on": True}]
    scene.arrives(text("Bonjour."))
    scene.opening(scene.target(routes=routes)).run_once()
    assert len(scene.files()) == 2


def test_two_forms_in_one_folder_do_not_meet(scene: PlaceScene) -> None:
    scene.arrives(attached("a.xml", N1))
    scene.opening(scene.target(routes=[{"profile": "pdf_seul", "go_on": True}])).run_once()
    assert [Path(name).suffix for name in scene.files()] == [".json", ".pdf", ".xml"]


def test_a_place_that_is_away_holds_up_no_other_and_gets_it_later(scene: PlaceScene) -> None:
    row = scene.arrives(text("Voir."), RESULT)
    other = scene.arrives(text("Bonjour."))
    target = scene.target(**both(scene))
    marker = next((scene.folder / "bio").glob(".connecteur-mss"))
    marker.rename(scene.folder / "away")
    with pytest.raises(Unavailable, match="SPOOL_ABSENT"):
        scene.opening(target).run_once()
    assert scene.journal.incoming(row).state is IncomingState.OPENED
    assert scene.journal.incoming(other).state is IncomingState.DELIVERED
    assert len({name.partition("/")[0] for name in found(scene)["cabinet"]}) == 2
    before = found(scene)
    (scene.folder / "away").rename(marker)
    scene.clock.advance(10)
    assert scene.opening(target).run_once() == 1
    after = found(scene)
    assert (after["cabinet"], len(after["bio"])) == (before["cabinet"], 1)


def test_a_place_that_is_away_at_the_start_is_opened_later(scene: PlaceScene) -> None:
    scene.target(**both(scene))
    marker = next((scene.folder / "bio").glob(".connecteur-mss"))
    marker.rename(scene.folder / "away")
    target = scene.target(**both(scene))
    row = scene.arrives(text("Voir."), RESULT)
    with pytest.raises(Unavailable, match="SPOOL_ABSENT"):
        scene.opening(target).run_once()
    (scene.folder / "away").rename(marker)
    scene.clock.advance(10)
    assert scene.opening(target).run_once() == 1
    assert scene.journal.incoming(row).state is IncomingState.DELIVERED


@contextmanager
def dying_at_reach(number: int) -> Iterator[list[str]]:
    """The process is gone at the n-th step of the delivery or of its commit."""
    reached: list[str] = []

    def look(step: str) -> None:
        if step.startswith("deliver.") or step == "journal.delivered":
            reached.append(step)
            if len(reached) == number:
                raise Killed

    watch_steps(look)
    try:
        yield reached
    finally:
        watch_steps(None)


@pytest.mark.parametrize("takes", [False, True], ids=["stays", "taken in between"])
@pytest.mark.parametrize("number", range(1, 11))
def test_killed_between_any_two_steps_each_place_has_it_once(scene: PlaceScene, number: int, takes: bool) -> None:
    settings = {**both(scene)}
    settings["routes"][1]["go_on"] = True  # three places
    row = scene.arrives(text("Voir."), RESULT)
    with dying_at_reach(number), pytest.raises(Killed):
        scene.opening(scene.target(**settings)).run_once()
    given = found(scene)
    if takes:
        for folder, names in given.items():
            for name in names:
                (scene.folder / folder / name).unlink()
    committed = scene.journal.incoming(row).state is IncomingState.DELIVERED
    scene.clock.advance(3600)
    assert scene.opening(scene.target(**settings)).run_once() == (0 if committed else 1)
    now = found(scene)
    if takes:
        assert all(not set(now[folder]) & set(given[folder]) for folder in now)
        now = {folder: sorted([*now[folder], *given[folder]]) for folder in now}
    assert [len(names) for names in now.values()] == [3, 1, 4]


def test_there_are_as_many_steps_as_are_killed_at(scene: PlaceScene) -> None:
    settings = {**both(scene)}
    settings["routes"][1]["go_on"] = True
    scene.arrives(text("Voir."), RESULT)
    with dying_at_reach(1000) as reached:
        scene.opening(scene.target(**settings)).run_once()
    assert len(reached) == 10, reached
