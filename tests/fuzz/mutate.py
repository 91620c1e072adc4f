"""Inputs out of inputs: bytes, lines and words put in, taken out, doubled, moved and mixed."""

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence

__all__ = ["Mutator"]

MAX_BYTES = 200_000
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"99999999999999999999", b"1e999", b"")
_VALUE = re.compile(rb'="([^"<]{0,200})"')
_TEXT = re.compile(rb">([^<>]{1,200})<")
_ELEMENT = re.compile(rb"<[A-Za-z][\w:.-]*(?:\s[^<>]*)?(?:/>|>[^<>]*</[^<>]*>)")
_DAMAGE = (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error)


class Mutator:
    """Makes the next input from the corpus; the same seed makes the same ones.

    Args:
        luck: where chance comes from.
        words: what the format is made of.
    """

    def __init__(self, luck: random.Random, words: Sequence[bytes]) -> None:
        self._luck = luck
        self._words = words
        self._steps: tuple[Callable[[bytes], bytes], ...] = (
            self._flip, self._cut, self._word, self._word, self._double, self._number, self._truncate, self._line,
        )  # fmt: skip

        self._markup_steps = (self._value, self._value, self._text, self._element)

    def next(self, corpus: Sequence[bytes]) -> bytes:
        """One input."""
        data = self._luck.choice(corpus)
        if data.startswith(b"PK\x03\x04") and self._luck.random() < 0.7:
            return self._repacked(data)[:MAX_BYTES]
        if self._luck.random() < 0.15:
            data = self._mixed(data, self._luck.choice(corpus))
        return self._several(data)[:MAX_BYTES]

    def _several(self, data: bytes) -> bytes:
        is_markup = data.lstrip()[:1] == b"<" and self._luck.random() < 0.8
        steps = self._markup_steps if is_markup else self._steps
        for _ in range(min(8, 1 + int(self._luck.expovariate(0.6)))):
            data = self._luck.choice(steps)(data)
        return data

    def _repacked(self, data: bytes) -> bytes:
        """A zip with one of its files, or names, changed: what compression would hide from a flipped byte."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as old:
                files = {name: old.read(name) for name in old.namelist() if old.getinfo(name).file_size < MAX_BYTES}
        except _DAMAGE:
            return self._several(data)
        chosen = self._luck.choice(list(files)) if files else "x"
        content = self._several(files.pop(chosen, b""))
        files[self._renamed(chosen) if self._luck.random() < 0.2 else chosen] = content
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for name, data_of_it in files.items():
                new.writestr(name, data_of_it)
        return target.getvalue()

    def _renamed(self, name: str) -> str:
        changed = self._several(name.encode()).decode("utf-8", "ignore").replace("\0", "")
        return changed[:200] or "x"

    def _place(self, data: bytes, longest: int = 64) -> tuple[int, int]:
        start = self._luck.randint(0, len(data))
        return start, min(len(data), start + self._luck.randint(0, longest))

    def _flip(self, data: bytes) -> bytes:
        start, _ = self._place(data)
        return data[:start] + bytes([self._luck.randrange(256)]) + data[start + 1 :]

    def _cut(self, data: bytes) -> bytes:
        start, end = self._place(data, 400)
        return data[:start] + data[end:]

    def _word(self, data: bytes) -> bytes:
        start, end = self._place(data, self._luck.choice((0, 0, 8)))
        return data[:start] + self._luck.choice(self._words) + data[end:]

    def _double(self, data: bytes) -> bytes:
        start, end = self._place(data, 400)
        return data[:start] + data[start:end] * self._luck.choice((2, 2, 3, 50)) + data[end:]

    def _number(self, data: bytes) -> bytes:
        start, end = self._place(data, 4)
        return data[:start] + self._luck.choice(_NUMBERS) + data[end:]

    def _truncate(self, data: bytes) -> bytes:
        return data[: self._luck.randint(0, len(data))] if self._luck.random() < 0.3 else data

    def _line(self, data: bytes) -> bytes:
        """A line, or what stands between two ``>``, goes somewhere else or away."""
        mark = b"\n" if data.count(b"\n") >= 4 else b">"
        lines = data.split(mark)
        line = lines.pop(self._luck.randrange(len(lines)))
        if self._luck.random() < 0.7:
            lines.insert(self._luck.randint(0, len(lines)), line)
        return mark.join(lines)

    def _value(self, data: bytes) -> bytes:
        """The value of an attribute becomes another one of the document, a number or a word: the markup stays."""
        return self._replaced(data, _VALUE, b'"')

    def _text(self, data: bytes) -> bytes:
        """The same for the text between two tags."""
        return self._replaced(data, _TEXT, b"<")

    def _replaced(self, data: bytes, pattern: re.Pattern[bytes], end: bytes) -> bytes:
        found = list(pattern.finditer(data))
        if not found:
            return self._flip(data)
        chosen = self._luck.choice(found)
        new = self._luck.choice(
            (self._luck.choice(found)[1], *_NUMBERS, self._luck.choice(self._words), chosen[1] * 3)
        )
        clean = new.replace(end, b"").replace(b"<", b"").replace(b"&", b"")
        return data[: chosen.start(1)] + clean + data[chosen.end(1) :]

    def _element(self, data: bytes) -> bytes:
        """A small element goes away, or stands somewhere else, once or many times."""
        found = list(_ELEMENT.finditer(data))
        if not found:
            return self._flip(data)
        chosen, other = self._luck.choice(found), self._luck.choice(found)
        if self._luck.random() < 0.4:
            return data[: chosen.start()] + data[chosen.end() :]
        times = self._luck.choice((1, 1, 2, 40))
        return data[: other.end()] + chosen[0] * times + data[other.end() :]

    def _mixed(self, one: bytes, other: bytes) -> bytes:
        return one[: self._luck.randint(0, len(one))] + other[self._luck.randint(0, len(other)) :]
