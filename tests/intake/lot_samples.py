"""Drops that mean several sendings, made of numbered documents."""

from connector.domain.states import OutgoingEvent
from connector.journal.records import FrozenMessage
from tests.crash.crash_samples import document
from tests.hl7.hl7_messages import oru
from tests.intake.bench import OWNER, Bench
from tests.xdm.cda_samples import cda

_INS = b'<id root="1.2.250.1.213.1.4.10" extension="'
OTHER_INS = b"199017599999849"


def other_patient(number: int) -> bytes:
    """A document of the same shape about somebody else: other matricule, other local number."""
    content = document(number)
    before, _, after = content.partition(_INS)
    ins, _, rest = after.partition(b'"')
    local = rest.partition(b'extension="')[2].partition(b'"')[0]
    assert ins not in {b"", OTHER_INS}
    assert local
    changed = (before + _INS + OTHER_INS + b'"' + rest).replace(b'"' + local + b'"', b'"AUTRE-1"')
    assert b'"AUTRE-1"' in changed
    return changed


def index_of(*names: str, recipient: str = "dr.modele@test.mssante.example") -> bytes:
    """An index with one line for each file."""
    lines = [f"{name};{recipient};{name.partition('.')[0][:20]}" for name in names]
    return "\r\n".join(["fichier;destinataires;reference", *lines, ""]).encode("cp1252")


def hl7_message(number: int) -> bytes:
    """A message about a document of its own."""
    document_id = f'<id root="1.2.250.1.999.1.1.7000.{100 + number}"/>'
    return oru(documents=[cda(document_id=document_id)], replace={"MSG0002": f"MSG{number}"})


def hl7_batch(count: int) -> bytes:
    """Several messages, one after the other."""
    return b"".join(map(hl7_message, range(count)))


def drop_batch(bench: Bench, *, bad: bool = False) -> None:
    """Three documents with an index and a flag; the second one is refused when ``bad``."""
    bench.drop("a.xml", document(1))
    bench.drop("b.xml", b"<html></html>" if bad else document(2))
    bench.drop("c.xml", document(3))
    bench.drop("LOT.mss.csv", index_of("a.xml", "b.xml", "c.xml"))
    bench.drop("LOT.ok", b"")


def send_all(bench: Bench) -> int:
    """Let everything leave that waits; how many messages that was."""
    received = bench.journal.claim_received(owner=OWNER, limit=100)
    for message in received:
        addresses = tuple(recipient.address for recipient in message.recipients)
        frozen = FrozenMessage(header_message_id=f"<{message.id}@test>", recipients=addresses, content=b"mime")
        bench.journal.freeze(message.id, [frozen])
    for message in bench.journal.claim_due(bench.mailbox.address, owner=OWNER, limit=100):
        bench.journal.data_begun(message.id)
        bench.journal.record(message.id, OutgoingEvent.ACCEPT, answer="250 2.0.0 queued as 42")
    return len(received)


def finish(bench: Bench) -> None:
    """Everything leaves, is reported, and the lots are closed."""
    bench.scan()
    while bench.scan(after=2.0) + send_all(bench) + bench.reporter.run_once():
        pass


__all__ = ["OTHER_INS", "drop_batch", "finish", "hl7_batch", "hl7_message", "index_of", "other_patient", "send_all"]
