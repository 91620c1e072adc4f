"""The kept revocation lists: what replaces what, when which address is asked, and what a crash leaves."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from connector.operators.trust.revocation import FORGET_AFTER, LONGEST_PAUSE, Fetched, KeptList, ListCache, Outcome
from connector.platform.lock import InstanceLock
from connector.sandbox.authority import Authority
from connector.sandbox.pki import sandbox_name
from connector.testing.clock import FakeClock
from tests.trust.trust_scene import NOW, Source, der, family

ADDRESS = "http://igc.test/organisations.crl"
ISSUER = family().organisations
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Desk:
    """A cache that wants one list."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.source = Source({ADDRESS: der(ISSUER)})
        self.folder = folder
        self.cache = self.open()
        self.cache.want(ADDRESS, ISSUER.certificate)

    def open(self) -> ListCache:
        return ListCache(self.folder, self.clock, self.source)

    def refresh(self, *, force: bool = False) -> Fetched:
        (one,) = self.cache.refresh(force=force)
        return one

    @property
    def kept(self) -> KeptList:
        (entry,) = self.open().kept()
        return entry

    @property
    def dated(self) -> list[str]:
        return [f"{one.last_update_utc:%d %H}" for one in self.open().of(ISSUER.certificate)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "crl")


def test_a_list_is_fetched_once_and_kept_for_the_next_start(desk: Desk) -> None:
    assert desk.refresh() == Fetched(ADDRESS, Outcome.FETCHED)
    assert desk.open().of(ISSUER.certificate) == [x509.load_der_x509_crl(desk.source.content[ADDRESS])]
    assert (desk.kept.taken_at, desk.kept.asked_at, desk.kept.failures, desk.kept.code) == (NOW, NOW, 0, "")
    assert desk.refresh() == Fetched(ADDRESS, Outcome.NOT_DUE)
    assert desk.source.asked == [ADDRESS]


def test_each_outcome_is_told_as_it_comes(desk: Desk) -> None:
    told: list[Fetched] = []
    assert desk.cache.refresh(tell=told.append) == told == [Fetched(ADDRESS, Outcome.FETCHED)]


def test_a_newer_list_replaces_the_kept_one_and_the_revision_changes(desk: Desk) -> None:
    desk.refresh()
    before = desk.cache.revision()
    desk.clock.advance(by=DAY)
    desk.source.content[ADDRESS] = der(ISSUER, at=NOW + DAY)
    assert desk.refresh().outcome is Outcome.FETCHED
    assert desk.dated == ["20 09"]
    assert desk.cache.revision() != before


@pytest.mark.parametrize("age", [timedelta(), DAY], ids=["the same", "older"])
def test_what_is_not_newer_never_replaces_the_kept_list(desk: Desk, age: timedelta) -> None:
    desk.refresh()
    kept = desk.dated
    desk.clock.advance(by=DAY)
    desk.source.content[ADDRESS] = der(ISSUER, at=NOW - age)
    assert desk.refresh().outcome is Outcome.UNCHANGED
    assert desk.dated == kept
    assert desk.kept.taken_at == NOW + DAY


FORGER = Authority.root(ISSUER.certificate.subject, now=NOW)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>403</html>", der(FORGER), der(family().root), der(ISSUER)[:-40], b"-----BEGIN X509 CRL-----\nAA"],
    ids=["nothing", "a page", "forged", "of another authority", "cut off", "half of a PEM"],
)
def test_the_last_valid_list_survives_a_bad_one(desk: Desk, content: bytes) -> None:
    desk.refresh()
    kept = desk.dated
    desk.clock.advance(by=DAY)
    desk.source.content[ADDRESS] = content
    bad = desk.refresh()
    assert (bad.outcome, bad.code) == (Outcome.FAILED, "CRL_INVALIDE")
    assert desk.dated == kept
    assert (desk.kept.failures, desk.kept.code) == (1, "CRL_INVALIDE")
    assert desk.open().last_failure(ISSUER.certificate) == "CRL_INVALIDE"


def test_the_last_valid_list_survives_a_host_that_does_not_answer(desk: Desk) -> None:
    desk.refresh()
    kept = desk.dated
    desk.clock.advance(by=DAY)
    desk.source.content.clear()
    bad = desk.refresh()
    assert (bad.outcome, bad.code) == (Outcome.FAILED, "TELECHARGEMENT")
    assert "status 403" in bad.detail
    assert desk.dated == kept


def test_a_pem_list_is_a_list(desk: Desk) -> None:
    one = x509.load_der_x509_crl(desk.source.content[ADDRESS])
    desk.source.content[ADDRESS] = one.public_bytes(Encoding.PEM)
    assert desk.refresh().outcome is Outcome.FETCHED


def test_an_address_is_asked_at_most_once_an_hour_and_less_often_the_longer_it_fails(desk: Desk) -> None:
    desk.source.content.clear()
    asked: list[int] = []
    for minute in range(0, 24 * 60, 5):
        desk.cache.refresh()
        if len(desk.source.asked) > len(asked):
            asked.append(minute)
        desk.clock.advance(300)
    assert [after - before for before, after in pairwise(asked)] == [60, 120, *[240] * 5]


def test_a_person_may_ask_whenever_she_wants(desk: Desk) -> None:
    for _ in range(3):
        desk.refresh(force=True)
    assert len(desk.source.asked) == 3


def test_a_failure_is_forgotten_by_a_success(desk: Desk) -> None:
    content = desk.source.content.pop(ADDRESS)
    desk.refresh()
    desk.source.content[ADDRESS] = content
    desk.clock.advance(by=HOUR)
    assert desk.refresh().outcome is Outcome.FETCHED
    assert (desk.kept.failures, desk.kept.code) == (0, "")
    assert desk.cache.last_failure(ISSUER.certificate) == ""


@pytest.mark.parametrize(
    ("lasts", "hours"),
    [(timedelta(days=7), 24), (timedelta(days=1), 12), (timedelta(hours=4), 1), (timedelta(days=400), 24)],
    ids=["a week", "two days in all", "soon over", "for ever"],
)
def test_a_list_is_fetched_again_after_a_day_or_well_before_its_end(desk: Desk, lasts: timedelta, hours: int) -> None:
    desk.source.content[ADDRESS] = der(ISSUER, lasts=lasts)
    desk.refresh()
    assert desk.kept.due_at(NOW) == NOW + hours * HOUR


_LIST = x509.load_der_x509_crl(der(ISSUER))
_moments = st.none() | st.integers(-200, 200).map(lambda hours: NOW + hours * HOUR)


@given(_moments, _moments, st.integers(0, 10_000), st.booleans())
def test_however_the_notes_look_the_host_is_spared_and_the_list_is_not_forgotten(
    asked_at: datetime | None, taken_at: datetime | None, failures: int, has_list: bool
) -> None:
    entry = KeptList(ADDRESS, ISSUER.certificate, failures=failures, revocations=_LIST if has_list else None)
    entry = replace(entry, asked_at=asked_at, taken_at=taken_at)
    due = entry.due_at(NOW)
    if entry.asked_at is not None and entry.asked_at <= NOW:
        assert due - entry.asked_at >= HOUR
    ends = _LIST.next_update_utc
    assert ends is not None
    assert due <= max(ends, NOW + LONGEST_PAUSE)
    assert KeptList.read(json.loads(entry.note())) == entry


def test_a_clock_that_was_set_back_does_not_silence_the_cache(desk: Desk) -> None:
    desk.source.content.clear()
    desk.refresh()
    desk.clock.jump(-86_400 * 30)
    desk.refresh()
    assert len(desk.source.asked) == 2


def test_a_try_is_written_down_before_it_is_made(desk: Desk) -> None:
    seen = []
    desk.source.before = lambda _: seen.append(desk.kept.asked_at)
    desk.refresh()
    assert seen == [NOW]


def test_what_a_connection_notes_during_a_download_is_not_lost(desk: Desk) -> None:
    other = "http://igc.test/other.crl"
    desk.source.before = lambda _: desk.cache.want(other, ISSUER.certificate)
    desk.refresh()
    assert {entry.address for entry in desk.open().kept()} == {ADDRESS, other}


def test_only_one_fetches_at_a_time(desk: Desk) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        inside.set()
        assert go_on.wait(20)

    desk.source.before = hold
    first: list[Fetched] = []
    thread = threading.Thread(target=lambda: first.append(desk.refresh()))
    thread.start()
    assert inside.wait(20)
    assert desk.refresh(force=True).outcome is Outcome.BUSY  # the same process
    assert desk.open().refresh(force=True)[0].outcome is Outcome.BUSY  # as another one would
    go_on.set()
    thread.join()
    assert first[0].outcome is Outcome.FETCHED
    assert desk.source.asked == [ADDRESS]


def test_the_lock_of_a_process_that_died_holds_nobody_up(desk: Desk) -> None:
    with InstanceLock(desk.folder):
        assert desk.refresh().outcome is Outcome.BUSY
    assert desk.refresh().outcome is Outcome.FETCHED


_KILLED = """
import os, sys
from pathlib import Path
import connector.platform.files as files
from connector.operators.trust.revocation import ListCache
from connector.testing.clock import FakeClock

folder, fresh, step = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3]
replace, count = os.replace, 0

def dies(source, target):
    global count
    count += 1
    if step == "downloaded" and str(target).endswith(".crl"):
        os._exit(9)
    replace(source, target)
    if step == "renamed" and str(target).endswith(".crl"):
        os._exit(9)

files.os.replace = dies
clock = FakeClock()
clock.advance(86_400)
ListCache(folder, clock, lambda address, limit: fresh).refresh()
"""


@pytest.mark.parametrize(("step", "dated"), [("downloaded", ["19 09"]), ("renamed", ["20 09"])])
def test_a_kill_between_download_and_rename_leaves_the_old_list_whole(
    desk: Desk, tmp_path: Path, step: str, dated: list[str]
) -> None:
    desk.refresh()
    fresh = tmp_path / "fresh.crl"
    fresh.write_bytes(der(ISSUER, at=NOW + DAY))
    command = [sys.executable, "-c", _KILLED, str(desk.folder), str(fresh), step]
    assert subprocess.run(command, check=False).returncode == 9
    assert desk.dated == dated
    assert desk.kept.asked_at == NOW + DAY  # the try counts: a start that dies again and again spares the host
    desk.clock.advance(by=DAY)
    assert desk.refresh().outcome is Outcome.NOT_DUE
    desk.clock.advance(by=HOUR)
    desk.source.content[ADDRESS] = der(ISSUER, at=NOW + 2 * DAY)
    assert desk.refresh().outcome is Outcome.FETCHED
    assert list(desk.folder.glob(".mss-*.part")) == []  # what the killed one left


def test_a_damaged_file_counts_as_absent_and_is_fetched_again(desk: Desk) -> None:
    desk.refresh()
    (file,) = desk.folder.glob("*.crl")
    file.write_bytes(b"damaged")
    assert desk.dated == []
    desk.clock.advance(by=HOUR)
    assert desk.refresh().outcome is Outcome.FETCHED
    assert desk.dated == ["19 09"]


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"{}", b"null", b"\xff", b'{"address": "x", "issuer": "AAAA"}'],
)  # fmt: skip
def test_a_damaged_note_is_written_anew_by_the_next_connection(desk: Desk, note: bytes) -> None:
    desk.refresh()
    (file,) = desk.folder.glob("*.json")
    file.write_bytes(note)
    assert desk.open().kept() == []
    fresh = desk.open()
    fresh.want(ADDRESS, ISSUER.certificate)
    assert [entry.address for entry in fresh.kept()] == [ADDRESS]
    assert desk.dated == ["19 09"]


def test_a_time_without_zone_is_damage(desk: Desk) -> None:
    (file,) = desk.folder.glob("*.json")
    file.write_bytes(file.read_bytes().replace(b"+00:00", b""))
    assert desk.open().kept() == []


def test_an_address_that_another_authority_takes_over_starts_anew(desk: Desk) -> None:
    desk.refresh()
    other = Authority.root(sandbox_name("TEST AUTRE"), now=NOW)
    desk.cache.want(ADDRESS, other.certificate)
    assert desk.cache.of(ISSUER.certificate) == []
    desk.source.content[ADDRESS] = der(other)
    assert desk.refresh().outcome is Outcome.FETCHED
    assert len(desk.cache.of(other.certificate)) == 1


def test_a_list_that_nobody_asks_for_any_more_is_forgotten(desk: Desk) -> None:
    desk.refresh()
    desk.clock.advance(by=FORGET_AFTER - DAY)
    desk.cache.want(ADDRESS, ISSUER.certificate)
    desk.clock.advance(by=2 * DAY)
    desk.cache.refresh()
    assert len(desk.cache.kept()) == 1
    desk.clock.advance(by=FORGET_AFTER)
    assert desk.cache.refresh() == []
    assert (list(desk.folder.glob("*.json")), list(desk.folder.glob("*.crl"))) == ([], [])


def test_that_a_list_is_wanted_is_written_once_a_day(desk: Desk) -> None:
    (file,) = desk.folder.glob("*.json")
    before = file.stat().st_ino
    desk.clock.advance(by=HOUR)
    desk.cache.want(ADDRESS, ISSUER.certificate)
    assert file.stat().st_ino == before
    desk.clock.advance(by=DAY)
    desk.cache.want(ADDRESS, ISSUER.certificate)
    assert desk.kept.wanted_at == NOW + DAY + HOUR


def test_without_a_folder_nothing_is_kept_and_nothing_asked() -> None:
    source = Source({ADDRESS: der(ISSUER)})
    cache = ListCache(None, FakeClock(), source)
    cache.want(ADDRESS, ISSUER.certificate)
    assert (cache.kept(), cache.refresh(force=True), cache.revision(), source.asked) == ([], [], "", [])
    assert not cache.is_anything_due()
