"""A crash between any two steps loses nothing and tells nothing twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.domain.errors import Unavailable
from connector.domain.ports import watch_steps
from connector.domain.states import OutgoingEvent
from connector.domain.submission import FileRole
from connector.intake import filing, refusal
from connector.platform import together
from connector.platform.files import rename_durable
from connector.sandbox.samples import sample
from tests.intake.bench import CDA, Bench
from tests.intake.conftest import MakeBench


class Killed(BaseException):
    """The process is gone: nothing after the step runs."""


@contextmanager
def killed_at(step: str, occurrence: int = 1) -> Iterator[None]:
    seen = 0

    def observe(reached: str) -> None:
        nonlocal seen
        seen += reached == step
        if reached == step and seen == occurrence:
            raise Killed(step)

    watch_steps(observe)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        watch_steps(None)


def three_files(bench: Bench) -> None:
    bench.drop("X.xml")
    bench.drop("X.mss.json", sample("cr-biologie-v1.mss.json").replace(b"cr-biologie-v1.xml", b"X.xml"))
    bench.drop("X.ok", b"")


CLAIM_STEPS = [
    ("claim.folder_made", 1), ("claim.file_moved", 1), ("claim.file_moved", 2), ("claim.file_moved", 3),
    ("claim.renamed", 1), ("claim.taken", 1),
]  # fmt: skip


@pytest.mark.parametrize(("step", "occurrence"), CLAIM_STEPS)
def test_a_drop_is_taken_once_and_whole_wherever_the_claim_is_cut(
    make_bench: MakeBench, step: str, occurrence: int
) -> None:
    bench = make_bench(readiness="drapeau")
    three_files(bench)
    with killed_at(step, occurrence):
        bench.scan()
    bench = bench.again()
    bench.outbox.recover()
    bench.settle()
    assert sorted(f.role for f in bench.only().files) == [FileRole.CDA, FileRole.FLAG, FileRole.SIDECAR]
    assert bench.names("A_ENVOYER") == []
    bench.send()
    bench.reporter.run_once()
    assert len(bench.names("ENVOYES")) == 3
    assert bench.work() == []
    assert bench.names("ERREURS") == []


@pytest.mark.parametrize("step", ["claim.folder_made", "claim.renamed", "claim.refused", "claim.filed"])
def test_a_refusal_is_told_once_wherever_it_is_cut(bench: Bench, step: str) -> None:
    bench.drop("X.doc", b"\xd0\xcf\x11\xe0")
    bench.scan()
    with killed_at(step):
        bench.scan(after=2)
    bench = bench.again()
    bench.outbox.recover()
    bench.settle()
    assert bench.names("ERREURS") == ["X.doc", "X.erreur.txt"]
    assert bench.names("STATUTS") == ["X.statut.json", "X.statut.txt"]
    assert [entry.action for entry in bench.journal.trace()].count("refuse") == 1
    (drop,) = bench.journal.refused_drops()
    assert (drop.name, drop.files, drop.note, drop.code) == ("X", ("X.doc",), "X.erreur.txt", "FORMAT_INCONNU")
    assert bench.work() == []


def test_a_refusal_that_was_seen_stays_seen_when_it_is_finished_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the journal had it: the person has seen it before the connector comes back."""

    def killed(path: Path) -> None:
        raise Killed(path.name)

    bench.drop("X.doc", b"\xd0\xcf\x11\xe0")
    bench.scan()
    with monkeypatch.context() as dying:
        dying.setattr(refusal, "remove", killed)
        with pytest.raises(Killed):
            bench.scan(after=2)
    (drop,) = bench.journal.refused_drops()
    seen = bench.journal.see_refused_drop(drop.id, by="page")
    bench = bench.again()
    bench.outbox.recover()
    assert bench.journal.refused_drops() == [seen]
    assert [entry.action for entry in bench.journal.trace()].count("refuse") == 1
    assert bench.work() == []


def test_a_journal_that_cannot_take_a_refusal_gets_it_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise Unavailable("DISQUE_PLEIN", "no space")

    bench.drop("X.doc", b"\xd0\xcf\x11\xe0")
    bench.scan()
    with monkeypatch.context() as broken:
        broken.setattr(bench.journal, "refuse_drop", full)
        with pytest.raises(Unavailable):
            bench.scan(after=2)
    assert bench.journal.refused_drops() == []
    bench.scan(after=2)
    assert [drop.files for drop in bench.journal.refused_drops()] == [("X.doc",)]
    assert bench.work() == []


@pytest.mark.parametrize("step", ["status.written", "status.filed", "status.reported"])
@pytest.mark.parametrize("ending", ["sent", "cancelled"])
def test_a_report_is_finished_under_the_same_names(bench: Bench, step: str, ending: str) -> None:
    three_files(bench)
    bench.settle()
    endings: dict[str, Callable[[], object]] = {"sent": bench.send, "cancelled": lambda: cancel(bench)}
    endings[ending]()
    with killed_at(step):
        bench.reporter.run_once()
    bench = bench.again()
    bench.reporter.run_once()
    assert bench.reporter.run_once() == 0
    assert bench.names("STATUTS") == ["X.statut.json", "X.statut.txt"]
    folder = "ENVOYES" if ending == "sent" else "ERREURS"
    notes = [] if ending == "sent" else ["X.erreur.txt"]
    found = [name.rpartition("/")[2] for name in bench.names(folder)]
    assert sorted(found) == sorted(["X.mss.json", "X.ok", "X.xml", *notes])
    assert bench.work() == []


def cancel(bench: Bench) -> None:
    bench.journal.record(bench.only().messages[0].id, OutgoingEvent.CANCEL)


def test_a_move_that_was_cut_between_two_files_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    three_files(bench)
    bench.settle()
    bench.send()
    moved: list[str] = []

    def cut(source: Path, target: Path, **_: object) -> None:
        if moved:
            raise Killed
        moved.append(str(source))
        rename_durable(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(filing, "rename_exclusive", cut)
        with pytest.raises(Killed):
            bench.reporter.run_once()
    bench = bench.again()
    bench.reporter.run_once()
    assert len(bench.names("ENVOYES")) == 3
    assert bench.work() == []


def test_a_name_that_the_lps_used_again_is_not_overwritten_by_the_recovery(bench: Bench) -> None:
    bench.drop("X.xml", CDA)
    bench.scan()
    with killed_at("claim.renamed"):
        bench.scan(after=2)
    bench.drop("X.xml", sample("cr-consultation-n1.xml"))
    bench = bench.again()
    bench.outbox.recover()
    assert bench.settle() == 1
    assert bench.settle() == 1
    contents = {bench.journal.payload(view.files[0].payload_id) for view in bench.submissions()}
    assert contents == {CDA, sample("cr-consultation-n1.xml")}
    assert bench.names("A_ENVOYER") == []


def test_a_work_folder_that_is_away_at_the_start_does_not_stop_the_start(bench: Bench) -> None:
    hidden = bench.root.with_name("away")
    bench.root.rename(hidden)
    bench.outbox.recover()
    assert bench.outbox.health.code == "SPOOL_ABSENT"
    hidden.rename(bench.root)
    bench.drop("X.xml")
    assert bench.settle() == 1


def test_a_claim_that_cannot_be_finished_on_a_full_disk_is_finished_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    bench.drop("X.doc", b"\xd0\xcf\x11\xe0")
    bench.scan()
    with monkeypatch.context() as patched:
        patched.setattr(refusal, "write_atomic", full)
        assert bench.scan(after=2) == 0
        assert bench.outbox.health.code == "DISQUE_PLEIN"
    assert bench.settle() == 1
    assert bench.outbox.health.is_ok
    assert bench.names("ERREURS") == ["X.doc", "X.erreur.txt"]


def test_a_file_that_vanishes_during_the_claim_gives_the_others_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_files(bench)

    def fails_for_the_sidecar(source: Path, target: Path, **_: object) -> None:
        if str(source).endswith("A_ENVOYER/X.mss.json"):
            raise PermissionError(13, "in use")
        rename_durable(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(together, "rename_exclusive", fails_for_the_sidecar)
        assert bench.scan() == 0
    assert bench.names("A_ENVOYER") == ["X.mss.json", "X.ok", "X.xml"]
    assert bench.work() == []
    assert bench.scan() == 1
