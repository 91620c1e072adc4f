"""What goes wrong on a wire, and what a sender may ask for: everybody else is served, and nothing is lost."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hl7.client
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.daemon.api_tls import local_certificate
from connector.daemon.mllp import MllpLoop
from connector.daemon.supervisor import Bell, Supervisor
from connector.daemon.workers import Mood
from connector.documents.hl7.answer import Outcome, read_ack
from connector.documents.hl7.header import Hl7Header
from connector.domain.errors import ConfigurationError
from connector.intake.mllp import wanted
from connector.platform.mllp import exchange, frame
from connector.settings.mllp import MllpSettings
from connector.testing.clock import FakeClock
from tests.hl7.hl7_messages import FLAGS, mdm
from tests.mllp.mllp_scene import MllpScene
from tests.mllp.test_mllp_listener import asked, code, heard

WRONG = mdm(flags={**FLAGS, "MASQUE_PS": "Y"})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[MllpScene]:
    made = MllpScene(tmp_path)
    yield made
    assert made.journal.violations() == []
    made.journal.close()


def test_one_that_dribbles_is_hung_up_on_while_others_are_served(scene: MllpScene) -> None:
    ended = threading.Event()

    def dribble(connection: socket.socket) -> None:
        try:
            for byte in b"\x0b" + mdm() * 100:
                connection.sendall(bytes([byte]))
                if ended.wait(0.02):
                    return
        except OSError:
            ended.set()

    with scene.listening(message_seconds=0.5) as port, scene.connect(port) as slow:
        worker = threading.Thread(target=dribble, args=(slow,))
        worker.start()
        answer = exchange(mdm(), ("127.0.0.1", port), seconds=20)
        assert code(answer)[0] == "AA"
        assert ended.wait(20), "a byte every 20 ms must not hold a connection for ever"
        worker.join(20)


def test_a_client_of_another_library_over_tls(scene: MllpScene, tmp_path: Path) -> None:
    certificate = local_certificate(tmp_path / "tls", datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.server_pem)
    trusting = ssl.create_default_context(cafile=certificate.public_pem)
    with scene.listening(tls=server) as port, hl7.client.MLLPClient("127.0.0.1", port) as client:
        client.socket.settimeout(20)
        client.socket = trusting.wrap_socket(client.socket, server_hostname="localhost")
        answers = [client.send_message(mdm(replace={"MSG0001": f"T{number}"}).decode()) for number in range(3)]
    assert [code(answer.strip(b"\x0b\x1c\r"))[:2] for answer in answers] == [("AA", f"T{n}") for n in range(3)]


def test_who_speaks_in_clear_to_a_tls_port_harms_nobody(scene: MllpScene, tmp_path: Path) -> None:
    certificate = local_certificate(tmp_path / "tls", datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.server_pem)
    trusting = ssl.create_default_context(cafile=certificate.public_pem)
    with scene.listening(tls=server) as port:
        with scene.connect(port) as clear:
            clear.sendall(frame(mdm()))
            assert not clear.recv(65536).startswith(b"\x0b"), "at most an alert of TLS"
        answer = exchange(mdm(), ("127.0.0.1", port), seconds=20, tls=trusting)
    assert code(answer)[0] == "AA"


def test_two_hundred_connections_one_after_the_other_and_sixteen_at_once(scene: MllpScene) -> None:
    def ask(number: int) -> str:
        return code(exchange(mdm(replace={"MSG0001": f"C{number}"}), ("127.0.0.1", port), seconds=20))[0]

    with scene.listening(most_connections=16) as port:
        for _ in range(200):
            scene.connect(port).close()
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, range(32))) == ["AA"] * 32


def test_fifty_messages_in_one_piece_are_answered_in_order(scene: MllpScene) -> None:
    wire = b"".join(frame(mdm(replace={"MSG0001": f"P{number:02}"})) for number in range(50))
    with scene.listening() as port, hl7.client.MLLPClient("127.0.0.1", port) as client:
        client.socket.settimeout(20)
        received = client.send(wire)
        while received.count(b"\x1c\r") < 50:
            piece = client.socket.recv(65536)
            assert piece, "hung up"
            received += piece
    answers = [code(one.strip(b"\x0b"))[:2] for one in received.split(b"\x1c\r") if one]
    assert answers == [("AA", f"P{number:02}") for number in range(50)]


def test_noise_without_a_message_ends_the_connection(scene: MllpScene) -> None:
    with scene.listening() as port, scene.connect(port) as noisy:
        noisy.sendall(b"GET / HTTP/1.1\r\n" * 600)
        assert code(heard(noisy))[0] == "AE"
        assert noisy.recv(10) == b""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: mdm()[:90] + tail))
def test_whatever_comes_is_answered_and_nothing_is_taken(scene: MllpScene, data: bytes) -> None:
    assert asked(scene, data)[0] == "AE"
    assert scene.journal.submissions() == []


def test_a_twin_is_taken_and_told_without_being_called_an_error(scene: MllpScene) -> None:
    assert asked(scene, mdm())[0] == "AA"
    first = scene.desk.answer(mdm(replace={"MSG0001": "MSG0002"}))
    again = scene.desk.answer(mdm(replace={"MSG0001": "MSG0002"}))
    assert first == again, "the same answer, to the last byte"
    ack = read_ack(first or b"")
    assert (ack.code, [(one.code, one.severity) for one in ack.problems]) == ("AA", [("0", "I")])


def test_an_answer_is_not_answered(scene: MllpScene) -> None:
    assert scene.desk.answer(b"MSH|^~\\&|A|B|C|D|2026||ACK^T02^ACK|9|P|2.6\rMSA|AA|MSG0001\r") is None


@pytest.mark.parametrize(("accept", "application", "answers"), [
    ("", "", ("AA", "AE", "AR")), ("", "AL", ("AA", "AE", "AR")), ("AL", "", ("CA", "CE", "CR")),
    ("AL", "NE", ("CA", "CE", "CR")), ("ER", "NE", (None, "CE", "CR")), ("NE", "NE", (None, None, None)),
    ("NE", "AL", ("AA", "AE", "AR")), ("AL", "ER", (None, "AE", "AR")), ("NE", "SU", ("AA", None, None)),
    ("XX", "", (None, None, None)),
])  # fmt: skip
def test_msh_15_and_16_say_what_is_answered(accept: str, application: str, answers: tuple[str | None, ...]) -> None:
    header = Hl7Header(accept_ack=accept, application_ack=application)
    assert tuple(wanted(header, outcome) for outcome in (Outcome.AA, Outcome.AE, Outcome.AR)) == answers


def test_a_refused_message_is_shown_once_also_with_a_new_time(scene: MllpScene) -> None:
    later = mdm(flags={**FLAGS, "MASQUE_PS": "Y"}, replace={"20260310151500": "20260311151500"})
    for message in (WRONG, WRONG, later):
        assert asked(scene, message)[0] == "AE"
    assert [name for name, _, _ in scene.kept] == ["MSG0001"]
    assert asked(scene, mdm(flags={**FLAGS, "DESTMSSANTEPAT": "Y"}))[0] == "AE"
    assert len(scene.kept) == 2, "another content is shown by itself"


def test_a_port_that_is_taken_is_said_and_tried_again() -> None:
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        supervisor = Supervisor(clock, first_pause_seconds=0.01)
        loop = MllpLoop(
            settings=MllpSettings(port=port), most_bytes=10, answer=lambda _: None, too_large=lambda _: None,
            tls=None, bell=Bell(), stopping=lambda: supervisor.stopping, mood=Mood("mllp", clock),
        )  # fmt: skip
        with pytest.raises(ConfigurationError, match=str(port)):
            loop.run()
        assert loop.mood.component().code == "PORT_OCCUPE"


def test_open_connections_do_not_hold_up_the_end(scene: MllpScene) -> None:
    with scene.listening() as port:
        idle, within = scene.connect(port), scene.connect(port)
        within.sendall(b"\x0bMSH|")
        assert code(exchange(mdm(), ("127.0.0.1", port), seconds=20))[0] == "AA"
    with idle, within:
        assert (idle.recv(10), within.recv(10)) == (b"", b"")


def test_the_deadline_of_an_order_counts_from_its_taking(scene: MllpScene) -> None:
    asked(scene, mdm())
    ((message,),) = [view.messages for view in scene.journal.submissions()]
    assert message.deadline_at == scene.clock.now() + timedelta(hours=48)
