"""Many threads, one journal: nobody gets what another has, nothing is lost, the chain holds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from connector.domain.states import IncomingState, OutgoingEvent
from connector.journal.journal import Journal
from connector.testing.clock import CountingIds, FakeClock
from tests.journal.journal_builders import BOX, DEADLINE, Place, Scene, open_journal, submission

THREADS = 4
_T = TypeVar("_T")


def _together(work: Callable[[int], _T]) -> list[_T]:
    """Run the same work in several threads that start at the same moment."""
    barrier = Barrier(THREADS)

    def one(number: int) -> _T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def _drain(claim: Callable[[], list[str]]) -> list[str]:
    got: list[str] = []
    while found := claim():
        got += found
    return got


def test_two_senders_never_get_the_same_message(scene: Scene) -> None:
    ids = {scene.prepared() for _ in range(30)}

    def work(number: int) -> list[str]:
        return _drain(lambda: [m.id for m in scene.journal.claim_due(BOX, owner=f"o{number}", limit=3)])

    claimed = [message_id for got in _together(work) for message_id in got]
    assert sorted(claimed) == sorted(ids)


def test_two_preparers_and_two_openers_never_get_the_same_row(scene: Scene) -> None:
    ids = {scene.taken() for _ in range(20)}
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid) for uid in range(1, 21)])

    def work(number: int) -> tuple[list[str], list[str]]:
        owner = f"o{number}"
        out = _drain(lambda: [m.id for m in scene.journal.claim_received(owner=owner, limit=2)])
        into = _drain(
            lambda: [m.id for m in scene.journal.claim_incoming(BOX, state=IncomingState.SEEN, owner=owner, limit=2)]
        )
        return out, into

    results = _together(work)
    assert sorted(m for out, _ in results for m in out) == sorted(ids)
    assert len([m for _, into in results for m in into]) == len({m for _, into in results for m in into}) == 20


def test_the_same_drop_taken_by_two_threads_is_taken_once(scene: Scene) -> None:
    taken = _together(lambda _: scene.journal.take(submission(1), deadline_at=DEADLINE, duplicate_hours=24))
    assert len(set(taken)) == 1
    assert len(scene.journal.submissions()) == 1


def test_the_chain_holds_when_two_processes_write(tmp_path: Path) -> None:
    journals = [open_journal(tmp_path, FakeClock(), CountingIds(number * 10_000 + 1)) for number in range(THREADS)]

    def work(number: int) -> None:
        journal: Journal = journals[number]
        for step in range(10):
            given = submission(number * 100 + step + 1)
            taken = journal.take(given, deadline_at=DEADLINE, duplicate_hours=24)
            journal.record(taken.message_id, OutgoingEvent.CANCEL)

    _together(work)
    assert journals[0].verify_trace() == 1 + THREADS * 10 * 2
    assert journals[0].violations() == []
    for journal in journals:
        journal.close()
