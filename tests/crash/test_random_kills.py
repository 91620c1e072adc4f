"""Two hundred kills at random moments while documents come and go; at the end each is there exactly once.

Repeatable: the moments, counts and arrivals come from ``MSS_CRASH_SEED`` (what the scheduler of the machine makes
of them does not). A third of the kills come from outside at a random moment of the busy time, a tenth at a random
moment of the start, the others at the n-th step that the process reaches, whichever that is.
"""

import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.crash_proof import check_what_the_lps_sees, prove
from tests.crash.crash_site import CrashSite
from tests.servers.operator import MailOperator

pytestmark = [
    pytest.mark.crash,
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Postfix and a Dovecot of its own"),
]

SEED = int(os.environ.get("MSS_CRASH_SEED", "417"))
SITES = 2  # side by side, one per core of a small machine
KILLS = 200
MOST_STEPS = 60  # about two documents from the drop to the last receipt
BUSY_SECONDS = 0.8
START_SECONDS = 1.6  # a whole start, the recovery of the journal included


def _arrivals(site: CrashSite, luck: random.Random, number: int) -> None:
    """Something to do: mostly documents to send and messages to deliver, sometimes what must be refused."""
    drop = luck.choices(
        (site.drop, site.deliver, site.drop_bad, site.drop_rejected, site.drop_lot), (10, 7, 1, 1, 1)
    )[0]
    drop(number)


def _round(site: CrashSite, luck: random.Random) -> str:
    """Start the process and let it die; gives back how."""
    kind = luck.choices(("step", "outside", "start"), (6, 3, 1))[0]
    if kind == "step":
        site.start(f"*:{luck.randint(1, MOST_STEPS)}")
        if not site.dies_while_busy():
            kind = "idle"
            site.kill()  # everything was done before the step came
    elif kind == "start":
        site.start("--seed", str(luck.randrange(10**6)), "--within", str(START_SECONDS))
        site.wait_for_death()
    else:
        site.start()
        site.wait_until_started()
        time.sleep(luck.uniform(0, BUSY_SECONDS))  # the moment is what is tested, nothing waits for it
        site.kill()
    return kind


def _many_rounds(site: CrashSite, luck: random.Random, kills: int) -> dict[str, int]:
    kinds = {"step": 0, "outside": 0, "start": 0, "idle": 0}
    number = 0
    try:
        while sum(kinds.values()) < kills:
            for _ in range(luck.choice((0, 1, 1, 2))):
                number += 1
                _arrivals(site, luck, number)
            kinds[_round(site, luck)] += 1
            check_what_the_lps_sees(site)
            if luck.random() < 0.5:
                site.take_received()
        site.start()
        site.wait_until_settled()
    finally:
        site.kill()
    prove(site)
    return kinds


def test_two_hundred_random_kills_lose_nothing_and_double_nothing(operator: MailOperator, tmp_path: Path) -> None:
    sites = [CrashSite(tmp_path / str(number), operator) for number in range(SITES)]
    with ThreadPoolExecutor(SITES) as pool:
        playing = [
            pool.submit(_many_rounds, site, random.Random(SEED + number), KILLS // SITES)
            for number, site in enumerate(sites)
        ]
        kinds = [one.result() for one in playing]
    assert sum(sum(one.values()) for one in kinds) == KILLS
    busy = sum(one["step"] + one["outside"] for one in kinds)
    assert busy >= KILLS * 0.7, f"too few kills hit a busy process: {kinds}"
    assert sum(len(site.dropped) for site in sites) >= KILLS * 0.3
    assert sum(len(site.delivered_by_others) for site in sites) >= KILLS * 0.2
