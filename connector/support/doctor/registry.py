"""Every check, in the order in which they are told: from the ground up, the first error is often the cause."""

from connector.support.doctor.check import Check
from connector.support.doctor.checks import (
    card,
    clock,
    connector,
    folders,
    identities,
    journal,
    login,
    machine,
    servers,
    trust,
)

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *clock.CHECKS,
    *connector.CHECKS,
    *journal.CHECKS,
    *folders.CHECKS,
    *card.CHECKS,
    *identities.CHECKS,
    *trust.CHECKS,
    *servers.CHECKS,
    *login.CHECKS,
)
