"""Bytes from outside as an answer: saved under a name that cannot leave its folder, run by nothing."""

from urllib.parse import quote

from starlette.responses import Response

__all__ = ["attachment"]

_POLICY = "default-src 'none'; sandbox"
_LONGEST_NAME = 150


def attachment(content: bytes, name: str, media_type: str = "application/octet-stream") -> Response:
    """A file to be saved.

    Args:
        content: its bytes.
        name: as whoever sent it wrote it.
        media_type: of the answer.
    """
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(". ")[:_LONGEST_NAME] or "document"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(plain)}", "Content-Security-Policy": _POLICY,
    }  # fmt: skip
    return Response(content, media_type=media_type, headers=headers)
