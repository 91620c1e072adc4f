"""Settings of webhooks: programs of this machine that are told what happens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.domain.text import Text
from connector.settings.base import BadSetting, SecretRef, Section

__all__ = ["LoopbackUrl", "WebhookSettings"]

_HOSTS = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class LoopbackUrl:
    """An address of this machine, taken apart once: nobody reads it a second time, and perhaps otherwise."""

    scheme: str  # http, https
    host: str  # 127.0.0.1, ::1, localhost
    port: int
    target: str  # path and query

    @classmethod
    def parse(cls, text: str) -> "LoopbackUrl":
        """Take an address apart.

        Args:
            text: e.g. ``http://127.0.0.1:5005/mssante``.

        Raises:
            ValueError: it is not http(s) to this machine with a port, or has a user, a fragment, or anything outside
                printable ASCII.
        """
        if not (text.isascii() and text.isprintable()) or " " in text or "#" in text:
            raise ValueError("characters that urlsplit would drop without a word")
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or 0
        bracketed = f"[{host}]" if ":" in host else host
        if parts.scheme not in ("http", "https") or host not in _HOSTS or not port:
            raise ValueError("not this machine, or no port")
        if parts.netloc != f"{bracketed}:{port}":
            raise ValueError("a user, or a host or port that is written in another way")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port, target)


class WebhookSettings(Section):
    """A program of this machine that is told what happens, by POST; see docs/api-webhooks.md."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    """Under this name the connector remembers what was accepted; a new name starts with what happens from now on."""
    url: str
    """``http://`` or ``https://``, 127.0.0.1, [::1] or localhost, a port, a path."""
    events: list[Literal["message", "inbox", "connector"]] = Field(
        default=["message", "inbox", "connector"], min_length=1
    )
    """Which kinds are told."""
    secret: SecretRef | None = None
    """Signs every body (HMAC-SHA256, header ``MSS-Signature``)."""
    trust: Path | None = None
    """For https: PEM file of the receiver's certificate or its authority; default: the authorities of the system."""

    @field_validator("url")
    @classmethod
    def _this_machine(cls, url: str) -> str:
        try:
            LoopbackUrl.parse(url)
        except ValueError:
            raise BadSetting(
                Text("ce n'est pas une adresse de cette machine", "is not an address of this machine"),
                Text(
                    "attendu : http(s)://127.0.0.1, [::1] ou localhost, avec un port, p. ex. http://127.0.0.1:5005/mss",
                    "expected http(s)://127.0.0.1, [::1] or localhost, with a port, e.g. http://127.0.0.1:5005/mss",
                ),
            ) from None
        return url

    @property
    def address(self) -> LoopbackUrl:
        """The url, taken apart."""
        return LoopbackUrl.parse(self.url)
