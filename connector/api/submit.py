"""A request with documents: read within bounds, and put into the words in which a folder says the same."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from anyio import to_thread
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request

from connector.api.guard.content import media_type
from connector.api.multipart import BadMultipart, Part, read_multipart
from connector.client.models.base import Question
from connector.client.models.messages import (
    DocumentModel,
    OptionsModel,
    RecipientModel,
    SubmitHeadModel,
    SubmitModel,
)
from connector.client.models.said import FileSaidModel, PatientSaidModel
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission, Unavailable
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.domain.submission import FileRole, SendOptions, SubmittedFile
from connector.intake.assemble import as_file
from connector.intake.sidecar import Sidecar, SidecarFile, SidecarPatient, SidecarRecipient

__all__ = [
    "MESSAGES_PATH", "SUBMISSION", "Asked", "BodyForm", "Budget", "announced", "file_of", "options_of", "patient_of",
    "read_body", "request_hash", "sidecar_of",
]  # fmt: skip

MESSAGES_PATH = "/api/v1/messages"
"""Takes documents: its bodies may be large."""

_NOT_DOCUMENTS = (FileRole.SIDECAR, FileRole.FLAG)
_Model = TypeVar("_Model", bound=Question)


@dataclass(frozen=True, slots=True)
class BodyForm(Generic[_Model]):
    """How a body with documents is written."""

    head: type[_Model]  # part ``message`` of a multipart body
    whole: type[_Model]  # the same with ``documents``: a JSON body
    needs_documents: bool = True


SUBMISSION: BodyForm[SubmitHeadModel] = BodyForm(SubmitHeadModel, SubmitModel)
"""Of ``POST /messages``."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[_Model]):
    """A request that was understood."""

    head: _Model
    files: tuple[SubmittedFile, ...]
    sha256: Mapping[str, str]  # what the client says of its documents, by name


class Budget:
    """How many bytes of documents may be in memory at a time; one request more is told to come back.

    Lives on the server's event loop.

    Args:
        most_bytes: over all requests.
    """

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes.

        Raises:
            Unavailable: ``API_OCCUPEE``.
        """
        if size > self._left:
            raise Unavailable("API_OCCUPEE", "too many documents are being taken at once")
        self._left -= size
        try:
            yield
        finally:
            self._left += size


def announced(request: Request, limit: int) -> int:
    """How much a request may bring: what it says, which the gate has checked, or the most."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else limit


async def read_body(request: Request, form: BodyForm[_Model]) -> Asked[_Model]:
    """Read and understand the body of a request.

    Raises:
        RequestValidationError: it does not fit its description.
        InvalidSubmission: ``FORMAT_INCONNU``.
    """
    content_type = request.headers.get("content-type", "")
    if media_type(content_type) == "multipart/form-data":
        try:
            parts = await read_multipart(content_type, request.stream())
        except BadMultipart as error:
            raise _invalid("multipart", "body") from error
        return await to_thread.run_sync(_of_parts, parts, form)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
    return await to_thread.run_sync(_of_json, body, form)


def _of_json(body: bytearray, form: BodyForm[_Model]) -> Asked[_Model]:
    asked = _parsed(form.whole, body, "body")
    given: list[DocumentModel] = getattr(asked, "documents", [])
    hashes = {document.name: document.sha256.lower() for document in given if document.sha256}
    return _asked(asked, [(document.name, document.content) for document in given], hashes)


def _of_parts(parts: Sequence[Part], form: BodyForm[_Model]) -> Asked[_Model]:
    heads = [part for part in parts if part.name == "message"]
    documents = [part for part in parts if part.name == "documents"]
    if len(heads) != 1:
        raise _invalid("missing" if not heads else "too_many", "body", "message")
    is_missing = form.needs_documents and not documents
    if is_missing or len(heads) + len(documents) != len(parts):
        raise _invalid("missing" if is_missing else "extra_forbidden", "body", "documents")
    head = _parsed(form.head, heads[0].content, "body", "message")
    named = [DocumentModel(name=_name(part), content=bytes(part.content)) for part in documents]
    return _asked(head, [(document.name, document.content) for document in named], {})


def _name(part: Part) -> str:
    """The file name of a part; one that cannot be a simple name is refused like any other field."""
    try:
        return DocumentModel(name=part.file_name, content=b"").name
    except ValidationError:
        raise _invalid("file_name", "body", "documents", "filename") from None


def _asked(head: _Model, documents: Sequence[tuple[str, bytes]], hashes: Mapping[str, str]) -> Asked[_Model]:
    files = tuple(as_file(name, content) for name, content in documents)
    if any(file.role in _NOT_DOCUMENTS for file in files):
        raise InvalidSubmission("FORMAT_INCONNU", "a document has the name of a sidecar or of a marker")
    return Asked(head, files, hashes)


def _parsed(model: type[_Model], body: bytearray, *where: str) -> _Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([_placed(one, where) for one in error.errors(include_input=False)]) from None


def _placed(details: Mapping[str, Any], where: tuple[str, ...]) -> dict[str, Any]:
    """An error of a part, named by its place in the whole request."""
    return {**details, "loc": (*where, *details["loc"])}


def _invalid(kind: str, *where: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": where, "msg": ""}])


def sidecar_of(asked: Asked[SubmitHeadModel]) -> Sidecar:
    """The head in the words in which a folder says the same.

    Raises:
        InvalidSubmission: ``DESTINATAIRE_INVALIDE``, ``INS_INVALIDE``.
    """
    head = asked.head
    return Sidecar(
        reference=head.reference or None, recipients=_recipients(head.recipients), copies=_recipients(head.copies),
        to_patient=head.to_patient, subject=head.subject or None, body=head.body or None,
        options=options_of(head.options), sha256=asked.sha256, patient=patient_of(head.patient),
        files=tuple(map(file_of, head.files)), replaces=head.replaces, withdraws=head.withdraws,
    )  # fmt: skip


def patient_of(patient: PatientSaidModel | None) -> SidecarPatient | None:
    """The patient in the words of a sidecar.

    Raises:
        InvalidSubmission: ``INS_INVALIDE``.
    """
    if patient is None:
        return None
    ins, local = patient.ins, patient.local_number
    return SidecarPatient(
        ins=MatriculeINS.parse(ins.value, ins.oid or INS_NIR) if ins else None,
        ins_is_qualified=ins.qualified if ins else False, ins_is_unqualified=not ins.qualified if ins else False,
        local_number=local.value if local else None, local_root=(local.oid or None) if local else None,
        birth_family=patient.birth_family, used_family=patient.used_family, all_given=tuple(patient.given_names),
        given=patient.given, birth_date=patient.birth_date.isoformat() if patient.birth_date else None,
        gender=patient.gender, birth_place=patient.birth_place,
    )  # fmt: skip


def file_of(said: FileSaidModel) -> SidecarFile:
    """What is said of one file in the words of a sidecar."""
    return SidecarFile(said.name, said.type, None, said.title, said.date.isoformat() if said.date else None)


def _recipients(recipients: Sequence[RecipientModel]) -> tuple[SidecarRecipient, ...]:
    return tuple(SidecarRecipient(MailboxAddress.parse(recipient.address)) for recipient in recipients)


def options_of(options: OptionsModel) -> SendOptions:
    """What the sender asks for."""
    return SendOptions(**options.model_dump())


def request_hash(asked: Asked[_Model], *more: str) -> str:
    """What two requests have in common that ask for the same, however they are written.

    Args:
        asked: head and documents.
        more: what else tells them apart.
    """
    head = asked.head.model_dump(mode="json", exclude={"documents"})
    documents = [(file.name, file.sha256) for file in asked.files]
    whole = json.dumps([head, documents, *more], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()
