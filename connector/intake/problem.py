"""What is wrong with a drop, told twice: in English for the log, in French for the person who made it."""

from connector.domain.errors import InvalidSubmission

__all__ = ["BadDrop", "shape"]


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
