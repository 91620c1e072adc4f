"""How often: a token bucket per client, so that one that runs wild does not take the others' time."""

import math
from collections import OrderedDict
from dataclasses import dataclass

from connector.api.guard.head import Refusal
from connector.domain.ports import Clock

__all__ = ["Allowance", "RateLimiter"]

_MOST_CLIENTS = 256


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client may do."""

    per_second: float  # in the long run
    burst: int  # at once


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float  # monotonic seconds


class RateLimiter:
    """Buckets of the clients that were seen last. Not thread-safe: lives on the server's event loop.

    Args:
        clock: monotonic time.
        known: for clients that showed a valid token.
        unknown: for all the others together.
    """

    def __init__(self, clock: Clock, *, known: Allowance, unknown: Allowance) -> None:
        self._clock = clock
        self._known = known
        self._unknown = unknown
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> Refusal | None:
        """Count one request of a client; ``""`` for one that is not known."""
        allowance = self._known if client else self._unknown
        bucket, now = self._bucket(client, allowance), self._clock.monotonic()
        bucket.left = min(allowance.burst, bucket.left + (now - bucket.at) * allowance.per_second)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return None
        seconds = max(1, math.ceil((1 - bucket.left) / allowance.per_second))
        detail = f"at most {allowance.per_second:g} requests a second, {allowance.burst} at once"
        return Refusal("API_TROP_DE_REQUETES", 429, detail, {"Retry-After": str(seconds)})

    def _bucket(self, client: str, allowance: Allowance) -> _Bucket:
        if client not in self._buckets:
            self._buckets[client] = _Bucket(allowance.burst, self._clock.monotonic())
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        return self._buckets[client]
