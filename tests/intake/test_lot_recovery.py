"""A lot that is cut at any step is finished: one message for each part, nothing lost, nothing twice."""

from collections import Counter
from collections.abc import Callable

import pytest

from connector.domain.ports import watch_steps
from connector.domain.states import OutgoingState
from connector.intake import lot as lot_module
from tests.crash.crash_samples import document
from tests.intake.bench import Bench
from tests.intake.conftest import MakeBench
from tests.intake.lot_samples import drop_batch, finish, hl7_batch, index_of, other_patient
from tests.intake.test_intake_recovery import Killed, killed_at

Drop = Callable[[Bench], None]


def bad_line(bench: Bench) -> None:
    drop_batch(bench, bad=True)


def messages(bench: Bench) -> None:
    bench.drop("LOT.hl7", hl7_batch(2))
    bench.drop("LOT.ok", b"")


def patients(bench: Bench) -> None:
    bench.drop("a.xml", document(1))
    bench.drop("b.xml", other_patient(2))
    bench.drop("LOT.mss.json", b'{"fichiers": ["a.xml", "b.xml"]}')


def nothing_good(bench: Bench) -> None:
    bench.drop("a.xml", b"<html></html>")
    bench.drop("LOT.mss.csv", index_of("a.xml"))


# drop, what was sent, names in ENVOYES, names in ERREURS
WORLDS: dict[str, tuple[Drop, list[str], list[str], list[str]]] = {
    "index": (
        drop_batch, ["a", "b", "c"],
        ["LOT.mss.csv", "LOT.ok", "a.mss.json", "a.xml", "b.mss.json", "b.xml", "c.mss.json", "c.xml"], [],
    ),
    "bad line": (
        bad_line, ["a", "c"], ["LOT.mss.csv", "LOT.ok", "a.mss.json", "a.xml", "c.mss.json", "c.xml"],
        ["b.erreur.txt", "b.mss.json", "b.xml"],
    ),
    "messages": (messages, ["LOT_1", "LOT_2"], ["LOT.hl7", "LOT.ok", "LOT_1.hl7", "LOT_2.hl7"], []),
    "patients": (
        patients, ["LOT_1", "LOT_2"],
        ["LOT.mss.json", "LOT_1.mss.json", "LOT_2.mss.json", "a.xml", "b.xml"], [],
    ),
    "nothing good": (
        nothing_good, [], [], ["LOT.erreur.txt", "LOT.mss.csv", "a.erreur.txt", "a.mss.json", "a.xml"],
    ),
}  # fmt: skip

STEPS = [
    "claim.folder_made", "claim.file_moved", "claim.renamed", "lot.staged", "lot.written", "lot.told",
    "lot.file_moved", "lot.part_made", "claim.taken", "claim.refused", "claim.filed", "status.written",
    "status.filed", "status.reported", "lot.chosen", "lot.filed",
]  # fmt: skip


def all_steps(bench: Bench, drop: Drop) -> list[str]:
    """What an undisturbed run reaches, in order."""
    reached: list[str] = []
    watch_steps(reached.append)
    try:
        drop(bench)
        finish(bench)
    finally:
        watch_steps(None)
    return [step for step in reached if step in STEPS]


def prove(bench: Bench, world: str) -> None:
    _, sent, envoyes, erreurs = WORLDS[world]
    views = bench.submissions()
    assert sorted(view.source_name for view in views) == sent
    assert Counter(m.state for view in views for m in view.messages) == Counter([OutgoingState.SENT] * len(sent))
    assert len({view.lot for view in views}) <= 1
    assert None not in {view.lot for view in views}
    assert sorted(name.rpartition("/")[2] for name in bench.names("ENVOYES")) == envoyes
    assert bench.names("ERREURS") == erreurs
    failed = [name.removesuffix(".erreur.txt") for name in erreurs if name.endswith(".erreur.txt")]
    told = {*sent, *failed, "LOT"}
    assert bench.names("STATUTS") == sorted(f"{base}.statut.{form}" for base in told for form in ("json", "txt"))
    assert [entry.action for entry in bench.journal.trace(limit=1000)].count("refuse") == len(set(failed) - {"LOT"})
    assert bench.names("A_ENVOYER") == []
    assert bench.work() == []


@pytest.mark.parametrize("world", WORLDS)
def test_a_lot_that_is_not_disturbed_is_whole(make_bench: MakeBench, world: str) -> None:
    bench = make_bench()
    steps = all_steps(bench, WORLDS[world][0])
    prove(bench, world)
    assert {step for step in steps if step.startswith("lot.")} >= {
        "lot.staged", "lot.written", "lot.told", "lot.part_made", "lot.chosen", "lot.filed",
    }  # fmt: skip


def cases() -> list[tuple[str, str, int]]:
    """Each step at each of its occurrences; more than three of a kind say nothing new."""
    found = []
    for world in WORLDS:
        for step in STEPS:
            found += [(world, step, occurrence) for occurrence in (1, 2, 3)]
    return found


@pytest.mark.parametrize(("world", "step", "occurrence"), cases())
def test_a_lot_is_finished_wherever_it_is_cut(make_bench: MakeBench, world: str, step: str, occurrence: int) -> None:
    bench = make_bench()
    WORLDS[world][0](bench)
    if not _dies(bench, step, occurrence):
        prove(bench, world)  # this world does not reach the step so often
        return
    bench = bench.again()
    bench.outbox.recover()
    finish(bench)
    prove(bench, world)


def _dies(bench: Bench, step: str, occurrence: int) -> bool:
    """Run until it is killed; false when it was all done before."""
    try:
        with killed_at(step, occurrence):
            finish(bench)
    except pytest.fail.Exception:  # nothing raised
        return False
    return True


@pytest.mark.parametrize("world", WORLDS)
def test_a_lot_that_is_killed_at_every_single_step_of_every_start_still_gets_done(
    make_bench: MakeBench, world: str
) -> None:
    """The n-th start dies at its n-th step of the folders, whichever that is, until one runs to its end."""
    bench = make_bench()
    WORLDS[world][0](bench)
    for most in range(1, 200):
        seen = 0

        def observe(step: str, most: int = most) -> None:
            nonlocal seen
            seen += step in STEPS
            if step in STEPS and seen == most:
                raise Killed

        watch_steps(observe)
        try:
            bench.outbox.recover()
            finish(bench)
        except Killed:
            bench = bench.again()
        else:
            break
        finally:
            watch_steps(None)
    else:
        pytest.fail("never done")
    prove(bench, world)


def test_a_lot_is_finished_from_its_manifest_and_not_split_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the software may split otherwise: the identifiers and bytes that were written count."""
    drop_batch(bench)
    with killed_at("lot.written"):
        finish(bench)
    bench = bench.again()

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    with monkeypatch.context() as other_version:
        other_version.setattr("connector.intake.outbox.split_index", never)
        bench.outbox.recover()
        finish(bench)
    prove(bench, "index")


def test_a_lot_that_cannot_be_written_goes_back_and_is_taken_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    drop_batch(bench)
    bench.scan()
    with monkeypatch.context() as patched:
        patched.setattr(lot_module, "write_atomic", full)
        assert bench.scan(after=2) == 0
        assert bench.outbox.health.code == "DISQUE_PLEIN"
        assert bench.scan() == 0, "and again: it went back and was claimed anew"
        assert bench.submissions() == []
    finish(bench)
    prove(bench, "index")


@pytest.mark.parametrize("step", ["rename_durable", "move_all"])
def test_a_lot_in_hand_on_a_full_disk_goes_on_when_there_is_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    drop_batch(bench)
    with monkeypatch.context() as patched:
        patched.setattr(lot_module, step, full)
        finish(bench)
        assert bench.outbox.run_once() == 0
        assert bench.outbox.health.code == "DISQUE_PLEIN"
    finish(bench)
    assert bench.outbox.health.is_ok
    prove(bench, "index")
