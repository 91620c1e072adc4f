"""The parent's side of :mod:`tests.virtual_card.remote_main`."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

from connector.domain.errors import ConnectorError
from connector.domain.states import WaitingFor
from connector.identities.card.status import CardStatus, Presence
from connector.settings.model import CardSettings
from tests.virtual_card.waiting import wait_until

__all__ = ["CardProcess", "RemoteError"]

ANSWER_SECONDS = 60.0
ROOT = Path(__file__).parents[2]


class RemoteError(Exception):
    """An error of ours that was raised in the other process.

    Args:
        kind: name of its class.
        code: catalogue code; empty for what is not ours.
        text: what it says.
        waiting_for: what a person must do, when it says so.
    """

    def __init__(self, kind: str, code: str, text: str, waiting_for: WaitingFor | None) -> None:
        super().__init__(kind, code, text, waiting_for)
        self.kind = kind
        self.code = code
        self.text = text
        self.waiting_for = waiting_for

    @classmethod
    def of(cls, error: BaseException) -> "RemoteError":
        code = error.code if isinstance(error, ConnectorError) else ""
        return cls(type(error).__name__, code, str(error), getattr(error, "waiting_for", None))


class CardProcess:
    """A process with a card room; see :class:`tests.virtual_card.remote_main.Room` for what can be asked.

    Args:
        environment: from :attr:`tests.virtual_card.pcscd.Pcscd.environment`.
        settings: of the card room.
        log: where what it prints goes.
    """

    def __init__(self, environment: dict[str, str], settings: CardSettings, log: Path) -> None:
        self.log = log
        self._answers: dict[int, Future[Any]] = {}
        self._numbers = count()
        self._speaking = threading.Lock()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.virtual_card.remote_main"],
                cwd=ROOT, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
            )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._say(settings)

    def begin(self, command: str, **arguments: Any) -> "Future[Any]":
        """Ask for something without waiting; the future raises :class:`RemoteError`."""
        number, answer = next(self._numbers), Future[Any]()
        self._answers[number] = answer
        self._say((number, command, arguments))
        return answer

    def call(self, command: str, **arguments: Any) -> Any:
        """Ask and wait.

        Raises:
            RemoteError: it was raised there.
        """
        return self.begin(command, **arguments).result(ANSWER_SECONDS)

    def status(self) -> CardStatus:
        """The snapshot of the card room; it never blocks there."""
        status = self.call("status")
        assert isinstance(status, CardStatus)
        return status

    def refusal(self, command: str, **arguments: Any) -> RemoteError:
        """Ask for something that must be refused."""
        error = self.begin(command, **arguments).exception(ANSWER_SECONDS)
        assert isinstance(error, RemoteError), f"{command} was not refused"
        return error

    def wait_for(self, presence: Presence) -> CardStatus:
        """Come back when the card room sees it by itself."""
        wait_until(lambda: self.status().presence is presence, f"the card room says {presence.value}")
        return self.status()

    def stop(self) -> None:
        """Close it in order; it must end by itself."""
        self.call("close")
        self.abandon()
        assert self._process.returncode == 0, f"the process ended with {self._process.returncode}"

    def abandon(self) -> None:
        """End it anyhow."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._listener.join()
            self._process.stdout.close()

    def _say(self, message: object) -> None:
        assert self._process.stdin is not None
        with self._speaking:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                number, result, error = pickle.load(self._process.stdout)
            except (EOFError, pickle.UnpicklingError):
                break
            answer = self._answers.pop(number)
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)
        for answer in self._answers.values():
            answer.set_exception(RemoteError("ProcessEnded", "", "the process ended", None))
