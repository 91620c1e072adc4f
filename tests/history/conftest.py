"""Fixtures of the history of a mailbox: those of the exchange."""

from tests.exchange.conftest import scene

__all__ = ["scene"]
