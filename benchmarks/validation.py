"""Deep validation: schema and schematron of one document, beside taking and preparing it.

``MSS_SCHEMAS`` names the folder with the publication of the ANS; without it the small one of the tests shows that it
runs, and says nothing of what it costs.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.inputs import level1, level3
from benchmarks.table import show
from benchmarks.xdm import TYPICAL_BYTES
from connector.domain.limits import Limits
from connector.exchange.deep.judge import DeepJudge
from connector.exchange.plan import plan_messages
from connector.intake.assemble import ClaimedDrop, as_file, assemble
from connector.intake.check.rehearsal import Rehearsal, submission_view
from connector.intake.check.stand_in import rehearsal_of
from connector.platform.system import SystemClock, SystemIds
from connector.settings.validation import ValidationSettings
from tests.validation.small_publication import publish

__all__ = ["run"]


def run(count: int = 60) -> dict[str, float]:
    """Print the table.

    Returns:
        Name of document and step to its share of taking and preparing.
    """
    with tempfile.TemporaryDirectory() as made:
        given = os.environ.get("MSS_SCHEMAS")
        folder = Path(given) if given else publish(Path(made))
        return _run(folder, count)


def _run(folder: Path, count: int) -> dict[str, float]:
    rehearsal = rehearsal_of(None, None, clock=SystemClock(), ids=SystemIds(), limits=Limits())
    judges = {name: _judge(folder, name) for name in ("xsd", "schematron")}
    shares: dict[str, float] = {}
    rows = []
    for documents in (level1(TYPICAL_BYTES), level3()):
        file = as_file("cr.xml", documents.content)
        whole = _median(partial(_prepare, rehearsal, documents.content), count)
        rows.append([f"{documents.name}: take and prepare", 1000 * whole, 1.0])
        for name, judge in judges.items():
            taken = _median(partial(judge.findings, [file]), count)
            shares[f"{documents.name}, {name}"] = taken / whole
            rows.append([f"{documents.name}: {name}", 1000 * taken, taken / whole])
    show("Deep validation", ["", "ms, median", "share"], rows)
    return shares


def _judge(folder: Path, which: str) -> DeepJudge:
    judge = DeepJudge(ValidationSettings.model_validate({"schemas": folder, which: "warn"}))
    judge.prepare()
    return judge


def _prepare(rehearsal: Rehearsal, content: bytes) -> None:
    drop = ClaimedDrop(rehearsal.rules.ids.ulid(), "cr", [("cr.xml", content)])
    submission = assemble(drop, rehearsal.desk(), rehearsal.limits)
    software = rehearsal.rules.software.model_copy(update={"environment": "test"})
    plan_messages(submission_view(submission), submission.files, replace(rehearsal.rules, software=software))


def _median(call: Callable[[], object], count: int) -> float:
    """Seconds; the first calls compile and warm caches."""
    times = []
    for _ in range(count + 2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])
