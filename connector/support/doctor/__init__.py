"""The doctor: looks at everything that the connector depends on, and says what is wrong and what to do about it."""

from connector.support.doctor.check import GROUP_WORDS, Check, Gives, Group, Need
from connector.support.doctor.finding import Finding, Severity, worst
from connector.support.doctor.registry import CHECKS
from connector.support.doctor.run import Examined, LeftOut, examine, left_out
from connector.support.doctor.world import CardAnswer, World

__all__ = [
    "CHECKS", "GROUP_WORDS", "CardAnswer", "Check", "Examined", "Finding", "Gives", "Group", "LeftOut", "Need",
    "Severity", "World", "examine", "left_out", "worst",
]  # fmt: skip
