"""The real process dies at every named step of ``docs/architecture.md``, is started again, and nothing shows.

Servers are real and shared; every scenario has its own spool, journal and mailboxes, so two of them run side by side.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from tests.crash.crash_proof import check_what_the_lps_sees, prove
from tests.crash.crash_site import ROOT, CrashSite
from tests.servers.operator import MailOperator

pytestmark = [
    pytest.mark.crash,
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Postfix and a Dovecot of its own"),
]

AT_ONCE = 2  # one per core of a small machine

_STEP = re.compile(r"`((?:claim|lot|journal|send|deliver|status)\.(?!key|sqlite)[a-z_]+)`")
_CHAPTER = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Who owns the bytes")[2]
_OUTGOING, _, _INCOMING = _CHAPTER.partition("\n## ")[0].partition("### Incoming")
_FIRST_CELLS = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)


def _steps(tables: str) -> list[str]:
    """Those of the first column of a table."""
    return [step for cell in _FIRST_CELLS.findall(tables) for step in _STEP.findall(cell)]


OUTGOING = _steps(_OUTGOING)
INCOMING = _steps(_INCOMING)
REFUSAL = [step for step in OUTGOING if step in ("claim.refused", "claim.filed")]
LOT = [
    "lot.staged", "lot.written", "lot.told", "lot.file_moved", "lot.part_made", "lot.chosen", "lot.filed",
]  # fmt: skip
LEAVING = [step for step in OUTGOING if step not in (*REFUSAL, *LOT)]

_IN_DOUBT = LEAVING[LEAVING.index("journal.data_begun") : LEAVING.index("journal.recorded")]

# (first kill, then kill of the recovery): "*:n" is the n-th step that the recovery reaches, whichever it is
TWICE_OUTGOING = [
    ("claim.file_moved:2", "*:1"), ("claim.renamed", "claim.renamed"), ("claim.taken", "*:1"),
    ("journal.frozen", "journal.claimed"), ("journal.claimed", "send.connected"),
    ("journal.data_begun", "journal.recorded"), ("send.data_begun", "send.data_begun"),
    ("send.content_given", "*:1"), ("send.accepted", "journal.recorded"), ("send.accepted", "status.filed"),
    ("journal.recorded", "status.written"), ("status.written", "status.filed"), ("status.filed", "status.filed"),
]  # fmt: skip
TWICE_INCOMING = [
    ("journal.seen", "*:1"), ("journal.stored", "journal.opened"), ("journal.opened", "deliver.data_renamed"),
    ("deliver.files_written", "deliver.index_renamed"), ("deliver.data_renamed", "deliver.data_renamed"),
    ("deliver.index_renamed", "deliver.flag_written"), ("deliver.flag_written", "journal.delivered"),
    ("journal.delivered", "journal.acknowledged"),
]  # fmt: skip
TWICE_LOT = [
    ("lot.staged", "lot.staged"), ("lot.written", "lot.told"), ("lot.told", "*:2"),
    ("lot.file_moved", "lot.file_moved"),
    ("lot.part_made", "claim.taken"), ("lot.part_made:2", "lot.part_made"), ("claim.refused", "claim.filed"),
    ("lot.chosen", "lot.chosen"), ("lot.filed", "lot.filed"),
]  # fmt: skip
TWICE_REFUSAL = [("claim.refused", "claim.filed"), ("claim.filed", "claim.filed")]


def _outgoing(site: CrashSite) -> None:
    site.drop(1)


def _refusal(site: CrashSite) -> None:
    site.drop_bad(1)


def _lot(site: CrashSite) -> None:
    site.drop_lot(1)


def _incoming(site: CrashSite) -> None:
    site.deliver(1)


_WORLD: Mapping[str, Callable[[CrashSite], None]] = {
    "outgoing": _outgoing, "refusal": _refusal, "lot": _lot, "incoming": _incoming, "taken": _incoming,
    "routed": _incoming,
}  # fmt: skip

ONCE = [
    *(("outgoing", (step,)) for step in LEAVING),
    *(("refusal", (step,)) for step in REFUSAL),
    *(("lot", (step,)) for step in LOT),
    *(("incoming", (step,)) for step in INCOMING),
]
TAKEN = [("taken", (step,)) for step in ("deliver.flag_written", "journal.delivered")]
ROUTED = [
    ("routed", (step,))
    for step in (
        "deliver.files_written", "deliver.data_renamed", "deliver.index_renamed", "deliver.files_written:2",
        "deliver.data_renamed:2", "deliver.index_renamed:2", "deliver.flag_written", "journal.delivered",
    )
]  # fmt: skip
TWICE = [
    ("routed", ("deliver.index_renamed", "deliver.files_written")),
    ("routed", ("deliver.files_written:2", "*:2")),
    *(("outgoing", pair) for pair in TWICE_OUTGOING),
    *(("refusal", pair) for pair in TWICE_REFUSAL),
    *(("lot", pair) for pair in TWICE_LOT),
    *(("incoming", pair) for pair in TWICE_INCOMING),
]
Case = tuple[str, tuple[str, ...]]


def _name(case: Case) -> str:
    return f"{case[0]}-{'-then-'.join(case[1])}"


def _play(case: Case, folder: Path, operator: MailOperator) -> CrashSite:
    """Die at each step of the plan, then run undisturbed until all is settled, then be proven."""
    world, plan = case
    site = CrashSite(folder, operator, routed=world == "routed")
    site.make_journal()
    _WORLD[world](site)
    try:
        for step in plan:
            before = len(site.reached())
            site.start(step)
            site.wait_for_death()
            _check_death(step, site.reached()[before:])
            check_what_the_lps_sees(site)
            if world == "taken":
                site.take_received()
        site.start()
        site.wait_until_settled()
    finally:
        site.kill()  # settled: a last kill changes nothing either
    prove(site)
    return site


def _check_death(plan: str, reached: list[str]) -> None:
    """It died where it should, and nowhere before."""
    step, _, count = plan.partition(":")
    wanted = int(count or 1)
    assert (len(reached) if step == "*" else reached.count(step)) >= wanted, reached


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, operator: MailOperator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Case], CrashSite]]:
    """Plays every selected case in the background, two at a time, in the order of the tests."""
    selected: list[Case] = [
        cast("Case", item.callspec.params["case"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        playing: dict[Case, Future[CrashSite]] = {
            case: pool.submit(_play, case, tmp_path_factory.mktemp("site"), operator) for case in selected
        }
        try:
            yield lambda case: playing[case].result()
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", ONCE, ids=_name)
def test_a_kill_at_a_step_loses_nothing_and_doubles_nothing(case: Case, played: Callable[[Case], CrashSite]) -> None:
    site = played(case)
    if case[1][0] in _IN_DOUBT:
        with site.journal() as journal:
            (view,) = journal.submissions()
            entries = journal.trace(subject_id=view.messages[0].id)
        outcomes = [entry.outcome for entry in entries]
        assert any(outcome.startswith("outcome_unknown") for outcome in outcomes), outcomes  # held back, looked up


@pytest.mark.parametrize("case", TAKEN, ids=_name)
def test_what_the_software_took_between_kill_and_start_does_not_come_again(
    case: Case, played: Callable[[Case], CrashSite]
) -> None:
    site = played(case)
    assert list(site.received.iterdir()) == []


@pytest.mark.parametrize("case", ROUTED, ids=_name)
def test_each_place_of_a_message_has_it_once_and_whole(case: Case, played: Callable[[Case], CrashSite]) -> None:
    played(case)


@pytest.mark.parametrize("case", TWICE, ids=_name)
def test_a_recovery_that_is_killed_itself_is_recovered(case: Case, played: Callable[[Case], CrashSite]) -> None:
    played(case)


def test_every_step_of_the_documentation_is_killed_at() -> None:
    documented = set(_STEP.findall(_CHAPTER.partition("\n## ")[0]))
    killed = {step for _, plan in ONCE for step in plan}
    assert killed == documented
