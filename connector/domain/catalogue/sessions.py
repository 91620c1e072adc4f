"""Codes of tokens, one-time codes, passwords: what opens a session with an operator."""

from connector.domain.catalogue.explanation import Explanation

__all__ = ["SESSIONS_CODES"]

SESSIONS_CODES: dict[str, Explanation] = {}
"""Code to texts."""
