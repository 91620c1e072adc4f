"""Windows letters that somebody read as MacRoman: ``RÈsultat`` for ``Résultat``; put right only when it is certain.

Source rule: folder conventions 1.4 (a very common damage, a show-stopper for the matching of names).
"""

import re

__all__ = ["repaired"]

_SIGN = re.compile(r"[^\x00-\x7f]")
_UNDAMAGED = frozenset("àâäçéèêëîïôöùûüœ")  # letters that such a damage never leaves
_AFTER = frozenset("àâäçéèêëîïôöùûüœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜ°µ€«»²³±’‘“”–—…\u00a0½·×")
_LETTERS = frozenset("ÈËÍÎÁÓÔÚÙ‡‚˚˘¸")  # what é è ê ë ç î ï ô … have become
_SURE = 2  # places that have no other explanation


def repaired(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as it was meant.

    Args:
        text: decoded, whatever it was stored in.

    Returns:
        The text, put right or as it was, and the codes of what is to be told: ``HPRIM_ACCENTS_REPARES`` when every
        sign of the text fits the damage, ``HPRIM_ACCENTS_DOUTEUX`` when only some do and nothing was changed.
    """
    signs = list(_SIGN.finditer(text))
    strange = sum(_is_strange(text, sign) for sign in signs)
    if not strange:
        return text, ()
    meant = _undamaged(text) if strange >= _SURE and not any(_denies(text, sign) for sign in signs) else None
    return (text, ("HPRIM_ACCENTS_DOUTEUX",)) if meant is None else (meant, ("HPRIM_ACCENTS_REPARES",))


def _is_strange(text: str, sign: re.Match[str]) -> bool:
    """True for a capital or a sign where only a small letter can stand."""
    if sign[0] not in _LETTERS:
        return False
    before, after = _neighbours(text, sign)
    if not sign[0].isalpha():
        return _is_small(before) or _is_small(after)
    return _is_small(before) or (before.isalpha() and _is_small(after))


def _denies(text: str, sign: re.Match[str]) -> bool:
    """True where the text is as it should be: a small accented letter, or a capital in a word of capitals."""
    before, after = _neighbours(text, sign)
    in_capitals = sign[0].isupper() and (_is_capital(before) or _is_capital(after))
    return sign[0] in _UNDAMAGED or (in_capitals and not (_is_small(before) or _is_small(after)))


def _neighbours(text: str, sign: re.Match[str]) -> tuple[str, str]:
    return text[max(sign.start() - 1, 0) : sign.start()], text[sign.end() : sign.end() + 1]


def _is_small(letter: str) -> bool:
    return letter.isascii() and letter.islower()


def _is_capital(letter: str) -> bool:
    return letter.isascii() and letter.isupper()


def _undamaged(text: str) -> str | None:
    """The text before the damage, or nothing when a sign of it cannot have come from there."""
    try:
        meant = _SIGN.sub(lambda sign: sign[0].encode("mac_roman").decode("cp1252"), text)
    except UnicodeError:
        return None
    return meant if all(sign[0] in _AFTER for sign in _SIGN.finditer(meant)) else None
