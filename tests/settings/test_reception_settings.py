"""What of a mailbox is read, and what becomes of messages at the operator's: what cannot be meant is told."""

from typing import Any

import pytest
from pydantic import ValidationError

from connector.settings.reception import AfterDelivery, FirstConnection, ReceptionSettings


def test_by_default_all_is_fetched_and_nothing_is_lost_at_the_operator_s() -> None:
    settings = ReceptionSettings()
    assert settings.folders == ["INBOX"]
    assert settings.first_connection is FirstConnection.ALL
    assert settings.after_delivery is AfterDelivery.SEEN


@pytest.mark.parametrize(
    "values",
    [
        {"folders": ["INBOX", "Résultats/Août 2026", "R&D"]},
        {"first_connection": "days", "first_days": 7},
        {"after_delivery": "move", "move_to": "Traités"},
        {"after_delivery": "delete"},
    ],
)
def test_what_can_be_meant(values: dict[str, Any]) -> None:
    assert ReceptionSettings.model_validate(values).model_dump(include=set(values), mode="json") == values


@pytest.mark.parametrize(
    "values",
    [
        {"folders": []},
        {"folders": [""]},
        {"folders": ["INBOX", "INBOX"]},
        {"folders": ["*"]},
        {"folders": ["INBOX\r\nA1 DELETE INBOX"]},
        {"folders": ["x" * 256]},
        {"first_connection": "10 days"},
        {"first_connection": "days", "first_days": 0},
        {"after_delivery": "move"},
        {"after_delivery": "delete", "move_to": "Traités"},
        {"after_delivery": "move", "move_to": "%"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReceptionSettings.model_validate(values)
