"""What the software reports about a delivery in small files, and what becomes of reports that cannot be used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.reports import failures_of, possible_prefixes
from connector.exchange.notices import FAILURE_LABELS
from connector.journal.notices import NoticeKind, NoticeSlot
from tests.delivery.place_scene import PlaceScene
from tests.delivery.test_watch import data_files, delivered, watching
from tests.exchange.exchange_scene import LAB
from tests.receipts.notice_scene import Killed, dying_at


def prefix(scene: PlaceScene) -> str:
    (index,) = (name for name in scene.files() if name.endswith(".mss.json"))
    return index.removesuffix(".mss.json")


def report(scene: PlaceScene, name: str, content: bytes = b"") -> Path:
    path = scene.received / name
    path.write_bytes(content)
    return path


def told(scene: PlaceScene, row: str) -> list[tuple[NoticeSlot, NoticeKind, tuple[str, ...]]]:
    return [(one.slot, one.kind, one.codes) for one in scene.told(row)]


def test_integrated_is_told_to_the_sender_and_ends_the_watch(scene: PlaceScene) -> None:
    row = delivered(scene)
    path = report(scene, f"{prefix(scene)}.integre")
    received = watching(scene)
    received.run_once()
    assert path.exists(), "it may still be written"
    received.run_once()
    assert not path.exists()
    assert told(scene, row) == [(NoticeSlot.RECEIPT, NoticeKind.PROCESSED, ())]
    assert scene.journal.standing(LAB) == []
    assert data_files(scene), "what the software left is its own"


def test_a_failure_is_told_with_the_codes_and_words_of_the_software(scene: PlaceScene) -> None:
    row = delivered(scene)
    report(scene, f"{prefix(scene)}.ECHEC", "904 : Traits différents\r\n\r\n902\r\n".encode("cp1252"))
    received = watching(scene)
    received.run_once()
    received.run_once()
    failed = (NoticeKind.FAILED, ("904", "902"))
    assert told(scene, row) == [(NoticeSlot.RECEIPT, *failed), (NoticeSlot.FAILURE, *failed)]
    mail = scene.mail_of(row).decode()
    assert "Traits diff" in mail
    assert [one.incoming_id for one in scene.journal.standing(LAB)] == [row], "somebody still has to integrate it"


def test_a_report_may_be_named_like_one_of_the_files(scene: PlaceScene) -> None:
    row = delivered(scene)
    report(scene, f"{data_files(scene)[0].name}.integre")
    received = watching(scene)
    received.run_once()
    received.run_once()
    assert scene.journal.received(row).mark is not None


def test_a_report_that_grows_is_left_alone(scene: PlaceScene) -> None:
    row = delivered(scene)
    path = report(scene, f"{prefix(scene)}.echec", b"90")
    received = watching(scene)
    received.run_once()
    path.write_bytes(b"903 sans INS")
    received.run_once()
    assert told(scene, row) == []
    received.run_once()
    assert told(scene, row)[0][2] == ("903",)


def test_a_report_about_nothing_is_kept_where_a_person_looks(scene: PlaceScene) -> None:
    delivered(scene)
    report(scene, "inconnu.echec", b"902")
    received = watching(scene)
    received.run_once()
    received.run_once()
    folder = scene.received.parent / "ERREURS" / "RECEPTION"
    assert (folder / "inconnu.echec").read_bytes() == b"902"
    assert "COMPTE_RENDU_INCONNU" in (folder / "inconnu.echec.erreur.txt").read_text("cp1252")


def test_a_link_or_a_giant_is_no_report(scene: PlaceScene) -> None:
    row = delivered(scene)
    report(scene, f"{prefix(scene)}.echec", b"9" * 20_000)
    received = watching(scene)
    received.run_once()
    received.run_once()
    assert told(scene, row) == []
    assert [one.incoming_id for one in scene.journal.standing(LAB)] == [row]
    note = scene.received.parent / "ERREURS" / "RECEPTION" / f"{prefix(scene)}.echec.erreur.txt"
    assert "COMPTE_RENDU_ILLISIBLE" in note.read_text("cp1252")


@pytest.mark.parametrize("step", ["journal.notice_kept", "report.told"])
@pytest.mark.parametrize("kind", [".integre", ".echec"])
def test_killed_anywhere_a_report_is_told_once(scene: PlaceScene, kind: str, step: str) -> None:
    row = delivered(scene)
    report(scene, prefix(scene) + kind, b"906 autre")
    received = watching(scene)
    received.run_once()
    with dying_at(step), pytest.raises(Killed):
        received.run_once()
    again = watching(scene)
    again.run_once()
    again.run_once()
    assert len({one.message_id for one in scene.told(row)}) == 1
    assert not [name for name in scene.files() if name.endswith(kind)]


def test_an_empty_failure_is_another_error() -> None:
    assert failures_of(b"") == failures_of(b" \r\n\n") == [("906", "")]
    assert failures_of(b"777 rare") == [("906", "777 rare")]
    assert failures_of(b"904") == [("904", "")]
    assert failures_of(b"9041 x") == [("906", "9041 x")]


@given(st.binary(max_size=2000))
def test_whatever_stands_in_a_report_is_a_failure_with_a_code_of_the_table(content: bytes) -> None:
    found = failures_of(content)
    assert found
    assert all(code in FAILURE_LABELS for code, _ in found)


@given(st.text("ab_.-", min_size=1, max_size=20))
def test_prefixes_are_beginnings_of_the_name(stem: str) -> None:
    assert all(stem.startswith(one) and one for one in possible_prefixes(stem))
    assert possible_prefixes(stem)[0] == stem
