"""Settings of the local HTTP server."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.domain.text import Text
from connector.settings.base import BadSetting, Section
from connector.settings.webhook import WebhookSettings

__all__ = ["ApiSettings"]


class ApiSettings(Section):
    """The local HTTP server: REST, events, the page."""

    enabled: bool = True
    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    """This machine only; there is no way to listen to the network."""
    port: int = Field(default=8723, ge=0, le=65535)
    """0 = any free port, told in ``<data_dir>/endpoint.json``."""
    tls: bool = False
    """https with a certificate of this installation, made in ``<data_dir>/api-tls/``; see docs/api-tls.md."""
    allowed_origins: list[str] = []
    """Origins of web pages that may use the API with a token of theirs, e.g. ``https://lps.exemple``; none by
    default."""
    max_body_bytes: int = Field(default=64_000_000, ge=1_000_000, le=500_000_000)
    """Largest request with documents; what a message may have is the operator's business."""
    desktop_notices: bool = False
    """Tell on the desktop when something needs a person, and when it is settled; needs the person's own session."""
    webhooks: list[WebhookSettings] = Field(default=[], max_length=8)
    """Programs of this machine that are told what happens; none by default."""

    @field_validator("allowed_origins")
    @classmethod
    def _exact(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if not _is_origin(origin):
                raise BadSetting(
                    Text("ce n'est pas l'origine d'une page", "is not the origin of a page"),
                    Text(
                        "attendu : https://hôte ou http://hôte:port, en minuscules, sans chemin ni joker",
                        "expected https://host or http://host:port, lower-case, without path or wildcard",
                    ),
                )
        return origins

    @field_validator("webhooks")
    @classmethod
    def _names_differ(cls, webhooks: list[WebhookSettings]) -> list[WebhookSettings]:
        if len({webhook.name for webhook in webhooks}) != len(webhooks):
            raise BadSetting(
                Text("deux webhooks ont le même name", "two webhooks have the same name"),
                Text("attendu : des noms distincts", "expected distinct names"),
            )
        return webhooks


def _is_origin(text: str) -> bool:
    """True for what a browser writes into ``Origin``, ``null`` excepted."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or "*" in text or "@" in text:
        return False
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return port != default and text == f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
