"""Errors as ``application/problem+json`` (RFC 9457): a stable code, and what to do about it in two languages."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from connector.domain.catalogue import explain
from connector.domain.errors import (
    ConfigurationError,
    ConnectorError,
    IllegalTransition,
    InvalidSubmission,
    MalformedMessage,
    NeedsPerson,
    Unavailable,
)
from connector.intake.check.report import finding_as_dict
from connector.intake.problem import ValidationRefused
from connector.journal.failure import PayloadMissing, UnknownRow

__all__ = ["PROBLEM_TYPE", "language", "problem", "problem_of", "status_of"]

PROBLEM_TYPE = "urn:mssante-connector:problem:"
"""What stands before the code in ``type``."""

_RETRY_SECONDS = "5"
_MOST_FINDINGS = 100  # of one document, in one answer
_BY_KIND: tuple[tuple[type[ConnectorError], int], ...] = (
    (UnknownRow, 404),
    (PayloadMissing, 410),
    (NeedsPerson, 409),
    (Unavailable, 503),
    (InvalidSubmission, 422),
    (MalformedMessage, 422),
    (IllegalTransition, 409),
    (ConfigurationError, 409),
)
_BY_CODE = {
    "PIN_FAUX": 403, "PIN_FORMAT": 422, "TROP_GROS": 413, "API_OCCUPEE": 503, "API_DELAI": 504,
    "INTROUVABLE": 404, "BOITE_INCONNUE": 404, "CLIENT_INCONNU": 404, "BOITE_AUTRE_IDENTITE": 409,
    "CODE_SANS_OPERATEUR": 409, "CODE_FORMAT": 422, "CODE_REFUSE": 403, "CLE_DEJA_UTILISEE": 409,
    "BOITE_SANS_ENVOI": 409,
}  # fmt: skip


def language(accept: str) -> str:
    """``fr`` or ``en``, whichever an ``Accept-Language`` header likes better; French when it does not say.

    Args:
        accept: value of the header (RFC 9110 12.5.4), e.g. ``en-GB,en;q=0.8,fr;q=0.5``.
    """
    liked = {"fr": 0.0, "en": 0.0}
    for choice in accept.split(",")[:20]:
        tag, _, parameter = choice.partition(";")
        main = tag.strip().lower().partition("-")[0]
        if main in liked:
            liked[main] = max(liked[main], _quality(parameter))
    return "en" if liked["en"] > liked["fr"] else "fr"


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def problem(
    code: str, status: int, *, detail: str = "", accept_language: str = "",
    headers: Mapping[str, str] | None = None, **more: Any,
) -> JSONResponse:  # fmt: skip
    """An answer that says what went wrong.

    Args:
        code: of the catalogue.
        status: of HTTP.
        detail: one English sentence; never patient data, never a secret.
        accept_language: chooses ``title``; both languages are always there.
        headers: more headers of the answer.
        more: further members (RFC 9457 3.2).
    """
    texts = explain(code)
    chosen = language(accept_language)
    content = {
        "type": PROBLEM_TYPE + code,
        "title": texts.title_en if chosen == "en" else texts.title_fr,
        "status": status,
        "code": code,
        "detail": detail,
        "title_fr": texts.title_fr,
        "cure_fr": texts.cure_fr,
        "title_en": texts.title_en,
        "cure_en": texts.cure_en,
        **more,
    }
    return JSONResponse(
        content, status, {"Content-Language": chosen, **(headers or {})}, media_type="application/problem+json"
    )


def status_of(error: ConnectorError) -> int:
    """The status of HTTP that an error of ours means."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def problem_of(error: ConnectorError, *, accept_language: str = "") -> JSONResponse:
    """An error of ours as an answer.

    ``retry`` says whether the same request may be made again; a French sentence about this case comes along as
    ``detail_fr`` when there is one, and everything that the official schemas say as ``findings``.
    """
    status = status_of(error)
    more: dict[str, Any] = {"retry": error.retry.value}
    if french := getattr(error, "french", ""):
        more["detail_fr"] = french
    if isinstance(error, ValidationRefused):
        more["findings"] = [finding_as_dict(finding) for finding in error.findings[:_MOST_FINDINGS]]
    headers = {"Retry-After": _RETRY_SECONDS} if status == 503 else None
    return problem(error.code, status, detail=error.detail, accept_language=accept_language, headers=headers, **more)
