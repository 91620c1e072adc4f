"""What a message looks like on the SMTP wire: command parameters and content, as pure functions."""

from connector.operators.base import OutgoingEnvelope
from connector.operators.errors import PermanentRefusal

__all__ = ["check_content", "dot_stuffed", "mail_options", "rcpt_options", "xtext"]


def check_content(content: bytes) -> None:
    r"""Refuse what a lenient server could read as the end of the message (SMTP smuggling), or could not carry.

    Raises:
        PermanentRefusal: ``MESSAGE_MALFORME`` for a bare CR or LF, a NUL, or a missing final CRLF (RFC 5321 2.3.8).
    """
    pairs = content.count(b"\r\n")
    if content.count(b"\n") != pairs or content.count(b"\r") != pairs:
        raise PermanentRefusal("MESSAGE_MALFORME", "the message holds a line ending that is not CRLF")
    if b"\0" in content or not content.endswith(b"\r\n"):
        raise PermanentRefusal("MESSAGE_MALFORME", "the message holds a NUL or does not end with CRLF")


def dot_stuffed(content: bytes) -> bytes:
    r"""The content as DATA carries it, final ``.\r\n`` included (RFC 5321 4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"".join((b"." if content.startswith(b".") else b"", stuffed, b".\r\n"))


def mail_options(envelope: OutgoingEnvelope, extensions: frozenset[str]) -> tuple[bytes, ...]:
    """Parameters of MAIL FROM for what the server offers.

    Args:
        envelope: what leaves.
        extensions: EHLO keywords in lower case.

    Raises:
        PermanentRefusal: ``OPERATEUR_SANS_8BIT``: 8-bit content for a server without 8BITMIME (RFC 6152).
    """
    options: list[bytes] = []
    if "size" in extensions:
        options.append(b"SIZE=%d" % len(envelope.content))
    if not envelope.content.isascii():
        if "8bitmime" not in extensions:
            raise PermanentRefusal("OPERATEUR_SANS_8BIT", "8-bit content, and the server does not offer 8BITMIME")
        options.append(b"BODY=8BITMIME")
    if envelope.delivery_receipt and "dsn" in extensions:
        options.append(b"RET=HDRS")
        if envelope.envelope_id:
            options.append(b"ENVID=" + xtext(envelope.envelope_id))
    return tuple(options)


def rcpt_options(envelope: OutgoingEnvelope, address: str, extensions: frozenset[str]) -> tuple[bytes, ...]:
    """Parameters of RCPT TO: ask for delivery receipts when the server can give them (RFC 3461 4.1)."""
    if not (envelope.delivery_receipt and "dsn" in extensions):
        return ()
    return (b"NOTIFY=SUCCESS,FAILURE,DELAY", b"ORCPT=rfc822;" + xtext(address))


def xtext(text: str) -> bytes:
    """Printable ASCII with everything else, and ``+`` and ``=``, as ``+XX`` (RFC 3461 4)."""
    return b"".join(
        bytes((byte,)) if 33 <= byte <= 126 and byte not in b"+=" else b"+%02X" % byte for byte in text.encode()
    )
