"""The presence machine: each row of its table, and what holds for every observation."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.catalogue import CATALOGUE
from connector.identities.card import presence
from connector.identities.card.presence import (
    BY_USEFULNESS,
    CARD_TABLE,
    CardFacts,
    SceneFacts,
    card_presence,
    scene_presence,
)
from connector.identities.card.snapshot import make_status, make_view
from connector.identities.card.status import Presence
from connector.identities.card.view import Fault, Observation, SeenCard
from tests.card.card_values import CERTIFICATE

facts = st.builds(CardFacts, *[st.booleans()] * 5)
cards = st.lists(st.sampled_from(BY_USEFULNESS), max_size=4)
scenes = st.builds(
    SceneFacts, answers=st.booleans(), middleware=st.booleans(), readers=st.integers(0, 3), cards=cards
)
seen_cards = st.builds(
    SeenCard,
    reader=st.just("Lecteur"),
    certificate=st.sampled_from([None, CERTIFICATE]),
    count_low=st.booleans(),
    final_try=st.booleans(),
    blocked=st.booleans(),
    pin_pad=st.booleans(),
    is_open=st.booleans(),
    code=st.sampled_from(["", "CARTE_EXPIREE"]),
)
observations = st.builds(
    Observation,
    readers=st.sampled_from([(), ("Lecteur",)]),
    cards=st.lists(seen_cards, max_size=3).map(tuple),
    fault=st.sampled_from([None, Fault("MODULE_ABSENT", "x", of_middleware=True), Fault("LECTEUR_ABSENT", "x")]),
)


@pytest.mark.parametrize("number", range(len(CARD_TABLE)), ids=[row.presence.value for row in CARD_TABLE])
def test_each_row_of_the_table_can_be_reached(number: int) -> None:
    row = CARD_TABLE[number]
    example = CardFacts(*(bool(condition) for condition in row[:-1]))
    assert card_presence(example) is row.presence


def test_the_table_of_the_docstring_is_the_table() -> None:
    cells = {"yes": True, "no": False, "-": None}
    written = re.findall(r"^((?:(?:yes|no|-) +){5})([A-Z_]+)$", presence.__doc__ or "", re.MULTILINE)
    assert [(*(cells[cell] for cell in row.split()), Presence[name]) for row, name in written] == [*CARD_TABLE]


@given(facts)
def test_every_observation_of_a_card_has_exactly_one_answer(observed: CardFacts) -> None:
    answer = card_presence(observed)
    assert (answer is Presence.UNKNOWN_CARD) is not observed.known
    if observed.known:
        assert (answer is Presence.OPEN) is observed.logged_in
    if answer is Presence.PIN_NEEDED:
        assert observed.wanted
        assert not observed.blocked
        assert not observed.final_try


@given(scenes)
def test_every_scene_has_an_answer_and_the_worst_comes_first(scene: SceneFacts) -> None:
    answer = scene_presence(scene)
    assert (answer is Presence.FAILED) is not scene.answers
    if scene.answers:
        assert (answer is Presence.NO_MIDDLEWARE) is not scene.middleware
    if scene.answers and scene.middleware and scene.cards:
        assert all(BY_USEFULNESS.index(answer) <= BY_USEFULNESS.index(card) for card in scene.cards)


def test_every_presence_can_happen() -> None:
    reached = {card_presence(CardFacts(*bits)) for bits in _all_bits(5)}
    for answers, middleware, readers in ((False, True, 1), (True, False, 1), (True, True, 0), (True, True, 1)):
        reached.add(scene_presence(SceneFacts(answers, middleware, readers, ())))
    assert reached == set(Presence)


def _all_bits(count: int) -> list[tuple[bool, ...]]:
    return [tuple(bool(number >> bit & 1) for bit in range(count)) for number in range(2**count)]


@given(observations, st.booleans(), st.booleans())
def test_what_people_see_agrees_with_itself(observation: Observation, answers: bool, wanted: bool) -> None:
    status = make_status(observation, answers=answers, wanted=lambda _: wanted)
    codes = [status.code, *(token.code for token in status.tokens)]
    assert all(code == "" or code in CATALOGUE for code in codes)
    if status.presence in (Presence.OPEN, Presence.LOCKED):
        assert status.code in ("", "CARTE_EXPIREE")
    elif observation.fault is not None or status.presence is not Presence.NO_READER:
        assert status.code or status.presence is Presence.UNKNOWN_CARD
    if not answers:
        assert (status.presence, status.tokens) == (Presence.FAILED, ())


def test_nobody_is_asked_for_the_pin_of_an_expired_card() -> None:
    card = SeenCard("Lecteur", certificate=CERTIFICATE, code="CARTE_EXPIREE")
    view = make_view(card, lambda _: True)
    assert (view.presence, view.code) == (Presence.LOCKED, "CARTE_EXPIREE")


def test_the_name_of_a_holder_is_the_common_name_when_there_is_no_other() -> None:
    assert CERTIFICATE.name == "899700012345"
