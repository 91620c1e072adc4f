"""Documents to look at over the API: the same as on the page, whole, and without anything that runs."""

import base64
import io
import re
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from PIL import Image

from connector.api.attachment import attachment
from connector.documents.cda.html import CLASSES
from connector.documents.cda.page import page_policy, page_style
from connector.domain.scopes import Scope
from connector.sandbox.samples import sample
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, INBOX, arrive, code_of, mail
from tests.xdm.test_package_reader import FOLDER, entry, metadata, zipped

HOSTILE = b"<script>alert(1)</script> <img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """What a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.classes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            self.sources += [value or ""] if name in ("src", "href") else []
            self.classes |= set((value or "").split()) if name == "class" else set()


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, "PNG")
    return out.getvalue()


def pdf(pages: int = 3) -> bytes:
    out = io.BytesIO()
    first, *rest = [Image.new("RGB", (60, 80), colour) for colour in ["white", "red", "blue"][:pages]]
    first.save(out, "PDF", save_all=True, append_images=rest)
    return out.getvalue()


def look(scene: ApiScene, name: str, content: bytes, **query: Any) -> httpx2.Response:
    row = arrive(scene, mail((name, content)))
    return scene.web().get(f"{INBOX}/{row}/documents/0/preview", params=query)


def test_a_cda_is_shown_as_html_of_ours_that_is_whole(scene: ApiScene) -> None:
    answer = look(scene, "cr.xml", CDA)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = Elements(answer.text)
    assert "examens biologiques" in answer.text
    assert not found.tags & {"script", "iframe", "object", "embed", "form", "link", "a", "base"}
    assert not any(name.startswith("on") for name in found.attributes)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.sources)
    assert int(answer.headers["preview-pages"]) >= 1  # of the copy that is inside


def test_headers_and_document_both_forbid_to_run_anything(scene: ApiScene) -> None:
    answer = look(scene, "cr.xml", CDA)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert policy.endswith("; sandbox")
    assert "script-src" not in policy
    (inside,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', answer.text)
    assert policy.startswith(inside)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_the_style_sheet_inside_is_the_one_that_the_policy_allows(scene: ApiScene) -> None:
    text = look(scene, "cr.xml", CDA).text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style == page_style()
    assert page_policy() in text
    missing = {name for name in CLASSES if f".{name}" not in style} - {"cda"}
    assert missing == set()


def test_pictures_of_a_cda_are_inside(scene: ApiScene) -> None:
    image = base64.b64encode(png()).decode()
    value = f'<value mediaType="image/png" representation="B64">{image}</value>'
    media = f'<observationMedia classCode="OBS" moodCode="EVN" ID="i1">{value}</observationMedia>'
    text = CDA.decode()
    assert "</section>" in text
    with_image = re.sub(
        r"(<section\b[^>]*>.*?<text>)(.*?)(</text>)",
        rf'\1<renderMultiMedia referencedObject="i1"/>\2\3<entry>{media}</entry>', text, count=1, flags=re.DOTALL,
    )  # fmt: skip
    found = Elements(look(scene, "cr.xml", with_image.encode()).text)
    assert found.sources
    assert "img" in found.tags
    for source in found.sources:
        assert b"<svg" in base64.b64decode(source.partition(",")[2])


@pytest.mark.parametrize("name", ["x.txt", "x.html", "x.svg"])
def test_text_stays_text_whatever_it_calls_itself(scene: ApiScene, name: str) -> None:
    answer = look(scene, name, HOSTILE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;" in answer.text
    assert not Elements(answer.text).tags & {"script", "img"}


def test_the_name_of_a_document_is_text_too(scene: ApiScene) -> None:
    answer = look(scene, "<script>.txt", b"Bonjour")
    assert "script" not in Elements(answer.text).tags


def test_an_image_is_made_anew(scene: ApiScene) -> None:
    answer = look(scene, "photo.png", png())
    (source,) = Elements(answer.text).sources
    svg = base64.b64decode(source.partition(",")[2])
    assert svg.startswith(b"<svg")


def test_a_pdf_is_shown_page_by_page(scene: ApiScene) -> None:
    row = arrive(scene, mail(("cr.pdf", pdf())))
    web, at = scene.web(), f"{INBOX}/{row}/documents/0/preview"
    first, second = web.get(at), web.get(at, params={"page": 2})
    for answer in (first, second):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.headers["preview-pages"] == "3"
        assert answer.headers["content-security-policy"].endswith("; sandbox")
        with Image.open(io.BytesIO(answer.content)) as drawn:
            assert drawn.format == "PNG"
    assert first.content != second.content
    assert first.content == web.get(at, params={"page": 1}).content
    assert code_of(web.get(at, params={"page": 4})) == (422, "PDF_INVALIDE")
    assert [web.get(at, params={"page": page}).status_code for page in (0, 41, "x")] == [422] * 3


def test_a_cda_that_is_a_pdf_has_both(scene: ApiScene) -> None:
    level_1 = re.sub(
        r"<component>\s*<structuredBody.*</structuredBody>\s*</component>",
        '<component><nonXMLBody><text mediaType="application/pdf" representation="B64">'
        f"{base64.b64encode(pdf(2)).decode()}</text></nonXMLBody></component>",
        CDA.decode(), flags=re.DOTALL,
    )  # fmt: skip
    assert "nonXMLBody" in level_1
    row = arrive(scene, mail(("cr.xml", level_1.encode())))
    web, at = scene.web(), f"{INBOX}/{row}/documents/0/preview"
    html, page = web.get(at), web.get(at, params={"page": 2})
    assert (html.headers["content-type"], html.headers["preview-pages"]) == ("text/html; charset=utf-8", "2")
    assert page.headers["content-type"] == "image/png"


def test_a_broken_pdf_inside_does_not_hide_the_cda_around_it(scene: ApiScene) -> None:
    level_1 = re.sub(
        r"<component>\s*<structuredBody.*</structuredBody>\s*</component>",
        '<component><nonXMLBody><text mediaType="application/pdf" representation="B64">'
        f"{base64.b64encode(b'%PDF-1.4 broken').decode()}</text></nonXMLBody></component>",
        CDA.decode(), flags=re.DOTALL,
    )  # fmt: skip
    answer = look(scene, "cr.xml", level_1.encode())
    assert answer.status_code == 200
    assert "preview-pages" not in answer.headers


def test_what_cannot_be_shown_says_so(scene: ApiScene) -> None:
    assert code_of(look(scene, "x.bin", b"\x00\x01\x02")) == (422, "APERCU_IMPOSSIBLE")


def test_only_what_has_pages_has_a_page(scene: ApiScene) -> None:
    assert code_of(look(scene, "x.txt", b"Bonjour", page=1)) == (422, "APERCU_IMPOSSIBLE")


def test_a_preview_needs_the_right_to_read_and_a_document(scene: ApiScene) -> None:
    row = arrive(scene)
    at = f"{INBOX}/{row}/documents/0/preview"
    assert scene.web(scene.client_token(Scope.MESSAGES_READ)).get(at).status_code == 403
    assert scene.web(None).get(at).status_code == 401
    assert code_of(scene.web().get(f"{INBOX}/{row}/documents/7/preview")) == (404, "INTROUVABLE")


# --- what is sent ---


def sent(scene: ApiScene, **documents: bytes) -> str:
    files = [("documents", (name.replace("_", "."), content)) for name, content in documents.items()]
    head = '{"mailbox": "dr-modele", "recipients": [{"address": "correspondant@autre.mssante.fr"}]}'
    answer = scene.web().post("/api/v1/messages", files=[("message", (None, head, "application/json")), *files])
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_originals_are_there_to_save_and_to_look_at(scene: ApiScene) -> None:
    document, copy = sample("cr-biologie-v1.xml"), pdf()
    message = sent(scene, cr_xml=document, cr_pdf=copy)
    web, at = scene.web(), f"/api/v1/messages/{message}/documents"
    files = web.get(f"/api/v1/messages/{message}").json()["files"]
    assert [(file["number"], file["name"]) for file in files] == [(0, "cr.xml"), (1, "cr.pdf")]
    assert [web.get(f"{at}/{number}").content for number in (0, 1)] == [document, copy]
    assert web.get(f"{at}/0").headers["content-disposition"].startswith("attachment; ")
    assert web.get(f"{at}/0/preview").headers["content-type"] == "text/html; charset=utf-8"
    assert web.get(f"{at}/1/preview", params={"page": 3}).headers["content-type"] == "image/png"
    for path in (f"{at}/2", f"{at}/2/preview"):
        assert code_of(web.get(path)) == (404, "INTROUVABLE")
    assert scene.web(scene.client_token(Scope.INBOX_READ)).get(f"{at}/0").status_code == 403


def test_of_an_archive_its_first_document_is_shown(scene: ApiScene) -> None:
    archive = zipped({f"{FOLDER}DOC0001.XML": CDA, f"{FOLDER}METADATA.XML": metadata(entry(CDA))})
    row = arrive(scene, mail(("IHE_XDM.ZIP", archive)))
    web = scene.web()
    files = web.get(f"{INBOX}/{row}").json()["documents"]
    (number,) = (file["number"] for file in files if file["role"] == "xdm")
    answer = web.get(f"{INBOX}/{row}/documents/{number}/preview")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "examens biologiques" in answer.text


def test_a_name_is_never_empty() -> None:
    assert attachment(b"", "").headers["content-disposition"].endswith("''document")
