"""The very first start is killed while it makes folders, key and journal; the second one finishes the work."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.crash_proof import prove
from tests.crash.crash_site import CrashSite
from tests.servers.operator import MailOperator

pytestmark = [
    pytest.mark.crash,
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Postfix and a Dovecot of its own"),
]

AT_ONCE = 2
APPEARS = [
    "donnees", "donnees/lock", "donnees/journal.key", "donnees/journal.sqlite", "donnees/journal.sqlite-wal",
    "donnees/endpoint.json", "donnees/folders.json", "spool/.connecteur-mss", "spool/labo/.connecteur-mss",
    "spool/cabinet/.travail", "spool/LISEZMOI.txt",
]  # fmt: skip


def _play(site: CrashSite, appears: str) -> None:
    """Killed as soon as a file is there; which of the next steps are done by then is left to chance."""
    site.drop(1)
    site.deliver(2)
    try:
        site.start()
        site.wait_for((site.folder / appears).exists)
        site.kill()
        site.start()
        site.wait_until_settled()
    finally:
        site.kill()
    prove(site)


def test_a_first_start_that_is_killed_is_finished_by_the_next(operator: MailOperator, tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        playing = {
            appears: pool.submit(_play, CrashSite(tmp_path / str(number), operator), appears)
            for number, appears in enumerate(APPEARS)
        }
    assert {appears: repr(one.exception()) for appears, one in playing.items() if one.exception()} == {}
