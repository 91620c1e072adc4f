"""A document as a whole page that runs nothing and loads nothing: style sheet and pictures are inside.

What the page may do is said in the page itself: whoever opens it as a file has no server that would say so.
"""

import base64
from functools import cache, partial
from hashlib import sha256
from html import escape
from importlib.resources import files

from connector.documents.cda.html import cda_html
from connector.documents.cda.parse import OpenedCda

__all__ = ["cda_page", "document_rules", "harmless_page", "inline_image", "page_policy", "page_style"]

_BASE = """\
body { font: 1rem/1.5 system-ui, sans-serif; margin: 1rem; color: #14181a; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: .9rem ui-monospace, monospace; }
img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
"""


def cda_page(opened: OpenedCda) -> bytes:
    """A CDA document as a page, in UTF-8.

    Raises:
        InvalidSubmission: ``TROP_GROS``: narrative, tables or images over the bounds.
    """
    shown = cda_html(opened, image_url=str)
    if shown.images:
        shown = cda_html(opened, image_url=partial(_nth, shown.images))
    return harmless_page(shown.title, shown.html).encode("utf-8")


def _nth(images: tuple[str, ...], number: int) -> str:
    return inline_image(images[number])


def inline_image(svg: str) -> str:
    """The address of a picture that is in the page."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def harmless_page(title: str, body: str) -> str:
    """A whole page around elements of ours.

    Args:
        title: plain text.
        body: elements, every text in them escaped.
    """
    return (
        '<!doctype html>\n<html lang="fr"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{page_policy()}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{page_style()}</style></head>\n<body>{body}</body></html>\n"
    )


@cache
def document_rules() -> str:
    """The style sheet of documents, one rule a line: the classes of :mod:`connector.documents.cda.html`."""
    return files("connector.documents.cda").joinpath("document.css").read_text("utf-8")


@cache
def page_style() -> str:
    """The style sheet inside a page."""
    return _BASE + document_rules().rstrip("\n")


@cache
def page_policy() -> str:
    """What a page may do: show pictures that are in it, in its own style."""
    digest = base64.b64encode(sha256(page_style().encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
