"""How the questions of a program become requests, and the answers what they describe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from connector.client.link import Link, read_as

__all__ = ["Asking", "Preview", "moment"]

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Preview:
    """A document to look at."""

    content: bytes = field(repr=False)
    media_type: str  # text/html, whole and harmless, or image/png: one page
    pages: int  # that can be asked for; 0: there is no PDF


class Asking(Link):
    """A link with the shapes that most questions have."""

    def _get(self, path: str, model: type[_Model], params: Mapping[str, Any] | None = None) -> _Model:
        wanted = {name: value for name, value in (params or {}).items() if value not in (None, "", [])}
        return read_as(self.ask("GET", path, params=wanted), model)

    def _send(self, method: str, path: str, model: type[_Model], body: Mapping[str, Any] | None = None) -> _Model:
        return read_as(self.ask(method, path, body), model)

    def _preview(self, document: str, page: int | None) -> Preview:
        answer = self.ask("GET", f"{document}/preview", params={"page": page} if page is not None else {})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        return Preview(answer.content, media_type, int(answer.headers.get("Preview-Pages", "0")))


def moment(value: datetime | None) -> str | None:
    """A moment as the API reads it."""
    return value.isoformat() if value is not None else None
