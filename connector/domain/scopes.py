"""What an application may do with the local API: words that are stored with its token and shown to the person."""

from enum import StrEnum

from connector.domain.text import Text

__all__ = ["ALL_SCOPES", "SCOPE_TEXTS", "Scope"]


class Scope(StrEnum):
    """One permission; a token holds several."""

    STATUS_READ = "status:read"
    CARD_USE = "card:use"
    SESSIONS_WRITE = "sessions:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    INBOX_READ = "inbox:read"
    INBOX_WRITE = "inbox:write"
    EVENTS_READ = "events:read"


ALL_SCOPES = frozenset(Scope)
"""What the person's own commands may do."""

SCOPE_TEXTS: dict[Scope, Text] = {
    Scope.STATUS_READ: Text("voir l'état des boîtes et de la carte", "see how mailboxes and card are"),
    Scope.CARD_USE: Text(
        "donner le code de la carte, verrouiller, essayer", "give the PIN of the card, lock it, try it"
    ),
    Scope.SESSIONS_WRITE: Text("déposer un jeton ou un code à usage unique", "hand over a token or a one-time code"),
    Scope.MESSAGES_READ: Text("voir les envois", "see what is sent"),
    Scope.MESSAGES_WRITE: Text("envoyer, relancer, annuler, libérer", "send, try again, cancel, release"),
    Scope.INBOX_READ: Text("lire les messages reçus", "read what arrived"),
    Scope.INBOX_WRITE: Text("marquer les messages reçus comme pris", "mark what arrived as taken"),
    Scope.EVENTS_READ: Text("suivre les événements", "follow the events"),
}
"""What each permission means to the person who grants it."""
