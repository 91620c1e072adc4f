"""The exchange folders: new, there, lost, closed, open to all, on a share, synchronised – and nothing is changed."""

import os
from pathlib import Path

import pytest

from connector.intake.layout import MARKER, KnownFolders, establish
from connector.platform import share
from connector.support.doctor import Severity
from connector.support.doctor.checks import folders as folder_checks
from connector.support.doctor.rights import can_write
from tests.support.doctor_scene import Practice


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


@pytest.fixture
def established(practice: Practice) -> Practice:
    """The connector has run once."""
    practice.data.mkdir(mode=0o700)
    settings = practice.settings
    establish(settings.spool, settings.mailboxes[0], KnownFolders(practice.data / "folders.json"))
    return practice


def content(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_folders_that_are_not_there_yet_are_fine_and_stay_away(practice: Practice) -> None:
    (found,) = practice.looked("exchange folders")
    assert (found.code, found.subject) == ("DOSSIERS_NOUVEAUX", "dr-modele")
    assert not (practice.folder / "spool").exists()


def test_folders_in_order_stay_as_they_are(established: Practice) -> None:
    before = content(established.folder)
    (found,) = established.looked("exchange folders")
    assert (found.code, found.detail) == ("DOSSIERS_OK", str(established.folder / "spool" / "dr-modele"))
    assert content(established.folder) == before


@pytest.mark.parametrize("lost", ["spool", "spool/dr-modele"])
def test_a_folder_that_has_lost_its_marker_is_an_absent_disk(established: Practice, lost: str) -> None:
    (established.folder / lost / MARKER).unlink()
    (found,) = established.looked("exchange folders")
    assert (found.code, found.severity, found.subject) == ("SPOOL_ABSENT", Severity.ERROR, "dr-modele")


def test_a_second_mailbox_is_new_beside_the_first(established: Practice) -> None:
    other = {**established.mailbox, "address": "labo@exemple.mssante.fr"}
    established.values["mailboxes"].append(other)
    found = established.looked("exchange folders")
    assert [(one.code, one.subject) for one in found] == [("DOSSIERS_OK", "dr-modele"), ("DOSSIERS_NOUVEAUX", "labo")]
    assert [one.subject for one in established.looked("exchange folders", box="labo")] == ["labo"]


def test_a_folder_that_cannot_be_worked_in_is_named(established: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = established.folder / "spool" / "dr-modele" / "A_ENVOYER"

    def refuse_outbox(folder: Path) -> None:
        if folder == outbox:
            raise PermissionError(13, "Permission denied")
        can_write(folder)

    monkeypatch.setattr(folder_checks, "can_write", refuse_outbox)
    (found,) = established.looked("exchange folders")
    assert (found.code, found.subject) == ("DOSSIER_REFUSE", str(outbox))
    assert found.detail == "PermissionError errno 13"


def test_a_folder_below_that_was_removed_is_made_again_by_itself(established: Practice) -> None:
    (established.folder / "spool" / "dr-modele" / "STATUTS").rmdir()
    assert established.told("exchange folders") == ["DOSSIERS_OK"]
    assert not (established.folder / "spool" / "dr-modele" / "STATUTS").exists()


@pytest.mark.skipif(os.name == "nt", reason="rights of this kind are POSIX")
@pytest.mark.parametrize(("mode", "codes"), [(0o755, ["DOSSIER_OUVERT"]), (0o770, ["DOSSIERS_OK"])])
def test_a_group_may_look_in_and_everybody_may_not(established: Practice, mode: int, codes: list[str]) -> None:
    (established.folder / "spool" / "dr-modele").chmod(mode)
    assert established.told("exchange folders") == codes


def test_an_inbox_elsewhere_is_looked_at_too(established: Practice) -> None:
    elsewhere = established.folder / "Dropbox" / "lps"
    established.mailbox["reception"] = {"path": str(elsewhere)}
    settings = established.settings
    establish(settings.spool, settings.mailboxes[0], KnownFolders(established.data / "folders.json"))
    found = established.looked("exchange folders")
    assert [(one.code, one.subject, one.detail) for one in found] == [
        ("DOSSIER_SYNCHRONISE", str(elsewhere.parent), "Dropbox")
    ]
    (elsewhere / MARKER).unlink()
    assert established.told("exchange folders") == ["SPOOL_ABSENT"]


@pytest.mark.parametrize(
    ("setting", "codes"),
    [("auto", ["DOSSIER_SUR_PARTAGE"]), (False, ["PARTAGE_NON_DECLARE"]), (True, ["DOSSIERS_OK"])],
)
def test_a_share_is_told_unless_it_is_meant(
    established: Practice, monkeypatch: pytest.MonkeyPatch, setting: object, codes: list[str]
) -> None:
    monkeypatch.setattr(share, "_mounts", lambda: f"//nas/x {established.folder} cifs rw 0 0\n")
    established.values["spool"]["share"] = setting
    assert established.told("exchange folders") == codes


def test_a_list_of_known_folders_that_cannot_be_read_is_an_error(established: Practice) -> None:
    (established.data / "folders.json").write_text("{")
    assert established.told("exchange folders") == ["SPOOL_ABSENT"]


def test_to_write_is_tried_and_leaves_nothing(tmp_path: Path) -> None:
    can_write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        can_write(tmp_path / "absent")
