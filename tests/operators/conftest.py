"""Fixtures of the contract of the operators."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.operators.base import Receiver
from connector.sandbox.operator import EmbeddedOperator
from connector.testing.operator import FakeOperator
from tests.operators.contract_party import ME, YOU, EmbeddedParty, FakeParty, Party, RealParty
from tests.servers.mail import Submitter
from tests.servers.operator import MailOperator


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedOperator]:
    with EmbeddedOperator(tmp_path / "operator", [str(ME), str(YOU)]) as running:
        yield running


@pytest.fixture(params=[pytest.param("servers", marks=pytest.mark.servers), "embedded", "fake"])
def party(request: pytest.FixtureRequest) -> Party:
    if request.param == "servers":
        operator: MailOperator = request.getfixturevalue("operator")
        return RealParty(operator, operator.new_mailbox(), operator.new_mailbox("dr.correspondant"))
    if request.param == "embedded":
        return EmbeddedParty(request.getfixturevalue("embedded"))
    return FakeParty(FakeOperator([ME, YOU]))


@pytest.fixture
def desk(party: Party) -> Iterator[Submitter]:
    with Submitter(party.sender()) as submitter:
        yield submitter


@pytest.fixture
def receiver(party: Party) -> Iterator[Receiver]:
    made = party.receiver()
    yield made
    made.close()
