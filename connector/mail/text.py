"""Text as the mail room needs it: folded to ASCII, kept on one line, decoded from whatever charset came.

Source rules: Ref#2 ECO.2.1.3 (ASCII subject), RFC 2045, RFC 5322 2.2.
"""

import re
import unicodedata

__all__ = ["ascii_fold", "clean_line", "decode_text"]

_WHITE = re.compile(r"\s+")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_MAPPED = str.maketrans({
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
    "’": "'", "‘": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-",
})  # fmt: skip

_CHARSETS = frozenset(
    {
        "utf8", "usascii", "ascii", "iso88591", "iso885915", "windows1252", "cp1252", "cp850", "cp437", "latin1",
        "iso88592", "iso88593", "iso88594", "iso88595", "iso88596", "iso88597", "iso88598", "iso88599", "iso885910",
        "iso885913", "iso885914", "iso885916", "windows1250", "windows1251", "windows1253", "windows1254",
        "windows1255", "windows1256", "windows1257", "windows1258", "cp1250", "cp1251", "koi8r", "koi8u", "macroman",
        "macintosh", "utf16", "utf16le", "utf16be", "gb18030", "gb2312", "gbk", "big5", "shiftjis", "eucjp", "euckr",
    }
)  # fmt: skip
_PYTHON_NAMES = {"macroman": "mac-roman", "macintosh": "mac-roman", "latin1": "cp1252", "iso88591": "cp1252"}


def ascii_fold(text: str) -> str:
    """Fold to printable ASCII without losing words (Ref#2 ECO.2.1.3).

    Accents are dropped, ligatures and typographic signs mapped, white space (line ends and no-break spaces
    included) becomes one space; what is left that is not printable ASCII disappears.
    """
    spaced = _WHITE.sub(" ", text).translate(_MAPPED)
    folded = _NOT_ASCII.sub("", unicodedata.normalize("NFKD", spaced).translate(_MAPPED))
    return _WHITE.sub(" ", folded).strip()


def clean_line(text: str) -> str:
    """The text on one line, encodable as UTF-8: a line end can never leave it and start another header.

    Controls, invisible and direction-changing characters and half surrogates are taken out.
    """
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    return _WHITE.sub(" ", _CONTROLS.sub("", encodable)).strip()


def decode_text(data: bytes, charset: str = "") -> str:
    """Decode outside text; never fails.

    Args:
        data: the bytes.
        charset: as declared, possibly wrong or unknown. ISO-8859-1 is read as Windows-1252, which most of its
            users mean.

    Returns:
        The declared decoding when it fits, else UTF-8, else Windows-1252, else ISO-8859-1.
    """
    known = re.sub(r"[^a-z0-9]", "", charset.lower())
    tries = [_PYTHON_NAMES.get(known, charset.strip().strip("\"'"))] if known in _CHARSETS else []
    for encoding in (*tries, "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return data.decode("latin-1")
