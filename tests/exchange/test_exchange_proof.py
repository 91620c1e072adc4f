"""What leaves is proved from its finished bytes: whatever composing does wrong is caught before anything leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState as S
from connector.domain.submission import DeclaredSender, DocumentAction, FileRole, SendOptions
from connector.exchange import plan
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.sandbox.samples import sample
from connector.testing.clock import CountingIds
from connector.xdm.pack import PackOptions, pack
from connector.xdm.package_reader import read_xdm
from tests.exchange.exchange_scene import ALIX, BEA, LAB_PATIENT, PATIENT, SOFTWARE, Scene, file, sample_file

N1, N3 = "cr-consultation-n1.xml", "cr-biologie-v1.xml"
Change = Callable[[MessageSpec], MessageSpec]


def archive_of(name: str, *masks: str) -> bytes:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return pack(
        [sample(name)], now=now, ids=CountingIds(700), sender=SOFTWARE, options=PackOptions(masks=masks)
    ).content


MISTAKES: dict[str, Change] = {
    "one recipient more": lambda spec: replace(spec, to=(*spec.to, BEA)),
    "another recipient": lambda spec: replace(spec, to=(BEA,)),
    "another sender": lambda spec: replace(spec, sender=BEA),
    "answers to somebody": lambda spec: replace(spec, reply_to=BEA),
    "a PDF of another document": lambda spec: replace(spec, pdfs=(PdfCopy("a.pdf", b"%PDF-1.4 other"),)),
    "one PDF more": lambda spec: replace(spec, pdfs=(*spec.pdfs, PdfCopy("b.pdf", b"%PDF-1.4"))),
    "the matricule in a file name": lambda spec: replace(
        spec, pdfs=tuple(replace(pdf, name="251033306312374.pdf") for pdf in spec.pdfs)
    ),
    "the archive of another patient": lambda spec: replace(spec, archive=archive_of(N3)),
}


def rejected(scene: Scene, submission: str) -> tuple[str | None, str | None]:
    (message,) = scene.journal.submission(submission).messages
    assert message.state is S.REJECTED
    assert scene.frozen_bytes(submission) == []
    return message.code, message.detail


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_composing_never_leaves(scene: Scene, monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    monkeypatch.setattr(plan, "compose", lambda spec: compose(MISTAKES[mistake](spec)))
    submission = scene.take(sample_file(N1))
    scene.prepare()
    assert rejected(scene, submission)[0] == "PREUVE_ECHOUEE"


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (b"X-MSS-CODECDA: 11488-4", b"X-MSS-CODECDA: 11502-2", "X-MSS-CODECDA"),
        (b"X-MSS-INS: O", b"X-MSS-INS: N", "X-MSS-INS"),
        (b"Subject: XDM/1.0/DDM+", b"Subject: ", "subject"),
        (b"MOULINVERT", b"AUTREPATIENT", "subject"),
    ],
)
def test_a_header_that_says_something_else_never_leaves(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes, what: str
) -> None:
    seen: list[bytes] = []

    def wrong(spec: MessageSpec) -> bytes:
        seen.append(compose(spec))
        head, _, rest = seen[-1].partition(b"\r\n\r\n")
        name = before if before != b"MOULINVERT" else _name_in(head)
        assert name in head
        return head.replace(name, after) + b"\r\n\r\n" + rest

    monkeypatch.setattr(plan, "compose", wrong)
    submission = scene.take(sample_file(N1))
    scene.prepare()
    code, detail = rejected(scene, submission)
    assert code == "PREUVE_ECHOUEE"
    assert what in (detail or "")


def _name_in(head: bytes) -> bytes:
    subject = next(line for line in head.split(b"\r\n") if line.startswith(b"Subject: "))
    return subject.split()[-3]


def test_flags_that_a_ready_made_archive_does_not_carry_are_never_pretended(scene: Scene) -> None:
    options = SendOptions(hide_from_patient=True, allow_duplicate=True)
    submission = scene.take(file("IHE_XDM.zip", archive_of(N1)), options=options)
    scene.prepare()
    assert rejected(scene, submission)[0] == "PREUVE_ECHOUEE"


def test_a_ready_made_archive_that_is_hidden_from_professionals_is_not_sent_to_one(scene: Scene) -> None:
    submission = scene.take(file("IHE_XDM.zip", archive_of(N1, "MASQUE_PS")))
    scene.prepare()
    assert rejected(scene, submission)[0] == "DOCUMENT_MASQUE"


# --- replace and delete ---


def test_what_is_replaced_shows_what_replaced_it(scene: Scene) -> None:
    first = scene.take(sample_file(N3))
    scene.prepare()
    second = scene.take(sample_file("cr-biologie-v2.xml"), action=DocumentAction.REPLACE)
    scene.prepare()
    assert scene.journal.submission(second).replaces == first
    assert scene.journal.submission(first).replaced_by == second
    (before,), (after,) = scene.prepared(first), scene.prepared(second)
    assert after.in_reply_to == (before.message_id,)
    assert "annule et remplace" in after.body


def test_a_deletion_carries_its_action_answers_the_sending_and_says_so(scene: Scene) -> None:
    first = scene.take(sample_file(N3), duplicate_hours=24)
    scene.prepare()
    gone = scene.take(sample_file(N3), action=DocumentAction.DELETE, duplicate_hours=24)
    scene.prepare()
    (before,), (after,) = scene.prepared(first), scene.prepared(gone)
    archive = next(part.content for part in after.parts if part.name == "IHE_XDM.zip")
    assert [document.entry.action for document in read_xdm(archive)[0].documents] == ["D"]
    assert after.in_reply_to == (before.message_id,)
    assert "ne plus en tenir compte" in after.body
    assert scene.journal.submission(first).replaced_by == gone


def test_a_replacement_that_names_nothing_is_refused(scene: Scene) -> None:
    submission = scene.take(sample_file(N1), action=DocumentAction.REPLACE)
    scene.prepare()
    assert rejected(scene, submission)[0] == "REMPLACEMENT_INCOHERENT"


# --- what only some inputs say ---


def test_patient_and_professionals_get_their_own_words(scene: Scene) -> None:
    options = SendOptions(no_reply_from_patient=True, allow_duplicate=True)
    submission = scene.take(
        sample_file(N1), to=(ALIX, PATIENT), body="Cher confrère", body_for_patient="Bonjour", options=options
    )
    scene.prepare()
    professional, patient = scene.prepared(submission)
    assert (professional.body, professional.mss.no_reply) == ("Cher confrère", "")
    assert (patient.body, patient.mss.no_reply) == ("Bonjour", "FIN")


def test_answers_go_where_the_lps_wants_them_and_it_declares_the_author_of_the_sending(scene: Scene) -> None:
    sender = DeclaredSender(person_id="899700000017", family="TESTEUR", given="Claire")
    submission = scene.take(
        sample_file(N1), reply_to=MailboxAddress.parse("accueil@labo.mssante.fr"), declared_sender=sender
    )
    scene.prepare()
    (message,) = scene.prepared(submission)
    assert [contact.address for contact in message.reply_to] == ["accueil@labo.mssante.fr"]
    archive = next(part.content for part in message.parts if part.name == "IHE_XDM.zip")
    submission_set = read_xdm(archive)[0].submission_set
    assert submission_set is not None
    assert submission_set.authors[0].person.startswith("899700000017^TESTEUR^Claire")


def test_a_matricule_without_all_traits_is_never_transmitted(scene: Scene) -> None:
    whole = sample(N1)
    start = whole.index(b"<birthTime")
    incomplete = whole[:start] + whole[whole.index(b">", start) + 1 :]
    submission = scene.take(file("cr.xml", incomplete))
    scene.prepare()
    assert rejected(scene, submission)[0] == "INS_SANS_TRAITS"


def test_what_is_no_document_goes_as_it_is(scene: Scene) -> None:
    text, pdf = file("L1.hpr", b"L1\r\nTESTUT\r\n", FileRole.HPRIM), file("L1.pdf", b"%PDF-1.4 x", FileRole.PDF)
    submission = scene.take(text, pdf)
    scene.prepare()
    (message,) = scene.prepared(submission)
    assert [(part.name, part.content) for part in message.parts] == [
        ("L1.hpr", text.content), ("L1.pdf", pdf.content),
    ]  # fmt: skip
    assert message.subject_raw == "Documents transmis par Laboratoire des Tilleuls"
    assert message.mss.document_codes == ()


def test_without_a_document_nothing_proves_the_address_of_a_patient(scene: Scene) -> None:
    submission = scene.take(file("L1.hpr", b"L1", FileRole.HPRIM), to=(LAB_PATIENT,))
    scene.prepare()
    assert rejected(scene, submission)[0] == "INS_NON_QUALIFIEE"
