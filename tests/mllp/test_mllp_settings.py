"""Which mailbox sends for whom must be clear before anything listens."""

from typing import Any

import pytest
from pydantic import ValidationError

from connector.settings.model import Settings
from tests.exchange.exchange_scene import IDENTITY


def values(*boxes: str, **mllp: Any) -> dict[str, Any]:
    box = {"kind": "ORG", "entity": "Labo"}
    server = {"host": "localhost", "port": 10}
    return {
        "operators": {"op": {"smtp": server, "imap": server}},
        "mailboxes": [
            {**box, "address": f"{name}@labo.mssante.fr", "operator": "op", "identity": IDENTITY} for name in boxes
        ],
        "mllp": {"enabled": True, **mllp},
    }


def test_one_mailbox_needs_no_route_and_several_do() -> None:
    assert Settings.model_validate(values("a")).mllp.routes == []
    with pytest.raises(ValidationError, match="several mailboxes send"):
        Settings.model_validate(values("a", "b"))
    routes = [{"sending_application": "SIL", "mailbox": "a@labo.mssante.fr"}, {"mailbox": "b@labo.mssante.fr"}]
    assert len(Settings.model_validate(values("a", "b", routes=routes)).mllp.routes) == 2


def test_a_route_leads_to_a_mailbox_of_the_file() -> None:
    with pytest.raises(ValidationError, match="leads to no mailbox"):
        Settings.model_validate(values("a", routes=[{"mailbox": "c@labo.mssante.fr"}]))
