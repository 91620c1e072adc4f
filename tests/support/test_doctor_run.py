"""The doctor itself: in order, several at once, each within its time; a crash is a finding, never the end."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from connector.domain.errors import Unavailable
from connector.domain.text import Text
from connector.support.doctor import Check, Finding, Gives, Group, Need, Severity, World, examine, left_out, worst
from connector.support.doctor import run as run_module
from connector.support.doctor.check import Part, once
from connector.support.doctor.finding import error, ok, refusal, warning
from connector.support.doctor.report import Report
from connector.testing.clock import FakeClock
from tests.support.doctor_scene import Practice

PATIENCE_SECONDS = 20.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return Practice(tmp_path).world()


def check(name: str, *parts: Part, needs: Iterable[Need] = (), seconds: float = PATIENCE_SECONDS) -> Check:
    return Check(
        name=name, group=Group.MACHINE, title=Text(name, name), parts=lambda _: parts, gives=Gives(),
        needs=frozenset(needs), seconds=seconds,
    )  # fmt: skip


def says(*findings: Finding) -> Part:
    return lambda: findings


def codes(checks: list[Check], world: World, lanes: int = 6) -> list[tuple[str, list[str]]]:
    found = examine(checks, world, lanes=lanes)
    return [(one.check.name, [finding.code for finding in one.findings]) for one in found]


def test_checks_are_told_in_their_order_whoever_ends_first(world: World) -> None:
    second_done = threading.Event()

    def first() -> Iterator[Finding]:
        assert second_done.wait(PATIENCE_SECONDS)
        yield ok("A", "")

    def second() -> Iterator[Finding]:
        yield ok("B", "")
        second_done.set()

    assert codes([check("first", first), check("second", second)], world) == [("first", ["A"]), ("second", ["B"])]


def test_parts_of_a_check_run_side_by_side_and_keep_their_order(world: World) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def part(code: str) -> Part:
        def run() -> Iterator[Finding]:
            meeting.wait()
            yield ok(code, "")

        return run

    assert codes([check("both", part("A"), part("B"))], world) == [("both", ["A", "B"])]


def test_no_more_run_at_once_than_there_are_lanes(world: World) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def run() -> Iterator[Finding]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        yield ok("A", "")
        with lock:
            running[0] -= 1

    assert codes([check("many", *[run] * 12)], world, lanes=1) == [("many", ["A"] * 12)]
    assert most == [1]


def test_a_crash_is_a_finding_with_its_place_and_without_any_value(world: World) -> None:
    def crash() -> Iterator[Finding]:
        yield ok("A", "")
        raise ValueError("DUPONT Jean")

    (broken, whole) = examine([check("broken", crash), check("whole", says(ok("B", "")))], world)
    assert [finding.code for finding in broken.findings] == ["A", "CONTROLE_INTERROMPU"]
    assert broken.findings[1].severity is Severity.ERROR
    assert broken.findings[1].detail.startswith("ValueError, test_doctor_run.py:")
    assert "DUPONT" not in broken.findings[1].detail
    assert [finding.code for finding in whole.findings] == ["B"]


def test_a_check_that_cannot_even_say_its_parts_is_a_finding(world: World) -> None:
    def parts(_: World) -> list[Part]:
        raise LookupError("x")

    broken = Check(name="b", group=Group.CARD, title=Text("b", "b"), parts=parts, gives=Gives(), needs=frozenset())
    assert codes([broken], world) == [("b", ["CONTROLE_INTERROMPU"])]


def test_our_own_errors_keep_their_code(world: World) -> None:
    def locked() -> list[Finding]:
        raise Unavailable("SECRET_INDISPONIBLE", "locked")

    (found,) = examine([check("secrets", locked)], world)
    assert found.findings == (error("SECRET_INDISPONIBLE", "secrets", "locked"),)


def test_a_check_that_hangs_is_given_up_and_what_it_found_counts(world: World) -> None:
    release, ended = threading.Event(), threading.Event()

    def hang() -> Iterator[Finding]:
        yield ok("A", "")
        release.wait(PATIENCE_SECONDS)
        yield ok("TOO_LATE", "")
        ended.set()

    checks = [check("hangs", hang, seconds=0.2), check("whole", says(ok("B", "")))]
    try:
        assert codes(checks, world, lanes=1) == [("hangs", ["A", "CONTROLE_TROP_LONG"]), ("whole", ["B"])]
    finally:
        release.set()
    assert ended.wait(PATIENCE_SECONDS)


def test_news_of_the_dead_change_nothing(world: World) -> None:
    """What hangs may still speak while others work."""
    release, spoke = threading.Event(), threading.Event()

    def hang() -> Iterator[Finding]:
        release.wait(PATIENCE_SECONDS)
        yield ok("TOO_LATE", "")
        spoke.set()

    def after() -> Iterator[Finding]:
        release.set()
        assert spoke.wait(PATIENCE_SECONDS)
        yield ok("B", "")

    found = list(examine([check("hangs", hang, seconds=0.1), check("after", after)], world, lanes=1))
    assert [[finding.code for finding in one.findings] for one in found] == [["CONTROLE_TROP_LONG"], ["B"]]


def test_who_reads_slowly_does_not_make_a_check_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ended long ago when the second is asked for."""
    clock = FakeClock()
    monkeypatch.setattr(run_module, "monotonic", clock.monotonic)
    run = examine([check("first", says(ok("A", ""))), check("quick", says(ok("B", "")))], world)
    next(run)
    for thread in threading.enumerate():
        if thread.name == "doctor-quick":
            thread.join(PATIENCE_SECONDS)
    clock.advance(2 * PATIENCE_SECONDS)
    assert [finding.code for finding in next(run).findings] == ["B"]


def test_what_is_begun_is_told(world: World) -> None:
    begun: list[str] = []
    checks = [check("one", says()), check("two", says(), says())]
    list(examine(checks, world, begun=lambda started: begun.append(started.name)))
    assert begun == ["one", "two", "two"]


def test_a_check_without_what_it_needs_is_left_out_and_said(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    world = practice.world(settings=None, offline=True)
    checks = [
        check("always", says()), check("settings", says(), needs={Need.SETTINGS}),
        check("network", says(), needs={Need.NETWORK}), check("card", says(), needs={Need.CARD}),
    ]  # fmt: skip
    assert codes(checks, world) == [("always", []), ("card", [])]
    assert [(one.check.name, one.need) for one in left_out(checks, world)] == [
        ("settings", Need.SETTINGS), ("network", Need.NETWORK),
    ]  # fmt: skip
    assert [one.check.name for one in left_out(checks, practice.world())] == ["card"]
    practice.mailbox["identity"] = {"card": {}}
    assert left_out(checks, practice.world()) == []


def test_a_report_counts_and_shows_everything(world: World) -> None:
    findings = [ok("DISQUE_OK", "/x", "1 MB"), warning("DISQUE_BIENTOT_PLEIN", "/y"), error("DISQUE_PLEIN", "/z")]
    needy = check("needy", needs={Need.CARD})
    report = Report.of(examine([check("disk", says(*findings))], world), left_out([needy], world))
    assert report.worst is Severity.ERROR
    told = report.as_dict()
    assert told["status"] == "error"
    assert told["counts"] == {"ok": 1, "warning": 1, "error": 1}
    assert told["left_out"] == [{"check": "needy", "needs": "card"}]
    assert [row["code"] for row in told["findings"]] == ["DISQUE_OK", "DISQUE_BIENTOT_PLEIN", "DISQUE_PLEIN"]
    assert told["findings"][2]["cure_fr"] == "Libérez de la place ; le connecteur reprendra seul."
    assert told["findings"][0] | {"group": "machine", "check": "disk", "subject": "/x", "detail": "1 MB",
                                  "detail_fr": "1 MB", "severity": "ok"} == told["findings"][0]  # fmt: skip


def test_the_worst_of_nothing_is_well() -> None:
    assert worst([]) is Severity.OK
    assert worst([warning("A", ""), ok("B", "")]) is Severity.WARNING


def test_a_refusal_keeps_code_and_detail() -> None:
    found = refusal(Unavailable("SPOOL_ABSENT", "gone"), "box", Severity.WARNING)
    assert found == warning("SPOOL_ABSENT", "box", "gone")


def test_a_check_for_settings_does_not_run_without(tmp_path: Path) -> None:
    world = Practice(tmp_path).world(settings=None)
    with pytest.raises(LookupError):
        _ = world.known
    assert world.mailboxes == []
    assert world.uses_card  # a machine that is being set up


def test_once_is_one_part(world: World) -> None:
    (part,) = once(lambda _: [ok("A", "")])(world)
    assert list(part()) == [ok("A", "")]
