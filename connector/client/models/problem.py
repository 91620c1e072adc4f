"""What every refusal looks like (RFC 9457)."""

from pydantic import ConfigDict, Field

from connector.client.models.base import Answer, example
from connector.client.models.check import FindingModel

__all__ = ["FieldErrorModel", "ProblemModel"]

_FIELD = {"where": "body.access_token", "kind": "missing"}


class FieldErrorModel(Answer):
    """One field that does not fit. The value is never repeated."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=example(_FIELD))

    where: str
    """Place in the request, ``body.documents.0.name``; ``?`` for a name that is not shown."""
    kind: str
    """What is wrong, in the words of pydantic; bounds (``max_length`` …) stand beside it."""


class ProblemModel(Answer):
    """Why a request was refused, and what to do."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "type": "urn:mssante-connector:problem:API_REQUETE_INVALIDE",
                "title": "La requête n'est pas comprise.",
                "status": 422,
                "code": "API_REQUETE_INVALIDE",
                "detail": "the request does not fit its description",
                "title_fr": "La requête n'est pas comprise.",
                "cure_fr": "Corrigez les champs nommés dans « errors ».",
                "title_en": "The request is not understood.",
                "cure_en": "Correct the fields named in “errors”.",
                "errors": [_FIELD],
            }
        )
    )

    type: str
    """``urn:mssante-connector:problem:`` and the code."""
    title: str
    """In the language that ``Accept-Language`` prefers; French unless it says English."""
    status: int
    code: str
    """Stable over versions: act on this."""
    detail: str = ""
    """One English sentence for the vendor of the software."""
    detail_fr: str = ""
    """What is particular to this case, for the person, when there is something."""
    title_fr: str
    cure_fr: str
    title_en: str
    cure_en: str
    retry: str = ""
    """``never``, ``later`` (the same request may be made again) or ``after_person``."""
    errors: list[FieldErrorModel] = Field(default_factory=list)
    findings: list[FindingModel] = Field(default_factory=list)
    """Of `VALIDATION_REFUSEE`: everything that the document breaks."""
