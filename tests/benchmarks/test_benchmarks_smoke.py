"""Every benchmark runs and prints its tables; what it measures is nobody's business here."""

import sys

import pytest

from benchmarks import api, idle, latency, mailbox, receive, send, validation, xdm

# the bare clients that we compare with close their sockets when they like
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
linux_servers = pytest.mark.skipif(sys.platform != "linux", reason="needs Debian's Postfix, Dovecot and mbsync")


def test_xdm_prints_ratio_and_profile(capsys: pytest.CaptureFixture[str]) -> None:
    xdm.run(2)
    printed = capsys.readouterr().out
    assert "pack / bare" in printed
    assert "write METADATA.XML" in printed


def test_validation_prints_its_shares(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSS_SCHEMAS", raising=False)
    assert len(validation.run(2)) == 4
    printed = capsys.readouterr().out
    assert "take and prepare" in printed
    assert "schematron" in printed


@linux_servers
@pytest.mark.servers
def test_sending_prints_ratio_and_profile(capsys: pytest.CaptureFixture[str]) -> None:
    send.run(3, 1)
    printed = capsys.readouterr().out
    assert "outbox to 250 / bare client" in printed
    assert "send: SMTP" in printed


@linux_servers
@pytest.mark.servers
def test_a_full_mailbox_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    mailbox.run(30)
    printed = capsys.readouterr().out
    assert "was delivered after" in printed
    assert "numbered anew, all known" in printed


@linux_servers
@pytest.mark.servers
def test_receiving_prints_ratio_and_profile(capsys: pytest.CaptureFixture[str]) -> None:
    receive.run(3, 1)
    printed = capsys.readouterr().out
    assert "mailbox to inbox folder / mbsync" in printed
    assert "open: parse the mail" in printed


@linux_servers
@pytest.mark.servers
def test_latency_prints_the_median(capsys: pytest.CaptureFixture[str]) -> None:
    latency.run(1)
    assert "file closed to 250" in capsys.readouterr().out


@linux_servers
@pytest.mark.servers
def test_idling_prints_memory_start_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    idle.run(1.0, 50, 2)
    printed = capsys.readouterr().out
    assert "RSS, MB" in printed
    assert "History of 50 messages" in printed


@linux_servers
@pytest.mark.servers
def test_the_local_api_prints_times_memory_and_limit(capsys: pytest.CaptureFixture[str]) -> None:
    api.run(0.5, 20, 5, 5)
    printed = capsys.readouterr().out
    assert "reads while a card signs, p99" in printed
    assert "RSS at the end / after warming up" in printed
    assert "answers a second / bare Starlette" in printed
