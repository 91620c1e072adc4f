"""The head of a request, as the checks see it; and what a check answers when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Scope

__all__ = ["Refusal", "RequestHead"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further."""

    code: str  # of the catalogue
    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Method, path and headers. Names are lower-case; a header that stands several times has several values."""

    method: str
    path: str
    port: int  # that we listen on
    headers: tuple[tuple[str, str], ...] = field(repr=False)  # may hold a token
    scheme: str = "http"  # https when we serve it

    @classmethod
    def of(cls, scope: Scope, port: int) -> "RequestHead":
        """The head of an ASGI request.

        Args:
            scope: of type ``http``.
            port: that we listen on; 0 = the one of the socket.
        """
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
        port = port or (scope.get("server") or ("", 0))[1] or 0
        return cls(scope["method"], scope["path"], port, headers, scope.get("scheme", "http"))

    @property
    def default_port(self) -> int:
        """The port that need not be named."""
        return 443 if self.scheme == "https" else 80

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]

    def only(self, name: str) -> str | None:
        """The value of a header that may stand once; ``None`` when it is absent or stands several times."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    @property
    def has_body(self) -> bool:
        """True when the sender announces a body."""
        return bool(self.all("transfer-encoding")) or any(
            value.strip() != "0" for value in self.all("content-length")
        )
