"""Does the software take what it was given? What stands for too long is told once, and not when it was taken."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from connector.daemon.received import Received
from connector.delivery.reports import ReportReader
from connector.delivery.watch import FOLDER, ReceptionWatch, TakenRules
from connector.domain.errors import NeedsPerson, Unavailable
from connector.domain.states import IncomingEvent
from connector.exchange.notices import NoticeDesk
from connector.exchange.person import requeue
from connector.journal.notices import NoticeKind, NoticeSlot
from tests.delivery.place_scene import PlaceScene
from tests.exchange.exchange_scene import LAB
from tests.opening.opened import attached, hprim, text
from tests.receipts.notice_scene import Killed, dying_at

DAY = 24 * 3600


def delivered(scene: PlaceScene, **reception: Any) -> str:
    """A result with a text and an attachment stands in the folder; gives back its row id."""
    row = scene.arrives(text("Bonjour"), attached("resultat.pdf", b"%PDF-1.4 result"))
    assert scene.opening(scene.target(**reception)).run_once() == 1
    return row


def watching(scene: PlaceScene, desk: NoticeDesk | None = None, **reception: Any) -> Received:
    mailbox = scene.mailbox(**reception)
    settings = mailbox.reception
    desk = desk or scene.desk(reception={"read_receipt": "taken"})
    place = scene.layout(mailbox, None)
    watch = ReceptionWatch(
        LAB, [place], scene.journal, scene.clock,
        TakenRules(when=settings.taken_when, overdue_hours=settings.overdue_hours),
        lambda row: desk.take(row, by=FOLDER),
    )  # fmt: skip
    reader = ReportReader(place, desk, lambda prefixes: scene.journal.delivered_under(LAB, prefixes))
    return Received(watch, [reader])


def data_files(scene: PlaceScene) -> list[Path]:
    return [scene.received / name for name in scene.files() if not name.endswith(".mss.json")]


def actions(scene: PlaceScene, row: str) -> list[str]:
    return [entry.action for entry in scene.journal.trace(limit=1000) if entry.subject_id == row]


def test_what_stands_is_not_told_before_its_time(scene: PlaceScene) -> None:
    row = delivered(scene)
    scene.clock.advance(DAY - 60)
    watching(scene).run_once()
    assert "untaken" not in actions(scene, row)


def test_what_stands_for_too_long_is_told_once_until_it_is_taken(scene: PlaceScene) -> None:
    row = delivered(scene)
    scene.clock.advance(DAY)
    for _ in range(3):
        with pytest.raises(NeedsPerson, match="1 messages"):
            watching(scene).run_once()
    assert actions(scene, row).count("untaken") == 1
    assert scene.journal.overdue([LAB]) == {LAB: 1}
    data_files(scene)[0].unlink()
    watching(scene).run_once()
    assert scene.journal.overdue([LAB]) == {}
    assert actions(scene, row)[-1] == "taken"


def test_taken_is_known_and_answered_once(scene: PlaceScene) -> None:
    row = delivered(scene)
    received = watching(scene)
    received.run_once()
    assert scene.told(row) == []
    for path in data_files(scene):
        path.unlink()
    received.run_once()
    received.run_once()
    mark = scene.journal.received(row).mark
    assert mark is not None
    assert mark.by == FOLDER
    assert [(one.slot, one.kind) for one in scene.told(row)] == [(NoticeSlot.RECEIPT, NoticeKind.PROCESSED)]
    assert actions(scene, row).count("taken") == 1


def test_what_the_profile_left_out_is_waited_for_too(scene: PlaceScene) -> None:
    row = scene.arrives(text("Bonjour"), attached("r.hpr", hprim()), attached("lettre.pdf", b"%PDF-1.4 a"),
                        attached("photo.jpg", b"\xff\xd8\xff\xe0"))  # fmt: skip
    assert scene.opening(scene.target(profile="hprim")).run_once() == 1
    received = watching(scene)
    (result,) = scene.received.glob("*.hpm")
    result.unlink()
    received.run_once()
    assert scene.journal.received(row).mark is None, "the letter was seen by nobody"
    next((scene.received / "AUTRES").glob("*.pdf")).unlink()
    received.run_once()
    assert scene.journal.received(row).mark is not None


@pytest.mark.parametrize("place", ["own", "copy"])
def test_a_copy_in_another_folder_need_not_be_taken(scene: PlaceScene, place: str) -> None:
    routes = [{"path": str(scene.folder / "ged"), "profile": "dossier", "go_on": True}]
    row = delivered(scene, routes=routes)
    folder = scene.received if place == "own" else scene.folder / "ged"
    for path in [path for path in folder.rglob("*.pdf") if ".travail" not in path.parts]:
        path.unlink()
    watching(scene).run_once()
    assert scene.journal.received(row).mark is not None


def test_index_and_flag_may_be_left_or_removed_without_meaning_anything(scene: PlaceScene) -> None:
    row = delivered(scene)
    (index,) = (scene.received / name for name in scene.files() if name.endswith(".mss.json"))
    index.unlink()
    watching(scene).run_once()
    assert scene.journal.received(row).mark is None
    for path in data_files(scene):
        path.unlink()
    watching(scene).run_once()
    assert scene.journal.received(row).mark is not None


@pytest.mark.parametrize(("when", "is_taken"), [("any", True), ("all", False)])
def test_one_of_several_forms_is_enough_unless_the_settings_want_all(
    scene: PlaceScene, when: str, is_taken: bool
) -> None:
    row = delivered(scene)
    data_files(scene)[-1].unlink()
    watching(scene, taken_when=when).run_once()
    assert (scene.journal.received(row).mark is not None) is is_taken


def test_never_is_never(scene: PlaceScene) -> None:
    delivered(scene)
    scene.clock.advance(1000 * DAY)
    watching(scene, overdue_hours=0).run_once()
    assert scene.journal.overdue([LAB]) == {}


def test_an_application_that_took_it_ends_the_watch(scene: PlaceScene) -> None:
    row = delivered(scene)
    scene.clock.advance(DAY)
    with pytest.raises(NeedsPerson):
        watching(scene).run_once()
    scene.journal.mark_taken(row, by="LPS moderne")
    watching(scene).run_once()
    assert scene.journal.standing(LAB) == []


def test_a_share_that_is_away_is_not_a_software_that_took_everything(scene: PlaceScene) -> None:
    row = delivered(scene)
    received = watching(scene)
    away = scene.folder / "elsewhere"
    (scene.folder / "spool").rename(away)
    with pytest.raises(Unavailable, match="SPOOL_ABSENT"):
        received.run_once()
    away.rename(scene.folder / "spool")
    received.run_once()
    assert scene.journal.received(row).mark is None


@pytest.mark.parametrize("profile", ["dossier", "par_type", "texte_f", "pdf_seul"])
def test_files_in_folders_of_their_own_are_watched_as_well(scene: PlaceScene, profile: str) -> None:
    row = delivered(scene, profile=profile)
    watching(scene, profile=profile).run_once()
    assert scene.journal.received(row).mark is None
    for entry in scene.received.iterdir():
        if entry.is_dir() and not entry.name.startswith("."):
            shutil.rmtree(entry)
        elif not entry.name.startswith("."):
            entry.unlink()
    watching(scene, profile=profile).run_once()
    assert scene.journal.received(row).mark is not None


def test_delivered_again_it_stands_again(scene: PlaceScene) -> None:
    row = delivered(scene)
    for path in data_files(scene):
        path.unlink()
    watching(scene).run_once()
    scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    assert requeue(scene.journal, row, actor="secretary")
    assert scene.opening(scene.target()).run_once() == 1
    assert [one.incoming_id for one in scene.journal.standing(LAB)] == [row]
    assert [one.slot for one in scene.told(row)] == [NoticeSlot.RECEIPT], "and its sender hears nothing twice"


def test_many_deliveries_are_looked_at_in_turns(scene: PlaceScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.delivery.watch._BATCH", 2)
    rows = [delivered(scene) for _ in range(5)]
    for path in data_files(scene):
        path.unlink()
    received = watching(scene)
    for _ in range(3):
        received.run_once()
    assert all(scene.journal.received(row).mark for row in rows)


@pytest.mark.parametrize("step", ["taken.answered", "journal.notice_kept"])
def test_killed_between_answer_and_mark_the_sender_hears_once(scene: PlaceScene, step: str) -> None:
    row = delivered(scene)
    for path in data_files(scene):
        path.unlink()
    with dying_at(step), pytest.raises(Killed):
        watching(scene).run_once()
    watching(scene).run_once()
    assert [one.slot for one in scene.told(row)] == [NoticeSlot.RECEIPT]
    assert scene.journal.standing(LAB) == []
