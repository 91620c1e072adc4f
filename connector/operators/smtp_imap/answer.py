"""Text of servers, made fit for logs, traces and pages."""

__all__ = ["clean"]

MAX_CHARS = 500


def clean(text: str | bytes) -> str:
    """One bounded line of printable characters.

    Args:
        text: what a server said; as text it may hold the surrogates that aiosmtplib keeps undecodable bytes in.
    """
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    decoded = raw[: 4 * MAX_CHARS].decode("utf-8", "replace")
    printable = "".join(character if character.isprintable() else " " for character in decoded)
    return " ".join(printable.split())[:MAX_CHARS]
