"""What a program says of documents that it gives to be sent, and how that is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

__all__ = ["Said", "submission_parts"]


class Said(TypedDict, total=False):
    """Everything may be left out."""

    recipients: Sequence[str]
    """Addresses; none = those of the document, or of the mailbox's settings."""
    copies: Sequence[str]
    to_patient: bool
    """Also to the patient's own mailbox."""
    reference: str | None
    """Your own number."""
    subject: str | None
    """Only used without a CDA."""
    body: str | None
    """Plain text."""
    options: Mapping[str, Any] | None
    """See :class:`connector.client.models.messages.OptionsModel`."""
    patient: Mapping[str, Any] | None
    """Whom files that are no CDA are about; see :class:`connector.client.models.said.PatientSaidModel`."""
    files: Sequence[Mapping[str, Any]]
    """What each of them is; see :class:`connector.client.models.said.FileSaidModel`."""
    replaces: str | None
    """Reference of an earlier message whose document this one replaces."""
    withdraws: str | None
    """Reference of an earlier message that is withdrawn."""


def submission_parts(mailbox: str, documents: Mapping[str, bytes], said: Said) -> list[tuple[str, Any]]:
    """The parts of a multipart body.

    Args:
        mailbox: sender: folder name or address.
        documents: file name to content.
        said: of them.
    """
    patient = said.get("patient")
    head = {
        "mailbox": mailbox,
        "recipients": [{"address": address} for address in said.get("recipients", ())],
        "copies": [{"address": address} for address in said.get("copies", ())],
        "to_patient": said.get("to_patient", False),
        "reference": said.get("reference"),
        "subject": said.get("subject"),
        "body": said.get("body"),
        "options": dict(said.get("options") or {}),
        "patient": dict(patient) if patient else None,
        "files": [dict(file) for file in said.get("files", ())],
        "replaces": said.get("replaces"),
        "withdraws": said.get("withdraws"),
    }
    parts: list[tuple[str, Any]] = [("message", (None, json.dumps(head, default=str), "application/json"))]
    return parts + [("documents", (name, data, "application/octet-stream")) for name, data in documents.items()]
