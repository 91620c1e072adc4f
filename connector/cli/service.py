"""The running connector, for commands that ask it instead of the journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.cli.place import settings_at
from connector.cli.words import is_english
from connector.client.connection import Connection
from connector.client.discovery import read_endpoint
from connector.daemon.endpoint import data_paths
from connector.settings.model import Settings

__all__ = ["connection_to", "service_of"]


@contextmanager
def connection_to(settings: Settings) -> Iterator[Connection]:
    """A conversation with the connector that runs with these settings.

    Raises:
        ServiceUnreachable: ``SERVICE_ARRETE``.
        ConfigurationError: ``ACCES_LOCAL_EXPOSE``.
    """
    endpoint = read_endpoint(data_paths(settings).endpoint)
    with Connection(endpoint, language="en" if is_english() else "fr") as connection:
        yield connection


@contextmanager
def service_of(config: Path | None) -> Iterator[Connection]:
    """The same, from the option of a command; raises also what reading the settings raises."""
    with connection_to(settings_at(config)) as connection:
        yield connection
