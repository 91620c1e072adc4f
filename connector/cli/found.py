"""What a person means by the end of an identifier."""

from collections.abc import Sequence

from connector.domain.errors import InvalidSubmission

__all__ = ["only_match"]


def only_match(matches: Sequence[str], nothing: str) -> str:
    """The only identifier that ends as the person typed.

    Args:
        matches: all that do.
        nothing: English sentence for the log when there is none.

    Raises:
        InvalidSubmission: ``INTROUVABLE``, or ``IDENTIFIANT_AMBIGU`` when several do.
    """
    if not matches:
        raise InvalidSubmission("INTROUVABLE", nothing)
    if len(matches) > 1:
        raise InvalidSubmission("IDENTIFIANT_AMBIGU", ", ".join(matches))
    return matches[0]
