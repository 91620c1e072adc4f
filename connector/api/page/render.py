"""Answers of the page: templates, headers, and what stands around every sheet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from connector import __version__
from connector.api.page.language import Speech
from connector.api.page.sessions import PageSession
from connector.documents.cda.page import document_rules
from connector.domain.text import Text

__all__ = ["POLICY", "Visit", "assets", "closed_page", "html"]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline."""

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, auto_reload=False,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need: style sheet, script, icon."""

    content: bytes = field(repr=False)
    media_type: str
    version: str  # changes with the content


@cache
def assets() -> Mapping[str, Asset]:
    """All of them by name; a name from outside is looked up here and never becomes a path."""
    return {
        path.name: _asset(path) for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES
    }  # fmt: skip


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    if path.name == "page.css":
        content += document_rules().encode()
    return Asset(content, _TYPES[path.suffix], sha256(content).hexdigest()[:12])


def _asset_url(name: str) -> str:
    return f"/static/{name}?v={assets()[name].version}"


_ENVIRONMENT.globals.update(asset=_asset_url, version=__version__)


def html(template: str, status: int, speech: Speech, **context: Any) -> HTMLResponse:
    """A rendered template with the headers that every page has."""
    content = _ENVIRONMENT.get_template(template).render(t=speech, **context)
    headers = {
        "Content-Security-Policy": POLICY, "Content-Language": speech.lang,
        "Referrer-Policy": "same-origin",  # with no-referrer a browser sends our own forms with "Origin: null"
    }  # fmt: skip
    return HTMLResponse(content, status, headers)


def closed_page(speech: Speech, *, reason: str = "closed", status: int = 401) -> HTMLResponse:
    """For whoever has no session: how the page is opened.

    Args:
        speech: of the browser.
        reason: ``closed``, ``link`` (it was used or is too old), ``left`` (logged out).
        status: of HTTP.
    """
    return html("closed.html", status, speech, reason=reason)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who has a session."""

    session: PageSession
    speech: Speech
    path: str  # of the request
    is_fragment: bool = False  # only the content is wanted, by our own script

    @property
    def root(self) -> str:
        """What every address of this session begins with."""
        return root_of(self.session)

    def page(self, template: str, *, here: str = "", status: int = 200, **context: Any) -> HTMLResponse:
        """A sheet.

        Args:
            template: file name.
            here: which entry of the menu it belongs to.
            status: of HTTP.
            context: for the template.
        """
        return html(
            template, status, self.speech, root=self.root, form_token=self.session.form_token, here=here,
            notes=[] if self.is_fragment else self.session.take_notes(), path=self.path,
            layout="fragment.html" if self.is_fragment else "layout.html", **context,
        )  # fmt: skip

    def go(self, path: str) -> Response:
        """Lead on, after a form was handled: reloading then repeats nothing.

        Args:
            path: below :attr:`root`, with its slash.
        """
        return RedirectResponse(self.root + path, 303)

    def done(self, told: Text) -> None:
        """Have a success told on the next sheet."""
        self.session.note("done", self.speech.text(told))

    def problem(self, code: str) -> None:
        """Have a problem told on the next sheet: what happened, what to do."""
        self.session.note("problem", f"{self.speech.title(code)} {self.speech.cure(code)}")


def root_of(session: PageSession) -> str:
    """Where the addresses of a session begin."""
    return f"/p/{session.key}"
