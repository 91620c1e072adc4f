"""Where our files are."""

from pathlib import Path

import pytest

from connector.platform.paths import DataPaths, config_candidates, default_data_dir, find_config


def test_every_name_is_inside_the_data_folder(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    for path in (paths.journal, paths.key, paths.lock, paths.logs, paths.endpoint):
        assert path.parent == tmp_path
    assert paths.journal_url == f"sqlite:///{paths.journal}"


def test_the_default_is_a_folder_of_our_own() -> None:
    assert default_data_dir().is_absolute()
    assert "mssante-connector" in str(default_data_dir())


def test_a_named_settings_file_excludes_all_others(tmp_path: Path) -> None:
    assert config_candidates({"MSS_CONNECTOR_CONFIG": str(tmp_path / "c.toml")}) == [tmp_path / "c.toml"]


def test_the_first_settings_file_that_exists_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, site = tmp_path / "user", tmp_path / "site"
    monkeypatch.setattr("platformdirs.user_config_path", lambda name, appauthor: user)
    monkeypatch.setattr("platformdirs.site_config_path", lambda name, appauthor: site)
    assert find_config({}) == user / "connector.toml"
    site.mkdir()
    (site / "connector.toml").touch()
    assert find_config({}) == site / "connector.toml"
