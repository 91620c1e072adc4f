"""What an operator can answer, or fail to answer.

::

    OperatorError
    ├── TemporaryRefusal        4xx, NO [UNAVAILABLE], greylisting: try again later
    │   └── LoginDeferred       it cannot check now who we are: the whole mailbox tries again later
    ├── PermanentRefusal        5xx: this message, or all its recipients, will never be accepted
    │   ├── FolderMissing       a folder of the mailbox is not there: the others can be read
    │   └── CannotTidy          it offers no safe way to move or delete: the messages stay, marked
    ├── ConnectionFailed        no connection, TLS refused, lost before DATA began: nothing left
    │   └── UntrustedServer     the certificate is not one that we trust: nothing was said to it
    ├── AuthenticationRefused   the operator does not accept who we are: never hammered, waits for a person
    │   └── TokenRefused        it does not accept this token: waits for another one
    └── OutcomeUnknown          the connection died after DATA began: neither sent nor failed
"""

from collections.abc import Sequence

from connector.domain.errors import ConnectorError, Retry
from connector.domain.states import WaitingFor
from connector.operators.base import RecipientAnswer

__all__ = [
    "AuthenticationRefused", "CannotTidy", "ConnectionFailed", "FolderMissing", "LoginDeferred", "OperatorError",
    "OutcomeUnknown", "PermanentRefusal", "TemporaryRefusal", "TokenRefused", "UntrustedServer", "own_cause",
]  # fmt: skip


class OperatorError(ConnectorError):
    """Something between us and the operator.

    Args:
        code: catalogue code.
        detail: one English sentence.
        answer: the server's own last line (``451 4.3.0 try later``), for the trace.
        recipients: what the server said to each RCPT, when it came that far.
    """

    def __init__(
        self, code: str, detail: str, *, answer: str = "", recipients: Sequence[RecipientAnswer] = ()
    ) -> None:
        super().__init__(code, detail)
        self.answer = answer
        self.recipients = tuple(recipients)


class TemporaryRefusal(OperatorError):
    """A refusal that may pass by itself."""

    retry = Retry.LATER


class LoginDeferred(TemporaryRefusal):
    """The operator cannot check now who we are: that is about no message in particular."""


class PermanentRefusal(OperatorError):
    """A refusal that will not pass by itself."""


class FolderMissing(PermanentRefusal):
    """A folder that the settings name is not in the mailbox, or cannot be opened."""

    def __init__(self, folder: str, *, answer: str = "") -> None:
        super().__init__("DOSSIER_BOITE_ABSENT", f"the folder {folder!r} cannot be opened", answer=answer)


class CannotTidy(PermanentRefusal):
    """The server can neither move nor delete single messages."""

    def __init__(self, detail: str) -> None:
        super().__init__("RANGEMENT_IMPOSSIBLE", detail)


class ConnectionFailed(OperatorError, ConnectionError):
    """No usable connection; the content of the message had not been started."""

    retry = Retry.LATER


class UntrustedServer(ConnectionFailed):
    """The server's certificate, name, dates or revocation do not satisfy the trust policy."""


class AuthenticationRefused(OperatorError):
    """The operator refuses our identity."""

    retry = Retry.AFTER_PERSON
    waiting_for = WaitingFor.CREDENTIALS


class TokenRefused(AuthenticationRefused):
    """The operator refuses the token that was shown; it is not shown again, another one may be."""

    waiting_for = WaitingFor.TOKEN


class OutcomeUnknown(OperatorError):
    """DATA had begun and the final answer did not come."""


def own_cause(error: BaseException) -> ConnectorError | None:
    """What we ourselves raised behind a library's error, if anything: the key of a pulled card in a handshake.

    It is taken out of the chain, since whoever raises it says ``from error``: no circle.
    """
    behind: BaseException | None = error
    while behind is not None:
        cause = behind.__cause__
        if isinstance(cause, ConnectorError):
            behind.__cause__ = cause.__cause__
            return cause
        behind = cause
    return None
