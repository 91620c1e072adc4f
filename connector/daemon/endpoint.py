"""Where the running daemon answers: ``<data_dir>/endpoint.json``, readable by its owner only."""

import http.client
import json
import os
from pathlib import Path
from typing import Any

from connector.platform.files import write_atomic
from connector.platform.paths import data_dir
from connector.settings.model import Settings

__all__ = ["ask_health", "forget_endpoint", "tell_endpoint"]

_ANSWER_SECONDS = 3.0


def tell_endpoint(folder: Path, *, host: str, port: int) -> None:
    """Write the address, atomically: a reader never sees half of it."""
    content = {"host": host, "port": port, "pid": os.getpid()}
    write_atomic(folder / "endpoint.json", json.dumps(content).encode())


def forget_endpoint(folder: Path) -> None:
    """Remove the address; a stale one only costs a refused connection."""
    (folder / "endpoint.json").unlink(missing_ok=True)


def ask_health(settings: Settings) -> dict[str, Any] | None:
    """The health of the running daemon; ``None`` when there is none."""
    try:
        endpoint = json.loads((data_dir(settings.software.data_dir) / "endpoint.json").read_text("utf-8"))
        connection = http.client.HTTPConnection(endpoint["host"], endpoint["port"], timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/health")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return None
    return answer
