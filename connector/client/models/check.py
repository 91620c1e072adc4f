"""What would become of documents, and everything that is wrong with them."""

from pydantic import ConfigDict, Field

from connector.client.models.base import Answer, example

__all__ = ["CheckModel", "FindingModel", "SendingModel"]

_FINDING = {
    "severity": "warning", "code": "CDA_ELEMENT_ABSENT", "file": "cr.xml",
    "where": "line 3, /ClinicalDocument/realmCode",
    "title_fr": "L'en-tête du document n'a pas un élément que le CI-SIS exige.", "detail_fr": "",
    "cure_fr": "Faites corriger par l'éditeur la production du document, à l'endroit indiqué.",
    "title_en": "The header of the document lacks an element that the CI-SIS requires.",
    "detail": "the element realmCode is required",
    "cure_en": "Have the vendor correct how the document is made, at the place that is told.",
    "rule": "CI-SIS, volet Structuration minimale de documents de santé",
}  # fmt: skip
_SENDING = {
    "name": "CR-2026-0417", "recipients": ["correspondant@autre.mssante.fr"], "action": "first", "documents": 1,
    "messages": 1,
}  # fmt: skip


class FindingModel(Answer):
    """One thing that is worth saying. Nothing in it quotes a document."""

    model_config = ConfigDict(json_schema_extra=example(_FINDING))

    severity: str
    """``error``: refused; ``warning``: it leaves against a rule; ``advice``."""
    code: str
    """Stable over versions."""
    file: str = ""
    where: str = ""
    """Line and XPath, segment and field, record, object, or name inside an archive."""
    title_fr: str
    detail_fr: str = ""
    cure_fr: str
    title_en: str
    detail: str = ""
    """What is particular to this case, in English."""
    cure_en: str
    rule: str = ""
    """The text that asks for it."""


class SendingModel(Answer):
    """One sending that would be made."""

    model_config = ConfigDict(json_schema_extra=example(_SENDING))

    name: str
    recipients: list[str]
    action: str
    """``first``, ``replace``, ``delete``."""
    documents: int
    messages: int
    """E-mails; 0 when it would be refused."""


class CheckModel(Answer):
    """What would become of a request to send."""

    model_config = ConfigDict(
        json_schema_extra=example({"refused": False, "sendings": [_SENDING], "findings": [_FINDING]})
    )

    refused: bool
    """True when it, or a part of it, would not leave."""
    sendings: list[SendingModel] = Field(default_factory=list)
    findings: list[FindingModel] = Field(default_factory=list)
