"""Bodies: JSON or multipart only.

A form or a ``text/plain`` body is what a page can send anywhere without asking; neither means anything here.
"""

from connector.api.guard.head import Refusal, RequestHead

__all__ = ["check_content_type", "media_type"]

_ACCEPTED = ("application/json", "multipart/form-data")


def check_content_type(head: RequestHead) -> Refusal | None:
    """Nothing, or exactly one accepted type, and no content coding (a small body could unfold into a huge one)."""
    types = head.all("content-type")
    if head.all("content-encoding"):
        return _refused("Content-Encoding is not accepted")
    if not types and not head.has_body:
        return None
    if len(types) == 1 and media_type(types[0]) in _ACCEPTED:
        return None
    return _refused("Content-Type must be application/json or multipart/form-data, exactly once")


def media_type(header: str) -> str:
    """The type of a ``Content-Type`` header without its parameters, lower-case."""
    return header.partition(";")[0].strip().lower()


def _refused(detail: str) -> Refusal:
    return Refusal("API_TYPE_CONTENU", 415, detail)
