"""A process that was killed while it wrote leaves no half file in any folder, and never one in the LPS's."""

import tempfile
from pathlib import Path

from tests.intake.bench import Bench


def litter(folder: Path) -> None:
    """What write_atomic leaves when the process dies before the rename."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.mkstemp(prefix=".mss-", suffix=".part", dir=folder)


def parts(bench: Bench) -> list[str]:
    return sorted(str(path) for path in bench.layout.root.rglob("*.part"))


def test_half_written_files_are_gone_after_the_start(bench: Bench) -> None:
    layout = bench.layout
    for folder in (layout.statuses, layout.errors, layout.work / "suivi" / "2026-11"):
        litter(folder)
    bench.outbox.recover()
    assert parts(bench) == []


def test_a_half_written_verdict_does_not_come_back_into_the_outbox(bench: Bench) -> None:
    """A claim that was cut while its refusal was written is given back with the LPS's own files only."""
    claim = bench.layout.work / "01JDA0000000000000000000AA"
    claim.mkdir()
    (claim / "X.doc").write_bytes(b"word")
    litter(claim)
    bench.outbox.recover()
    assert bench.names("A_ENVOYER") == ["X.doc"]
    assert not claim.exists()
    assert parts(bench) == []
