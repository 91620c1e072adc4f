"""What is said of a file that is no CDA, so that a document can be made around it: patient, type, date."""

import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StrictBool

from connector.client.models.base import Question, example
from connector.client.models.texts import FileName, Line

__all__ = ["FILE_SAID", "PATIENT", "FileSaidModel", "InsModel", "LocalNumberModel", "PatientSaidModel"]

_INS = {"value": "199017599999849", "oid": "1.2.250.1.213.1.4.10", "qualified": True}
PATIENT = {
    "birth_family": "TESTUT", "given_names": ["Camille"], "birth_date": "1999-01-17", "gender": "M",
    "birth_place": "75999", "ins": _INS, "local_number": {"value": "D-4711", "oid": ""},
}  # fmt: skip
FILE_SAID = {"name": "REQ0417.pdf", "type": "CR-BIO", "title": "Bilan", "date": "2026-11-20"}

Day = Annotated[datetime.date, Field(strict=True)]  # never a number of seconds


class InsModel(Question):
    """A matricule INS. Without ``qualified`` it never leaves."""

    model_config = ConfigDict(json_schema_extra=example(_INS))

    value: str = Field(min_length=1, max_length=40)
    """15 characters, key included."""
    oid: str = Field(default="", max_length=64)
    """Authority; empty = NIR of production."""
    qualified: StrictBool = False


class LocalNumberModel(Question):
    """The patient as the software numbers them."""

    model_config = ConfigDict(json_schema_extra=example({"value": "D-4711", "oid": ""}))

    value: Line = Field(min_length=1, max_length=64)
    oid: str = Field(default="", max_length=64)


class PatientSaidModel(Question):
    """Whom a file is about. A CDA says it itself: then only the matricule is compared."""

    model_config = ConfigDict(json_schema_extra=example(PATIENT))

    birth_family: Line | None = Field(default=None, max_length=100)
    used_family: Line | None = Field(default=None, max_length=100)
    given_names: list[Line] = Field(default_factory=list, max_length=20)
    """All birth first names, in order."""
    given: Line | None = Field(default=None, max_length=100)
    """The first birth first name, when it has several words."""
    birth_date: Day | None = None
    gender: str | None = Field(default=None, pattern="^(M|F|UN)$")
    birth_place: str | None = Field(default=None, max_length=10)
    """COG code."""
    ins: InsModel | None = None
    local_number: LocalNumberModel | None = None


class FileSaidModel(Question):
    """What one file is."""

    model_config = ConfigDict(json_schema_extra=example(FILE_SAID))

    name: FileName
    type: Line | None = Field(default=None, max_length=64)
    """Code of JDV_J07 or a short name (``CR-BIO``); see docs/inputs.md."""
    title: Line | None = Field(default=None, max_length=200)
    date: Day | None = None
    """Of the act; default: today."""
