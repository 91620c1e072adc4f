"""Events of the log stay out of what a command answers, and the log is afterwards as it was before."""

import pytest
import structlog

from connector.cli.quiet import quiet_log


def test_only_warnings_are_seen_and_not_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("x")
    with quiet_log():
        log.info("looked")
        log.warning("locked", code="X")
    told = capsys.readouterr()
    assert told.out == ""
    assert "looked" not in told.err
    assert "locked" in told.err


def test_the_log_is_as_it_was_also_after_an_error() -> None:
    before = structlog.get_config()
    with pytest.raises(ValueError, match="x"), quiet_log():
        raise ValueError("x")
    assert structlog.get_config() == before
