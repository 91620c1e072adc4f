"""What tests of a running daemon share: dropping a document as software does, and waiting for what comes of it."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

from connector.demo import Stage
from connector.sandbox.samples import sample

__all__ = ["drop", "until"]

PATIENCE_SECONDS = 40.0
_Found = TypeVar("_Found")


def until(look: Callable[[], _Found | None], what: str) -> _Found:
    """Look until something is there."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}")


def drop(
    scene: Stage, name: str = "REQ0417", document: str = "cr-biologie-v1.xml", *, box: str = "labo-exemple",
    recipient: str = "",
) -> None:  # fmt: skip
    """A document with its sidecar, each renamed into place; to the practitioner unless somebody else is named."""
    outbox = scene.settings.spool.root / box / "A_ENVOYER"
    address = recipient or str(scene.settings.mailboxes[1].address)
    sidecar = {"version": 1, "destinataires": [{"adresse": address}]}
    for suffix, content in ((".xml", sample(document)), (".mss.json", json.dumps(sidecar).encode())):
        part = outbox / f".{name}{suffix}.tmp"
        part.write_bytes(content)
        part.rename(outbox / f"{name}{suffix}")
