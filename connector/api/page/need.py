"""What is needed from the person, the most urgent thing first: one sentence, one button. Pure.

Urgent is what stops most: a connector that cannot store, then a card, a code, a login that whole mailboxes wait for,
then single messages that only a person can decide about. What passes by itself is told last and asks for nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connector.api.page.card_words import CARD_WORDS, Tone
from connector.domain.catalogue import explain
from connector.domain.states import OutgoingState, WaitingFor
from connector.domain.text import Text
from connector.identities.card.status import CardStatus, Presence
from connector.journal.notices import NoticeRow, NoticeSlot
from connector.journal.records import OutgoingMessage, RefusedDrop
from connector.support.health import Component, Condition

__all__ = ["NOTHING", "RECIPIENT_CODES", "Action", "Facts", "Need", "health_codes", "need", "needs"]

RECIPIENT_CODES = frozenset({
    "OPERATEUR_REFUS", "REMISE_ECHEC", "DESTINATAIRE_INCONNU", "DESTINATAIRE_INVALIDE", "DESTINATAIRE_HORS_ESPACE",
    "SANS_DESTINATAIRE",
})  # fmt: skip
"""Failures that another address may cure."""

_BROKEN = ("DISQUE_PLEIN", "JOURNAL_INDISPONIBLE", "JOURNAL_ALTERE", "TRACE_ALTEREE", "SPOOL_ABSENT", "SPOOL_REFUSE")
"""Codes of the health tree that stop everything, or a whole folder; in the order of how much."""

_IDENTITY = ("AUTHENTIFICATION", "IDENTIFIANTS_REFUSES", "COMPTE_BLOQUE", "CERTIFICAT_EXPIRE", "CERTIFICAT_INVALIDE",
             "CERTIFICAT_MOT_DE_PASSE", "SECRET_ABSENT", "SECRET_INDISPONIBLE", "REGLAGE_INVALIDE",
             "MECANISME_ABSENT")  # fmt: skip
_CODE_CODES = ("CODE_ATTENDU", "CODE_PERIME", "CODE_REFUSE", "CODE_INCERTAIN", "CODE_VERROUILLE")
_TOKEN_CODES = ("JETON_ABSENT", "JETON_EXPIRE", "JETON_REFUSE")
_PASSING = ("OPERATEUR_INJOIGNABLE", "OPERATEUR_DIFFERE", "JETON_DIFFERE")


_SILENT = Text("", "")


class Action(StrEnum):
    """Where the button leads."""

    CARD = "card"
    CODE = "code"
    MAILBOXES = "mailboxes"
    CHECKS = "checks"
    MESSAGE = "message"  # one submission
    FAILED = "failed"  # the list of failures
    REFUSED = "refused"  # one refused drop
    DECIDE = "decide"  # the list of what waits for a decision
    RECEIVED = "received"  # the list of what was set aside
    ANSWER = "answer"  # one received message
    ANSWERS = "answers"  # the list of those whose senders wait for a decision
    UNTAKEN = "untaken"  # the list of those that the software leaves in its folder
    PAIRING = "pairing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed."""

    name: str  # stable, for programs and tests
    tone: Tone
    sentence: Text
    button: Text = _SILENT
    action: Action = Action.NONE
    target: str = ""  # id of a submission or refused drop, or folder of a mailbox
    code: str = ""  # of the catalogue
    discreet: Text = _SILENT  # the sentence without the name of a file, when it has one

    @property
    def notice(self) -> Text:
        """The sentence for a desktop, where others may read along: names of files can name a patient."""
        return self.discreet if self.discreet.fr else self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the choice depends on."""

    waiting: Mapping[WaitingFor, int] = field(default_factory=dict)  # messages by what they wait for
    attention: Sequence[OutgoingMessage] = ()  # that a person decides about, newest first
    refused: Sequence[RefusedDrop] = ()  # that nobody has seen, newest first
    codes: Collection[str] = ()  # of the health tree
    card: CardStatus | None = None  # None: no mailbox uses one
    code_boxes: Sequence[str] = ()  # folders of the mailboxes that open with a one-time code
    set_aside: int = 0  # received messages that could not be opened
    untaken: int = 0  # received messages that the software leaves in its folder
    answers: Sequence[NoticeRow] = ()  # to senders, about which a person decides, newest first
    pairing: Sequence[str] = ()  # applications that ask to be let in


def need(facts: Facts) -> Need:
    """The most urgent thing; :data:`NOTHING` when all is well."""
    return next(needs(facts), NOTHING)


def needs(facts: Facts) -> Iterator[Need]:
    """Everything that is needed, the most urgent first."""
    for rule in _RULES:
        found = rule(facts)
        if found is not None:
            yield found


NOTHING = Need("nothing", Tone.GOOD, Text("Tout va bien : rien à faire.", "All is well: nothing to do."))


def health_codes(tree: Component) -> list[str]:
    """The codes of a health tree, those of broken parts first."""
    found = [part for part in _parts(tree) if part.code]
    found.sort(key=lambda part: part.condition is not Condition.ERROR)
    return list(dict.fromkeys(part.code for part in found if part.code))


def _parts(tree: Component) -> Iterator[Component]:
    yield tree
    for part in tree.parts:
        yield from _parts(part)


# --- rules, in the order of urgency ---


def _broken(facts: Facts) -> Need | None:
    code = next((code for code in _BROKEN if code in facts.codes), None)
    if code is None:
        return None
    return Need("broken", Tone.STOP, _explained(code), Text("Voir le diagnostic", "See the checks"), Action.CHECKS,
                code=code)  # fmt: skip


def _card(facts: Facts) -> Need | None:
    """Only when somebody needs the card: messages, or a mailbox that cannot fetch without it."""
    count = facts.waiting.get(WaitingFor.CARD, 0) + facts.waiting.get(WaitingFor.PIN, 0)
    is_missed = bool(count) or not {"CARTE_ABSENTE", "PIN"}.isdisjoint(facts.codes)
    status = facts.card
    if status is None:
        return _card_unseen(facts, count) if is_missed else None
    wanted = status.presence
    if wanted is Presence.LOCKED and is_missed:
        wanted = Presence.PIN_NEEDED
    if wanted not in CARD_WORDS or not (is_missed or wanted is Presence.PIN_NEEDED):
        return None
    tone, sentence, button = CARD_WORDS[wanted]
    return Need(f"card_{wanted.value}", tone, _with_count(sentence, count), button, Action.CARD, code=status.code)


def _card_unseen(facts: Facts, count: int) -> Need:
    """The card is read by the system (key store), which has its own window for the PIN."""
    wants_pin = WaitingFor.PIN in facts.waiting or "PIN" in facts.codes
    code = "PIN" if wants_pin else "CARTE_ABSENTE"
    return Need("card_unseen", Tone.ACT, _with_count(_explained(code), count),
                Text("Voir les boîtes", "See the mailboxes"), Action.MAILBOXES, code=code)  # fmt: skip


def _one_time_code(facts: Facts) -> Need | None:
    count = facts.waiting.get(WaitingFor.CODE, 0)
    code = _first(facts.codes, _CODE_CODES)
    if not count and not code:
        return None
    sentence = Text("Ouvrez la session de la boîte avec un code.", "Open the mailbox's session with a code.")
    return Need("code", Tone.ACT, _with_count(sentence, count), Text("Saisir le code", "Type the code"), Action.CODE,
                next(iter(facts.code_boxes), ""), code or "CODE_ATTENDU")  # fmt: skip


def _login(facts: Facts) -> Need | None:
    count = facts.waiting.get(WaitingFor.TOKEN, 0)
    code = _first(facts.codes, _TOKEN_CODES)
    if not count and not code:
        return None
    sentence = Text(
        "Connectez-vous à Pro Santé Connect dans votre logiciel.", "Log in to Pro Santé Connect in your software."
    )
    return Need("login", Tone.ACT, _with_count(sentence, count), Text("Voir les boîtes", "See the mailboxes"),
                Action.MAILBOXES, code=code or "JETON_ABSENT")  # fmt: skip


def _identity(facts: Facts) -> Need | None:
    count = facts.waiting.get(WaitingFor.CREDENTIALS, 0) + facts.waiting.get(WaitingFor.SETTINGS, 0)
    code = _first(facts.codes, _IDENTITY)
    if not count and not code:
        return None
    code = code or "AUTHENTIFICATION"
    return Need("identity", Tone.ACT, _with_count(_explained(code), count),
                Text("Voir les boîtes", "See the mailboxes"), Action.MAILBOXES, code=code)  # fmt: skip


def _lost_answer(facts: Facts) -> Need | None:
    lost = _in(facts, OutgoingState.OUTCOME_UNKNOWN)
    sentences = (
        Text("Un message est peut-être déjà parti : à vous de décider.",
             "A message may have left already: please decide."),
        Text("{n} messages sont peut-être déjà partis : à vous de décider.",
             "{n} messages may have left already: please decide."),
    )  # fmt: skip
    return _about("lost_answer", lost, sentences, Text("Décider", "Decide"), Action.DECIDE)


def _wrong_recipient(facts: Facts) -> Need | None:
    wrong = [m for m in _failed(facts) if m.code in RECIPIENT_CODES]
    sentences = (
        Text("Un message n'a pas pu être remis : corrigez le destinataire.",
             "A message could not be delivered: correct the recipient."),
        Text("{n} messages n'ont pas pu être remis : corrigez les destinataires.",
             "{n} messages could not be delivered: correct the recipients."),
    )  # fmt: skip
    return _about("recipient", wrong, sentences, Text("Corriger le destinataire", "Correct the recipient"),
                  Action.FAILED)  # fmt: skip


def _failure(facts: Facts) -> Need | None:
    others = [m for m in _failed(facts) if m.code not in RECIPIENT_CODES]
    can_leave = [m for m in others if m.state is not OutgoingState.REJECTED]
    sentences = (
        Text("Un message n'est pas parti : envoyez-le de nouveau.", "A message did not leave: send it again."),
        Text("{n} messages ne sont pas partis : envoyez-les de nouveau.",
             "{n} messages did not leave: send them again."),
    )  # fmt: skip
    found = _about("send_again", can_leave, sentences, Text("Envoyer de nouveau", "Send again"), Action.FAILED)
    if found is not None:
        return found
    rejected = (
        Text("Un document n'a pas pu être envoyé : voyez pourquoi.", "A document could not be sent: see why."),
        Text(
            "{n} documents n'ont pas pu être envoyés : voyez pourquoi.", "{n} documents could not be sent: see why."
        ),
    )
    return _about("rejected", others, rejected, Text("Voir pourquoi", "See why"), Action.FAILED)


def _refused(facts: Facts) -> Need | None:
    """A drop that never became a message; its files are in a folder, and the person sees to them there."""
    if not facts.refused:
        return None
    button, count, drop = Text("Voir pourquoi", "See why"), len(facts.refused), facts.refused[0]
    if count > 1:
        many = Text(f"{count} dépôts n'ont pas pu être envoyés : voyez pourquoi.",
                    f"{count} drops could not be sent: see why.")  # fmt: skip
        return Need("refused", Tone.ACT, many, button, Action.FAILED)
    reason = _explained(drop.code)
    one = Text(f"« {drop.name} » n'est pas parti. {reason.fr}", f"“{drop.name}” did not leave. {reason.en}")
    discreet = Text("Un dépôt n'a pas pu être envoyé : voyez pourquoi.", "A drop could not be sent: see why.")
    return Need("refused", Tone.ACT, one, button, Action.REFUSED, drop.id, drop.code, discreet)


def _duplicate(facts: Facts) -> Need | None:
    sentences = (
        Text("Un envoi est identique à un précédent : faut-il l'envoyer ?",
             "Something is identical to what was sent before: send it?"),
        Text("{n} envois sont identiques à des précédents : faut-il les envoyer ?",
             "{n} submissions are identical to earlier ones: send them?"),
    )  # fmt: skip
    return _about("duplicate", _in(facts, OutgoingState.DUPLICATE), sentences, Text("Décider", "Decide"),
                  Action.DECIDE)  # fmt: skip


def _approval(facts: Facts) -> Need | None:
    count = facts.waiting.get(WaitingFor.APPROVAL, 0)
    sentence = Text("Un envoi attend votre accord.", "Something waits for your approval.")
    return Need("approval", Tone.ACT, sentence, Text("Décider", "Decide"), Action.DECIDE) if count else None


def _set_aside(facts: Facts) -> Need | None:
    if not facts.set_aside:
        return None
    one = Text("Un message reçu n'a pas pu être ouvert.", "A received message could not be opened.")
    many = Text(f"{facts.set_aside} messages reçus n'ont pas pu être ouverts.",
                f"{facts.set_aside} received messages could not be opened.")  # fmt: skip
    return Need("set_aside", Tone.ACT, one if facts.set_aside == 1 else many,
                Text("Voir les messages", "See the messages"), Action.RECEIVED)  # fmt: skip


def _untaken(facts: Facts) -> Need | None:
    """A result that nobody integrates is a risk for its patient."""
    if not facts.untaken:
        return None
    one = Text("Un message reçu n'a pas été intégré par votre logiciel.",
               "A received message has not been integrated by your software.")  # fmt: skip
    many = Text(f"{facts.untaken} messages reçus n'ont pas été intégrés par votre logiciel.",
                f"{facts.untaken} received messages have not been integrated by your software.")  # fmt: skip
    return Need("untaken", Tone.ACT, one if facts.untaken == 1 else many,
                Text("Voir les messages", "See the messages"), Action.UNTAKEN, code="RECUS_NON_PRIS")  # fmt: skip


def _failure_notice(facts: Facts) -> Need | None:
    """The software could not integrate a message, and its sender is only told on the person's word."""
    sentences = (
        Text("Un message n'a pas été intégré : faut-il prévenir l'expéditeur ?",
             "A message was not integrated: tell its sender?"),
        Text("{n} messages n'ont pas été intégrés : faut-il prévenir les expéditeurs ?",
             "{n} messages were not integrated: tell their senders?"),
    )  # fmt: skip
    return _answer("failure_notice", facts, NoticeSlot.FAILURE, sentences)


def _read_receipt(facts: Facts) -> Need | None:
    sentences = (
        Text("Un expéditeur demande un accusé de lecture : faut-il l'envoyer ?",
             "A sender asks for a read receipt: send it?"),
        Text("{n} expéditeurs demandent un accusé de lecture : faut-il les envoyer ?",
             "{n} senders ask for a read receipt: send them?"),
    )  # fmt: skip
    return _answer("read_receipt", facts, NoticeSlot.RECEIPT, sentences)


def _answer(name: str, facts: Facts, slot: NoticeSlot, sentences: tuple[Text, Text]) -> Need | None:
    found = [notice for notice in facts.answers if notice.slot is slot]
    if not found:
        return None
    button = Text("Décider", "Decide")
    if len(found) == 1:
        one = found[0]
        return Need(name, Tone.ACT, sentences[0], button, Action.ANSWER, one.incoming_id, one.reason)
    many = Text(*(words.replace("{n}", str(len(found))) for words in sentences[1]))
    return Need(name, Tone.ACT, many, button, Action.ANSWERS)


def _pairing(facts: Facts) -> Need | None:
    if not facts.pairing:
        return None
    return Need("pairing", Tone.ACT, Text("Une application demande l'accès au connecteur.",
                "An application asks for access to the connector."),
                Text("Voir la demande", "See the request"), Action.PAIRING)  # fmt: skip


def _passing(facts: Facts) -> Need | None:
    count = facts.waiting.get(WaitingFor.NETWORK, 0) + facts.waiting.get(WaitingFor.OPERATOR, 0)
    code = _first(facts.codes, _PASSING)
    if not count and not code:
        return None
    sentence = Text(
        "L'opérateur ne répond pas pour le moment : tout repartira seul.",
        "The operator does not answer at the moment: everything resumes by itself.",
    )
    return Need(
        "passing", Tone.WAIT, _with_count(sentence, count), Text("Vérifier la connexion", "Check the connection"),
        Action.CHECKS, code=code or "OPERATEUR_INJOIGNABLE",
    )  # fmt: skip


_RULES: Sequence[Callable[[Facts], Need | None]] = (
    _broken, _card, _one_time_code, _login, _identity, _lost_answer, _wrong_recipient, _failure, _refused,
    _duplicate, _approval, _untaken, _failure_notice, _set_aside, _read_receipt, _pairing, _passing,
)  # fmt: skip


# --- words ---


def _explained(code: str) -> Text:
    texts = explain(code)
    return Text(texts.title_fr, texts.title_en)


def _with_count(sentence: Text, count: int) -> Text:
    """The sentence, and how many messages wait behind it."""
    if not count:
        return sentence
    one, many = (
        Text("1 message attend.", "1 message waits."),
        Text(f"{count} messages attendent.", f"{count} messages wait."),
    )
    more = one if count == 1 else many
    return Text(f"{sentence.fr} {more.fr}", f"{sentence.en} {more.en}")


def _first(present: Collection[str], wanted: Sequence[str]) -> str:
    return next((code for code in wanted if code in present), "")


def _in(facts: Facts, state: OutgoingState) -> list[OutgoingMessage]:
    return [message for message in facts.attention if message.state is state]


def _failed(facts: Facts) -> list[OutgoingMessage]:
    failed = (OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.BOUNCED)
    return [message for message in facts.attention if message.state in failed]


def _about(
    name: str, found: Sequence[OutgoingMessage], sentences: tuple[Text, Text], button: Text, several: Action
) -> Need | None:
    """About one submission the button leads to it; about several to their list."""
    if not found:
        return None
    submissions = Counter(message.submission_id for message in found)
    if len(submissions) == 1:
        return Need(name, Tone.ACT, sentences[0], button, Action.MESSAGE, found[0].submission_id, found[0].code or "")
    many = Text(*(text.replace("{n}", str(len(submissions))) for text in sentences[1]))
    return Need(name, Tone.ACT, many, button, several)
