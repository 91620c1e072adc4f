"""Encoded words of RFC 2047: read whatever was meant, write what every reader understands."""

import binascii
import re
from email.header import Header

from connector.mail.text import decode_text

__all__ = ["decode_words", "encode_words"]

MAX_TEXT_CHARS = 16_384  # of one header that we are ready to decode

_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")


def decode_words(value: str) -> str:
    """Decode the encoded words of an unfolded header value; never fails.

    White space between two encoded words goes, and words of one charset are joined before decoding, because many
    writers cut a character in two. What does not decode stays as it is.
    """
    value = value[:MAX_TEXT_CHARS]
    if "=?" not in value:
        return value
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        if pending and (between.strip() or match[1].lower() != charset):
            out.append(decode_text(pending, charset))
            pending = b""
        if between.strip() or end == 0:
            out.append(between)
        pending, charset, end = pending + _payload(match[2], match[3]), match[1].lower(), match.end()
    out.append(decode_text(pending, charset))
    return "".join((*out, value[end:]))


def encode_words(value: str, *, header_name: str) -> str:
    r"""A clean one-line text as a header value, folded with ``\r\n``, ASCII only.

    Plain ASCII stays as it is, unless it looks like an encoded word: decoded by the reader it would become
    another text (``[FIN]`` for instance) than the one that was checked.
    """
    if value.isascii() and "=?" not in value:
        return value
    encoded = Header(value, "utf-8", header_name=header_name, maxlinelen=76)
    return encoded.encode(linesep="\r\n")


def _payload(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return data
