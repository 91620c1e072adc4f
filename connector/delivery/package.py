"""The files of one message as the LPS gets them: paths below its folder, and in which order they appear."""

from dataclasses import dataclass, field

__all__ = ["DEFAULT_LONGEST", "Package"]

DEFAULT_LONGEST = 240
"""Longest name, where nobody says less."""

Files = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The files of one message, named. Every path has ``/`` between its folders."""

    prefix: str
    data: Files = field(repr=False)
    index: Files = field(default=(), repr=False)  # after all data
    flags: Files = field(default=(), repr=False)  # after the index
    whole: tuple[str, ...] = ()  # folders that are the message's own: each appears at once, with all that is in it
    longest: int = DEFAULT_LONGEST  # of a name, when one in use has to be stepped around
    messages: tuple[str, ...] = ()  # those of data that are HL7 v2: a software that listens gets them over MLLP
    is_aside: bool = False  # some of it is outside the profile, and stands in a folder of its own
