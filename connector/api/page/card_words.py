"""What the state of the card asks of the person, and how the page names it."""

from collections.abc import Mapping
from enum import StrEnum

from connector.domain.text import Text
from connector.identities.card.status import Presence

__all__ = ["CARD_WORDS", "PRESENCE_WORDS", "Tone"]


class Tone(StrEnum):
    """How loudly it is said; the page adds a word and a sign, so that colour is never the only one."""

    STOP = "stop"  # nothing goes on without the person
    ACT = "act"  # something waits for the person
    WAIT = "wait"  # passes by itself
    GOOD = "good"


CARD_WORDS: Mapping[Presence, tuple[Tone, Text, Text]] = {
    Presence.BLOCKED: (
        Tone.STOP,
        Text(
            "La carte est bloquée : seul son émetteur peut la débloquer.",
            "The card is blocked: only its issuer can help.",
        ),
        Text("Que faire ?", "What to do?"),
    ),
    Presence.LAST_TRY: (
        Tone.STOP,
        Text(
            "Dernier essai avant le blocage de la carte : vérifiez bien le code.",
            "Last try before the card is blocked: make sure of the PIN.",
        ),
        Text("Saisir le code", "Type the PIN"),
    ),
    Presence.PIN_NEEDED: (
        Tone.ACT,
        Text("Saisissez le code de la carte.", "Type the PIN of the card."),
        Text("Saisir le code", "Type the PIN"),
    ),
    Presence.NO_CARD: (
        Tone.ACT,
        Text("Insérez la carte dans le lecteur.", "Insert the card into the reader."),
        Text("Voir la carte", "See the card"),
    ),
    Presence.UNKNOWN_CARD: (
        Tone.ACT,
        Text(
            "La carte insérée ne convient pas : insérez la carte CPS.",
            "The card in the reader does not fit: insert the CPS card.",
        ),
        Text("Voir la carte", "See the card"),
    ),
    Presence.NO_READER: (
        Tone.ACT,
        Text("Branchez le lecteur de carte.", "Connect the card reader."),
        Text("Voir la carte", "See the card"),
    ),
    Presence.NO_MIDDLEWARE: (
        Tone.ACT,
        Text(
            "Le logiciel de la carte (Cryptolib CPS) manque.", "The software of the card (Cryptolib CPS) is missing."
        ),
        Text("Que faire ?", "What to do?"),
    ),
    Presence.FAILED: (
        Tone.ACT,
        Text(
            "La carte ne répond plus : retirez-la, puis remettez-la.",
            "The card does not answer any more: take it out and put it back.",
        ),
        Text("Voir la carte", "See the card"),
    ),
}
"""How loudly, the sentence, the button; states that ask for nothing are not here."""

PRESENCE_WORDS: Mapping[Presence, Text] = {
    Presence.NO_MIDDLEWARE: Text("logiciel de la carte absent", "software of the card missing"),
    Presence.NO_READER: Text("aucun lecteur", "no reader"),
    Presence.NO_CARD: Text("aucune carte dans le lecteur", "no card in the reader"),
    Presence.UNKNOWN_CARD: Text("carte non reconnue", "card not recognised"),
    Presence.LOCKED: Text("carte verrouillée", "card locked"),
    Presence.PIN_NEEDED: Text("code de la carte attendu", "PIN of the card awaited"),
    Presence.OPEN: Text("carte ouverte", "card open"),
    Presence.LAST_TRY: Text("dernier essai avant blocage", "last try before it is blocked"),
    Presence.BLOCKED: Text("carte bloquée", "card blocked"),
    Presence.FAILED: Text("la carte ne répond plus", "the card does not answer"),
}
"""In a few words."""
