"""What is wrong with a drop, told twice: in English for the log, in French for the person who made it."""

from collections.abc import Sequence

from connector.domain.errors import InvalidSubmission
from connector.domain.finding import Finding

__all__ = ["BadDrop", "ValidationRefused", "sentence_of", "shape"]

_MOST_TOLD = 3  # findings in one sentence


class BadDrop(InvalidSubmission):
    """A drop that cannot be sent as it is.

    Args:
        code: key of the catalogue.
        detail: one English sentence without values of the drop.
        french: what is particular to this drop, in French: the key, the file name, the shape of the value – never
            the value itself.
    """

    def __init__(self, code: str, detail: str, french: str) -> None:
        super().__init__(code, detail)
        self.french = french


class ValidationRefused(BadDrop):
    """A document that breaks the official schema or a schematron, with everything that was found.

    Args:
        findings: at least one; the first of them are told in the sentence.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = [sentence_of(finding) for finding in findings[:_MOST_TOLD]]
        rest = len(findings) - len(first)
        told = " ; ".join(first) + (f" ; et {rest} autre(s)." if rest > 0 else ".")
        super().__init__("VALIDATION_REFUSEE", f"{len(findings)} rules are broken, at {findings[0].where}", told)
        self.findings = tuple(findings)


def sentence_of(finding: Finding) -> str:
    """Place and rule, in the words of the schema."""
    return " : ".join(filter(None, (finding.file, finding.where, finding.french or finding.detail)))


def shape(value: object) -> str:
    """What a value looks like, in French, without telling it."""
    match value:
        case None:
            return "une valeur vide"
        case bool():
            return "vrai ou faux"
        case int() | float():
            return f"un nombre de {len(str(value))} caractères"
        case str():
            return _shape_of_text(value)
        case list():
            return f"une liste de {len(value)} élément(s)"
        case _:
            return "un ensemble de rubriques"


def _shape_of_text(text: str) -> str:
    if not text.strip():
        return "un texte vide"
    kind = "chiffres" if text.strip().isdigit() else "caractères"
    return f"un texte de {len(text)} {kind}"
