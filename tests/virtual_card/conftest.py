"""Fixtures of the virtual reader."""

from tests.virtual_card.fixtures import card, holder, other_holder, pcscd, room, start_room

__all__ = ["card", "holder", "other_holder", "pcscd", "room", "start_room"]
