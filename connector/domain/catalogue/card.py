"""Codes of the smart card and its reader."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["CARD_CODES"]

CARD_CODES: dict[str, Explanation] = {}
"""Code to texts."""
