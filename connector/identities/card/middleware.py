"""The loaded middleware: started when there is one, and again when that is worth a try. On the card thread only."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connector.domain.errors import Unavailable
from connector.identities.card.errors import Failure, attempt
from connector.identities.card.module import Host, find_module, load_module
from connector.identities.card.view import Fault

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class with the name of a function

__all__ = ["Middleware"]

_LOOKS_BETWEEN_TRIES = 10


class Middleware:
    """One library in one process: nobody else in it may use the same one.

    Args:
        configured: ``card.module`` of the settings.
        host: this process.
    """

    def __init__(self, configured: Path | None, host: Host) -> None:
        self._configured = configured
        self._host = host
        self._library: Library | None = None
        self._tried_in: object = None
        self._waits = 0
        self.fault: Fault | None = None
        self.path = ""

    def ready(self, situation: object) -> "Library | None":
        """The library, started; ``None`` with :attr:`fault` set when it does not start.

        One that is installed while we run is found at once. One that refuses is tried again when something else has
        changed, or after a while.

        Args:
            situation: compares equal to that of the last call when nothing has changed outside.
        """
        if self._library is None and self._is_worth_a_try(situation):
            self._tried_in, self._waits = situation, _LOOKS_BETWEEN_TRIES
            try:
                path = find_module(self._configured, self._host)
                self._library = load_module(path, self._host)
            except Unavailable as error:
                self.fault = Fault(error.code, error.detail, of_middleware=True)
            else:
                self.fault, self.path = None, str(path)
        return self._library

    def stop(self) -> None:
        """Finish with it; :meth:`ready` starts it again."""
        library, self._library = self._library, None
        self._waits = 0
        if library is not None:
            with suppress(Failure):
                attempt(library.finalize)

    def _is_worth_a_try(self, situation: object) -> bool:
        self._waits -= 1
        if self.fault is None or self.fault.code == "MODULE_ABSENT":
            return True
        return self._waits < 0 or situation != self._tried_in
