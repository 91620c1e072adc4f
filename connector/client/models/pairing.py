"""An application asks to be let in; and the link that opens the page."""

from pydantic import ConfigDict, Field

from connector.client.models.base import Answer, Question, example
from connector.domain.scopes import Scope

__all__ = ["AskPairingModel", "PageLinkModel", "PairingModel"]

_ASKED = {
    "id": "Yk3pVQ0x0w4m8bq7yT5sJmXhG2nQkE1r",
    "code": "AC3-K7P",
    "status": "pending",
    "token": "",
    "scopes": ["messages:read", "messages:write"],
    "seconds_left": 300,
}
_ACCEPTED = _ASKED | {
    "status": "accepted",
    "token": "mss_01JD3Z8Q7N6M5K4H3G2F1E0D9C_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}


class AskPairingModel(Question):
    """Who asks, and for what."""

    model_config = ConfigDict(
        json_schema_extra=example({"name": "Logiciel du cabinet", "scopes": ["messages:read", "messages:write"]})
    )

    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")
    """As the person knows the application."""
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    """What it would like to do; the person may give less."""


class PairingModel(Answer):
    """Where a request stands."""

    model_config = ConfigDict(json_schema_extra=example(_ASKED, _ACCEPTED))

    id: str
    """Asks for the answer; keep it secret: whoever has it gets the token."""
    code: str
    """Show it to the person, who compares it with the page."""
    status: str
    """``pending``, ``accepted``, ``refused``."""
    token: str = ""
    """Once, with ``accepted``: keep it where only the application can read it."""
    scopes: list[str] = Field(default_factory=list)
    """What it may do, once it is accepted."""
    seconds_left: int = 0
    """How long the request still waits."""


class PageLinkModel(Answer):
    """A link that opens the page, once."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {"url": "http://127.0.0.1:8723/open/p3yKq0V1m8bq7yT5sJmXhG2nQkE1rYk3pVQ0x0w4m8b", "seconds": 60}
        )
    )

    url: str
    seconds: int
    """How long it can be used."""
