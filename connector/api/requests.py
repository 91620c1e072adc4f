"""What routes ask of a request: who makes it, and whether it may."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request, Security
from fastapi.security import HTTPBearer
from pydantic import AwareDatetime, BeforeValidator

from connector.api.guard.head import Refusal
from connector.api.guard.tokens import Caller, insufficient, missing
from connector.domain.scopes import SCOPE_TEXTS, Scope

__all__ = [
    "IdempotencyKey", "InboxId", "MessageId", "RefusedRequest", "Since", "Until", "accept_language", "requires",
]  # fmt: skip

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)  # fmt: skip


def _written_moment(value: str) -> str:
    """A moment as RFC 3339 writes it; a bare number, which pydantic would take too, is a mistake."""
    if not _RFC_3339.fullmatch(value):
        raise ValueError("not a date and time with a time zone")
    return value


_Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment)]

Since = Annotated[
    _Moment | None,
    Query(description="Only what came to the connector then or later", examples=["2026-11-20T00:00:00Z"]),
]
Until = Annotated[
    _Moment | None,
    Query(description="Only what came to the connector before", examples=["2026-11-21T00:00:00Z"]),
]
MessageId = Annotated[
    str, Path(pattern="^[0-9A-Z]{26}$", description="ULID", examples=["01KAGY6R8ZQ4M1T7C3H5E9V0XA"])
]  # fmt: skip
InboxId = Annotated[
    str, Path(pattern="^[0-9A-Z]{26}$", description="ULID", examples=["01KAGZ1ZQ2W3E4R5T6Y7P8A9SD"])
]  # fmt: skip
IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern="^[!-~]+$", examples=["7c9e6679-7425"])
]  # fmt: skip

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Token of an application (mss-connector client add), or of the person (discovery file). Scopes: "
    + "; ".join(f"{scope.value}: {text.en}" for scope, text in SCOPE_TEXTS.items())
    + ".",
)
"""Only describes: the gate has looked the token up already."""


class RefusedRequest(Exception):
    """The caller may not do this."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def requires(*scopes: Scope) -> Any:
    """A dependency that gives the :class:`Caller`, or refuses the request.

    Args:
        scopes: all of which it must have.

    Raises:
        RefusedRequest: ``ACCES_SANS_JETON``, ``ACCES_INSUFFISANT``.
    """

    async def check(
        request: Request, _: Annotated[object, Security(_bearer, scopes=[scope.value for scope in scopes])]
    ) -> Caller:  # fmt: skip
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise RefusedRequest(missing())
        for scope in scopes:
            if scope not in caller.scopes:
                raise RefusedRequest(insufficient(scope))
        return caller

    return Depends(check)


def accept_language(request: Request) -> str:
    """What the client prefers to read."""
    return request.headers.get("accept-language", "")
