"""Parameters of Content-Type and Content-Disposition, RFC 2045 5.1 and RFC 2231.

Reading is lenient (encoded words in quotes, bare accents, missing quotes are all met in the field); writing is
strict. Own code because the one of the standard library can raise on hostile continuations.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from connector.mail.text import clean_line, decode_text
from connector.mail.words import decode_words

__all__ = ["format_parameter", "parse_parameters"]

MAX_VALUE_CHARS = 16_384
MAX_ONE_LINE_CHARS = 60

_PARAMETER = re.compile(r';\s*([^\s=;]{1,100})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_EXTENDED = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*)?)?")


def parse_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Split a header value; never fails.

    Returns:
        What stands before the first ``;`` in lower case, and the parameters by lower-case name. A value in RFC 2231
        form wins over a plain one of the same name; the first of equal names counts.
    """
    value = value[:MAX_VALUE_CHARS]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, text in _PARAMETER.findall(value):
        if extended := _EXTENDED.fullmatch(name):
            base, number, starred = extended.groups()
            piece = (_unquoted(text), starred is not None or number is None)
            pieces.setdefault(base.lower(), {}).setdefault(int(number or 0), piece)
        else:
            plain.setdefault(name.lower(), decode_words(_unquoted(text)))
    joined = {name: _joined(numbered) for name, numbered in pieces.items()}
    return value.split(";", 1)[0].strip().lower(), plain | joined


def format_parameter(name: str, value: str) -> str:
    r"""A parameter to put behind a header, ``;`` and folding included.

    ASCII goes into quotes. Anything else, or too long for one line, goes into RFC 2231 segments of UTF-8.
    """
    value = clean_line(value)
    if value.isascii() and len(value) <= 200 and "=?" not in value:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{escaped}"'
    encoded = "UTF-8''" + quote(value, safe="")
    if len(encoded) <= MAX_ONE_LINE_CHARS:
        return f";\r\n {name}*={encoded}"
    segments = re.findall(r"(?:%[0-9A-F]{2}|[^%]){1,18}", encoded)  # never cuts an escape
    return "".join(f";\r\n {name}*{number}*={segment}" for number, segment in enumerate(segments))


def _unquoted(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        text = text[1:].removesuffix('"')
    return re.sub(r'\\(["\\])', r"\1", text)


def _joined(numbered: Mapping[int, tuple[str, bool]]) -> str:
    """Put the segments together: the first extended one names the charset (RFC 2231 4.1)."""
    data, charset = b"", ""
    for position, number in enumerate(sorted(numbered)):
        text, extended = numbered[number]
        if extended and position == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if extended else text.encode("utf-8", "replace")
    return decode_text(data, charset)
