"""One thread, one call at a time, and a call that hangs takes nobody with it."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from connector.domain.errors import Unavailable
from connector.identities.card.thread import CardThread

PATIENCE = 20.0
SHORT = 0.02  # a limit that a test lets pass


@pytest.fixture
def thread() -> Iterator[CardThread]:
    made = CardThread()
    yield made
    with suppress(Unavailable):  # a call that a test has let hang may not be back yet
        made.close()


class Hanging:
    """A call that comes back when it is told to."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        self.ended.set()
        return "late"


def in_background(work: Callable[[], object]) -> threading.Thread:
    started = threading.Thread(target=work)
    started.start()
    return started


def _told(thread: CardThread, work: Callable[[], object], told: list[object], *, urgent: bool = False) -> None:
    try:
        told.append(thread.call(work, seconds=PATIENCE, urgent=urgent))
    except Unavailable as error:
        told.append(error.code)


def test_every_call_runs_on_the_same_thread_which_is_not_ours(thread: CardThread) -> None:
    used = {thread.call(threading.get_ident, seconds=PATIENCE) for _ in range(5)}
    assert len(used) == 1
    assert threading.get_ident() not in used


def test_calls_of_many_threads_never_overlap(thread: CardThread) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        inside -= 1

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(thread.call, work, seconds=PATIENCE) for _ in range(200)]:
            done.result(PATIENCE)
    assert most == 1


def test_what_a_call_raises_reaches_who_waits(thread: CardThread) -> None:
    def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        thread.call(work, seconds=PATIENCE)
    assert thread.call(lambda: 1, seconds=PATIENCE) == 1


def test_a_wish_to_stop_that_a_call_raises_reaches_who_waits(thread: CardThread) -> None:
    def work() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        thread.call(work, seconds=PATIENCE)
    assert thread.call(lambda: 1, seconds=PATIENCE) == 1


def test_urgent_calls_come_before_those_that_wait(thread: CardThread) -> None:
    hanging, order, told = Hanging(), list[str](), list[object]()
    started = [in_background(lambda: _told(thread, hanging, told))]
    assert hanging.begun.wait(PATIENCE)
    for name, urgent in (("first", False), ("urgent", True)):
        started.append(in_background(lambda n=name, u=urgent: _told(thread, lambda: order.append(n), told, urgent=u)))  # type: ignore[misc]
        _until(lambda: len(thread._queue) == len(started) - 1)
    hanging.may_end.set()
    for one in started:
        one.join(PATIENCE)
    assert order == ["urgent", "first"]


def _until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(4000):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it never happened")


def test_a_call_over_its_limit_is_given_up_and_nothing_is_queued_behind_it(thread: CardThread) -> None:
    hanging = Hanging()
    with pytest.raises(Unavailable) as late:
        thread.call(hanging, seconds=SHORT)
    assert late.value.code == "CARTE_DEFAILLANTE"
    assert thread.is_stuck
    with pytest.raises(Unavailable, match="does not come back"):
        thread.call(lambda: pytest.fail("was queued behind a call that hangs"), seconds=PATIENCE)
    hanging.may_end.set()


def test_those_who_waited_behind_it_are_told_too_and_their_calls_never_run(thread: CardThread) -> None:
    hanging, ran, told = Hanging(), list[int](), list[object]()
    first = in_background(lambda: _limited(thread, hanging, told))
    assert hanging.begun.wait(PATIENCE)
    behind = in_background(lambda: _told(thread, lambda: ran.append(1), told))
    first.join(PATIENCE)
    behind.join(PATIENCE)
    assert told == ["CARTE_DEFAILLANTE", "CARTE_DEFAILLANTE"]
    hanging.may_end.set()
    assert hanging.ended.wait(PATIENCE)
    _until(lambda: not thread.is_stuck)
    assert ran == []


def _limited(thread: CardThread, hanging: Hanging, told: list[object]) -> None:
    try:
        thread.call(hanging, seconds=0.3)
    except Unavailable as error:
        told.append(error.code)


def test_a_call_that_comes_back_late_makes_the_thread_usable_again_and_is_counted(thread: CardThread) -> None:
    hanging = Hanging()
    with pytest.raises(Unavailable):
        thread.call(hanging, seconds=SHORT)
    assert thread.revivals == 0
    hanging.may_end.set()
    _until(lambda: not thread.is_stuck)
    assert thread.revivals == 1
    assert thread.call(lambda: "good", seconds=PATIENCE) == "good"


def test_a_call_whose_waiter_was_interrupted_counts_as_given_up_for_the_next_one(thread: CardThread) -> None:
    hanging = Hanging()
    gone = in_background(lambda: _limited(thread, hanging, []))
    assert hanging.begun.wait(PATIENCE)
    gone.join(PATIENCE)
    thread._given_up = None  # as if the one who waited had left without a word
    with pytest.raises(Unavailable):
        thread.call(lambda: None, seconds=PATIENCE)
    hanging.may_end.set()
    _until(lambda: not thread.is_stuck)
    assert thread.revivals == 1


def test_time_in_the_queue_does_not_count_against_a_call(thread: CardThread) -> None:
    hanging, told = Hanging(), list[object]()
    first = in_background(lambda: _told(thread, hanging, told))
    assert hanging.begun.wait(PATIENCE)
    second = in_background(lambda: _quick(thread, told))
    _until(lambda: len(thread._queue) == 1)
    threading.Event().wait(4 * SHORT)  # longer than the limit of the second
    hanging.may_end.set()
    first.join(PATIENCE)
    second.join(PATIENCE)
    assert sorted(map(str, told)) == ["late", "quick"]


def _quick(thread: CardThread, told: list[object]) -> None:
    told.append(thread.call(lambda: "quick", seconds=SHORT * 2))


def test_closing_runs_the_last_call_and_then_refuses(thread: CardThread) -> None:
    thread.call(lambda: None, seconds=PATIENCE)
    last = list[int]()
    thread.close(lambda: last.append(1))
    assert last == [1]
    with pytest.raises(Unavailable, match="closed"):
        thread.call(lambda: None, seconds=PATIENCE)


def test_closing_what_never_began_touches_nothing() -> None:
    thread = CardThread()
    thread.close(lambda: pytest.fail("there was nothing to close"))
    with pytest.raises(Unavailable):
        thread.call(lambda: None, seconds=PATIENCE)


def test_closing_leaves_a_call_that_hangs_behind(thread: CardThread) -> None:
    hanging = Hanging()
    with pytest.raises(Unavailable):
        thread.call(hanging, seconds=SHORT)
    with pytest.raises(Unavailable):
        thread.close(lambda: pytest.fail("cannot run"), seconds=SHORT)
    hanging.may_end.set()


def test_a_forked_child_is_told_that_it_has_no_card(thread: CardThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(Unavailable, match="forked"):
        thread.call(lambda: None, seconds=PATIENCE)
