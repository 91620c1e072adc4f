"""The gate: one ASGI middleware that takes every request through the checks, in the order that stands here."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.api.guard.content import check_content_type
from connector.api.guard.head import Refusal, RequestHead
from connector.api.guard.host import check_host
from connector.api.guard.origin import allowed_origin, check_origin, is_preflight
from connector.api.guard.pipe import BodyRefused, Pipe, drain
from connector.api.guard.rate import Allowance, RateLimiter
from connector.api.guard.shield import preflight_headers, security_headers
from connector.api.guard.size import body_limit, check_framing, check_headers, check_length
from connector.api.guard.tokens import Caller, read_bearer
from connector.api.problem import problem
from connector.domain.ports import Clock

__all__ = ["Authenticate", "Gate", "GuardSettings"]

Authenticate = Callable[[str], Awaitable[Caller | Refusal]]
"""Whose token this is; asked only for tokens that look like ours."""

KNOWN = Allowance(per_second=100, burst=400)
"""An application with a valid token: a waiting room full of workstations behind one LPS."""
UNKNOWN = Allowance(per_second=20, burst=60)
"""Everybody without one, together: health checks, and guesses."""

_POLICY_VIOLATION = 1008  # RFC 6455 7.4.1


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """The bounds of the gate."""

    port: int  # that we listen on; 0 = the one of the socket
    allowed_origins: frozenset[str] = frozenset()  # pages that may use the API
    large_bodies: Mapping[str, int] = field(default_factory=dict)  # path to bytes, for routes that take documents
    body_seconds: float = 60.0
    known: Allowance = KNOWN
    unknown: Allowance = UNKNOWN


class Gate:
    """Lets a request through to the application, with its caller in ``scope["state"]``, or answers it.

    Args:
        app: what is guarded.
        settings: the bounds.
        authenticate: looks a token up.
        clock: for the rates.
    """

    def __init__(self, app: ASGIApp, *, settings: GuardSettings, authenticate: Authenticate, clock: Clock) -> None:
        self.app = app
        self._settings = settings
        self._authenticate = authenticate
        self._rates = RateLimiter(clock, known=settings.known, unknown=settings.unknown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = RequestHead.of(scope, self._settings.port)
        refusal = self._check_head(head)
        origin = allowed_origin(head, self._settings.allowed_origins) if refusal is None else None
        answer = _shielded(send, origin)
        if refusal is not None:
            await _refuse(refusal, head, scope, receive, answer)
        elif is_preflight(head):
            await Response(status_code=204, headers=preflight_headers() if origin else None)(scope, receive, answer)
        else:
            await self._admit(head, scope, receive, answer)

    def _check_head(self, head: RequestHead) -> Refusal | None:
        """Everything that can be said before a token is looked up or a byte of the body is read."""
        return (
            check_headers(head)
            or check_framing(head)
            or check_host(head)
            or check_origin(head, self._settings.allowed_origins)
            or check_content_type(head)
            or check_length(head, body_limit(head, self._settings.large_bodies))
        )

    async def _admit(self, head: RequestHead, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await self._caller(head)
        known = caller.id if isinstance(caller, Caller) else ""
        refusal = self._rates.take(known) or (caller if isinstance(caller, Refusal) else None)
        if refusal is not None:
            await _refuse(refusal, head, scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        limit = body_limit(head, self._settings.large_bodies)
        pipe = Pipe(receive, send, limit, self._settings.body_seconds)
        with suppress(BodyRefused):  # the reason is kept in the pipe
            await self.app(scope, pipe.read, pipe.write)
        if pipe.refusal is not None and not pipe.has_started:
            await _refuse(pipe.refusal, head, scope, receive, send)

    async def _caller(self, head: RequestHead) -> Caller | Refusal | None:
        token = read_bearer(head.all("authorization"))
        return await self._authenticate(token) if isinstance(token, str) else token


def _shielded(send: Send, origin: str | None) -> Send:
    """``send`` with the security headers on every answer."""

    async def shielded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            present = {name.decode("latin-1").lower() for name, _ in headers}
            added = security_headers(present, origin)
            headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in added.items()]
            message = {**message, "headers": headers}
        await send(message)

    return shielded


async def _refuse(refusal: Refusal, head: RequestHead, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, read a little of what is still coming, hang up."""
    language = (head.all("accept-language") or [""])[0]
    headers = {**refusal.headers, **({"Connection": "close"} if head.has_body else {})}
    response = problem(
        refusal.code, refusal.status, detail=refusal.detail, accept_language=language, headers=headers
    )  # fmt: skip

    async def lingering(message: Message) -> None:
        is_last = message["type"] == "http.response.body" and head.has_body
        await send({**message, "more_body": True} if is_last else message)
        if is_last:
            await drain(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    await response(scope, receive, lingering)
