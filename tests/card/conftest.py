"""Cards for every test in here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.card.rig import HOLDER, OTHER_HOLDER, CardRig, Deck, build_cardsim, make_deck, personal_objects
from tests.servers.pki import Pki


@pytest.fixture(scope="session")
def cardsim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module, compiled."""
    return build_cardsim(tmp_path_factory.mktemp("cardsim"))


@pytest.fixture(scope="session")
def one_card(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Deck:
    """A practitioner's card: authentication, signature, authority."""
    return make_deck(tmp_path_factory.mktemp("one") / "deck", ("CPS", personal_objects(pki, HOLDER)))


@pytest.fixture(scope="session")
def two_cards(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Deck:
    """Cards of two practitioners, labels CPSA and CPSB."""
    a, b = personal_objects(pki, HOLDER), personal_objects(pki, OTHER_HOLDER)
    return make_deck(tmp_path_factory.mktemp("two") / "deck", ("CPSA", a), ("CPSB", b))


@pytest.fixture
def rig(cardsim: Path, one_card: Deck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CardRig]:
    """One card in one reader, imitated."""
    made = CardRig(tmp_path, cardsim)
    made.deal(one_card)
    made.control()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()
