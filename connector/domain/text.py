"""A sentence in the two languages of the product."""

from typing import NamedTuple

__all__ = ["Text"]


class Text(NamedTuple):
    """French first, for whoever works with the connector; English second."""

    fr: str
    en: str
