"""Orders over MLLP: taken, then answered; the same one again is the same submission and the same answer."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import hl7
import hl7.client
import pytest

from connector.daemon.api_tls import local_certificate
from connector.documents.hl7.answer import read_ack
from connector.domain.errors import Unavailable
from connector.platform.mllp import FrameReader, exchange, frame
from connector.settings.mllp import MllpRoute
from tests.exchange.exchange_scene import LAB
from tests.hl7.hl7_messages import FLAGS, mdm, oru
from tests.mllp.mllp_scene import MllpScene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[MllpScene]:
    made = MllpScene(tmp_path)
    yield made
    assert made.journal.violations() == []
    made.journal.close()


def code(answer: bytes) -> tuple[str, str, list[str]]:
    ack = read_ack(answer)
    return ack.code, ack.control_id, [problem.code for problem in ack.problems]


def heard(connection: socket.socket) -> bytes:
    reader = FrameReader(100_000)
    while piece := connection.recv(65536):
        for message in reader.feed(piece):
            return message
    raise AssertionError("hung up without an answer")


def asked(scene: MllpScene, message: bytes) -> tuple[str, str, list[str]]:
    answer = scene.desk.answer(message)
    assert answer is not None
    return code(answer)


def test_a_client_of_another_library_gets_its_answer_once_the_order_is_kept(scene: MllpScene) -> None:
    with scene.listening() as port, hl7.client.MLLPClient("127.0.0.1", port) as client:
        answer = client.send_message(mdm().decode())
    assert code(answer.strip(b"\x0b\x1c\r")) == ("AA", "MSG0001", [])
    (view,) = scene.journal.submissions()
    assert (view.source, view.source_name, view.hl7 is not None) == ("mllp", "MSG0001", True)
    assert scene.takings == 1


def test_over_tls_with_the_certificate_of_this_installation(scene: MllpScene, tmp_path: Path) -> None:
    certificate = local_certificate(tmp_path / "tls", datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.server_pem)
    trusting = ssl.create_default_context(cafile=certificate.public_pem)
    with scene.listening(tls=server) as port:
        answer = exchange(mdm(), ("127.0.0.1", port), seconds=20, tls=trusting)
        assert code(answer)[0] == "AA"
        with pytest.raises(Unavailable):
            exchange(mdm(), ("127.0.0.1", port), seconds=5)


def test_the_same_message_again_is_the_same_submission_and_the_same_answer(scene: MllpScene) -> None:
    later = mdm(replace={"20260310151500": "20260310160000"})
    assert asked(scene, mdm()) == asked(scene, later) == ("AA", "MSG0001", [])
    assert len(scene.journal.submissions()) == 1


def test_the_same_number_for_something_else_is_refused(scene: MllpScene) -> None:
    assert asked(scene, mdm())[0] == "AA"
    other = mdm(replace={"ANNE MARIE": "ANNE LISE"})
    assert asked(scene, other) == ("AE", "MSG0001", ["205"])
    assert len(scene.journal.submissions()) == 1


def test_two_systems_may_use_the_same_number(scene: MllpScene) -> None:
    assert asked(scene, mdm())[0] == "AA"
    assert asked(scene, mdm(replace={"LPS-EX": "SIL-EX"}))[0] == "AA"
    assert len(scene.journal.submissions()) == 2


def test_what_is_wrong_is_told_with_every_reason_and_shown_once(scene: MllpScene) -> None:
    wrong = mdm(flags={**FLAGS, "MASQUE_PS": "Y"})
    assert asked(scene, wrong) == ("AE", "MSG0001", ["207"])
    assert asked(scene, wrong)[0] == "AE"
    assert [(name, reason) for name, _, reason in scene.kept] == [("MSG0001", "HL7_DOCUMENT_MASQUE")]
    assert scene.journal.submissions() == []


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00\xff" * 50, b"MSH|", b"PID|1\r"])
def test_what_is_no_message_gets_an_answer_too(scene: MllpScene, data: bytes) -> None:
    assert asked(scene, data)[0] == "AE"


def test_a_batch_in_one_frame_is_refused_as_a_whole(scene: MllpScene) -> None:
    assert asked(scene, mdm() + oru())[::2] == ("AE", ["198"])
    assert scene.journal.submissions() == []


def test_a_journal_that_cannot_take_it_now_says_try_again(scene: MllpScene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise Unavailable("DISQUE_PLEIN", "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(scene.journal, "take", full)
        assert asked(scene, mdm())[0] == "AR"
    assert scene.kept == [], "nothing is wrong with the message"
    assert asked(scene, mdm())[0] == "AA"


@pytest.mark.parametrize(("wanted", "good", "bad"), [("NE", 0, 0), ("ER", 0, 1), ("SU", 1, 0), ("AL", 1, 1)])
def test_the_sender_says_when_it_wants_an_answer(scene: MllpScene, wanted: str, good: int, bad: int) -> None:
    fields = {"|||||FRA|": f"||||{wanted}|FRA|"}
    assert (scene.desk.answer(mdm(replace=fields)) is not None) == bool(good)
    wrong = mdm(replace=fields, flags={**FLAGS, "MASQUE_PS": "Y"})
    assert (scene.desk.answer(wrong) is not None) == bool(bad)


def test_a_route_says_which_mailbox_sends_for_whom(tmp_path: Path) -> None:
    routes = [MllpRoute(sending_application="SIL-EX", mailbox=LAB)]
    scene = MllpScene(tmp_path, boxes=2, routes=routes)
    assert asked(scene, oru())[0] == "AA"
    assert asked(scene, mdm()) == ("AE", "MSG0001", ["207"]), "nobody is meant for LPS-EX"
    assert [view.mailbox for view in scene.journal.submissions()] == [LAB]
    assert scene.kept[0][2] == "MLLP_SANS_BOITE"
    scene.journal.close()


def test_many_messages_on_one_connection_and_many_connections(scene: MllpScene) -> None:
    def talk(number: int) -> list[str]:
        reader, answers = FrameReader(100_000), []
        with scene.connect(port) as connection:
            for count in range(10):
                connection.sendall(frame(mdm(replace={"MSG0001": f"M{number}-{count}"})))
                found: list[bytes] = []
                while not found:
                    found = list(reader.feed(connection.recv(65536)))
                answers.append(code(found[0])[0])
        return answers

    with scene.listening() as port, ThreadPoolExecutor(5) as pool:
        answers = [one for talked in pool.map(talk, range(5)) for one in talked]
    assert answers == ["AA"] * 50
    assert len(scene.journal.submissions(limit=100)) == 50


def test_one_that_stops_in_the_middle_and_one_that_sends_too_much_are_hung_up_on(scene: MllpScene) -> None:
    with scene.listening(message_seconds=0.2) as port:
        with scene.connect(port) as slow:
            slow.sendall(b"\x0bMSH|")
            assert slow.recv(10) == b""
        with scene.connect(port) as loud:
            loud.sendall(b"\x0b" + mdm()[:200] + b"x" * 300_000)
            assert code(heard(loud)) == ("AE", "MSG0001", ["199"])
            assert loud.recv(10) == b""
        assert code(exchange(mdm(), ("127.0.0.1", port), seconds=20))[0] == "AA", "others are served"


def test_one_connection_too_many_is_hung_up_on(scene: MllpScene) -> None:
    with scene.listening(most_connections=1) as port, scene.connect(port) as first:
        first.sendall(frame(mdm()))
        assert first.recv(10)
        with scene.connect(port) as second:
            assert second.recv(10) == b""


def test_only_this_machine_is_listened_to(scene: MllpScene) -> None:
    with scene.listening() as port, pytest.raises(OSError, match=r"refused|unreachable"):
        socket.create_connection(("127.0.0.2", port), timeout=5)
