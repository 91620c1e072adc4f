"""The words that people use for what is known of a received message; programs get the values (``--json``, REST)."""

from collections.abc import Mapping
from types import MappingProxyType

from connector.domain.states import IncomingState
from connector.domain.text import Text

__all__ = [
    "ALERT_WORDS", "IDENTITY_WORDS", "INCOMING_WORDS", "NOTICE_WORDS", "RECEIPT_WORDS", "REFUSED_BY_SOFTWARE",
    "RELATION_WORDS", "SHORT_RELATIONS",
]  # fmt: skip

_I = IncomingState

INCOMING_WORDS: Mapping[IncomingState, Text] = MappingProxyType({
    _I.SEEN: Text("en cours de réception", "being fetched"),
    _I.STORED: Text("en cours d'ouverture", "being opened"),
    _I.OPENED: Text("en cours de remise", "being delivered"),
    _I.DELIVERED: Text("remis au logiciel", "given to the software"),
    _I.ACKNOWLEDGED: Text("remis au logiciel", "given to the software"),
    _I.RECEIPT: Text("accusé", "receipt"),
    _I.DUPLICATE: Text("doublon", "duplicate"),
    _I.QUARANTINED: Text("mis à l'écart", "set aside"),
    _I.GONE: Text("disparu du serveur", "gone from the server"),
})  # fmt: skip
"""One received message."""

ALERT_WORDS: Mapping[str, Text] = MappingProxyType({
    "AA": Text("Valeur critique", "Critical value"),
    "HH": Text("Valeur critique haute", "Critically high"),
    "LL": Text("Valeur critique basse", "Critically low"),
})  # fmt: skip
"""What the laboratory says must be seen at once."""

REFUSED_BY_SOFTWARE = Text("Refusé par le logiciel", "Refused by the software")
"""The software could not integrate it, and said so."""

IDENTITY_WORDS: Mapping[str, Text] = MappingProxyType({
    "qualified": Text("identité qualifiée", "qualified identity"),
    "unqualified": Text("identité à comparer", "identity to be compared"),
    "doubtful": Text("identité douteuse", "doubtful identity"),
    "several": Text("plusieurs patients", "several patients"),
    "mismatch": Text("patients en désaccord", "patients disagree"),
    "none": Text("aucun patient nommé", "names no patient"),
})  # fmt: skip
"""How sure it is whom a message is about."""

SHORT_RELATIONS: Mapping[str, Text] = MappingProxyType({
    "duplicate_of": Text("Doublon", "Duplicate"),
    "conflicts_with": Text("En conflit", "Conflict"),
    "same_version_as": Text("Même version", "Same version"),
    "replaces": Text("Remplace", "Replaces"),
    "replaced_by": Text("Remplacé", "Replaced"),
    "withdraws": Text("Annule", "Withdraws"),
    "withdrawn_by": Text("Annulé", "Withdrawn"),
})  # fmt: skip
"""What a message is to another one, in one word."""

RELATION_WORDS: Mapping[str, Text] = MappingProxyType({
    "duplicate_of": Text("même document que", "same document as"),
    "conflicts_with": Text("même identifiant et autre contenu que", "same identifier as, and other content than"),
    "same_version_as": Text("même version que", "same version as"),
    "replaces": Text("remplace", "replaces"),
    "replaced_by": Text("remplacé par", "replaced by"),
    "withdraws": Text("annule", "withdraws"),
    "withdrawn_by": Text("annulé par", "withdrawn by"),
    "answers": Text("répond à", "answers"),
    "corrects": Text("envoie de nouveau", "sends anew"),
})  # fmt: skip
"""The same before the name of the other one."""

NOTICE_WORDS: Mapping[str, Text] = MappingProxyType({
    "dispatched": Text("transmis au logiciel", "given to the software"),
    "processed": Text("pris en charge par le logiciel", "taken by the software"),
    "displayed": Text("lu", "read"),
    "failed": Text("non intégré", "not integrated"),
})  # fmt: skip
"""What the sender of a received message hears."""

RECEIPT_WORDS: Mapping[str, Text] = MappingProxyType({
    "read": Text("lu", "read"),
    "delivered": Text("remis", "delivered"),
    "relayed": Text("transmis à un serveur sans accusés", "passed on to a server without receipts"),
    "delayed": Text("retardé, encore tenté", "delayed, still being tried"),
    "integration_failed": Text("non intégré par le logiciel du destinataire",
                               "not integrated by the recipient's software"),
    "failed": Text("non remis", "not delivered"),
})  # fmt: skip
"""What a recipient's server or software says."""
