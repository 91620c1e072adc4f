"""What the health tree says of the card: what hinders it first, then a certificate that comes to its end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.daemon.identities import card_health
from connector.identities.card.status import Presence
from connector.support.health import Condition
from connector.testing.clock import EPOCH, FakeClock
from tests.api.api_scene import FakeCards, card_token


def with_days_left(days: float) -> FakeCards:
    token = card_token(Presence.OPEN)
    assert token.certificate is not None

    certificate = replace(token.certificate, not_after=EPOCH + timedelta(days=days))
    return FakeCards(presence=Presence.OPEN, tokens=(replace(token, certificate=certificate),), code="")


def test_what_hinders_the_card_is_said() -> None:
    health = card_health(FakeCards(code="PIN"), FakeClock())
    assert (health.condition, health.code) == (Condition.WAITING, "PIN")


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (91, None), (90, "CERTIFICAT_A_RENOUVELER"), (60, "CERTIFICAT_A_RENOUVELER"),
        (30, "CERTIFICAT_BIENTOT_EXPIRE"), (7, "CERTIFICAT_DERNIERS_JOURS"),
    ],
)  # fmt: skip
def test_a_certificate_that_comes_to_its_end_shows_while_the_card_still_works(days: float, code: str | None) -> None:
    health = card_health(with_days_left(days), FakeClock())
    assert (health.condition, health.code) == (Condition.OK, code)
