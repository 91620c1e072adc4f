"""Messages to deliver, a folder of an LPS, and a process that dies at a step."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from connector.delivery.inbox import Inbox
from connector.documents.cda.parse import open_cda, parse_cda, pdf_of
from connector.domain.address import MailboxAddress
from connector.domain.errors import Unavailable
from connector.domain.ports import watch_steps
from connector.exchange.arrival import (
    Arrival,
    ArrivalDocument,
    ArrivalPart,
    ArrivalPerson,
    PartRole,
)
from connector.exchange.identity import of_cda
from connector.platform.files import private_folder
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings

__all__ = [
    "N1", "N3", "NOON", "PARIS", "PREFIX", "ULID", "Killed", "Places", "arrival", "digest", "document", "full",
    "inbox", "index", "killed_at", "listing", "make_places", "part", "settings", "tree",
]  # fmt: skip

PARIS = timezone(timedelta(hours=1))
NOON = datetime(2026, 11, 20, 9, 15, 32, tzinfo=UTC)
ULID = "01JD3M00000000000000K3QF2X"
PREFIX = "20261120-101532_K3QF2X"
N1 = sample("cr-consultation-n1.xml")
N3 = sample("cr-biologie-v1.xml")


@dataclass
class Places:
    received: Path
    delivery_work: Path
    errors: Path
    is_there: bool = True

    def check(self) -> None:
        if not self.is_there:
            raise Unavailable("SPOOL_ABSENT", "gone")


def make_places(folder: Path) -> Places:
    received, work, errors = (private_folder(folder / name) for name in ("RECUS", ".travail", "ERREURS"))
    return Places(received, work, errors)


def settings(**reception: Any) -> MailboxSettings:
    return MailboxSettings.model_validate({
        "address": "alix.exemple@test.mssante.example", "given": "Alix", "family": "EXEMPLE", "operator": "sandbox",
        "identity": {"auth": "plain", "password": {"env": "NONE"}}, "reception": reception,
    })  # fmt: skip


def inbox(places: Places, **reception: Any) -> Inbox:
    return Inbox(settings(**reception), places, zone=PARIS)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def part(name: str, role: PartRole, content: bytes, media_type: str = "application/octet-stream") -> ArrivalPart:
    return ArrivalPart(name=name, media_type=media_type, role=role, content=content, sha256=digest(content))


def document(content: bytes, label: str) -> ArrivalDocument:
    return ArrivalDocument(
        header=parse_cda(content), content=content, sha256=digest(content), file_name="DOC00001.XML", label=label,
        entry={"typeCode": "11502-2"}, patient=of_cda(parse_cda(content)), pdf=pdf_of(open_cda(content)),
    )  # fmt: skip


def arrival(
    *, documents: Sequence[ArrivalDocument] = (), parts: Sequence[ArrivalPart] = (), body: str = "Bonjour œuvre"
) -> Arrival:
    return Arrival(
        incoming_id=ULID, received_at=NOON, mailbox=MailboxAddress.parse("alix.exemple@test.mssante.example"),
        sender=ArrivalPerson("dr.modele@test.mssante.example", "Dr_Noé_MODELE"), sender_kind="professional",
        recipients=(ArrivalPerson("alix.exemple@test.mssante.example"),), subject_raw="XDM/1.0/DDM+CR-BIO",
        subject_display="CR-BIO", date=NOON, message_id="<a@b>", body=body, documents=tuple(documents),
        parts=tuple(parts), size_bytes=1234, warnings=("XDM_DEGRADE",),
    )  # fmt: skip


def full() -> Arrival:
    header = parse_cda(N1)
    assert header.body is not None
    return arrival(
        documents=[document(N1, "CR-CONSULT")],
        parts=[
            part("20261120_CR_TESTUT_Camille.pdf", PartRole.PDF, header.body.content, "application/pdf"),
            part("resultat.hpr", PartRole.HPRIM, b"HPRIM"),
            part("../../etc/CON:é.jpg", PartRole.OTHER, b"\xff\xd8", "image/jpeg"),
            part("IHE_XDM.zip", PartRole.XDM, b"PK", "application/zip"),
        ],
    )


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def index(places: Places, prefix: str = PREFIX) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((places.received / f"{prefix}.mss.json").read_text("utf-8"))
    return values


def tree(path: Path) -> list[str]:
    """Every file below a folder, by its path."""
    return sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(step: str) -> Iterator[None]:
    def observe(reached: str) -> None:
        if reached == step:
            raise Killed(step)

    watch_steps(observe)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        watch_steps(None)
