"""Values that the tests of the domain share."""

from datetime import UTC, datetime

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.submission import SourceKind, Submission


@pytest.fixture
def submission() -> Submission:
    return Submission(
        id="01JDFZ0000000000000000ABCD",
        mailbox=MailboxAddress.parse("alix@cabinet.mssante.fr"),
        source=SourceKind.FOLDER,
        source_name="REQ0417",
        recipients=(),
        files=(),
        created_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
    )
