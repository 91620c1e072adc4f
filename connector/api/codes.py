"""One-time codes at the API: finds the session of a mailbox, and its login and password in the settings."""

from dataclasses import dataclass

from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.identities import SecretReader
from connector.identities.code import CodeSession, CodeSessions, CodeStatus
from connector.settings.model import MailboxSettings

__all__ = ["CodeDesk"]


@dataclass(frozen=True, slots=True)
class CodeDesk:
    """Fulfils :class:`connector.api.services.CodePort` over the sessions of the process."""

    sessions: CodeSessions
    read_secret: SecretReader

    def status(self, mailbox: MailboxSettings) -> CodeStatus:
        """See :class:`connector.api.services.CodePort`."""
        return self._session(mailbox).status()

    def start(self, mailbox: MailboxSettings) -> CodeStatus:
        """See :class:`connector.api.services.CodePort`."""
        session, identity = self._session(mailbox), mailbox.identity
        if identity.password is None:
            raise ConfigurationError("REGLAGE_INVALIDE", "identity.auth = code needs a password")
        login = identity.username or str(mailbox.address)
        return session.start(login, self.read_secret(identity.password))

    def give(self, mailbox: MailboxSettings, code: str) -> CodeStatus:
        """See :class:`connector.api.services.CodePort`."""
        return self._session(mailbox).give(code)

    def unlock(self, mailbox: MailboxSettings) -> CodeStatus:
        """See :class:`connector.api.services.CodePort`."""
        session = self._session(mailbox)
        session.unlock()
        return session.status()

    def _session(self, mailbox: MailboxSettings) -> CodeSession:
        session = self.sessions.find(mailbox.address)
        if session is None:
            raise InvalidSubmission("CODE_SANS_OPERATEUR", "the operator of this mailbox sends no codes")
        return session
