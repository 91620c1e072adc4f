"""What a code means to a person."""

from dataclasses import dataclass

__all__ = ["Explanation"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened and what to do, in two languages."""

    title_fr: str
    cure_fr: str
    title_en: str
    cure_en: str
