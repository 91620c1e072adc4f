"""The system's view and the middleware's become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.identities.card.reader import Reader, ReaderView, Service
from connector.identities.card.view import SeenCard, SlotView, all_readers, no_reader, reader_of, strange_cards

LONG = "SCM Microsystems Inc. SCR 355 [CCID Interface] (52120917202113) avec un nom bien long 00 00"


@pytest.mark.parametrize(
    ("description", "name", "same"),
    [
        ("Lecteur A 00 00", "Lecteur A 00 00", True),
        ("Lecteur A 00 00", "Lecteur A 00 01", False),
        ("Lecteur A", "Lecteur A ", True),
        (LONG[:64], LONG, True),  # OpenSC
        (LONG[:30] + "..." + LONG[-31:], LONG, True),  # Cryptolib CPS
        (LONG[:30] + "..." + LONG[-30:], LONG, True),
        (LONG[:30] + "..." + LONG[:30], LONG, False),
        ("Virtual slot", LONG, False),
        ("", "Lecteur A", False),
    ],
)
def test_a_slot_is_told_from_its_description(description: str, name: str, same: bool) -> None:
    assert (reader_of(description, [Reader(name)]) is not None) is same


@given(st.text(min_size=1, max_size=100))
def test_any_name_is_recognised_when_it_was_cut(name: str) -> None:
    cut = name.encode()[:64].decode("utf-8", "replace").rstrip()
    if name.strip() == name and name.isprintable():
        assert reader_of(cut, [Reader(name)]) is not None


RUNNING, ABSENT = (
    ReaderView(Service.RUNNING, (Reader("A", card=True), Reader("B"))),
    ReaderView(Service.ABSENT),
)


@pytest.mark.parametrize(
    ("pcsc", "slots", "names"),
    [
        (RUNNING, [], ("A", "B")),
        (RUNNING, [SlotView("A", True, True), SlotView("Virtual slot", True, False)], ("A", "B")),
        (RUNNING, [SlotView("SoftHSM slot", False, True)], ("A", "B", "SoftHSM slot")),
        (RUNNING, [SlotView("SoftHSM slot", False, False)], ("A", "B")),
        (ABSENT, [SlotView("Virtual slot", True, False)], ()),
        (ABSENT, [SlotView("A", True, True)], ("A",)),
        (ABSENT, [SlotView("soft 1", False, True), SlotView("soft 2", False, False)], ("soft 1",)),
        (ABSENT, [SlotView("soft 2", False, False)], ("soft 2",)),
    ],
)
def test_which_slots_count_as_readers(pcsc: ReaderView, slots: list[SlotView], names: tuple[str, ...]) -> None:
    assert all_readers(pcsc, slots) == names


def test_what_the_middleware_does_not_show_is_a_stranger() -> None:
    pcsc = ReaderView(Service.RUNNING, (Reader("A", card=True), Reader("B", card=True, mute=True), Reader("C")))
    assert [(card.reader, card.code) for card in strange_cards(pcsc, [])] == [
        ("A", "CARTE_INCONNUE"),
        ("B", "CARTE_MUETTE"),
    ]
    assert [card.reader for card in strange_cards(pcsc, ["A"])] == ["B"]
    assert strange_cards(pcsc, [], "it fails")[0].detail == "it fails"


def test_a_stranger_is_nobody() -> None:
    stranger = SeenCard("A")
    assert (stranger.is_known, stranger.id) == (False, ("", ""))


@pytest.mark.parametrize("service", list(Service))
def test_each_reason_for_no_reader_has_its_own_code(service: Service) -> None:
    codes = {no_reader(ReaderView(one)).code for one in Service}
    assert len(codes) == len(Service)
    assert no_reader(ReaderView(service, detail="because")).detail == "because"
