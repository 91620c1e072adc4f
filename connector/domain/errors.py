"""Errors that know what they mean to each reader.

::

    ConnectorError                 has a stable code; texts for people are in domain.catalogue
    ├── InvalidSubmission          what the LPS gave is wrong: tell it now, keep the original
    ├── MalformedMessage           what came from outside is wrong: quarantine it, keep the raw bytes
    ├── ConfigurationError         a person must change a setting
    ├── IllegalTransition          our own fault: a state machine was asked for the impossible
    └── Unavailable                a passing condition (locked key store, share gone): try again, never wipe
        └── NeedsPerson            a passing condition that a person ends (PIN, code, token)

Operators have their own branch in :mod:`connector.operators.errors`.

The detail is English, for logs and traces: it never holds patient data or document content.
"""

from enum import StrEnum

__all__ = [
    "ConfigurationError", "ConnectorError", "IllegalTransition", "InvalidSubmission", "MalformedMessage",
    "NeedsPerson", "Retry", "Unavailable",
]  # fmt: skip


class Retry(StrEnum):
    """Whether the same thing may be tried again."""

    NEVER = "never"
    LATER = "later"
    AFTER_PERSON = "after_person"


class ConnectorError(Exception):
    """Something that a person or a program outside will hear of.

    Args:
        code: a key of :data:`connector.domain.catalogue.CATALOGUE`, stable over versions.
        detail: one English sentence for logs; never patient data.
    """

    retry = Retry.NEVER

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class InvalidSubmission(ConnectorError):
    """What the LPS gave cannot be sent as it is."""


class MalformedMessage(ConnectorError):
    """What came from outside cannot be opened safely."""


class ConfigurationError(ConnectorError):
    """A setting is missing or wrong."""

    retry = Retry.AFTER_PERSON


class IllegalTransition(ConnectorError):
    """A state machine was asked for a transition that its table does not hold."""


class Unavailable(ConnectorError):
    """Cannot be had right now; says nothing about what is behind it."""

    retry = Retry.LATER


class NeedsPerson(Unavailable):
    """Waits for a person: card, PIN, code, token, approval."""

    retry = Retry.AFTER_PERSON
