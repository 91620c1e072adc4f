"""Folders that a program carries elsewhere are recognised by name, by mark, or by the program's own variables."""

from pathlib import Path

import pytest

from connector.platform.synced import synchronised_by


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("/home/a/OneDrive/spool", "OneDrive"),
        ("/home/a/OneDrive - Cabinet Modele/spool", "OneDrive"),
        ("/home/a/Dropbox/x/y", "Dropbox"),
        ("/home/a/Dropbox (Cabinet)/x", "Dropbox"),
        ("/Users/a/Library/Mobile Documents/com~apple~CloudDocs/x", "iCloud"),
        ("/home/a/Google Drive/x", "Google Drive"),
        ("/home/a/Nextcloud/x", "Nextcloud"),
        ("/Users/a/Library/CloudStorage/x", "CloudStorage"),
        ("/home/a/ConnecteurMSS", ""),
        ("/home/a/dropbox-tools/x", ""),
        ("/srv/one/drive", ""),
    ],
)
def test_a_name_tells(path: str, program: str) -> None:
    assert synchronised_by(Path(path), environment={}) == program


@pytest.mark.parametrize(
    ("marker", "program"), [(".dropbox", "Dropbox"), (".stfolder", "Syncthing"), (".nextcloudsync.log", "Nextcloud")]
)
def test_what_a_program_leaves_tells(tmp_path: Path, marker: str, program: str) -> None:
    below = tmp_path / "a" / "b"
    assert synchronised_by(below, environment={}) == ""
    (tmp_path / marker).touch()
    assert synchronised_by(below, environment={}) == program


def test_onedrive_says_where_it_is(tmp_path: Path) -> None:
    home = {"OneDriveCommercial": str(tmp_path / "Entreprise"), "OneDrive": ""}
    assert synchronised_by(tmp_path / "Entreprise" / "spool", environment=home) == "OneDrive"
    assert synchronised_by(tmp_path / "Entreprises" / "spool", environment=home) == ""


def test_a_name_that_no_system_allows_is_not_synchronised() -> None:
    assert synchronised_by(Path("/" + "x" * 4000), environment={}) == ""
