"""Fixtures of the virtual reader."""

from tests.virtual_card.fixtures import card, holder, other_holder, pcscd

__all__ = ["card", "holder", "other_holder", "pcscd"]
