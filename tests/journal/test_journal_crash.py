"""Killed right after each commit, or in the middle of a transaction, the journal is whole and the work goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connector.domain.states import IncomingState, OutgoingState
from tests.journal.journal_builders import BOX, open_journal

pytestmark = pytest.mark.crash

WORK = """
import os, signal, sys
from pathlib import Path
from connector.domain import ports
from connector.domain.states import IncomingEvent, IncomingState, OutgoingEvent
from connector.journal import store
from tests.journal.journal_builders import BOX, DEADLINE, Place, frozen, open_journal, stored_bytes, submission

folder, target = Path(sys.argv[1]), sys.argv[2]

def die(step):
    if step == target:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", 9))

ports.watch_steps(die)
if target == "inside":
    def append(self, original=store.Writing.append_trace):
        original(self)
        if self.entries and self.entries[-1]["action"] == "freeze":
            os.kill(os.getpid(), getattr(signal, "SIGKILL", 9))
    store.Writing.append_trace = append
journal = open_journal(folder)
taken = journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=24)
journal.claim_received(owner="o")
journal.freeze(taken.message_id, [frozen()])
journal.claim_due(BOX, owner="o", limit=1)
journal.data_begun(taken.message_id)
journal.record(taken.message_id, OutgoingEvent.ACCEPT, answer="250 ok")
journal.mark_reported(taken.submission_id, 5)
journal.note_seen(BOX, [Place("INBOX", 1, 1)])
(row,) = journal.claim_incoming(BOX, state=IncomingState.SEEN, owner="o", limit=1)
journal.store([stored_bytes(row.id, b"raw")])
journal.record_incoming(row.id, IncomingEvent.OPEN)
journal.record_incoming(row.id, IncomingEvent.DELIVER, delivered_prefix="p")
journal.record_incoming_many([row.id], IncomingEvent.ACKNOWLEDGE)
print("survived")
"""

O, I = OutgoingState, IncomingState  # noqa: E741 - the two tables of states
AFTER = {
    "inside": (O.RECEIVED, None),  # killed before the commit: nothing of it is there
    "journal.taken": (O.RECEIVED, None),
    "journal.frozen": (O.PREPARED, None),
    "journal.claimed": (O.PREPARED, None),  # given back: nothing had left
    "journal.data_begun": (O.OUTCOME_UNKNOWN, None),  # never sent again by a guess
    "journal.recorded": (O.SENT, None),
    "journal.reported": (O.SENT, None),
    "journal.seen": (O.SENT, I.SEEN),
    "journal.stored": (O.SENT, I.STORED),
    "journal.opened": (O.SENT, I.OPENED),
    "journal.delivered": (O.SENT, I.DELIVERED),
    "journal.acknowledged": (O.SENT, I.ACKNOWLEDGED),
}


@pytest.mark.parametrize("step", AFTER)
def test_a_kill_at_this_step_leaves_a_whole_journal(step: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(tmp_path), step], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -getattr(signal, "SIGKILL", 9), done.stderr
    journal = open_journal(tmp_path)
    journal.recover(owner="new")
    (view,) = journal.submissions()
    incoming = [row.state for row in journal.incoming_messages()]
    outgoing_state, incoming_state = AFTER[step]
    assert view.messages[0].state is outgoing_state
    assert incoming == ([] if incoming_state is None else [incoming_state])
    assert all(journal.payload(f.payload_id) for f in view.files)
    assert journal.violations() == []
    assert journal.verify_trace() == len(journal.trace())
    assert view.mailbox == BOX
    journal.close()
