"""The doctor: how far it is, and what it found."""

from datetime import datetime

from pydantic import ConfigDict, Field

from connector.client.models.base import Answer, example

__all__ = ["DoctorModel", "FindingModel", "LeftOutModel"]

_FINDING = {
    "group": "operators",
    "check": "smtp",
    "code": "OPERATEUR_INJOIGNABLE",
    "severity": "error",
    "subject": "smtp.exemple.mssante.fr:587",
    "detail": "no answer within 10 s",
    "detail_fr": "pas de réponse en 10 s",
    "title_fr": "L'opérateur de messagerie ne répond pas.",
    "cure_fr": "Vérifiez la connexion à Internet et le pare-feu.",
    "title_en": "The mail operator does not answer.",
    "cure_en": "Check the Internet connection and the firewall.",
}
_LEFT_OUT = {"check": "card", "needs": "card"}


class FindingModel(Answer):
    """One thing that the doctor has to say."""

    model_config = ConfigDict(json_schema_extra=example(_FINDING))

    group: str
    """``machine``, ``connector``, ``folders``, ``card``, ``identities``, ``trust``, ``operators``."""
    check: str
    code: str
    severity: str
    """``ok``, ``warning``, ``error``."""
    subject: str
    """What it is about: a folder, a mailbox, a server."""
    detail: str = ""
    detail_fr: str = ""
    title_fr: str
    cure_fr: str
    title_en: str
    cure_en: str


class LeftOutModel(Answer):
    """A check that makes no sense here."""

    model_config = ConfigDict(json_schema_extra=example(_LEFT_OUT))

    check: str
    needs: str
    """``settings``, ``network`` or ``card``."""


class DoctorModel(Answer):
    """A run of the doctor."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "running": False,
                "done": 21,
                "total": 21,
                "current": "",
                "ended_at": "2026-11-20T09:12:00Z",
                "status": "error",
                "counts": {"ok": 30, "warning": 0, "error": 1},
                "findings": [_FINDING],
                "left_out": [_LEFT_OUT],
            }
        )
    )

    running: bool
    done: int
    """Checks that have ended."""
    total: int
    """Checks of this run; 0 before the first one."""
    current: str = ""
    """The check that began last."""
    ended_at: datetime | None = None
    """``null`` while a run is going on, and before the first one."""
    status: str = ""
    """The worst severity so far; empty before anything was found."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Findings by severity."""
    findings: list[FindingModel] = Field(default_factory=list)
    left_out: list[LeftOutModel] = Field(default_factory=list)
