"""What can go wrong between a program and the connector."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.errors import ConnectorError

__all__ = ["ServiceError", "ServiceUnknown", "ServiceUnreachable", "SeveralMessages"]


class ServiceError(ConnectorError):
    """The connector answered with a problem (RFC 9457).

    Args:
        problem: members of the answer.
        status: of HTTP.
    """

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        code = str(problem.get("code") or "INTERNE")
        super().__init__(code, str(problem.get("detail") or f"the connector answered {status}"))
        self.status = status
        self.problem = dict(problem)


class ServiceUnreachable(ConnectorError):
    """Nobody answers."""

    def __init__(self, detail: str) -> None:
        super().__init__("SERVICE_ARRETE", detail)


class ServiceUnknown(ConnectorError):
    """Somebody else answers: nothing secret was sent."""

    def __init__(self, detail: str) -> None:
        super().__init__("SERVICE_INCONNU", detail)


class SeveralMessages(Exception):
    """What was to be one message became several: they are kept, and will leave.

    Args:
        ids: theirs.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} messages were made of it")
        self.ids = tuple(ids)
