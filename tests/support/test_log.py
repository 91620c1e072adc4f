"""The log admits what is on its list, and nothing else."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connector.settings.model import LogSettings
from connector.support.log import configure_log


@pytest.fixture(autouse=True)
def _clean_log() -> Iterator[None]:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if handler not in before[0]:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def test_a_field_that_is_not_on_the_list_never_reaches_the_log(tmp_path: Path) -> None:
    configure_log(LogSettings(format="json"), tmp_path)
    structlog.get_logger("x").info("taken", id="01ABC", patient="DUPONT", subject="XDM DUPONT")
    line = json.loads((tmp_path / "logs" / "connector.log").read_text(encoding="utf-8"))
    assert line["event"] == "taken"
    assert line["id"] == "01ABC"
    assert line["dropped_fields"] == 2
    assert "DUPONT" not in json.dumps(line)


def test_the_log_folder_is_private_and_the_level_is_kept(tmp_path: Path) -> None:
    configure_log(LogSettings(level="warning"), tmp_path)
    structlog.get_logger("x").info("quiet")
    structlog.get_logger("x").warning("loud", code="X")
    content = (tmp_path / "logs" / "connector.log").read_text(encoding="utf-8")
    assert "loud" in content
    assert "quiet" not in content
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0


def test_without_folder_only_the_terminal_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(LogSettings(), None)
    structlog.get_logger("x").info("hello")
    assert "event='hello'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
