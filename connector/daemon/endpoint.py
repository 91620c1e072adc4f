"""Where the running daemon answers: ``<data_dir>/endpoint.json``, readable by its owner only."""

import http.client
import json
import os
from typing import Any

from connector.platform.files import write_atomic
from connector.platform.paths import DataPaths, default_data_dir
from connector.settings.model import Settings

__all__ = ["ask_health", "data_paths", "forget_endpoint", "tell_endpoint"]

_ANSWER_SECONDS = 3.0
_MAX_ANSWER_BYTES = 1 << 20


def data_paths(settings: Settings) -> DataPaths:
    """The data folder of these settings."""
    return DataPaths(settings.software.data_dir or default_data_dir())


def tell_endpoint(paths: DataPaths, *, host: str, port: int) -> None:
    """Write the address, atomically: a reader never sees half of it."""
    content = {"host": host, "port": port, "pid": os.getpid()}
    write_atomic(paths.endpoint, json.dumps(content).encode())


def forget_endpoint(paths: DataPaths) -> None:
    """Remove the address; a stale one only costs a refused connection."""
    paths.endpoint.unlink(missing_ok=True)


def ask_health(settings: Settings) -> dict[str, Any] | None:
    """The health of the running daemon; ``None`` when there is none.

    After a crash the file is stale and another program may have the port: whatever that one answers counts as none.
    """
    try:
        endpoint = json.loads(data_paths(settings).endpoint.read_text("utf-8"))
        host, port = str(endpoint["host"]), int(endpoint["port"])
        connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/health")
            answer = json.loads(connection.getresponse().read(_MAX_ANSWER_BYTES))
        finally:
            connection.close()
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
    return answer if isinstance(answer, dict) and "status" in answer else None
