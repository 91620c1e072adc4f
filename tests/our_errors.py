"""For property tests: whatever the input, nothing is raised but our own errors with known codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from connector.domain.errors import ConnectorError

__all__ = ["only_our_errors"]


@contextmanager
def only_our_errors(kind: type[ConnectorError], *codes: str) -> Iterator[None]:
    """Let an error of ``kind`` with one of ``codes`` pass; every other one fails the test."""
    try:
        yield
    except kind as error:
        if error.code not in codes:
            raise
