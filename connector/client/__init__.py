"""Public client of the local API: finds the running connector, makes sure that it is the connector, and asks it.

::

    from connector.client import Connection, read_endpoint

    with Connection(read_endpoint(data_dir / "endpoint.json")) as connector:
        print(connector.card().presence)

:mod:`connector.client.models` describes what goes over the wire, for both sides.
"""

from connector.client.connection import Connection, Preview, StreamEvent
from connector.client.discovery import Endpoint, read_endpoint
from connector.client.failure import ServiceError, SeveralMessages

__all__ = ["Connection", "Endpoint", "Preview", "ServiceError", "SeveralMessages", "StreamEvent", "read_endpoint"]
