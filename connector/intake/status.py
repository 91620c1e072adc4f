"""What became of a submission, in the words of the status files. Pure: a journal view in, values and bytes out.

Source rule: lps-folder-conventions 8.5. The state of a submission is that of its worst message or recipient, so that
software that reads nothing but ``ETAT`` never takes a partial failure for a success.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType

from connector.domain.catalogue import explain
from connector.domain.legacy_text import NOTE_COLUMNS, encode_text, note, one_line
from connector.domain.states import OUTGOING_FINAL, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import FileRole
from connector.journal.records import MessageRecipient, OutgoingMessage, SubmissionView

__all__ = ["Etat", "Problem", "RecipientStatus", "Status", "describe", "is_final", "status_json", "status_note",
           "status_txt", "was_sent"]  # fmt: skip


class Etat(StrEnum):
    """The state words, worst news first."""

    ERREUR = "erreur"
    A_VERIFIER = "a_verifier"  # the operator's answer was lost: a person or a look-up decides
    ATTENTE_CARTE = "attente_carte"
    DIFFERE = "differe"
    DOUBLON = "doublon"
    ANNULE = "annule"
    PRIS = "pris"
    CONTROLE = "controle"  # checked and frozen, not yet queued: one commit in this version, so never seen
    EN_FILE = "en_file"
    SANS_NOUVELLES = "sans_nouvelles"  # sent, and no receipt came in time
    ENVOYE = "envoye"
    REMIS = "remis"
    LU = "lu"


_WORST_FIRST = {etat: rank for rank, etat in enumerate(Etat)}

_WORDS: Mapping[OutgoingState, Etat] = MappingProxyType({
    OutgoingState.RECEIVED: Etat.PRIS,
    OutgoingState.DUPLICATE: Etat.DOUBLON,
    OutgoingState.PREPARED: Etat.EN_FILE,
    OutgoingState.SENDING: Etat.EN_FILE,
    OutgoingState.WAITING: Etat.DIFFERE,
    OutgoingState.OUTCOME_UNKNOWN: Etat.A_VERIFIER,
    OutgoingState.SENT: Etat.ENVOYE,
    OutgoingState.DELIVERED: Etat.REMIS,
    OutgoingState.READ: Etat.LU,
    OutgoingState.BOUNCED: Etat.ERREUR,
    OutgoingState.REJECTED: Etat.ERREUR,
    OutgoingState.FAILED: Etat.ERREUR,
    OutgoingState.CANCELLED: Etat.ANNULE,
})  # fmt: skip

_RECIPIENT_WORDS: Mapping[RecipientState, Etat] = MappingProxyType({
    RecipientState.ACCEPTED: Etat.ENVOYE,
    RecipientState.DEFERRED: Etat.DIFFERE,
    RecipientState.REFUSED: Etat.ERREUR,
    RecipientState.DELIVERED: Etat.REMIS,
    RecipientState.READ: Etat.LU,
    RecipientState.BOUNCED: Etat.ERREUR,
    RecipientState.NO_NEWS: Etat.SANS_NOUVELLES,
})  # fmt: skip

_CARD = frozenset({
    WaitingFor.CARD, WaitingFor.PIN, WaitingFor.CODE, WaitingFor.TOKEN, WaitingFor.CREDENTIALS,
})  # fmt: skip
_LEFT = frozenset({OutgoingState.SENT, OutgoingState.DELIVERED, OutgoingState.READ, OutgoingState.BOUNCED})
_SILENT = frozenset({OutgoingState.SENT, OutgoingState.DELIVERED, OutgoingState.READ})


@dataclass(frozen=True, slots=True)
class Problem:
    """One code with its French sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What is known for one recipient."""

    address: str
    etat: Etat
    code: int  # last SMTP code or 0
    text: str  # last answer of the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that a status file says."""

    id: str
    reference: str | None
    files: tuple[str, ...]
    etat: Etat
    since: datetime
    next_attempt: datetime | None = None
    message_ids: tuple[str, ...] = ()
    recipients: tuple[RecipientStatus, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    duplicate_of: str | None = None
    parts: tuple[tuple[str, str], ...] = ()  # of a lot: identifier and base name of each

    @property
    def needs_note(self) -> bool:
        """True when a person should find a note in ``ERREURS``."""
        return self.etat in (Etat.ERREUR, Etat.DOUBLON, Etat.ANNULE, Etat.A_VERIFIER)


def describe(view: SubmissionView) -> Status:
    """Put a submission into the words of the status files."""
    recipients = sorted(
        (_recipient(message, recipient) for message in view.messages for recipient in message.recipients),
        key=lambda recipient: _WORST_FIRST[recipient.etat],
    )
    words = [_word(message) for message in view.messages] + [recipient.etat for recipient in recipients]
    waiting = [message.next_attempt_at for message in view.messages if _waits(message) and message.next_attempt_at]
    return Status(
        id=view.id,
        reference=view.reference,
        files=tuple(file.name for file in view.files if file.role is not FileRole.FLAG),
        etat=min(words, key=_WORST_FIRST.__getitem__, default=Etat.PRIS),
        since=max((message.state_since for message in view.messages), default=view.created_at),
        next_attempt=min(waiting, default=None),
        message_ids=tuple(message.header_message_id for message in view.messages if message.header_message_id),
        recipients=tuple(recipients),
        problems=_problems(view),
        warnings=_explained(view.warnings),
        duplicate_of=view.duplicate_of,
    )


def is_final(view: SubmissionView) -> bool:
    """True when the connector has nothing left to do for any message of the submission."""
    return bool(view.messages) and all(message.state in OUTGOING_FINAL for message in view.messages)


def was_sent(view: SubmissionView) -> bool:
    """True when at least one message was handed to the operator."""
    return any(message.state in _LEFT for message in view.messages)


def _word(message: OutgoingMessage) -> Etat:
    if message.state is OutgoingState.WAITING and message.waiting_for in _CARD:
        return Etat.ATTENTE_CARTE
    if message.state is OutgoingState.PREPARED and message.attempts:
        return Etat.DIFFERE
    return _WORDS[message.state]


def _waits(message: OutgoingMessage) -> bool:
    return message.state in (OutgoingState.PREPARED, OutgoingState.WAITING)


def _recipient(message: OutgoingMessage, recipient: MessageRecipient) -> RecipientStatus:
    word = _RECIPIENT_WORDS.get(recipient.state, _word(message))
    return RecipientStatus(str(recipient.address), word, recipient.code, recipient.text)


def _problems(view: SubmissionView) -> tuple[Problem, ...]:
    codes = [message.code for message in view.messages if message.code and message.state not in _SILENT]
    states = {message.state for message in view.messages}
    known = {recipient.state for message in view.messages for recipient in message.recipients}
    if OutgoingState.DUPLICATE in states:
        codes.append("DOUBLON")
    if OutgoingState.OUTCOME_UNKNOWN in states:
        codes.append("ISSUE_INCONNUE")
    if RecipientState.BOUNCED in known or OutgoingState.BOUNCED in states:
        codes.append("REMISE_ECHEC")
    if RecipientState.REFUSED in known and not codes:
        codes.append("OPERATEUR_REFUS")
    if RecipientState.NO_NEWS in known:
        codes.append("SANS_NOUVELLES")
    return _explained(codes)


def _explained(codes: Iterable[str]) -> tuple[Problem, ...]:
    return tuple(Problem(code, explain(code).title_fr) for code in dict.fromkeys(codes))


def status_json(status: Status, place: str = "") -> bytes:
    """``<base>.statut.json``: UTF-8, one object; times in ISO 8601 with offset (UTC).

    Args:
        status: what to tell.
        place: where the originals are, relative to the mailbox's folder; empty while they are being worked on.
    """
    values = {
        "version": 1,
        "id": status.id,
        "numero": status.id[-6:],
        "reference": status.reference,
        "fichiers": list(status.files),
        "etat": status.etat.value,
        "depuis": status.since.isoformat(timespec="seconds"),
        "prochain_essai": status.next_attempt.isoformat(timespec="seconds") if status.next_attempt else None,
        "message_id": status.message_ids[0] if status.message_ids else None,
        "message_ids": list(status.message_ids),
        "destinataires": [
            {"adresse": r.address, "etat": r.etat.value, "code": r.code or None, "texte": r.text or None}
            for r in status.recipients
        ],
        "erreurs": [{"code": problem.code, "texte": problem.text} for problem in status.problems],
        "avertissements": [{"code": problem.code, "texte": problem.text} for problem in status.warnings],
        "doublon_de": status.duplicate_of,
        "emplacement": place or None,
    }
    if status.parts:
        values["parties"] = [{"id": part_id, "nom": base} for part_id, base in status.parts]
    return (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def status_txt(status: Status, zone: tzinfo | None) -> bytes:
    """``<base>.statut.txt``: ``CLE=valeur``, CP1252, CRLF, at most 80 columns, local time.

    Args:
        status: what to tell.
        zone: the zone of the machine; ``None`` = that of the operating system.
    """
    lines = [("ETAT", status.etat.value.upper()), ("REFERENCE", status.reference or "")]
    lines += [("DATE", local_time(status.since, zone)), ("ID", status.id[-6:])]
    if status.next_attempt:
        lines.append(("PROCHAIN_ESSAI", local_time(status.next_attempt, zone)))
    lines += [pair for problem in status.problems[:1] for pair in (("CODE", problem.code), ("TEXTE", problem.text))]
    text = "".join(f"{key}={one_line(value, NOTE_COLUMNS - len(key) - 1)}\n" for key, value in lines)
    return encode_text(text, "cp1252")[0]


def local_time(moment: datetime, zone: tzinfo | None) -> str:
    """``20/11/2026 10:15:32``, the local time of the machine."""
    return moment.astimezone(zone).strftime("%d/%m/%Y %H:%M:%S")


_HEADINGS: Mapping[Etat, str] = MappingProxyType({
    Etat.DOUBLON: "Ce dépôt n'a pas été envoyé : il a déjà été remis.",
    Etat.ANNULE: "Ce dépôt n'a pas été envoyé : l'envoi a été annulé.",
    Etat.A_VERIFIER: "On ne sait pas si ce dépôt est parti.",
})  # fmt: skip


def status_note(status: Status, zone: tzinfo | None, *, left: bool) -> bytes:
    """``<base>.erreur.txt``: what happened and what to do, for the secretary. No patient data but the file names.

    Args:
        status: what to tell.
        zone: as for :func:`status_txt`.
        left: True when it reached the operator for somebody.
    """
    default = "Ce dépôt n'est pas arrivé chez tous ses destinataires." if left else "Ce dépôt n'a pas été envoyé."
    facts = [
        f"Fichier(s) : {', '.join(status.files)}",
        f"Référence  : {status.reference}" if status.reference else "",
        f"Date       : {local_time(status.since, zone)}",
        f"Numéro     : {status.id[-6:]}",
        *(f"Premier envoi : {status.duplicate_of[-6:]}" for _ in [0] if status.duplicate_of),
    ]
    happened = ["Ce qui s'est passé", *(f"  {problem.text}" for problem in status.problems)]
    cures = dict.fromkeys(explain(problem.code).cure_fr for problem in status.problems)
    to_do = ["Que faire", *(f"  {cure}" for cure in cures), *_forcing(status)]
    people = [_line(recipient) for recipient in status.recipients]
    codes = f"Code : {', '.join(problem.code for problem in status.problems) or '-'}"
    paragraphs = [_HEADINGS.get(status.etat, default), "\n".join(fact for fact in facts if fact)]
    paragraphs += ["\n".join(happened)] if len(happened) > 1 else []
    paragraphs += ["\n".join(["Destinataires", *people])] if people else []
    paragraphs += ["\n".join(to_do)] if len(to_do) > 1 else []
    return note(*paragraphs, codes)


def _line(recipient: RecipientStatus) -> str:
    answer = f" ({one_line(recipient.text, 200)})" if recipient.text else ""
    return f"  {recipient.address} : {recipient.etat.value}{answer}"


def _forcing(status: Status) -> list[str]:
    """How to make a duplicate leave all the same."""
    if status.etat is not Etat.DOUBLON:
        return []
    return ["  Autre moyen : déposer de nouveau avec « doublon_autorise » = oui dans le fichier d'accompagnement."]
