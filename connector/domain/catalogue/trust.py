"""Codes of authorities, revocation, and what an operator's certificate is refused for."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["TRUST_CODES"]

TRUST_CODES: dict[str, Explanation] = {}
"""Code to texts."""
