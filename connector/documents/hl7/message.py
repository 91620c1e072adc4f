"""A message as segments, fields, repetitions, components and sub-components; written by the same rules.

Source rule: HL7 v2 chapter 2 (2.5 separators, 2.7 escape sequences). The separators are those of MSH-1 and MSH-2.
Fields are kept as they were written and taken apart when asked for, so that a document of many megabytes is not
copied and a hostile one cannot multiply.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.limits import Limits

__all__ = ["STANDARD", "Message", "Segment", "Separators", "composite", "escape", "repeated", "unescape"]

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEADERS = frozenset({"MSH", "FHS", "BHS"})
_BREAKS = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_LAYOUT = re.compile(r"H|N|\.(?:br|sp|ce|fi|nf|in|ti|sk)[+-]?\d*")  # highlighting and layout commands
_LINE_COMMANDS = (".br", ".sp", ".ce", ".sk")


@dataclass(frozen=True, slots=True)
class Separators:
    """The five characters of MSH-1 and MSH-2; one that the message does not define is empty."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def of(cls, first_line: str) -> Self:
        """Those of an MSH (or FHS, BHS) segment.

        Raises:
            Hl7Error: ``HL7_ILLISIBLE`` when one is missing, doubled, or is a letter, a digit or a blank.
        """
        field = first_line[3:4]
        encoding = first_line[4:].split(field, 1)[0][:4] if field else ""
        marks = field + encoding
        is_wrong = len(encoding) < 1 or len(set(marks)) < len(marks)
        if is_wrong or any(mark.isalnum() or mark.isspace() or not mark.isprintable() for mark in marks):
            detail = "MSH-1 and MSH-2 do not hold separators"
            raise Hl7Error(Hl7Problem("HL7_ILLISIBLE", Err3.SEGMENT_SEQUENCE, "MSH^1^2", detail))
        return cls(field, *encoding, *[""] * (4 - len(encoding)))

    @property
    def encoding(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent

    @property
    def letters(self) -> dict[str, str]:
        """Escape letter to separator."""
        return {
            "F": self.field, "S": self.component, "T": self.subcomponent, "R": self.repetition, "E": self.escape,
        }  # fmt: skip


STANDARD = Separators()
"""``|^~\\&``: what we write with."""


def escape(text: str, separators: Separators = STANDARD) -> str:
    """A text as it may stand in a component: separators, line ends and control characters are escaped."""
    mark = separators.escape
    if not mark:
        return text
    table = str.maketrans({char: f"{mark}{letter}{mark}" for letter, char in separators.letters.items() if char})
    one_break = _BREAKS.sub("\n", text).translate(table)
    return _CONTROLS.sub(lambda found: _escaped_control(found[0], mark), one_break)


def _escaped_control(character: str, mark: str) -> str:
    return f"{mark}.br{mark}" if character == "\n" else f"{mark}X{ord(character):02X}{mark}"


def unescape(raw: str, separators: Separators = STANDARD) -> str:
    """The text of a component as it was written; a sequence that means nothing stays as it is."""
    mark = separators.escape
    if not mark or mark not in raw:
        return raw
    parts = raw.split(mark)
    text = [parts[0]]
    at = 1
    while at < len(parts):
        meaning = _meaning(parts[at], separators) if at + 1 < len(parts) else None
        if meaning is None:
            text += [mark, parts[at]]
            at += 1
        else:
            text += [meaning, parts[at + 1]]
            at += 2
    return "".join(text)


def _meaning(sequence: str, separators: Separators) -> str | None:
    """What stands between two escape characters; ``None`` when that is no escape sequence."""
    separator = separators.letters.get(sequence)
    if separator:
        return separator
    code = _HEX.fullmatch(sequence)
    if code:
        data = bytes.fromhex(code[1])
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")
    if _LAYOUT.fullmatch(sequence):
        return "\n" if sequence.startswith(_LINE_COMMANDS) else ""
    return None


def composite(*components: str | tuple[str, ...], separators: Separators = STANDARD) -> str:
    """A field as it is written; trailing empty components are left out.

    >>> composite("248", "", "", ("NIR", "1.2", "ISO"), "INS")
    '248^^^NIR&1.2&ISO^INS'
    """
    written = [
        separators.subcomponent.join(escape(part, separators) for part in _parts(component)).rstrip(
            separators.subcomponent
        )
        for component in components
    ]
    while written and not written[-1]:
        written.pop()
    return separators.component.join(written)


def _parts(component: str | tuple[str, ...]) -> tuple[str, ...]:
    return (component,) if isinstance(component, str) else component


def repeated(*fields: str, separators: Separators = STANDARD) -> str:
    """Repetitions of one field, each already written."""
    return separators.repetition.join(fields)


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; fields count from 1, as in the tables of the standard (MSH-1 is the separator itself)."""

    name: str
    fields: tuple[str, ...]  # as written
    separators: Separators = STANDARD
    number: int = 1  # the how-manieth of its name in the message

    @classmethod
    def parse(cls, line: str, separators: Separators, number: int, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read one segment.

        Raises:
            Hl7Error: ``TROP_GROS`` for more fields than ``max_hl7_fields``.
        """
        name = line[:3]
        if line.count(separators.field) > limits.max_hl7_fields:
            detail = f"a segment has more than {limits.max_hl7_fields} fields"
            raise Hl7Error(Hl7Problem("TROP_GROS", Err3.OTHER, f"{name}^{number}", detail))
        fields = line.split(separators.field)[1:]
        if name in _HEADERS:
            fields = [separators.field, *fields]
        return cls(name, tuple(fields), separators, number)

    @classmethod
    def build(cls, name: str, fields: Mapping[int, str]) -> Self:
        """Write one segment, up to its last field that holds something.

        Args:
            name: three characters.
            fields: number to field, already escaped: :func:`composite`, :func:`repeated`, :func:`escape`.
        """
        last = max((number for number, field in fields.items() if field), default=0)
        return cls(name, tuple(fields.get(number, "") for number in range(1, last + 1)))

    def field(self, number: int) -> str:
        """A field as it was written; empty when it is not there."""
        return self.fields[number - 1] if 1 <= number <= len(self.fields) else ""

    def repetitions(self, number: int, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
        """The repetitions of a field as they were written, without empty ones.

        Raises:
            Hl7Error: ``TROP_GROS`` for more than ``max_hl7_fields``.
        """
        field, mark = self.field(number), self.separators.repetition
        if not mark or mark not in field:
            return (field,) if field else ()
        if field.count(mark) >= limits.max_hl7_fields:
            detail = f"a field has more than {limits.max_hl7_fields} repetitions"
            raise Hl7Error(Hl7Problem("TROP_GROS", Err3.OTHER, self.place(number), detail))
        return tuple(part for part in field.split(mark) if part)

    def value(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """One sub-component of the first repetition of a field, as text without blanks around it."""
        return self.part(next(iter(self.repetitions(number)), ""), component, subcomponent)

    def part(self, repetition: str, component: int = 1, subcomponent: int = 1) -> str:
        """One sub-component of what :meth:`repetitions` gave, as text without blanks around it."""
        raw = _nth(_nth(repetition, self.separators.component, component), self.separators.subcomponent, subcomponent)
        return unescape(raw, self.separators).strip()

    def components(self, repetition: str) -> tuple[str, ...]:
        """The components of what :meth:`repetitions` gave, as texts; at most fifty."""
        mark = self.separators.component
        parts = repetition.split(mark, 50)[:50] if mark else [repetition]
        return tuple(unescape(part, self.separators).strip() for part in parts)

    def text(self, number: int) -> str:
        """A whole field as text: its repetitions are lines, its other separators stay (types TX, FT, ST)."""
        return "\n".join(unescape(part, self.separators) for part in self.repetitions(number))

    def place(self, number: int) -> str:
        """The location of a field, as ERR-2 has it."""
        return f"{self.name}^{self.number}^{number}"

    def write(self) -> str:
        """The segment as a line, without its end."""
        fields = self.fields[1:] if self.name in _HEADERS else self.fields
        return self.separators.field.join([self.name, *fields])


def _nth(text: str, separator: str, number: int) -> str:
    """The part of that number, counted from 1; no more parts are made than needed."""
    if not separator:
        return text if number == 1 else ""
    parts = text.split(separator, number)
    return parts[number - 1] if number <= len(parts) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """The segments of one message; the first is MSH."""

    segments: tuple[Segment, ...]
    has_broken_lines: bool = False  # a line end inside a field was met, and joined again

    @classmethod
    def parse(cls, text: str, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Take a message apart.

        A line that is no segment goes on with the one before: Base64 and texts are met with line ends in them.

        Args:
            text: with CR, LF or CRLF line ends.
            limits: ``max_hl7_segments`` and ``max_hl7_fields``.

        Raises:
            Hl7Error: ``HL7_ILLISIBLE`` (no MSH, no separators) or ``TROP_GROS``.
        """
        lines = [line for line in _BREAKS.split(text.lstrip("\ufeff \t\r\n")) if line.strip()]
        if not lines or not lines[0].startswith("MSH"):
            detail = "the message does not start with MSH"
            raise Hl7Error(Hl7Problem("HL7_ILLISIBLE", Err3.SEGMENT_SEQUENCE, "MSH^1", detail))
        separators = Separators.of(lines[0])
        whole = _rejoined(lines, separators.field)
        if len(whole) > limits.max_hl7_segments:
            detail = f"the message has more than {limits.max_hl7_segments} segments"
            raise Hl7Error(Hl7Problem("TROP_GROS", Err3.OTHER, "MSH^1", detail))
        counts: dict[str, int] = {}
        segments = []
        for line in whole:
            counts[line[:3]] = number = counts.get(line[:3], 0) + 1
            segments.append(Segment.parse(line, separators, number, limits))
        return cls(tuple(segments), len(whole) < len(lines))

    def first(self, name: str) -> Segment | None:
        """The first segment of that name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[Segment, ...]:
        """The segments of that name, in order."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def write(self) -> str:
        """The message with CR line ends."""
        return "".join(f"{segment.write()}\r" for segment in self.segments)


def _rejoined(lines: list[str], field: str) -> list[str]:
    groups: list[list[str]] = []
    for line in lines:
        if not groups or (_SEGMENT.match(line) and line[3:4] in {"", field}):
            groups.append([line])
        else:
            groups[-1].append(line)
    return ["\n".join(group) for group in groups]
