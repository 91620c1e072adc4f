"""Where the running daemon answers: ``<data_dir>/endpoint.json``, readable by its owner only.

The file also holds the token of the person who started the daemon: commands of the same person need no other. It is
written whole and private from the first moment on, in a folder that nobody else can enter, and dies with the daemon.
"""

import os
from typing import Any

from connector.client.discovery import Endpoint, read_endpoint
from connector.domain.errors import ConnectorError
from connector.platform.files import write_atomic
from connector.platform.paths import DataPaths, default_data_dir
from connector.settings.model import Settings

__all__ = ["ask_health", "data_paths", "forget_endpoint", "tell_endpoint"]


def data_paths(settings: Settings) -> DataPaths:
    """The data folder of these settings."""
    return DataPaths(settings.software.data_dir or default_data_dir())


def tell_endpoint(
    paths: DataPaths, *, host: str, port: int, instance: str = "", token: str = "", certificate_sha256: str = ""
) -> None:
    """Write the address, atomically: a reader never sees half of it.

    Args:
        paths: with the data folder.
        host: address that we listen on.
        port: likewise.
        instance: id of this start.
        token: of the owner.
        certificate_sha256: what we show; empty = http.
    """
    endpoint = Endpoint(
        host=host, port=port, pid=os.getpid(), instance=instance, token=token,
        scheme="https" if certificate_sha256 else "http", certificate_sha256=certificate_sha256,
    )  # fmt: skip
    write_atomic(paths.endpoint, endpoint.as_json())


def forget_endpoint(paths: DataPaths) -> None:
    """Remove the address; a stale one only costs a refused connection."""
    paths.endpoint.unlink(missing_ok=True)


def ask_health(settings: Settings) -> dict[str, Any] | None:
    """The health of the running daemon; ``None`` when there is none.

    After a crash the file is stale and another program may have the port: whatever that one answers counts as none.
    """
    from connector.client.connection import Connection  # noqa: PLC0415 - httpx: slow to import, often nobody to ask

    try:
        with Connection(read_endpoint(data_paths(settings).endpoint)) as connector:
            return connector.health()
    except ConnectorError:
        return None
