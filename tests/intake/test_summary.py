"""The daily summary: every sending of a day on one line, written once, also after days of being off."""

import csv
import io
from datetime import timedelta

import pytest

from connector.domain.states import OutgoingEvent
from connector.intake.summary import DailySummary
from connector.platform.system import SystemIds
from tests.intake.bench import CDA, N1, PARIS, Bench
from tests.intake.conftest import MakeBench


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """Claims whose ids carry the time of the clock, as in production."""
    made = make_bench()
    made.ids = SystemIds(milliseconds=lambda: int(made.clock.now().timestamp() * 1000))  # type: ignore[assignment]
    return made.again()


def summary(bench: Bench, hour: str = "07:30") -> DailySummary:
    return DailySummary(
        bench.mailbox.address, lambda: bench.layout, bench.journal, bench.clock, hour, zone=PARIS
    )  # fmt: skip


def days(bench: Bench) -> list[str]:
    return [name for name in bench.names("STATUTS") if name.startswith("resume-") and name.endswith(".csv")]


def rows(bench: Bench, day: str) -> list[dict[str, str]]:
    text = (bench.layout.statuses / f"resume-{day}.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_a_day_is_told_once_with_what_needs_somebody(bench: Bench) -> None:
    bench.drop("a.xml", CDA)
    bench.settle()
    bench.send()
    bench.drop("b.xml", N1)
    bench.settle()
    message = next(view.messages[0] for view in bench.submissions() if view.source_name == "b")
    bench.journal.record(message.id, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    bench.clock.advance(24 * 3600)
    assert summary(bench).run_once() == 1
    (day,) = days(bench)
    found = {row["nom"]: row for row in rows(bench, day[7:17])}
    assert (found["a.xml"]["etat"], found["a.xml"]["code"]) == ("envoye", "")
    assert (found["b.xml"]["etat"], found["b.xml"]["code"]) == ("erreur", "CDA_INVALIDE")
    text = bench.text("STATUTS", day.replace(".csv", ".txt"))
    assert "2 envoi(s)" in text
    assert "b.xml : en échec" in text
    assert "a.xml :" not in text
    assert summary(bench).run_once() == 0, "a day is told once"


def test_what_was_given_after_the_hour_belongs_to_the_next_day(bench: Bench) -> None:
    bench.clock.advance((timedelta(hours=24) - timedelta(hours=bench.clock.now().hour)).total_seconds())
    assert summary(bench).run_once() == 1
    bench.clock.advance(8 * 3600)  # past the hour
    assert summary(bench).run_once() == 1
    bench.drop("late.xml", CDA)
    bench.settle()
    bench.clock.advance(24 * 3600)
    assert summary(bench).run_once() == 1
    assert [row["nom"] for row in rows(bench, days(bench)[-1][7:17])] == ["late.xml"]


@pytest.mark.parametrize(("off", "told"), [(3, 3), (30, 7)])
def test_days_of_being_off_are_caught_up_with_but_not_for_ever(bench: Bench, off: int, told: int) -> None:
    summary(bench).run_once()
    bench.clock.advance(off * 24 * 3600)
    assert summary(bench).run_once() == told


def test_a_crash_before_the_day_was_remembered_writes_the_same_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.drop("a.xml", CDA)
    bench.settle()
    bench.clock.advance(24 * 3600)
    with monkeypatch.context() as broken:
        broken.setattr("connector.intake.summary.write_atomic", _crash)
        with pytest.raises(OSError, match="killed"):
            summary(bench).run_once()
    (day,) = days(bench)
    before = (bench.layout.statuses / day).read_bytes()
    assert summary(bench).run_once() == 1
    assert days(bench) == [day]
    assert (bench.layout.statuses / day).read_bytes() == before


def test_a_reference_is_never_a_formula(bench: Bench) -> None:
    bench.drop("a.xml", CDA)
    bench.drop("a.mss.json", b'{"reference": "=1+1"}')
    bench.settle()
    bench.clock.advance(24 * 3600)
    summary(bench).run_once()
    assert rows(bench, days(bench)[0][7:17])[0]["reference"] == "'=1+1"


def _crash(*_: object, **__: object) -> None:
    raise OSError("killed")
