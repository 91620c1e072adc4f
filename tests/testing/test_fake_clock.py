"""The clock and the identifiers that tests hold in their hand."""

import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ports import Clock, IdSource
from connector.testing.clock import EPOCH, CountingIds, FakeClock, FixedIds

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def test_the_doubles_are_what_the_ports_ask_for() -> None:
    clock: Clock = FakeClock()
    counting: IdSource = CountingIds()
    fixed: IdSource = FixedIds(ulids=["A"])

    assert (clock.now().tzinfo, counting.uuid().version, fixed.ulid()) == (UTC, 4, "A")


def test_time_stands_still_until_it_is_told_to_pass() -> None:
    clock = FakeClock()

    assert clock.now() == clock.now() == EPOCH
    assert clock.monotonic() == clock.monotonic()


def test_both_clocks_pass_together() -> None:
    clock = FakeClock()
    before = clock.monotonic()

    assert clock.advance(1.5, by=timedelta(minutes=1)) == EPOCH + timedelta(seconds=61.5)
    assert clock.monotonic() - before == 61.5


def test_durations_do_not_notice_that_the_clock_was_set() -> None:
    clock = FakeClock()
    before = clock.monotonic()

    assert clock.jump(-3600) == EPOCH - timedelta(hours=1)
    assert clock.monotonic() == before


def test_time_never_passes_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FakeClock().advance(-0.1)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_local_times_become_utc() -> None:
    paris = timezone(timedelta(hours=1))

    assert FakeClock(datetime(2026, 1, 1, 12, tzinfo=paris)).now().isoformat() == "2026-01-01T11:00:00+00:00"


@given(st.integers(min_value=0, max_value=32**15))
def test_counted_ulids_have_the_shape_and_sort_by_age(first: int) -> None:
    ids = CountingIds(first)
    earlier, later = ids.ulid(), ids.ulid()

    assert ULID.fullmatch(earlier)
    assert earlier < later


def test_two_runs_count_alike() -> None:
    assert CountingIds().uuid() == CountingIds().uuid() == UUID("00000000-0000-4000-8000-000000000001")


def test_fixed_identifiers_come_in_order_and_end() -> None:
    known = UUID("12345678-1234-4234-8234-123456789012")
    ids = FixedIds(ulids=["A", "B"], uuids=[str(known), known])

    assert (ids.ulid(), ids.ulid(), ids.uuid(), ids.uuid()) == ("A", "B", known, known)
    with pytest.raises(LookupError):
        ids.ulid()
    with pytest.raises(LookupError):
        ids.uuid()
