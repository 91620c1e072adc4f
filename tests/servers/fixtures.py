"""Fixtures around the real servers; every test file can ask for them."""

from collections.abc import Iterator

import pytest

from connector.domain.address import MailboxAddress
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki

__all__ = ["mailbox", "operator", "password_operator", "pki", "token_operator"]


@pytest.fixture(scope="session")
def pki() -> Pki:
    """Certificates, right and wrong ones."""
    return Pki()


@pytest.fixture(scope="session")
def operator(pki: Pki) -> Iterator[MailOperator]:
    """Postfix and Dovecot that demand the client certificate."""
    yield from _running(MailOperator(pki))


@pytest.fixture(scope="session")
def password_operator(pki: Pki) -> Iterator[MailOperator]:
    """Postfix and Dovecot that take login and password."""
    yield from _running(MailOperator(pki, demands_certificate=False))


@pytest.fixture(scope="session")
def token_operator(pki: Pki) -> Iterator[MailOperator]:
    """Postfix and Dovecot that take access tokens."""
    yield from _running(MailOperator(pki, demands_certificate=False, takes_tokens=True))


@pytest.fixture
def mailbox(operator: MailOperator) -> MailboxAddress:
    """A mailbox of this test alone."""
    return operator.new_mailbox()


def _running(operator: MailOperator) -> Iterator[MailOperator]:
    try:
        operator.start()
        yield operator
    finally:
        operator.stop()
