"""``status --watch``: a night of sending, seen from the terminal."""

from connector.cli.exits import Exit
from connector.support.progress import Look, progress_of
from tests.cli.terminal import Terminal
from tests.journal.journal_builders import BOX

STATES = {
    "out:sent": 60,
    "out:delivered": 40,
    "out:prepared": 300,
    "out:waiting": 2,
    "out:rejected": 1,
    "out:cancelled": 1,
}


def test_what_left_what_waits_and_what_failed_stand_on_one_line(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        for _ in range(3):
            scene.sent()
        scene.held()
        scene.taken()
    result = terminal.run("status", "--watch", "--looks", "1")
    assert result.exit_code == Exit.OK
    assert str(BOX) in result.stdout
    assert "3 partis sur 5, 1 en attente" in result.stdout


def test_nothing_to_watch(terminal: Terminal) -> None:
    assert "rien depuis" in terminal.run("status", "--watch", "--looks", "1").stdout


def test_the_rate_is_that_of_this_watch() -> None:
    told = progress_of(STATES, Look(at=100.0, left=40, total=404), 160.0)
    assert (told.left, told.under_way, told.waiting, told.failed, told.total) == (100, 300, 2, 1, 404)
    assert (told.per_minute, told.minutes_to_go) == (60.0, 5.0)
    assert told.share == 102 / 404


def test_too_early_for_a_rate_and_a_standstill_promise_nothing() -> None:
    assert progress_of(STATES, None, 0.0).per_minute is None
    assert progress_of(STATES, Look(0.0, 100, 404), 5.0).per_minute is None
    still = progress_of(STATES, Look(0.0, 100, 404), 60.0)
    assert (still.per_minute, still.minutes_to_go) == (0.0, None)
    assert progress_of({}, None, 0.0).share == 1.0
