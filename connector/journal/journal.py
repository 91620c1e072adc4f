"""The durable store of the connector: one method per question, each one transaction with its trace.

The questions live with their subject: :mod:`submissions <connector.journal.submissions>`, :mod:`freezing`,
:mod:`outgoing`, :mod:`incoming`, :mod:`listed`, :mod:`payloads`, :mod:`traces`, :mod:`upkeep`, :mod:`clients`,
:mod:`inbox`, :mod:`events`, :mod:`search`, :mod:`statistics`, :mod:`webhooks`, :mod:`refused`, :mod:`documents`,
:mod:`receipts`, :mod:`notices`, :mod:`hl7_answers`, :mod:`stories`, :mod:`deliveries`, :mod:`threads`.
All are synchronous and thread-safe.

Promises, each with its test:

1. What a method wrote survives power loss when it returns; a crash before leaves nothing of it.
2. A state changes along the tables of :mod:`connector.domain.states` or not at all.
3. Two workers never get the same row.
4. Payloads are written once, encrypted, in the transaction of the row that owns them.
5. The trace only grows; a changed, missing or added entry is found.
6. The cost of a question does not grow with the history.
"""

from typing import Self

from connector.domain.ports import Clock, IdSource
from connector.journal.clients import Clients
from connector.journal.deliveries import Deliveries
from connector.journal.documents import ReceivedDocuments
from connector.journal.events import Events
from connector.journal.freezing import Freezing
from connector.journal.hl7_answers import Hl7Answers
from connector.journal.inbox import InboxMarks
from connector.journal.incoming import Incoming
from connector.journal.listed import Listed
from connector.journal.notices import Notices
from connector.journal.outgoing import Outgoing
from connector.journal.payloads import Payloads
from connector.journal.receipts import Receipts
from connector.journal.refused import RefusedDrops
from connector.journal.search import Search
from connector.journal.statistics import Statistics
from connector.journal.store import journal_exists, open_store
from connector.journal.stories import Stories
from connector.journal.submissions import Submissions
from connector.journal.threads import Threads
from connector.journal.traces import Traces
from connector.journal.upkeep import Upkeep
from connector.journal.vault import Vault
from connector.journal.webhooks import WebhookMarks

__all__ = ["Journal", "journal_exists"]


class Journal(
    Submissions, Freezing, Outgoing, Incoming, Listed, Payloads, Traces, Upkeep, Clients, InboxMarks, Events, Search,
    Statistics, WebhookMarks, RefusedDrops, ReceivedDocuments, Receipts,
    Notices, Hl7Answers, Stories, Deliveries, Threads,
):  # fmt: skip
    """The journal. Make it with :meth:`open`."""

    @classmethod
    def open(cls, url: str, *, vault: Vault, clock: Clock, ids: IdSource, actor: str = "connector") -> Self:
        """Open the journal, making or migrating its tables.

        Args:
            url: SQLAlchemy URL; ``sqlite:///<path>`` or PostgreSQL.
            vault: with the key of this journal.
            clock: for every time that is stored.
            ids: for the ids of rows.
            actor: who acts, in the trace, unless a call names somebody else.

        Raises:
            JournalVersion: ``JOURNAL_VERSION``: a newer version of the connector wrote it.
            JournalDamaged: ``JOURNAL_ALTERE``: the file is damaged, or no journal.
            ConfigurationError: ``CLE_FAUSSE``: the key is not that of this journal.
            Unavailable: ``JOURNAL_INDISPONIBLE``: locked, no right, disk gone.
        """
        return cls(open_store(url, vault=vault, clock=clock, ids=ids, actor=actor))

    def close(self) -> None:
        """Let go of the database; the object is of no use afterwards."""
        self._store.close()
