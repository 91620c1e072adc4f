"""The words that people use for the states of the machines; programs get the values of the machines (``--json``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connector.domain.states import IncomingState, OutgoingState, RecipientState, WaitingFor
from connector.domain.text import Text
from connector.identities.card.status import Presence

__all__ = [
    "ACTION_WORDS", "OUTGOING_WORDS", "PERSON_STATES", "PRESENCE_WORDS", "RECIPIENT_WORDS", "REFUSED_DROPS",
    "WAITING_WORDS", "PersonState",
]  # fmt: skip

_O, _I = OutgoingState, IncomingState


@dataclass(frozen=True, slots=True)
class PersonState:
    """One group of states: its words, and the journal's counters behind it."""

    one: Text  # "parti" after a 1
    many: Text
    keys: tuple[str, ...]
    command: str = ""  # what shows them one by one, when a person must look

    def words(self, count: int) -> Text:
        """How many, in words."""
        word = self.one if count == 1 else self.many
        return Text(f"{count} {word.fr}", f"{count} {word.en}")


def _out(*states: OutgoingState) -> tuple[str, ...]:
    return tuple(f"out:{state.value}" for state in states)


def _in(*states: IncomingState) -> tuple[str, ...]:
    return tuple(f"in:{state.value}" for state in states)


PERSON_STATES = (
    PersonState(Text("parti", "left"), Text("partis", "left"), _out(_O.SENT, _O.DELIVERED, _O.READ)),
    PersonState(
        Text("en cours", "on its way"), Text("en cours", "on their way"), _out(_O.RECEIVED, _O.PREPARED, _O.SENDING)
    ),
    PersonState(
        Text("vous attend", "waiting for you"),
        Text("vous attendent", "waiting for you"),
        _out(_O.WAITING, _O.OUTCOME_UNKNOWN, _O.DUPLICATE),
        "mss-connector queue list --state waiting --state outcome_unknown --state duplicate",
    ),
    PersonState(
        Text("en échec", "failed"),
        Text("en échec", "failed"),
        _out(_O.REJECTED, _O.FAILED, _O.BOUNCED),
        "mss-connector queue list --state rejected --state failed --state bounced",
    ),
    PersonState(Text("annulé", "cancelled"), Text("annulés", "cancelled"), _out(_O.CANCELLED)),
    PersonState(Text("arrivé", "arrived"), Text("arrivés", "arrived"), _in(_I.DELIVERED, _I.ACKNOWLEDGED)),
    PersonState(
        Text("à ouvrir", "being opened"), Text("à ouvrir", "being opened"), _in(_I.SEEN, _I.STORED, _I.OPENED)
    ),
    PersonState(Text("mis à l'écart", "set aside"), Text("mis à l'écart", "set aside"), _in(_I.QUARANTINED)),
)

REFUSED_DROPS = PersonState(
    Text("dépôt refusé", "refused drop"), Text("dépôts refusés", "refused drops"), (), "mss-connector queue refused"
)
"""What never became a message, and nobody has seen yet."""

OUTGOING_WORDS: Mapping[OutgoingState, Text] = MappingProxyType({
    _O.RECEIVED: Text("pris en charge", "taken"),
    _O.DUPLICATE: Text("doublon, non envoyé", "duplicate, not sent"),
    _O.PREPARED: Text("prêt à partir", "ready to leave"),
    _O.SENDING: Text("en cours d'envoi", "being sent"),
    _O.WAITING: Text("en attente", "waiting"),
    _O.OUTCOME_UNKNOWN: Text("issue inconnue", "outcome unknown"),
    _O.SENT: Text("envoyé", "sent"),
    _O.DELIVERED: Text("remis", "delivered"),
    _O.READ: Text("lu", "read"),
    _O.BOUNCED: Text("non remis", "not delivered"),
    _O.REJECTED: Text("rejeté, rien n'est parti", "rejected, nothing left"),
    _O.FAILED: Text("échec", "failed"),
    _O.CANCELLED: Text("annulé", "cancelled"),
})  # fmt: skip
"""One message."""

RECIPIENT_WORDS: Mapping[RecipientState, Text] = MappingProxyType({
    RecipientState.PENDING: Text("pas encore envoyé", "not sent yet"),
    RecipientState.ACCEPTED: Text("accepté par l'opérateur", "accepted by the operator"),
    RecipientState.DEFERRED: Text("reporté par l'opérateur", "postponed by the operator"),
    RecipientState.REFUSED: Text("refusé", "refused"),
    RecipientState.DELIVERED: Text("remis", "delivered"),
    RecipientState.READ: Text("lu", "read"),
    RecipientState.BOUNCED: Text("non remis", "not delivered"),
    RecipientState.NO_NEWS: Text("sans nouvelles", "no news"),
})  # fmt: skip
"""One recipient."""

WAITING_WORDS: Mapping[WaitingFor, Text] = MappingProxyType({
    WaitingFor.CARD: Text("la carte", "the card"),
    WaitingFor.PIN: Text("le code PIN", "the PIN"),
    WaitingFor.CODE: Text("le code à usage unique", "the one-time code"),
    WaitingFor.TOKEN: Text("la connexion Pro Santé Connect", "the Pro Santé Connect login"),
    WaitingFor.CREDENTIALS: Text("une identité que l'opérateur accepte", "an identity that the operator accepts"),
    WaitingFor.NETWORK: Text("le réseau", "the network"),
    WaitingFor.OPERATOR: Text("l'opérateur", "the operator"),
    WaitingFor.APPROVAL: Text("votre accord", "your approval"),
    WaitingFor.SETTINGS: Text("une correction des réglages", "a corrected setting"),
})  # fmt: skip
"""What a message waits for."""

PRESENCE_WORDS: Mapping[Presence, Text] = MappingProxyType({
    Presence.NO_MIDDLEWARE: Text("le logiciel de la carte (Cryptolib CPS) manque",
                                 "the card's software (Cryptolib CPS) is missing"),
    Presence.NO_READER: Text("aucun lecteur", "no reader"),
    Presence.NO_CARD: Text("aucune carte dans le lecteur", "no card in the reader"),
    Presence.UNKNOWN_CARD: Text("carte inconnue", "unknown card"),
    Presence.LOCKED: Text("carte présente, verrouillée", "card present, locked"),
    Presence.PIN_NEEDED: Text("le code de la carte est attendu", "the PIN of the card is needed"),
    Presence.OPEN: Text("carte ouverte", "card open"),
    Presence.LAST_TRY: Text("un seul essai reste avant le blocage", "one try is left before it is blocked"),
    Presence.BLOCKED: Text("carte bloquée", "card blocked"),
    Presence.FAILED: Text("la carte ne répond pas", "the card does not answer"),
})  # fmt: skip
"""Where the card stands."""

ACTION_WORDS: Mapping[str, Text] = MappingProxyType({
    "take": Text("reçu du logiciel", "taken from the software"),
    "freeze": Text("préparé", "prepared"),
    "reject": Text("contrôlé", "checked"),
    "claim": Text("connexion à l'opérateur", "connecting to the operator"),
    "data": Text("début de la transmission", "content begins to leave"),
    "send": Text("envoi", "sending"),
    "hold": Text("mis en attente", "held"),
    "resume": Text("reprise", "resumed"),
    "lookup": Text("vérification chez l'opérateur", "looked up at the operator"),
    "receipt": Text("accusé reçu", "receipt"),
    "expire": Text("délai dépassé", "out of time"),
    "retry": Text("relance demandée", "retry asked for"),
    "release": Text("libération demandée", "release asked for"),
    "cancel": Text("annulation demandée", "cancellation asked for"),
    "warn": Text("avertissement", "warning"),
    "correct": Text("envoyé de nouveau à un autre destinataire", "sent again to another recipient"),
    "list": Text("vu chez l'opérateur", "seen at the operator"),
    "fetch": Text("reçu de l'opérateur", "fetched from the operator"),
    "open": Text("ouvert et contrôlé", "opened and checked"),
    "deliver": Text("remis au logiciel", "given to the software"),
    "acknowledge": Text("marqué chez l'opérateur", "marked at the operator"),
    "link_receipt": Text("accusé rattaché à un envoi", "receipt tied to what was sent"),
    "quarantine": Text("mis à l'écart", "set aside"),
    "requeue": Text("ouvert de nouveau, à votre demande", "opened again, as you asked"),
    "postpone": Text("reporté", "postponed"),
    "taken": Text("marqué comme traité", "marked as dealt with"),
    "refuse": Text("refusé, mis dans ERREURS", "refused, put into ERREURS"),
    "see": Text("marqué comme vu", "marked as seen"),
    "relate": Text("rapproché d'un document déjà reçu", "compared with a document received before"),
    "no_news": Text("aucun accusé dans le délai", "no receipt in time"),
    "answer": Text("réponse à l'expéditeur décidée", "answer to the sender decided"),
    "notice": Text("envoi de la réponse", "sending the answer"),
    "alert": Text("résultat d'alerte signalé par le laboratoire", "alert raised by the laboratory"),
})  # fmt: skip
"""The actions of the trace; one that is not here is shown as it is."""
