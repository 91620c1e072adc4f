"""Fixtures of the whole test tree."""

from tests.servers.fixtures import mailbox, operator, password_operator, pki

__all__ = ["mailbox", "operator", "password_operator", "pki"]
