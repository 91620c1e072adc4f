"""Documents in pieces, pages of a PDF, pairing, the checkup, the feed."""

import asyncio
import base64
import io
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from connector.api import pdf_pages
from connector.api.checkup import Checkup
from connector.api.feed import Feed, Mark
from connector.api.page.desk import Desk
from connector.api.pairing import MOST_REQUESTS, REQUEST_SECONDS, Pairing, PairingState
from connector.api.pdf_pages import MOST_PAGES, PdfPages
from connector.api.pieces import View, cda_pdf, cda_view, images_of, pieces_of_arrival, pieces_of_files, text_of
from connector.documents.pdf import render_cda_pdf
from connector.domain.errors import InvalidSubmission, MalformedMessage, Unavailable
from connector.domain.scopes import Scope
from connector.domain.text import Text
from connector.sandbox.samples import sample
from connector.support.doctor import Check, Finding, Gives, Group, Severity, World
from connector.support.doctor.check import once
from tests.documents.pdf.samples import HEADER, document, png, section
from tests.page.page_scene import PageScene
from tests.support.doctor_scene import Practice

# --- pieces ---


def test_each_format_has_its_way_to_be_looked_at() -> None:
    pieces = pieces_of_files([
        ("a.xml", sample("cr-biologie-v1.xml")), ("b.pdf", b"%PDF-1.4 x"), ("c.txt", "é".encode()),
        ("d.png", png("RGB")), ("e.bin", b"\x00\x01"),
    ])  # fmt: skip
    assert [piece.view for piece in pieces] == [View.CDA, View.PDF, View.TEXT, View.IMAGE, View.NONE]
    assert [piece.kind for piece in pieces[:2]] == ["CDA", "PDF"]
    assert pieces[2].size_bytes == 2


def test_the_same_file_twice_is_one_piece() -> None:
    assert [piece.name for piece in pieces_of_files([("a.txt", b"x"), ("b.txt", b"x"), ("c.txt", b"y")])] == [
        "a.txt", "c.txt",
    ]  # fmt: skip


def test_a_received_message_shows_documents_first_and_what_cannot_be_shown_last(scene: PageScene) -> None:
    files = (("bin", b"\x00\x01\x02"), ("note.txt", b"note"), ("cr.xml", sample("cr-biologie-v1.xml")))
    arrival = Desk(scene.services(), scene.options).arrival(scene.journal.incoming(scene.arrive(files=files)))
    assert [piece.view for piece in pieces_of_arrival(arrival)] == [View.CDA, View.TEXT, View.NONE]


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", ""), ("é".encode(), "é"), ("é".encode("cp1252"), "é"), (b"a\x00b", ""), (b"\x81\x81", "")],
)
def test_text_is_read_in_the_encodings_of_the_field(content: bytes, text: str) -> None:
    assert text_of(content) == text


def test_a_long_text_is_cut_between_two_characters() -> None:
    cut = text_of(b"x" + "é".encode() * 500_000)
    assert len(cut) == 200_000
    assert cut.endswith("é")


def test_a_document_brings_its_pictures_and_its_pdf() -> None:
    structured, level_1 = (
        pieces_of_files([(name, sample(name))])[0] for name in ("cr-biologie-v2.xml", "cr-consultation-n1.xml")
    )
    assert len(images_of(structured)) == 1
    assert "<article" in cda_view(structured, str).html
    assert (cda_pdf(structured) or b"").startswith(b"%PDF")
    assert (cda_pdf(level_1) or b"").startswith(b"%PDF")


def test_a_level_1_text_has_no_pdf() -> None:
    text = f'<text mediaType="text/plain" representation="B64">{base64.b64encode(b"x").decode()}</text>'
    data = f"{HEADER}<component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>".encode()
    assert cda_pdf(pieces_of_files([("a.xml", data)])[0]) is None


def test_an_image_file_is_made_anew() -> None:
    (piece,) = pieces_of_files([("a.png", png("RGB"))])
    (svg,) = images_of(piece)
    assert svg.startswith("<svg")
    (broken,) = pieces_of_files([("a.png", b"\x89PNG\r\n\x1a\n<script>")])
    assert images_of(broken) == []


# --- PDF ---


@pytest.fixture(scope="module")
def pdf() -> bytes:
    opened = document(section("<br/>".join(["ligne"] * 400)))
    return render_cda_pdf(opened.element, opened.document)


@pytest.fixture(scope="module")
def pages() -> PdfPages:
    return PdfPages()


def test_pages_are_drawn_as_pictures(pdf: bytes, pages: PdfPages) -> None:
    number = pages.count(pdf)
    assert number > pdf_pages.CHUNK
    for index in (0, number - 1):
        with Image.open(io.BytesIO(pages.page(pdf, index))) as image:
            assert (image.format, image.width) == ("PNG", pdf_pages.WIDTH_PIXELS)


def test_a_page_is_drawn_once(pdf: bytes, pages: PdfPages, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pages.page(pdf, 0)
    monkeypatch.setattr(pdf_pages, "_draw", None)
    assert pages.page(pdf, 0) is first


@pytest.mark.parametrize("index", [-1, MOST_PAGES, MOST_PAGES - 1])
def test_a_page_that_is_not_there_is_none(pdf: bytes, pages: PdfPages, index: int) -> None:
    with pytest.raises(MalformedMessage, match="PDF_INVALIDE"):
        pages.page(pdf, index)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"%PDF-1.7\n" + bytes(1000), b"<script>"])
def test_what_is_no_pdf_cannot_be_drawn_and_harms_nobody(content: bytes, pages: PdfPages) -> None:
    with pytest.raises(MalformedMessage, match="PDF_INVALIDE"):
        pages.count(content)


def test_a_drawing_that_takes_too_long_is_given_up(pdf: bytes) -> None:
    with pytest.raises(MalformedMessage, match="TimeoutExpired"):
        PdfPages(seconds=0.001).count(pdf)


def test_too_many_drawings_at_once_are_told_to_come_back(pdf: bytes) -> None:
    busy = PdfPages(seconds=0.01)
    busy._free = threading.Semaphore(0)
    with pytest.raises(Unavailable, match="API_OCCUPEE"):
        busy.count(pdf)


def test_drawn_pages_are_kept_within_a_bound(pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pages, "KEPT_BYTES", 1)
    pages = PdfPages()
    pages.page(pdf, 0)
    pages.page(pdf, pdf_pages.CHUNK)
    assert len(pages._kept) == 1


# --- pairing ---


@pytest.fixture
def pairing(scene: PageScene) -> Pairing:
    return Pairing(scene.journal, scene.clock, scene.options.ids)


def test_an_application_that_is_accepted_gets_its_token_once(scene: PageScene, pairing: Pairing) -> None:
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ, Scope.CARD_USE])
    assert pairing.answer(asked.id) == (asked, "")
    pairing.accept(asked.code, [Scope.MESSAGES_READ, Scope.INBOX_READ], days=30)
    assert scene.journal.clients() == []
    request, token = pairing.answer(asked.id)
    assert request.state is PairingState.ACCEPTED
    (client,) = scene.journal.clients()
    assert token.startswith(f"mss_{client.id}_")
    assert client.scopes == {Scope.MESSAGES_READ}
    assert client.expires_at is not None
    with pytest.raises(InvalidSubmission, match="INTROUVABLE"):
        pairing.answer(asked.id)


def test_an_access_may_last_until_it_is_revoked(scene: PageScene, pairing: Pairing) -> None:
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ])
    pairing.accept(asked.code, [Scope.MESSAGES_READ], days=None)
    pairing.answer(asked.id)
    assert scene.journal.clients()[0].expires_at is None


def test_an_application_that_is_refused_hears_so_once(scene: PageScene, pairing: Pairing) -> None:
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ])
    pairing.refuse(asked.code)
    request, token = pairing.answer(asked.id)
    assert (request.state, token, scene.journal.clients()) == (PairingState.REFUSED, "", [])
    with pytest.raises(InvalidSubmission):
        pairing.answer(asked.id)


def test_a_request_is_decided_once(pairing: Pairing) -> None:
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ])
    pairing.refuse(asked.code)
    with pytest.raises(InvalidSubmission, match="INTROUVABLE"):
        pairing.accept(asked.code, [Scope.MESSAGES_READ], days=1)


def test_a_name_that_is_taken_must_be_revoked_first(scene: PageScene, pairing: Pairing) -> None:
    scene.client_token(name="LPS")
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ])
    with pytest.raises(InvalidSubmission, match="CLIENT_EXISTE"):
        pairing.accept(asked.code, [Scope.MESSAGES_READ], days=1)
    assert [each.id for each in pairing.pending()] == [asked.id]


def test_requests_are_forgotten_after_a_while(scene: PageScene, pairing: Pairing) -> None:
    asked = pairing.ask("LPS", [Scope.MESSAGES_READ])
    scene.clock.advance(REQUEST_SECONDS + 1)
    assert pairing.pending() == []
    with pytest.raises(InvalidSubmission):
        pairing.answer(asked.id)


def test_one_wild_application_does_not_bury_the_others(pairing: Pairing) -> None:
    for _ in range(MOST_REQUESTS):
        pairing.ask("wild", [Scope.MESSAGES_READ])
    with pytest.raises(Unavailable, match="API_OCCUPEE"):
        pairing.ask("wild", [Scope.MESSAGES_READ])


def test_codes_can_be_compared_and_ids_cannot_be_guessed(scene: PageScene) -> None:
    changes: list[int] = []
    pairing = Pairing(scene.journal, scene.clock, scene.options.ids, changed=lambda: changes.append(1))
    requests = [pairing.ask(str(number), [Scope.MESSAGES_READ]) for number in range(MOST_REQUESTS)]
    assert all(len(each.code) == 7 and each.code[3] == "-" for each in requests)
    assert len({each.code for each in requests}) == len({each.id for each in requests}) == MOST_REQUESTS
    assert not any(each.id in repr(each) for each in requests)
    assert len(changes) == MOST_REQUESTS


# --- checkup ---


def check(name: str, look: Iterable[Finding], begun: threading.Event | None = None) -> Check:
    def run(_: World) -> Iterable[Finding]:
        if begun is not None:
            assert begun.wait(10)
        return look

    return Check(
        name=name, group=Group.MACHINE, title=Text(name, name), parts=once(run), gives=Gives(ok=("HORLOGE_OK",)),
        needs=frozenset(),
    )  # fmt: skip


def finished(checkup: Checkup) -> None:
    for thread in threading.enumerate():
        if thread.name == "checkup":
            thread.join(10)
    assert not checkup.state().is_running


def test_a_checkup_runs_in_the_background_one_at_a_time(tmp_path: Path) -> None:
    let_go = threading.Event()
    found = Finding("HORLOGE_OK", Severity.OK, "x")
    checkup = Checkup(lambda: Practice(tmp_path).world(), [check("clock", [found], let_go)])
    assert checkup.state().report is None
    assert checkup.start()
    assert not checkup.start()
    assert checkup.state().is_running
    let_go.set()
    finished(checkup)
    state = checkup.state()
    assert (state.done, state.number) == (1, 1)
    assert state.ended_at is not None
    assert state.report is not None
    assert state.report.findings == [found]
    assert checkup.start()
    finished(checkup)


def test_a_checkup_that_breaks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> World:
        raise LookupError("no settings")

    checkup = Checkup(broken, [])
    hooks: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: hooks.append(args.exc_type))
    checkup.start()
    finished(checkup)
    assert hooks == [LookupError]


def test_the_support_bundle_is_a_zip(tmp_path: Path) -> None:
    checkup = Checkup(lambda: Practice(tmp_path).world(), [check("clock", [Finding("HORLOGE_OK", Severity.OK, "x")])])
    with zipfile.ZipFile(io.BytesIO(checkup.bundle())) as bundle:
        assert "diagnostic.json" in bundle.namelist()


# --- feed ---


def test_the_feed_tells_where_we_are_and_what_changes() -> None:
    marks = [Mark(1, "a"), Mark(1, "a"), Mark(2, "a"), Mark(2, "b")]
    looked: list[int] = []

    def look() -> Mark:
        looked.append(1)
        return marks[min(len(looked), len(marks)) - 1]

    async def listen() -> list[Mark | None]:
        feed = Feed(look, seconds=0.001)
        first = await feed.wait(None, 5)
        second = await feed.wait(first, 5)
        third = await feed.wait(second, 5)
        return [first, second, third]

    assert asyncio.run(listen()) == [Mark(1, "a"), Mark(2, "a"), Mark(2, "b")]


def test_nothing_new_is_said_to_be_nothing() -> None:
    async def listen() -> tuple[Mark | None, Mark | None]:
        feed = Feed(lambda: Mark(1), seconds=0.001)
        first = await feed.wait(None, 5)
        return first, await feed.wait(first, 0.02)

    assert asyncio.run(listen()) == (Mark(1), None)


def test_many_listeners_cost_one_look() -> None:
    looked: list[int] = []

    def look() -> Mark:
        looked.append(1)
        return Mark(int(len(looked) > 3))

    async def listen() -> list[Mark | None]:
        feed = Feed(look, seconds=0.01)
        first = await feed.wait(None, 5)
        return await asyncio.gather(*(feed.wait(first, 5) for _ in range(50)))

    assert asyncio.run(listen()) == [Mark(1)] * 50
    assert len(looked) < 10


def test_a_journal_that_is_busy_is_asked_again() -> None:
    troubles = [Unavailable("JOURNAL_INDISPONIBLE", "busy")]

    def look() -> Mark:
        if troubles:
            raise troubles.pop()
        return Mark(7)

    assert asyncio.run(Feed(look, seconds=0.001).wait(None, 5)) == Mark(7)


def test_nobody_listens_nobody_looks() -> None:
    looked: list[int] = []

    def look() -> Mark:
        looked.append(1)
        return Mark(1)

    async def listen() -> int:
        feed = Feed(look, seconds=0.001)
        await feed.wait(None, 5)
        assert feed._looker is not None
        await asyncio.wait_for(feed._looker, 5)
        before = len(looked)
        await feed.wait(None, 5)
        return before

    assert asyncio.run(listen()) < len(looked)
