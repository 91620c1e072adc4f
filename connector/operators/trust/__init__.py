"""Whom a server must be to be spoken to: authorities of IGC-Santé, revocation lists, where they come from."""

from connector.operators.trust.service import Approval, Trust, hierarchies_in_use

__all__ = ["Approval", "Trust", "hierarchies_in_use"]
