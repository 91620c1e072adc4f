"""Three thousand files at once, a share that goes away in the middle of them, and writers that take their time."""

from pathlib import Path

import pytest

from connector.intake import outbox as outbox_module
from connector.intake.scan import Listing
from tests.crash.crash_samples import document
from tests.intake.bench import CDA, Bench
from tests.intake.conftest import MakeBench
from tests.intake.lot_samples import finish, index_of

FILES = 3000


def test_three_thousand_files_at_once_are_taken_once_each(make_bench: MakeBench) -> None:
    """A thousand reports with sidecar and flag, round by round; no round takes more than its share."""
    bench = make_bench(readiness="drapeau")
    report = document(1)
    mark = report.index(b"</title>")
    for number in range(FILES // 3):
        name = f"{number:04}"
        bench.drop(f"{name}.xml", report[:mark] + name.encode() + report[mark:])
        bench.drop(f"{name}.mss.json", f'{{"reference": "R{name}"}}'.encode())
        bench.drop(f"{name}.ok", b"")
    rounds = []
    while taken := bench.scan():
        rounds.append(taken)
    assert sum(rounds) == FILES // 3
    assert max(rounds) == outbox_module.BATCH
    assert sorted(view.reference or "" for view in bench.journal.submissions(limit=FILES)) == [
        f"R{number:04}" for number in range(FILES // 3)
    ]
    assert bench.names("A_ENVOYER") == []
    assert bench.names("ERREURS") == []


def test_a_share_that_goes_away_in_the_middle_of_a_lot_makes_no_storm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"d{number}.xml" for number in range(6)]
    for number, name in enumerate(names):
        bench.drop(name, document(number))
    bench.drop("LOT.mss.csv", index_of(*names))
    bench.drop("other.xml", CDA)
    monkeypatch.setattr(outbox_module, "BATCH", 2)
    assert bench.settle() == 2
    assert bench.scan() == 2
    hidden = bench.root.with_name("unplugged")
    bench.root.rename(hidden)
    for _ in range(3):
        assert bench.scan(after=60) == 0
        assert bench.outbox.health.code == "SPOOL_ABSENT"
    hidden.rename(bench.root)
    finish(bench)
    assert sorted(view.source_name for view in bench.submissions()) == [*(f"d{n}" for n in range(6)), "other"]
    assert bench.names("ERREURS") == []
    assert bench.work() == []


def test_a_share_that_lists_nothing_for_a_while_finds_its_files_known_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some shares answer an empty list instead of an error: then the settling begins anew, and nothing else."""
    bench.drop("a.xml")
    bench.scan()
    with monkeypatch.context() as away:
        away.setattr(bench.outbox._lookout, "_look", _nothing)
        assert bench.scan(after=60) == 0
    assert bench.scan() == 0
    assert bench.scan(after=2) == 1
    assert bench.names("ERREURS") == []


def _nothing(_: Path) -> Listing:
    return Listing(())


@pytest.mark.parametrize("readiness", ["stable", "drapeau", "accompagne"])
@pytest.mark.parametrize("by_rename", [False, True], ids=["in place", "renamed"])
def test_a_slow_writer_is_never_overtaken(make_bench: MakeBench, readiness: str, *, by_rename: bool) -> None:
    """1 KiB each 100 ms, with flag and sidecar there before the first byte, and a look after each."""
    bench = make_bench(readiness=readiness)
    bench.drop("X.ok", b"")
    bench.drop("X.mss.json", b'{"fichiers": ["X.xml", "X.pdf"]}')
    pdf = b"%PDF-1.4\n" + b"x" * 9000 + b"\n%%EOF\n"
    for name, content in (("X.xml", CDA), ("X.pdf", pdf)):
        path = bench.layout.outbox / (f"{name}.tmp" if by_rename else name)
        for start in range(0, len(content), 1024):
            assert bench.scan(after=0.1) == 0
            with path.open("ab") as file:
                file.write(content[start : start + 1024])
        if by_rename:
            assert bench.scan(after=0.1) == 0
            path.rename(bench.layout.outbox / name)
    assert bench.scan(after=0.1) == 1, "everything is there and shows its end: nothing to wait for"
    contents = {file.name: bench.journal.payload(file.payload_id) for file in bench.only().files}
    assert (contents["X.xml"], contents["X.pdf"]) == (CDA, pdf)


@pytest.mark.parametrize(
    ("name", "content", "flag"),
    [
        ("A.HPR", b"H|~^\\&|A.HPR||L~LABO|..|ORU|||C~CAB||P|H2.2~C|202611201015\r\nP|1\r\nL|1\r\n", "a.ok"),
        ("X.hl7", b"MSH|^~\\&|A|B\rPID|1\rOBX|1|TX|y\r", "X.hl7.fin"),
        ("X.pdf", b"%PDF-1.4\n%%EOF\n", "X.pdf.OK"),
        ("X.jpg", b"\xff\xd8\xff\xd9", "X.jpg.trg"),
        ("X.xml", CDA, "X.end"), ("X.xml", CDA, "X.rdy"), ("X.xml", CDA, "X.Flag"),
    ],
)  # fmt: skip
def test_each_habit_of_flags_takes_the_file_and_its_flag_together(
    make_bench: MakeBench, name: str, content: bytes, flag: str
) -> None:
    bench = make_bench(readiness="drapeau")
    bench.drop(name, content)
    bench.scan()
    assert bench.scan(after=60) == 0
    bench.drop(flag, b"")
    assert bench.scan() + bench.scan(after=2) == 1
    assert bench.names("A_ENVOYER") == []
    gone = [*bench.names("ERREURS"), *(file.name for view in bench.submissions() for file in view.files)]
    assert {name, flag} <= set(gone)
