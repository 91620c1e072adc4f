"""The inbox over the API: what arrived, its documents byte for byte, and who has taken it."""

from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import pytest

from connector.api.attachment import attachment
from connector.domain.scopes import Scope
from connector.domain.states import IncomingEvent
from connector.journal.records import StoredBytes
from connector.sandbox.samples import sample
from tests.api.api_scene import ApiScene
from tests.journal.journal_builders import BOX, Place

INBOX = "/api/v1/inbox"
CDA = sample("cr-biologie-v1.xml")
PDF = b"%PDF-1.4\n% copie\n%%EOF\n"


def mail(*attachments: tuple[str, bytes], sender: str = "labo@autre.mssante.fr", name: str = "Labo") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Cc"] = f"{name} <{sender}>", str(BOX), "copie@autre.mssante.fr"
    message["Subject"] = "XDM/1.0/DDM+Examens TESTUT Camille"
    message["Message-ID"], message["Date"] = "<m1@autre.mssante.fr>", "Fri, 20 Nov 2026 09:00:00 +0100"
    message.set_content("Bonjour.")
    for file_name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=file_name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def arrive(scene: ApiScene, raw: bytes = b"", *, uid: int = 1, deliver: bool = True) -> str:
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid)])
    row = scene.journal.incoming_messages(mailbox=BOX)[0]
    content = raw or mail(("cr.xml", CDA), ("cr.pdf", PDF))
    scene.journal.store([StoredBytes(row.id, content, scene.clock.now(), f"<{uid}@autre.mssante.fr>")])
    if deliver:
        scene.journal.record_incoming(row.id, IncomingEvent.OPEN)
        scene.journal.record_deliveries([(row.id, "20261120", [("20261120-cr.xml", "ab" * 32)])])
    return row.id


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


# --- list ---


def test_the_list_shows_who_wrote_what_newest_first_in_pages(scene: ApiScene) -> None:
    ids = [arrive(scene, mail(("cr.xml", CDA), name=f"Labo {n}"), uid=n) for n in range(1, 4)]
    web = scene.web()
    first = web.get(INBOX, params={"limit": 2}).json()
    second = web.get(INBOX, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    items = [*first["items"], *second["items"]]
    assert [item["id"] for item in items] == ids[::-1]
    assert second["next_cursor"] is None
    newest = items[0]
    assert (newest["sender"], newest["sender_address"], newest["subject"]) == (
        "Labo 3", "labo@autre.mssante.fr", "Examens TESTUT Camille"
    )  # fmt: skip
    assert (newest["state"], newest["from_patient"], newest["taken_at"]) == ("delivered", False, None)


def test_the_list_is_filtered(scene: ApiScene) -> None:
    delivered, aside = arrive(scene, uid=1), arrive(scene, uid=2, deliver=False)
    scene.journal.record_incoming(aside, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    web = scene.web()

    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in web.get(INBOX, params=query).json()["items"]]

    assert ids() == [aside, delivered]
    assert ids(state="delivered") == [delivered]
    assert ids(mailbox="dr-modele") == [aside, delivered]
    assert ids(mailbox="psc") == []
    (item,) = web.get(INBOX, params={"state": "quarantined"}).json()["items"]
    assert item["code"] == "MESSAGE_ILLISIBLE"
    assert item["cure_fr"]
    assert code_of(web.get(INBOX, params={"mailbox": "nobody"})) == (404, "BOITE_INCONNUE")
    assert web.get(INBOX, params={"state": "lost"}).status_code == 422


# --- one message ---


def test_one_message_with_its_documents_and_their_patient(scene: ApiScene) -> None:
    shown = scene.web().get(f"{INBOX}/{arrive(scene)}").json()
    assert (shown["subject"], shown["subject_raw"]) == (
        "Examens TESTUT Camille", "XDM/1.0/DDM+Examens TESTUT Camille"
    )  # fmt: skip
    assert (shown["sender"], shown["from_patient"], shown["sender_ins"]) == ("Labo", False, "")
    assert shown["recipients"] == [{"address": str(BOX), "name": ""}]
    assert shown["copies"][0]["address"] == "copie@autre.mssante.fr"
    assert shown["body"].strip() == "Bonjour."
    cda, pdf = shown["documents"]
    assert (cda["number"], cda["name"], cda["role"], cda["size_bytes"]) == (0, "cr.xml", "cda", len(CDA))
    assert cda["document"]["title"] == "Compte rendu d'examens biologiques"
    assert cda["document"]["patient"]["birth_family"]
    assert cda["document"]["patient"]["ins_is_qualified"]
    assert (pdf["number"], pdf["role"], pdf["document"]) == (1, "pdf", None)


def test_a_patient_is_told_from_a_professional_with_name_and_matricule(scene: ApiScene) -> None:
    ins = "146026322000196"
    row = arrive(scene, mail(("x.txt", b"x"), sender=f"{ins}@patient.mssante.fr", name="Leo Dupond"))
    shown = scene.web().get(f"{INBOX}/{row}").json()
    assert (shown["from_patient"], shown["sender"], shown["sender_ins"]) == (True, "Leo Dupond", ins)


def test_an_address_of_a_patient_that_is_no_matricule(scene: ApiScene) -> None:
    row = arrive(scene, mail(("x.txt", b"x"), sender="autre@patient.mssante.fr"))
    shown = scene.web().get(f"{INBOX}/{row}").json()
    assert (shown["from_patient"], shown["sender_ins"]) == (True, "")


def test_a_domain_that_only_looks_like_that_of_patients(scene: ApiScene) -> None:
    row = arrive(scene, mail(("x.txt", b"x"), sender="1@patient.mssante.fr.evil.example"))
    assert not scene.web().get(f"{INBOX}/{row}").json()["from_patient"]


def test_documents_come_byte_for_byte_and_run_nowhere(scene: ApiScene) -> None:
    hostile = b"<html><script>alert(1)</script></html>"
    row = arrive(scene, mail(("cr.xml", CDA), ("évil\u202e.html", hostile)))
    web = scene.web()
    first = web.get(f"{INBOX}/{row}/documents/0")
    second = web.get(f"{INBOX}/{row}/documents/1")
    assert (first.content, second.content) == (CDA, hostile)
    for answer in (first, second):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
    name = unquote(second.headers["content-disposition"].partition("''")[2])
    assert name == "évil.html"
    assert code_of(web.get(f"{INBOX}/{row}/documents/2")) == (404, "INTROUVABLE")
    assert web.get(f"{INBOX}/{row}/documents/-1").status_code == 422


@pytest.mark.parametrize(
    ("name", "saved"), [("../../etc/passwd", "etc_passwd"), ("a\r\nSet-Cookie: x", None), ("...", "document")]
)
def test_a_name_from_outside_stays_a_name(scene: ApiScene, name: str, saved: str | None) -> None:
    header = attachment(b"x", name).headers["content-disposition"]
    assert header.startswith("attachment; filename*=UTF-8''")
    assert not any(c in unquote(header) for c in "\r\n/\\")
    if saved is not None:
        assert saved in unquote(header)


def test_the_raw_message_also_when_it_was_set_aside(scene: ApiScene) -> None:
    raw = b"not a message at all"
    row = arrive(scene, raw, deliver=False)
    scene.journal.record_incoming(row, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    answer = scene.web().get(f"{INBOX}/{row}/raw")
    assert (answer.content, answer.headers["content-type"]) == (raw, "message/rfc822")
    assert answer.headers["content-disposition"].endswith(f"{row}.eml")


def test_what_cannot_be_opened_safely_is_a_problem(scene: ApiScene) -> None:
    broken = CDA.replace(b"</ClinicalDocument>", b"")
    row = arrive(scene, mail(("cr.xml", broken)), deliver=False)
    assert scene.web().get(f"{INBOX}/{row}").status_code == 422


def test_what_is_not_here_yet_or_unknown(scene: ApiScene) -> None:
    scene.journal.note_seen(BOX, [Place("INBOX", 1, 1)])
    row = scene.journal.incoming_messages(mailbox=BOX)[0]
    web = scene.web()
    for path in (f"{INBOX}/{row.id}", f"{INBOX}/{row.id}/raw"):
        assert code_of(web.get(path)) == (410, "PAYLOAD_ABSENT")
    assert code_of(web.get(f"{INBOX}/01ZZZZZZZZZZZZZZZZZZZZZZZZ")) == (404, "INTROUVABLE")
    (item,) = web.get(INBOX).json()["items"]
    assert (item["state"], item["sender"], item["subject"]) == ("seen", "", "")


# --- taken ---


def test_the_first_application_to_take_it_counts(scene: ApiScene) -> None:
    row = arrive(scene)
    first, second = (scene.web(scene.client_token(name=name)) for name in ("LPS", "other"))
    answer = first.post(f"{INBOX}/{row}/taken")
    assert (answer.status_code, answer.json()["taken_by"]) == (200, "LPS")
    assert second.post(f"{INBOX}/{row}/taken").json()["taken_by"] == "LPS"
    for shown in (first.get(f"{INBOX}/{row}").json(), first.get(INBOX).json()["items"][0]):
        assert shown["taken_by"] == "LPS"
        assert shown["taken_at"]
    assert code_of(first.post(f"{INBOX}/01ZZZZZZZZZZZZZZZZZZZZZZZZ/taken")) == (404, "INTROUVABLE")


def test_reading_and_marking_are_two_rights(scene: ApiScene) -> None:
    row = arrive(scene)
    reader = scene.web(scene.client_token(Scope.INBOX_READ, name="r"))
    marker = scene.web(scene.client_token(Scope.INBOX_WRITE, name="m"))
    assert reader.get(f"{INBOX}/{row}").status_code == 200
    assert reader.post(f"{INBOX}/{row}/taken").status_code == 403
    assert marker.get(INBOX).status_code == 403
    assert marker.post(f"{INBOX}/{row}/taken").status_code == 200
