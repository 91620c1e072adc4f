"""Business acknowledgements over MLLP: told until the software has answered, with the same bytes after a crash."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.daemon.api_tls import local_certificate
from connector.daemon.mllp_answers import AnswerLoop, make_answers, sender_to
from connector.daemon.supervisor import Bell
from connector.daemon.workers import Mood
from connector.documents.hl7.answer import Outcome, ZamKind, read_zam, write_ack
from connector.documents.hl7.errors import Err3, Hl7Problem
from connector.documents.hl7.header import peek_header
from connector.domain.errors import ConfigurationError, Unavailable
from connector.domain.ports import watch_steps
from connector.domain.states import RecipientState
from connector.platform.mllp import FrameReader, frame
from connector.settings.base import BadSetting
from connector.settings.mllp import MllpTarget
from connector.settings.model import Settings
from tests.hl7.hl7_messages import mdm
from tests.intake.bench import Bench
from tests.mllp.test_hl7_folder_answers import WANTS_BOTH, Killed, delivered, die_at, taken

PROBLEM = Hl7Problem("INTERNE", Err3.UNKNOWN_KEY, "", "an unknown patient")


class Software:
    """An LPS that listens: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.outcomes: list[Outcome] = []
        self.says: Callable[[bytes], bytes | None] = self.acknowledge

    def acknowledge(self, message: bytes) -> bytes:
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome.AA
        problems = [] if outcome is Outcome.AA else [PROBLEM]
        return write_ack(
            peek_header(message), outcome, problems, control_id="A1", now=datetime(2026, 11, 20, tzinfo=UTC)
        )

    def send(self, message: bytes) -> bytes:
        self.got.append(message)
        answer = self.says(message)
        if answer is None:
            raise Unavailable("MLLP_INJOIGNABLE", "no answer over MLLP: in this test")
        return answer

    @contextmanager
    def listening(self, tls: ssl.SSLContext | None = None) -> Iterator[int]:
        """The port, for the time of the block."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=self._serve, args=(server, tls))
            thread.start()
            try:
                yield server.getsockname()[1]
            finally:
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                thread.join(20)
                assert not thread.is_alive()

    def _serve(self, server: socket.socket, tls: ssl.SSLContext | None) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError), _dressed(connection, tls) as wire:
                self._talk(wire)

    def _talk(self, wire: socket.socket) -> None:
        reader = FrameReader(100_000)
        while piece := wire.recv(4096):
            for message in reader.feed(piece):
                self.got.append(message)
                answer = self.says(message)
                if answer is None:
                    return
                wire.sendall(frame(answer))


@contextmanager
def _dressed(connection: socket.socket, tls: ssl.SSLContext | None) -> Iterator[socket.socket]:
    if tls is None:
        yield connection
        return
    with tls.wrap_socket(connection, server_side=True) as wrapped:
        yield wrapped


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.make(tmp_path)
    taken(made, mdm(flags=WANTS_BOTH))
    delivered(made, RecipientState.READ)
    yield made
    assert made.journal.violations() == []
    made.journal.close()


class Rounds(Bell):
    """Does not wait; notes how the worker was when it would have waited, and ends it after so many times."""

    def __init__(self, mood: Mood, rounds: int = 0) -> None:
        super().__init__()
        self.mood, self.left, self.codes = mood, rounds, list[str | None]()

    def wait(self, seconds: float) -> bool:
        assert seconds > 0
        self.codes.append(self.mood.code)
        self.left -= 1
        return True

    def over(self) -> bool:
        return self.left == 0


def loop_to(bench: Bench, send: Callable[[bytes], bytes], rounds: int = -1) -> AnswerLoop:
    mood = Mood("mllp-answers", bench.clock)
    bell = Rounds(mood, rounds)
    return AnswerLoop(
        journal=bench.journal, mailboxes=[bench.mailbox.address], application="CONNECTEUR", send=send,
        bell=bell, stopping=bell.over, mood=mood,
    )  # fmt: skip


def how_it_was(loop: AnswerLoop) -> list[str | None]:
    """Its condition each time that it waited."""
    loop.run()
    assert isinstance(loop.bell, Rounds)
    return loop.bell.codes


def outcomes(bench: Bench) -> list[tuple[str, str, str]]:
    found = bench.journal.hl7_answers(bench.only().id)
    return [(answer.kind, answer.outcome, answer.detail) for answer in found]


def test_each_answer_is_told_once(bench: Bench) -> None:
    software = Software()
    with software.listening() as port:
        loop = loop_to(bench, sender_to(MllpTarget(port=port, seconds=20), lambda: False))
        assert (loop.run_once(), loop.run_once()) == (2, 0)
    assert [read_zam(message).kind for message in software.got] == [ZamKind.Z02, ZamKind.Z03]
    assert outcomes(bench) == [("Z02", "accepted", ""), ("Z03", "accepted", "")]


def test_over_tls_only_to_whom_the_settings_trust(bench: Bench, tmp_path: Path) -> None:
    certificate = local_certificate(tmp_path / "tls", datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.server_pem)
    software = Software()
    with software.listening(server) as port:
        stranger = MllpTarget(port=port, tls=True, seconds=20)
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            loop_to(bench, sender_to(stranger, lambda: False)).run_once()
        assert software.got == []
        known = MllpTarget(port=port, tls=True, trust=certificate.public_pem, seconds=20)
        assert loop_to(bench, sender_to(known, lambda: False)).run_once() == 2


def test_a_software_that_is_away_hears_everything_when_it_is_back(bench: Bench) -> None:
    software = Software()
    software.says = lambda _: None
    loop = loop_to(bench, software.send)
    with pytest.raises(Unavailable):
        loop.run_once()
    software.says = software.acknowledge
    assert loop.run_once() == 2
    first, again, other = software.got
    assert first == again != other


@pytest.mark.parametrize("answer", [b"no HL7", b"MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.6\rMSA|AA|OTHER\r"])
def test_what_is_no_answer_to_it_does_not_count(bench: Bench, answer: bytes) -> None:
    software = Software()
    software.says = lambda _: answer
    with pytest.raises(Unavailable):
        loop_to(bench, software.send).run_once()
    assert [outcome for _, outcome, _ in outcomes(bench)] == ["", ""]


def test_a_passing_refusal_comes_again_later_and_holds_up_no_other(bench: Bench) -> None:
    software = Software()
    software.outcomes = [Outcome.AR]
    loop = loop_to(bench, software.send)
    assert loop.run_once() == 1
    assert loop.run_once() == 0, "not yet"
    assert outcomes(bench) == [("Z02", "", "AR 204"), ("Z03", "accepted", "")]
    bench.clock.advance(3600)
    assert loop.run_once() == 1
    assert software.got[0] == software.got[2]


def test_a_refusal_for_good_is_kept_and_shown(bench: Bench) -> None:
    software = Software()
    software.outcomes = [Outcome.AA, Outcome.AE]
    loop = loop_to(bench, software.send)
    assert loop.run_once() == 2
    assert outcomes(bench)[1] == ("Z03", "refused", "AE 204")
    assert loop.mood.component().code == "MLLP_REPONSE_REFUSEE"
    bench.clock.advance(3600)
    assert loop.run_once() == 0


def test_a_hindrance_that_is_over_is_not_shown_any_more_although_nothing_is_left_to_tell(bench: Bench) -> None:
    software = Software()
    loop_to(bench, software.send).run_once()
    loop = loop_to(bench, software.send, rounds=2)
    loop.mood.bad(Unavailable("MLLP_INJOIGNABLE", "in this test"))
    assert how_it_was(loop) == [None, None]


def test_an_absent_software_is_shown_until_it_is_back(bench: Bench) -> None:
    software = Software()
    answers = iter([None, None])
    software.says = lambda message: next(answers, software.acknowledge(message))
    assert how_it_was(loop_to(bench, software.send, rounds=4)) == ["MLLP_INJOIGNABLE", "MLLP_INJOIGNABLE", None, None]
    assert [outcome for _, outcome, _ in outcomes(bench)] == ["accepted", "accepted"]


def test_a_refusal_stays_shown_through_rounds_with_nothing_to_tell(bench: Bench) -> None:
    software = Software()
    software.outcomes = [Outcome.AA, Outcome.AE]
    assert how_it_was(loop_to(bench, software.send, rounds=2)) == ["MLLP_REPONSE_REFUSEE"] * 2


@pytest.mark.parametrize("step", ["journal.answers_noted", "answer.sent", "journal.answer_settled"])
def test_after_a_crash_the_same_bytes_are_sent(bench: Bench, step: str) -> None:
    software = Software()
    watch_steps(die_at(step))
    try:
        with pytest.raises(Killed):
            loop_to(bench, software.send).run_once()
    finally:
        watch_steps(None)
    bench.clock.advance(3600)
    loop_to(bench, software.send).run_once()
    assert len(set(software.got)) == 2
    assert len(software.got) == (3 if step == "answer.sent" else 2)
    assert [outcome for _, outcome, _ in outcomes(bench)] == ["accepted", "accepted"]


def test_a_loop_ends_when_told_although_the_software_never_answers(bench: Bench) -> None:
    stop, software = threading.Event(), Software()

    def silent(_: bytes) -> bytes | None:
        stop.set()
        while software.got and not done.wait(0.01):
            pass
        return None

    done = threading.Event()
    software.says = silent
    with software.listening() as port:
        loop = loop_to(bench, sender_to(MllpTarget(port=port, seconds=600), stop.is_set))
        loop.stopping = stop.is_set
        worker = threading.Thread(target=loop.run)
        worker.start()
        stop.wait(20)
        loop.bell.ring()
        worker.join(20)
        assert not worker.is_alive()
        done.set()


def test_health_data_never_goes_in_clear_to_another_machine() -> None:
    with pytest.raises(ValueError, match="in clear") as error:
        MllpTarget(host="lps.example", port=2576)
    assert isinstance(error.value.errors()[0]["ctx"]["error"], BadSetting)  # type: ignore[attr-defined]
    assert MllpTarget(host="lps.example", port=2576, tls=True).tls


def test_trust_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    send = sender_to(MllpTarget(port=9, tls=True, trust=tmp_path / "none.pem"), lambda: False)
    with pytest.raises(ConfigurationError, match="trust cannot be read"):
        send(b"MSH")


def test_without_a_target_answers_are_files(bench: Bench) -> None:
    mood = Mood("mllp-answers", bench.clock)
    assert make_answers(Settings(), bench.journal, mood, lambda: False) is None
