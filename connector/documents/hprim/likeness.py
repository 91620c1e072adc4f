"""How much a reading of bytes looks like French: what decides between code pages that nothing else tells apart.

Source rule: folder conventions 1.4 (points for usual accented letters and signs, less for capitals, off for anything
else). Added to it, because a name of few letters must not become another name: where a letter stands. A small letter
in a word of capitals, ``ö`` at the end of a word or ``µ`` inside one is a sign of another code page.
"""

import re
from collections.abc import Iterator

__all__ = ["likeness"]

_SIGN = re.compile(r"[^\x00-\x7f]|[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_PADDING = "\x00\x1a \t\r\n"
_MOST_SIGNS = 20_000  # looked at; what a longer text is written in is decided by then

_USUAL, _SELDOM, _FOREIGN = 3, 2, 1
_MISPLACED, _STRANGE, _IMPOSSIBLE = -3, -6, -20
_SMALL = {
    **dict.fromkeys("éèêàçôâû", _USUAL), **dict.fromkeys("îëïùœöü", _SELDOM), **dict.fromkeys("äæñ", _FOREIGN),
    **dict.fromkeys("áíóúãõ", 0),
}  # fmt: skip
_AT_START = {"é": 3, "ê": 1, "â": 1, "î": 1, "ô": 1, "œ": 2, "ç": 0}  # of a word; other small letters are misplaced
_AT_END = {"é": 3, "ù": 2, "û": 1, "ë": 1, "à": 1, "ê": 0, "ô": 0}
_AFTER_VOWEL = {
    "ë": "ao", "ï": "aeo", "î": "ao", "û": "oe", "ô": "", "â": "", "ö": "", "ü": "", "ä": "",
}  # fmt: skip
"""The vowels behind which a letter is usual (Gaël, Benoît, goût); behind another one it is doubtful."""

_BEFORE_END_A = frozenset("ljLJ")  # là, voilà, déjà: otherwise it is three dots of another code page
_VOWELS = frozenset("aeiouy")
_CAPITAL = {**dict.fromkeys("ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŒÆÑ", 1), **dict.fromkeys("ÁÍÓÚÃÕ", 0)}
_IN_SMALL_WORD = {"É": 3}  # the first letter of a name or a sentence
_MARKS = {"°": 3, "µ": 3, "€": 3, "«": 1, "»": 1}
_NEUTRAL = frozenset("\u00a0’‘“”–—…•²³±½·×\u202f")
_UNITS = frozenset("glmksvGLMKSVUIW")  # begin what stands behind µ
_RULES = frozenset(map(chr, range(0x2500, 0x25A0)))  # lines of tables on old screens


def likeness(text: str) -> int:
    """Points for a reading; the one with the most is the likeliest, and what is not above 0 is no French at all."""
    bare = text.rstrip(_PADDING)
    return sum(
        _points(sign[0], bare[max(sign.start() - 2, 0) : sign.start()], bare[sign.end() : sign.end() + 2])
        for sign in _first(_SIGN.finditer(bare))
    )


def _first(matches: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    for _, match in zip(range(_MOST_SIGNS), matches, strict=False):
        yield match


def _points(sign: str, before: str, after: str) -> int:
    """Of one sign between its neighbours (two on each side, fewer at the ends of the text)."""
    if _CONTROL.match(sign):
        return _IMPOSSIBLE
    if sign in _SMALL:
        return _small(sign, before, after)
    if sign in _CAPITAL:
        return _capital(sign, before, after)
    if sign in _MARKS:
        return _mark(sign, before, after)
    is_inside = before[-1:].isalpha() and after[:1].isalpha()
    if sign in _NEUTRAL:
        return _MISPLACED if is_inside and sign not in "\u00a0\u202f’–" else 0
    return 0 if sign in _RULES and not (before[-1:].isalpha() or after[:1].isalpha()) else _STRANGE


def _small(sign: str, before: str, after: str) -> int:
    is_start, is_end = not before[-1:].isalpha(), not after[:1].isalpha()
    if after[:1].isupper() or (len(before) == 2 and before.isalpha() and before.isupper()):
        return _MISPLACED  # in a word of capitals
    if is_start and is_end:
        is_word = sign == "à" and all(not side or side.isspace() for side in (before[-1:], after[:1]))
        return _USUAL if is_word else 0
    if is_start:
        return _AT_START.get(sign, _MISPLACED)
    if not is_end:
        return _inside(sign, before[-1:].lower())
    return _AT_END.get(sign, _MISPLACED) if sign != "à" or before[-1:] in _BEFORE_END_A else _MISPLACED


def _inside(sign: str, before: str) -> int:
    if before not in _VOWELS or sign not in _AFTER_VOWEL:
        return _SMALL[sign]
    return _USUAL if before in _AFTER_VOWEL[sign] else 0


def _capital(sign: str, before: str, after: str) -> int:
    """In a word of capitals or at the start of one; not between a capital and a small letter."""
    if before[-1:].islower() or (before[-1:].isupper() and after[:1].islower()):
        return _MISPLACED
    return _IN_SMALL_WORD.get(sign, _CAPITAL[sign]) if after[:1].islower() else _CAPITAL[sign]


def _mark(sign: str, before: str, after: str) -> int:
    if before[-1:].isalpha() and after[:1].isalpha():
        return _STRANGE
    is_unit = after[:1] in _UNITS and not (len(after) == 2 and after.isupper())
    is_in_word = after[:1].isalpha() and (sign == "€" or (sign == "µ" and not is_unit))
    return _STRANGE if is_in_word else _MARKS[sign]
