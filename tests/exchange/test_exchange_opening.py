"""Opening: every message becomes an arrival, a receipt or a quarantined one; nothing is dropped, nothing blocks."""

import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from connector.domain.errors import MalformedMessage, Unavailable
from connector.domain.limits import Limits
from connector.domain.states import IncomingEvent
from connector.domain.states import IncomingState as I
from connector.exchange import opening
from connector.exchange.arrival import Arrival, PartRole
from connector.exchange.opening import Opener
from connector.exchange.unwrap import arrival_of
from connector.journal.failure import PayloadCorrupt
from connector.mail.parse import open_message
from connector.sandbox.samples import sample
from connector.testing.clock import CountingIds
from connector.xdm.pack import pack
from tests.exchange.exchange_scene import ALIX, LAB, SOFTWARE, Killed, Scene, disk_full, killed_at

N1, N3 = sample("cr-consultation-n1.xml"), sample("cr-biologie-v1.xml")
PDF = b"%PDF-1.4\n% copie\n%%EOF\n"
HPRIM = b"H|~^\\&|x\r\n"


def archive(*contents: bytes) -> bytes:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    return pack(list(contents), now=now, ids=CountingIds(900), sender=SOFTWARE).content


def rewritten(content: bytes, before: bytes, after: bytes, *, only: str = "", **more: bytes) -> bytes:
    """The same archive with a text replaced in the entries whose name ends so, and with more entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(before, after) if name.endswith(only) else data)
        for name, data in more.items():
            new.writestr(f"IHE_XDM/SUBSET01/{name.replace('_', '.')}", data)
    return target.getvalue()


def mail(
    *attachments: tuple[str, bytes], subject: str = "CR", sender: str = str(ALIX), body: str = "Bonjour."
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Dr Alix <{sender}>", str(LAB), subject
    message["Cc"] = "copie@labo.mssante.fr"
    message["Message-ID"], message["Date"] = (
        f"<{len(subject)}-{len(attachments)}@x.fr>",
        "Fri, 20 Nov 2026 09:00:00 +0100",
    )
    message.set_content(body)
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def forwarded(inner: bytes) -> bytes:
    head = (
        f"From: <{ALIX}>\r\nTo: <{LAB}>\r\nMessage-ID: <fwd@x.fr>\r\nSubject: TR: CR\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nVoir.\r\n'
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + inner + b"\r\n--b--\r\n"


def arrived(scene: Scene, raw: bytes) -> Arrival:
    scene.operator.deliver(LAB, raw)
    scene.receive()
    assert scene.inbox.quarantined == {}
    (arrival,) = scene.inbox.delivered.values()
    assert scene.incoming_states() == [I.ACKNOWLEDGED]
    assert scene.inbox.settled == [arrival.incoming_id]
    return arrival


def set_aside(scene: Scene, raw: bytes) -> str:
    scene.operator.deliver(LAB, raw)
    scene.receive()
    assert scene.inbox.delivered == {}
    (message,) = scene.inbox.quarantined.values()
    (row,) = scene.incoming()
    assert (row.state, row.code) == (I.QUARANTINED, message.code)
    assert message.raw == raw, "the raw bytes are kept"
    return message.code


# --- what arrives ---


def test_an_archive_gives_its_documents_with_what_metadata_and_header_say(scene: Scene) -> None:
    content = archive(N3)
    arrival = arrived(scene, mail(("IHE_XDM.zip", content), ("CR.pdf", PDF), subject="XDM/1.0/DDM+CR TESTUT Camille"))

    (document,) = arrival.documents
    assert (document.content, document.file_name) == (N3, "DOC0001.XML")
    assert document.header.title == "Compte rendu d'examens biologiques"
    assert document.entry["title"] == "Compte rendu d'examens biologiques"
    assert [(p.role, p.content) for p in arrival.parts] == [(PartRole.XDM, content), (PartRole.PDF, PDF)]
    assert arrival.subject_display == "CR TESTUT Camille"
    assert arrival.subject_raw.startswith("XDM/1.0/DDM+")
    assert (arrival.sender.name, arrival.sender.address, arrival.sender_kind) == (
        "Dr Alix",
        str(ALIX),
        "professional",
    )
    assert [p.address for p in (*arrival.recipients, *arrival.copies)] == [str(LAB), "copie@labo.mssante.fr"]
    assert (arrival.mailbox, arrival.received_at, arrival.warnings) == (LAB, scene.clock.now(), ())
    assert arrival.body.strip() == "Bonjour."


def test_a_message_with_a_bare_document_gives_the_document(scene: Scene) -> None:
    arrival = arrived(scene, mail(("cr.xml", N1)))
    assert [(d.content, d.file_name, dict(d.entry)) for d in arrival.documents] == [(N1, "cr.xml", {})]
    assert arrival.parts == ()


def test_the_same_document_in_the_archive_and_beside_it_is_one(scene: Scene) -> None:
    arrival = arrived(scene, mail(("IHE_XDM.zip", archive(N1)), ("cr.xml", N1)))
    assert len(arrival.documents) == 1
    assert arrival.documents[0].entry


def test_a_message_without_document_is_a_message(scene: Scene) -> None:
    arrival = arrived(scene, mail(("notes.bin", b"\x01\x02"), body="Merci."))
    assert (arrival.documents, arrival.body.strip()) == ((), "Merci.")
    assert [(p.role, p.name) for p in arrival.parts] == [(PartRole.OTHER, "notes.bin")]


def test_the_answer_of_a_patient_is_delivered_as_that_of_an_usager(scene: Scene) -> None:
    assert arrived(scene, mail(sender="251033306312374@patient.mssante.fr")).sender_kind == "usager"


def test_a_forwarded_message_gives_the_documents_of_its_archive(scene: Scene) -> None:
    arrival = arrived(scene, forwarded(mail(("IHE_XDM.zip", archive(N1)))))
    assert [d.content for d in arrival.documents] == [N1]


def test_what_lies_beside_the_documents_in_an_archive_comes_too(scene: Scene) -> None:
    content = rewritten(archive(N1), b"", b"", only="nothing", COPIE_PDF=PDF, RESULTAT_HPR=HPRIM, STYLE_XSL=b"<x/>")
    arrival = arrived(scene, mail(("IHE_XDM.zip", content)))
    inner = {p.name: (p.role, p.media_type) for p in arrival.parts[1:]}
    assert inner == {
        "COPIE.PDF": (PartRole.PDF, "application/pdf"),
        "RESULTAT.HPR": (PartRole.HPRIM, "application/octet-stream"),
    }


def test_a_listed_document_that_is_no_cda_is_a_part(scene: Scene) -> None:
    content = archive(N1, sample("lot-2-synthese.xml"))
    name = "DOC0002.XML"
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        entry = next(n for n in opened.namelist() if n.endswith(name))
        whole = opened.read(entry)
        metadata = opened.read(next(n for n in opened.namelist() if n.endswith("METADATA.XML")))
    other = PDF.ljust(len(whole), b" ")
    digests = [hashlib.sha1(c, usedforsecurity=False).hexdigest().upper().encode() for c in (whole, other)]
    content = rewritten(content, whole, other, only=name)
    content = rewritten(content, metadata, metadata.replace(digests[0], digests[1]), only="METADATA.XML")

    arrival = arrived(scene, mail(("IHE_XDM.zip", content)))

    assert [d.content for d in arrival.documents] == [N1]
    assert [(p.name, p.role) for p in arrival.parts[1:]] == [(name, PartRole.PDF)]


def test_an_archive_without_metadata_is_opened_with_a_warning(scene: Scene) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as content:
        content.writestr("IHE_XDM/SUBSET01/DOC0001.XML", N1)
    arrival = arrived(scene, mail(("IHE_XDM.zip", target.getvalue())))
    assert (len(arrival.documents), arrival.warnings) == (1, ("XDM_DEGRADE",))
    assert arrival.documents[0].warnings == ("XDM_DEGRADE",)


def test_a_patient_identifier_without_authority_proves_nothing(scene: Scene) -> None:
    content = rewritten(
        archive(N1), b"251033306312374^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH", b"X1", only="METADATA.XML"
    )
    assert len(arrived(scene, mail(("IHE_XDM.zip", content))).documents) == 1


def test_without_ins_the_source_identifier_may_be_the_common_one(scene: Scene) -> None:
    local = N1.replace(b'<id root="1.2.250.1.213.1.4.10" extension="251033306312374"/>', b"")
    content = archive(local)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        metadata = opened.read(next(n for n in opened.namelist() if n.endswith("METADATA.XML")))
    assert b"sourcePatientId" in metadata
    at = metadata.index(b"urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427")
    start = metadata.rindex(b'value="', 0, at)
    end = metadata.index(b'"', start + 7)
    other = metadata[:start] + b'value="Z9^^^&amp;1.2.250.1.999.7&amp;ISO^PI"' + metadata[end + 1 :]
    arrival = arrived(scene, mail(("IHE_XDM.zip", rewritten(content, metadata, other, only="METADATA.XML"))))
    assert len(arrival.documents) == 1


# --- what is set aside ---


def test_a_document_that_is_not_the_one_of_its_entry_is_set_aside(scene: Scene) -> None:
    content = rewritten(archive(N1), b"Compte rendu de", b"Compte rendu DE", only="DOC0001.XML")
    assert set_aside(scene, mail(("IHE_XDM.zip", content))) == "EMPREINTE_FAUSSE"


def test_metadata_that_name_another_patient_are_set_aside(scene: Scene) -> None:
    content = rewritten(archive(N1), b"251033306312374", b"199017599999849", only="METADATA.XML")
    assert set_aside(scene, mail(("IHE_XDM.zip", content))) == "PATIENT_INCOHERENT"


def test_a_zip_bomb_is_set_aside_without_being_expanded(scene: Scene) -> None:
    content = rewritten(archive(N1), b"", b"", only="nothing", BOMB_BIN=b"\0" * 5_000_000)
    assert set_aside(scene, mail(("IHE_XDM.zip", content))) == "ARCHIVE_DANGEREUSE"


def test_a_document_that_is_not_xml_is_set_aside(scene: Scene) -> None:
    assert set_aside(scene, mail(("cr.xml", N1[: len(N1) // 2]))) == "XML_INVALIDE"


def test_what_is_no_mail_is_set_aside(scene: Scene) -> None:
    assert set_aside(scene, b"\r\nno header\r\n") == "MESSAGE_ILLISIBLE"


def test_a_message_that_nobody_foresaw_is_set_aside_and_quotes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprising(*_: object) -> None:
        raise ZeroDivisionError("TESTUT CAMILLE")

    monkeypatch.setattr(opening, "open_message", surprising)
    assert set_aside(scene, mail()) == "INTERNE"
    (message,) = scene.inbox.quarantined.values()
    assert message.detail.startswith("ZeroDivisionError at test_exchange_opening.py:")
    assert "TESTUT" not in message.detail


def test_one_bad_message_does_not_hold_up_the_others(scene: Scene) -> None:
    for raw in (mail(subject="un"), b"\r\nno header\r\n", mail(subject="trois")):
        scene.operator.deliver(LAB, raw)
    scene.receive()
    assert [a.subject_display for a in scene.inbox.delivered.values()] == ["un", "trois"]
    assert len(scene.inbox.quarantined) == 1


def test_bytes_that_our_own_disk_spoilt_are_set_aside_and_hold_up_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.operator.deliver(LAB, mail(subject="gâté"))
    scene.operator.deliver(LAB, mail(subject="bon"))
    scene.collect()
    spoilt, read = scene.incoming()[0].payload_id, scene.journal.payload

    def payload(payload_id: str) -> bytes:
        if payload_id == spoilt:
            raise PayloadCorrupt(payload_id)
        return read(payload_id)

    monkeypatch.setattr(scene.journal, "payload", payload)
    scene.open_mail()

    assert scene.incoming_states() == [I.QUARANTINED, I.DELIVERED]
    (message,) = scene.inbox.quarantined.values()
    assert (message.code, message.raw) == ("PAYLOAD_ALTERE", b"")


def test_a_person_can_have_it_opened_again(scene: Scene) -> None:
    content = rewritten(archive(N1), b"Compte rendu de", b"Compte rendu DE", only="DOC0001.XML")
    assert set_aside(scene, mail(("IHE_XDM.zip", content))) == "EMPREINTE_FAUSSE"
    (row,) = scene.incoming()

    scene.journal.record_incoming(row.id, IncomingEvent.REQUEUE, actor="person")
    scene.open_mail()

    assert scene.incoming_states() == [I.QUARANTINED]
    assert scene.inbox.attempts == [row.id, row.id]


# --- folders that are not there ---


def test_a_folder_that_is_not_there_is_tried_again_with_the_same_arrivals(scene: Scene) -> None:
    for subject in ("a", "bb", "ccc"):
        scene.operator.deliver(LAB, mail(subject=subject))
    scene.collect()
    scene.inbox.failures = [Unavailable("SPOOL_ABSENT", "the share is gone")] * 6
    with pytest.raises(Unavailable):
        scene.open_mail()
    assert {row.code for row in scene.incoming()} == {"SPOOL_ABSENT"}
    assert scene.open_mail() == 0, "nothing is hammered"
    assert scene.opener().next_due() == scene.clock.now() + timedelta(seconds=10)

    scene.clock.advance(10)
    with pytest.raises(Unavailable):
        scene.open_mail()
    scene.clock.advance(20)

    assert scene.open_mail() == 3
    assert [a.subject_display for a in scene.inbox.delivered.values()] == ["a", "bb", "ccc"]
    assert scene.incoming_states() == [I.DELIVERED] * 3
    assert scene.opener().next_due() is None


def test_a_message_whose_target_is_away_holds_up_no_other(scene: Scene) -> None:
    for subject in ("a", "bb", "ccc"):
        scene.operator.deliver(LAB, mail(subject=subject))
    scene.collect()
    scene.inbox.failures = [Unavailable("MLLP_INJOIGNABLE", "the software is away")]
    with pytest.raises(Unavailable, match="MLLP_INJOIGNABLE"):
        scene.open_mail()
    assert [a.subject_display for a in scene.inbox.delivered.values()] == ["bb", "ccc"]
    assert [(row.state, row.code) for row in scene.incoming()] == [
        (I.OPENED, "MLLP_INJOIGNABLE"), (I.DELIVERED, None), (I.DELIVERED, None),
    ]  # fmt: skip
    scene.clock.advance(10)
    assert scene.open_mail() == 1


def test_the_pause_of_a_hindered_delivery_stays_bounded(scene: Scene) -> None:
    scene.operator.deliver(LAB, mail())
    scene.collect()
    for _ in range(12):
        scene.inbox.failures = [disk_full()]
        with pytest.raises(Unavailable):
            scene.open_mail()
        scene.clock.advance(300)
    assert scene.open_mail() == 1


def test_what_was_delivered_before_the_disk_was_full_is_settled(scene: Scene) -> None:
    scene.operator.deliver(LAB, mail(subject="un"))
    scene.operator.deliver(LAB, mail(subject="deux"))
    scene.collect()
    first = scene.incoming()[0].id
    deliver = scene.inbox.deliver

    def full_from_the_second_on(arrival: Arrival) -> object:
        if arrival.incoming_id != first:
            raise disk_full()
        return deliver(arrival)

    scene.inbox.deliver = full_from_the_second_on  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        scene.open_mail()

    assert scene.inbox.settled == [first]
    assert scene.incoming_states() == [I.DELIVERED, I.OPENED]


def test_a_quarantine_that_is_not_there_is_tried_again(scene: Scene) -> None:
    scene.operator.deliver(LAB, b"\r\nno header\r\n")
    scene.collect()
    scene.inbox.failures = [disk_full()]
    with pytest.raises(Unavailable):
        scene.open_mail()
    assert scene.incoming_states() == [I.STORED]

    scene.clock.advance(10)
    scene.open_mail()

    assert scene.incoming_states() == [I.QUARANTINED]


@pytest.mark.parametrize("step", ["journal.opened", "journal.delivered"])
def test_killed_around_the_delivery_it_is_delivered_once(scene: Scene, step: str) -> None:
    scene.operator.deliver(LAB, mail())
    scene.collect()
    with killed_at(step):
        scene.open_mail()
    scene.journal.recover(owner="test")
    scene.receive()

    assert len(scene.inbox.delivered) == 1
    assert scene.incoming_states() == [I.ACKNOWLEDGED]


def test_killed_between_the_files_and_our_note_of_them_the_same_arrival_comes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.operator.deliver(LAB, mail(("IHE_XDM.zip", archive(N1))))
    scene.collect()
    deliver = scene.inbox.deliver

    def dying(arrival: Arrival) -> None:
        deliver(arrival)
        raise Killed

    with monkeypatch.context() as dies:
        dies.setattr(scene.inbox, "deliver", dying)
        with pytest.raises(Killed):
            scene.open_mail()
    assert scene.incoming_states() == [I.OPENED]
    scene.journal.recover(owner="test")

    scene.open_mail()

    assert len(scene.inbox.attempts) == 2
    assert (len(scene.inbox.delivered), scene.incoming_states()) == (1, [I.DELIVERED])


def test_a_message_without_time_of_arrival_is_our_own_mistake(scene: Scene) -> None:
    scene.operator.deliver(LAB, mail())
    scene.collect()
    row = replace(scene.incoming()[0], received_at=None)
    with pytest.raises(MalformedMessage) as refused:
        arrival_of(row, open_message(mail(), Limits()), 1, Limits())
    assert refused.value.code == "INTERNE"


def test_nothing_of_another_mailbox_is_touched(scene: Scene) -> None:
    scene.operator.deliver(LAB, mail())
    scene.collect()
    assert Opener(ALIX, scene.journal, scene.inbox, scene.clock, "test").run_once() == 0
