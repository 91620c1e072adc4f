"""What arrived."""

from datetime import datetime

from pydantic import ConfigDict, Field

from connector.client.models.answers import NoticeModel, RelationModel
from connector.client.models.base import Answer, example

__all__ = [
    "InboxDocumentModel", "InboxFileModel", "InboxItemModel", "InboxMessageModel", "InboxModel", "PatientModel",
    "PersonModel",
]  # fmt: skip

_PERSON = {"address": "dr.modele@exemple.mssante.fr", "name": "Dr Alix MODELE"}
_PATIENT = {
    "ins": "190129981234578",
    "ins_oid": "1.2.250.1.213.1.4.10",
    "ins_is_qualified": True,
    "birth_family": "EXEMPLE",
    "used_family": "",
    "given": "ZOE",
    "all_given": "ZOE ANNE",
    "birth_date": "19901205",
    "gender": "F",
    "birth_place": "99351",
}
_DOCUMENT = {
    "unique_id": "1.2.250.1.213.1.4.8^42",
    "type_code": "11502-2",
    "type_label": "CR d'examens biologiques",
    "title": "Examens de biologie",
    "date": "20261120090000+0100",
    "version": 1,
    "set_id": "",
    "replaces": "",
    "confidentiality": "N",
    "patient": _PATIENT,
    "warnings": [],
}
_FILE = {
    "number": 0,
    "name": "DOC0001.XML",
    "role": "cda",
    "media_type": "text/xml",
    "size_bytes": 51_200,
    "sha256": "ab" * 32,
    "document": _DOCUMENT,
}
_ITEM = {
    "id": "01KAGZ1ZQ2W3E4R5T6Y7P8A9SD",
    "mailbox": "dr.modele@exemple.mssante.fr",
    "state": "delivered",
    "since": "2026-11-20T09:05:00Z",
    "received_at": "2026-11-20T09:04:57Z",
    "size_bytes": 137_220,
    "message_id": "<x@autre.mssante.fr>",
    "sender": "Labo Exemple",
    "sender_address": "labo@autre.mssante.fr",
    "from_patient": False,
    "subject": "Examens de biologie EXEMPLE ZOE",
    "taken_at": None,
    "taken_by": "",
    "alerts": ["HH"],
    "warnings": [],
    "identity": "qualified",
    "relations": [],
    "notices": [],
    "answers": None,
    "answered_by": [],
    "code": "",
    "title_fr": "",
    "cure_fr": "",
    "title_en": "",
    "cure_en": "",
}


class InboxItemModel(Answer):
    """One received message in a list."""

    model_config = ConfigDict(json_schema_extra=example(_ITEM))

    id: str
    mailbox: str
    state: str
    """``seen``, ``stored``, ``opened``, ``delivered``, ``acknowledged``, ``quarantined``."""
    since: datetime
    received_at: datetime | None = None
    size_bytes: int
    message_id: str = ""
    sender: str = ""
    """Name, else address; empty while the message is not here or cannot be read."""
    sender_address: str = ""
    from_patient: bool = False
    """True for a citizen's mailbox, by its exact domain (Ref#2 ECO.3.1.1)."""
    subject: str = ""
    """Without the XDM marker (Ref#2 ECO.3.1.3)."""
    taken_at: datetime | None = None
    """When the message was taken, by an application or out of the folder."""
    taken_by: str = ""
    """Name of the application; ``RECUS`` when its files have left the folder, ``MLLP`` when that took it."""
    untaken_since: datetime | None = None
    """Since when it stands in the folder of the software, once that is for too long (``reception.overdue_hours``)."""
    alerts: list[str] = Field(default_factory=list)
    """``AA``, ``HH``, ``LL``: what the laboratory says must be seen at once, the worst first (REM BIO/va1.01)."""
    warnings: list[str] = Field(default_factory=list)
    """Codes of what was noticed in the message and in its documents."""
    identity: str = ""
    """How sure it is whom it is about: ``qualified``, ``unqualified``, ``doubtful``, ``several``, ``mismatch``,
    ``none``; empty while it is not opened."""
    relations: list[RelationModel] = Field(default_factory=list)
    """To other received messages."""
    notices: list[NoticeModel] = Field(default_factory=list)
    """What its sender hears from here."""
    answers: str | None = None
    """The message of yours that it answers."""
    answered_by: list[str] = Field(default_factory=list)
    """Messages of yours that answer it."""
    code: str = ""
    """Why it was set aside."""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""


class InboxModel(Answer):
    """A page of received messages, newest first."""

    model_config = ConfigDict(json_schema_extra=example({"items": [_ITEM], "next_cursor": None}))

    items: list[InboxItemModel]
    next_cursor: str | None = None
    """Give it back as ``cursor`` for the next page; ``null`` on the last one."""


class PersonModel(Answer):
    """A sender or recipient as the header shows it; unverified."""

    model_config = ConfigDict(json_schema_extra=example(_PERSON))

    address: str
    name: str = ""


class PatientModel(Answer):
    """The patient of a document, from its own header."""

    model_config = ConfigDict(json_schema_extra=example(_PATIENT))

    ins: str = ""
    ins_oid: str = ""
    ins_is_qualified: bool = False
    birth_family: str = ""
    used_family: str = ""
    given: str = ""
    all_given: str = ""
    birth_date: str = ""
    """As in the document (HL7 time)."""
    gender: str = ""
    birth_place: str = ""
    """COG code."""


class InboxDocumentModel(Answer):
    """What the header of a CDA document says."""

    model_config = ConfigDict(json_schema_extra=example(_DOCUMENT))

    unique_id: str
    type_code: str
    type_label: str = ""
    title: str = ""
    date: str = ""
    """As in the document (HL7 time)."""
    version: int | None = None
    set_id: str = ""
    replaces: str = ""
    confidentiality: str = ""
    patient: PatientModel
    warnings: list[str] = Field(default_factory=list)
    """Codes that concern this document."""


class InboxFileModel(Answer):
    """One file of a received message."""

    model_config = ConfigDict(json_schema_extra=example(_FILE))

    number: int
    """Names it in ``/documents/{number}``."""
    name: str
    """As the sender wrote it: data, never a path."""
    role: str
    """``cda``, ``pdf``, ``xdm``, ``hprim``, ``autre``."""
    media_type: str
    size_bytes: int
    sha256: str
    document: InboxDocumentModel | None = None
    """Of a CDA."""


class InboxMessageModel(InboxItemModel):
    """One received message, opened."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_ITEM,
                "sender_ins": "",
                "recipients": [_PERSON],
                "copies": [],
                "subject_raw": "XDM/1.0/DDM+Examens de biologie EXEMPLE ZOE",
                "date": "2026-11-20T10:04:50+01:00",
                "body": "Bonjour,\n\nVeuillez trouver ci-joint …",
                "documents": [_FILE],
            }
        )
    )

    sender_ins: str = ""
    """Of a citizen: the matricule in the address, when its key fits (Ref#2 ECO.3.1.2)."""
    recipients: list[PersonModel] = Field(default_factory=list)
    copies: list[PersonModel] = Field(default_factory=list)
    subject_raw: str = ""
    date: datetime | None = None
    """Of the header."""
    body: str = ""
    """Plain text."""
    documents: list[InboxFileModel] = Field(default_factory=list)
