"""Answers to what arrived: receipts, failed integrations, replies, and what belongs together."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from connector.client.models.base import Answer, Question, example
from connector.client.models.messages import DocumentModel, OptionsModel
from connector.client.models.said import FileSaidModel, PatientSaidModel
from connector.client.models.texts import Line, Lines

__all__ = [
    "REPLY_HEAD_EXAMPLE", "AnswerModel", "DecisionModel", "EndExchangeModel", "FailureModel", "IntegrationModel",
    "NoticeModel", "RelationModel", "ReplyHeadModel", "ReplyModel", "ThreadEntryModel", "ThreadModel",
]  # fmt: skip

_OTHER = "01KAGX4R8ZQ4M1T7C3H5E9V0XA"
_RELATION = {"kind": "replaces", "inbox_id": _OTHER}
_NOTICE = {
    "slot": "receipt",
    "kind": "displayed",
    "at": "2026-11-20T09:30:00Z",
    "actor": "LPS du cabinet",
    "codes": [],
    "message": "01KAGZ2XM5N7P9Q1R3S5T7V9WB",
    "state": "sent",
    "needs_decision": False,
    "code": "",
    "title_fr": "",
    "cure_fr": "",
    "title_en": "",
    "cure_en": "",
}
REPLY_HEAD_EXAMPLE = {"body": "Bien reçu, merci. Je revois le patient lundi.", "reference": "REP-2026-0012"}
_REPLY = {**REPLY_HEAD_EXAMPLE, "documents": []}
_ENTRY = {
    "kind": "received",
    "id": "01KAGZ1ZQ2W3E4R5T6Y7P8A9SD",
    "at": "2026-11-20T09:04:57Z",
    "about": None,
    "relation": "",
    "who": "Labo Exemple",
    "subject": "Examens de biologie EXEMPLE ZOE",
    "state": "delivered",
    "text": "",
    "code": "",
    "title_fr": "",
    "cure_fr": "",
    "title_en": "",
    "cure_en": "",
}


class RelationModel(Answer):
    """What a received message is to another one, by its documents."""

    model_config = ConfigDict(json_schema_extra=example(_RELATION))

    kind: str
    """``duplicate_of``, ``conflicts_with`` (same id, other content), ``same_version_as``, ``replaces``,
    ``replaced_by``, ``withdraws``, ``withdrawn_by``."""
    inbox_id: str


class NoticeModel(Answer):
    """What the sender of a received message hears from here, or would if a person said so."""

    model_config = ConfigDict(json_schema_extra=example(_NOTICE))

    slot: str
    """``receipt`` or ``failure``: each at most once."""
    kind: str
    """``dispatched``, ``processed``, ``displayed``, ``failed``."""
    at: datetime
    actor: str
    codes: list[str] = Field(default_factory=list)
    """900 to 906, of a failed integration."""
    message: str | None = None
    """The message that carries it; ``null`` while nothing was sent."""
    state: str = ""
    """Of that message."""
    needs_decision: bool = False
    """A person may still have it sent."""
    code: str = ""
    """Why nothing was sent."""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""


class AnswerModel(Answer):
    """What became of a receipt or notice."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "outcome": "queued",
                "notices": [_NOTICE],
                "code": "",
                "title_fr": "",
                "cure_fr": "",
                "title_en": "",
                "cure_en": "",
            }
        )
    )

    outcome: str
    """``queued``: it leaves; ``already``: it was decided before; ``not_sent``: ``code`` says why."""
    notices: list[NoticeModel] = Field(default_factory=list)
    """All there are for this message."""
    code: str = ""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""


class DecisionModel(Question):
    """What a person wants of an answer that waits for a decision."""

    model_config = ConfigDict(json_schema_extra=example({"send": True}))

    send: bool = True
    """``false``: it is not sent, and asks for nobody any more."""


class FailureModel(Question):
    """Why one document could not be integrated."""

    model_config = ConfigDict(json_schema_extra=example({"document": 0, "code": "902", "detail": "patient inconnu"}))

    code: str = Field(pattern="^90[0-6]$")
    """900 version, 901 author, 902 patient unknown, 903 INS missing, 904 INS does not match, 905 INS incomplete,
    906 other."""
    detail: Line = Field(default="", max_length=300)
    """In the words of the software; the sender reads it."""
    document: int | None = Field(default=None, ge=0, le=10_000)
    """``number`` of the document; ``null``: the whole message."""


class IntegrationModel(Question):
    """What became of a received message in the software."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {"result": "failed", "failures": [{"document": 0, "code": "902", "detail": "patient inconnu"}]},
            {"result": "ok", "failures": []},
        )
    )

    result: Literal["ok", "failed"]
    failures: list[FailureModel] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _fits(self) -> "IntegrationModel":
        if (self.result == "failed") != bool(self.failures):
            raise ValueError("failures exactly when it failed")
        return self


class ReplyHeadModel(Question):
    """An answer without its documents: part ``message`` of a multipart request."""

    model_config = ConfigDict(json_schema_extra=example(REPLY_HEAD_EXAMPLE))

    body: Lines = Field(min_length=1, max_length=100_000)
    reference: Line | None = Field(default=None, max_length=64)
    """Your own number; comes back with everything about this message."""
    patient: PatientSaidModel | None = None
    """Needed for files that are no CDA: a document is made around each."""
    files: list[FileSaidModel] = Field(default_factory=list, max_length=50)
    """What each of them is."""
    options: OptionsModel = Field(default_factory=OptionsModel)


class ReplyModel(ReplyHeadModel):
    """An answer to a received message; to whom and in which thread is known."""

    model_config = ConfigDict(json_schema_extra=example(_REPLY))

    documents: list[DocumentModel] = Field(default_factory=list, max_length=50)


class EndExchangeModel(Question):
    """The last word to a citizen, who cannot answer it."""

    model_config = ConfigDict(json_schema_extra=example({"body": None, "earlier_too": False}))

    body: Lines | None = Field(default=None, max_length=100_000)
    """``null``: a sentence of ours."""
    earlier_too: bool = False
    """Takes the answer to all earlier messages of this mailbox away as well (subject ``[FIN]``)."""


class ThreadEntryModel(Answer):
    """One thing that happened in a thread."""

    model_config = ConfigDict(json_schema_extra=example(_ENTRY))

    kind: str
    """``received``, ``sent``, ``receipt`` (from a recipient, about something sent), ``notice`` (ours, about something
    received)."""
    id: str
    """Of the received or sent message; of a receipt or notice: of the message that it is about."""
    at: datetime
    about: str | None = None
    """The message that it answers, replaces, withdraws or tells about."""
    relation: str = ""
    """What it is to that one: ``answers``, ``replaces``, ``withdraws``, ``corrects``, and those of
    :class:`RelationModel`."""
    who: str = ""
    """Sender or recipients."""
    subject: str = ""
    state: str = ""
    """Of the message; of a receipt: its kind; of a notice: what it says."""
    text: str = ""
    """Words of the server."""
    code: str = ""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""


class ThreadModel(Answer):
    """Everything that belongs to one message, oldest first."""

    model_config = ConfigDict(json_schema_extra=example({"entries": [_ENTRY], "is_whole": True}))

    entries: list[ThreadEntryModel]
    is_whole: bool = True
    """False: more messages belong together than are shown."""
