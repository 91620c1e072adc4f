"""The rounds of a worker that tells somebody outside what became known, and tries again while that one is away."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.daemon.supervisor import Bell
from connector.daemon.workers import Mood
from connector.domain.errors import ConnectorError
from connector.exchange.retry import backoff_seconds
from connector.settings.model import RetrySettings

__all__ = ["TellingLoop"]


@dataclass(kw_only=True)
class TellingLoop(ABC):
    """Tells one receiver.

    Args:
        bell: of its worker.
        stopping: true once the connector was asked to stop.
        mood: for the health tree.
        retry: the pauses while the receiver is away.
        look_seconds: how often it is looked for news.
    """

    bell: Bell
    stopping: Callable[[], bool]
    mood: Mood
    retry: RetrySettings
    look_seconds: float
    _failures: int = field(default=0, init=False)
    _refusal: ConnectorError | None = field(default=None, init=False)  # to be shown although rounds go well

    def run(self) -> None:
        """Tell what is due, until told to stop."""
        while not self.stopping():
            try:
                is_more = self._once()
            except ConnectorError as error:
                self.mood.bad(error)
                self._failures += 1
                self.bell.wait(backoff_seconds(self._failures, self.retry, luck=0.5))
                continue
            self._went_well()
            if not is_more:
                self.bell.wait(self.look_seconds)

    @abstractmethod
    def _once(self) -> bool:
        """One round; true when there may be more to tell at once. Raises ConnectorError: what is left comes again."""

    def _accepted(self) -> None:
        """The receiver took something: what it refused before is not shown any more."""
        self._refusal = None
        self._went_well()

    def _refused(self, refusal: ConnectorError) -> None:
        """The receiver is there, but does not want this: shown until it takes the next."""
        self._refusal = refusal
        self._went_well()

    def _went_well(self) -> None:
        self._failures = 0
        if self._refusal is None:
            self.mood.good()
        else:
            self.mood.bad(self._refusal)
