"""Clock and identifiers."""

import threading
from datetime import UTC
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from connector.platform.system import SystemClock, SystemIds


def test_the_clock_is_aware_and_in_utc() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


@given(st.lists(st.integers(0, 2**48 - 1), min_size=1, max_size=50))
def test_identifiers_grow_whatever_the_clock_does(readings: list[int]) -> None:
    times = iter(readings)
    ids = SystemIds(
        milliseconds=lambda: next(times), randomness=lambda size: b"\xff" * size if size > 3 else b"\0" * size
    )
    made = [ids.ulid() for _ in readings]
    assert made == sorted(set(made))


def test_identifiers_have_the_form_of_ulids() -> None:
    ulid = SystemIds(milliseconds=lambda: 1_469_918_176_385).ulid()
    assert len(ulid) == 26
    assert ulid.startswith("01ARYZ6S41")  # the example of the ULID specification
    assert set(ulid) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_threads_never_get_the_same_identifier() -> None:
    ids, made = SystemIds(), list[str]()
    threads = [threading.Thread(target=lambda: made.extend(ids.ulid() for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000


def test_uuids_are_random_version_4() -> None:
    first, second = SystemIds().uuid(), SystemIds().uuid()
    assert isinstance(first, UUID)
    assert first.version == 4
    assert first != second
