"""A CDA document in a page: every word is there, and nothing of it can act."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from connector.documents.cda.html import CLASSES, CdaHtml, cda_html
from connector.documents.cda.parse import open_cda
from connector.documents.pdf.style import BACKGROUNDS, COLOURS
from tests.documents.pdf.samples import HEADER, NARRATIVE, SANDBOX_CDA, SHARED_CDA, media, png, section, squeezed

ELEMENTS = {
    "article", "section", "div", "h2", "h3", "h4", "h5", "h6", "p", "ul", "li", "span", "br", "strong", "em", "u",
    "s", "sup", "sub", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "img",
}  # fmt: skip
ATTRIBUTES = {
    "class", "lang", "role", "tabindex", "aria-label", "scope", "rowspan", "colspan", "src", "alt", "width", "height",
}  # fmt: skip
SAMPLES = [
    *sorted(path for path in SANDBOX_CDA.glob("*.xml") if ".mss" not in path.name),
    *sorted(SHARED_CDA.glob("*.xml")),
]


def document(text: str, header: str = HEADER, title: str = "Résultats") -> bytes:
    return structured(section(text, title), header)


def structured(sections: str, header: str = HEADER) -> bytes:
    body = f"<component><structuredBody>{sections}</structuredBody></component>"
    return f"{header}{body}</ClinicalDocument>".encode()


def shown(data: bytes) -> CdaHtml:
    return cda_html(open_cda(data), image_url=lambda number: f"/images/{number}")


def parsed(page: CdaHtml) -> lxml_html.HtmlElement:
    return lxml_html.fragment_fromstring(page.html)


def assert_harmless(page: CdaHtml) -> None:
    """Only what is on the short lists, and addresses of the page alone."""
    colours = {f"ink-{c[1:]}" for c in COLOURS.values()} | {f"paper-{c[1:]}" for c in BACKGROUNDS.values()}
    for element in parsed(page).iter():
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        for name in element.get("class", "").split():
            assert name in CLASSES | colours, name
        if element.tag == "img":
            assert re.fullmatch(r"/images/\d+", element.get("src", ""))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_word_of_a_real_document_is_shown_and_nothing_acts(path: Path) -> None:
    opened = open_cda(path.read_bytes())
    page = cda_html(opened, image_url=lambda number: f"/images/{number}")
    assert_harmless(page)
    told = squeezed(parsed(page).text_content())
    for narrative in opened.element.iterfind(".//{urn:hl7-org:v3}section/{urn:hl7-org:v3}text"):
        missing = [text for text in narrative.itertext(etree.Element) if squeezed(text) not in told]
        assert missing == []
    assert page.title
    assert squeezed(opened.document.patient.family) in told


def test_everything_that_a_narrative_may_hold_has_an_element() -> None:
    page = shown(document(NARRATIVE))
    assert_harmless(page)
    found = {element.tag for element in parsed(page).iter()}
    assert {"table", "th", "caption", "ul", "li", "strong", "em", "sup", "sub", "br", "s", "u"} <= found


@pytest.mark.parametrize(
    "attack",
    ["<content><![CDATA[<script>alert(1)</script>]]></content>",
     "<paragraph>&lt;img src=x onerror=alert(1)&gt;</paragraph>",
     '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
     '<linkHtml href="javascript:alert(1)">lien</linkHtml>',
     '<linkHtml href="http://attaque.example/?x">lien</linkHtml>',
     '<paragraph onclick="alert(1)" style="background:url(http://attaque.example)" class="x">texte</paragraph>',
     '<img src="http://attaque.example/p.png"/>', '<iframe src="http://attaque.example"/>',
     '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
     '<content styleCode="xRed&quot;&gt;&lt;script&gt;">x</content>',
     '<table><tr><td align="&quot; onclick=&quot;x" valign="x&quot;y" colspan="&lt;x">a</td></tr></table>',
     '<table><caption>&quot; onfocus=&quot;alert(1)</caption><tbody><tr><td>a</td></tr></tbody></table>',
     '<renderMultiMedia referencedObject="&quot;&gt;&lt;script&gt;"/>',
     "<list><item>&lt;/li&gt;&lt;script&gt;alert(1)&lt;/script&gt;</item></list>",
     "<content>]]&gt;&lt;!-- --&gt;</content>"],
)  # fmt: skip
def test_what_a_document_smuggles_in_is_text_or_nothing(attack: str) -> None:
    page = shown(document(attack))
    assert_harmless(page)


@pytest.mark.parametrize("place", ["title", "languageCode", "family"])
def test_the_header_cannot_act_either(place: str) -> None:
    attack = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
    header = {
        "title": HEADER.replace("Compte rendu d’examens — essai", attack),
        "languageCode": HEADER.replace('languageCode code="fr-FR"', f'languageCode code="{attack}"'),
        "family": HEADER.replace("PAT-TROIS", attack),
    }[place]
    page = shown(document("x", header, attack))
    assert_harmless(page)
    assert parsed(page).get("lang") == "fr-FR"


@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_comes_out_as_the_same_text(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    page = shown(document(f"<paragraph>début{escaped}fin</paragraph>"))
    assert_harmless(page)
    whole = parsed(page).text_content()
    assert re.sub(r"[ \t\r\n]+", " ", f"début{text}fin") in whole


# --- layout ---


def test_headings_step_down_from_the_title_and_stop_at_the_deepest() -> None:
    inner = "<component><section><title>T</title><text>x</text>" * 6 + "</section></component>" * 6
    page = shown(structured(inner))
    own = [element.tag for element in parsed(page).iter() if element.text == "T"]
    assert own == ["h3", "h4", "h5", "h6", "h6", "h6"]


def test_a_table_tells_its_headers_spans_and_caption() -> None:
    page = shown(document(
        "<table><caption>Numération</caption><thead><tr><th>Examen</th><th>Valeur</th></tr></thead><tbody>"
        '<tr><th rowspan="2">Sang</th><td align="right">4,5</td></tr><tr><td>x<br/>y</td></tr>'
        '<tr><td colspan="2" styleCode="Botrule Lrule"><paragraph align="center">fin</paragraph></td></tr>'
        "</tbody></table>"
    ))  # fmt: skip
    tree = parsed(page)
    (region,) = (element for element in tree.iter("div") if element.get("role") == "region")
    assert (region.get("aria-label"), region.get("tabindex")) == ("Numération", "0")
    assert [th.get("scope") for th in tree.iter("th")] == ["col", "col", "row"]
    assert [th.get("rowspan") for th in tree.iter("th")] == [None, None, "2"]
    cells = list(tree.iter("td"))
    assert cells[0].get("class") == "align-right"
    assert (cells[-1].get("colspan"), cells[-1].get("class")) == ("2", "rule-left rule-bottom")
    assert [paragraph.get("class") for paragraph in cells[-1].iter("p")] == ["align-center"]


def test_colours_and_marks_are_classes_and_elements() -> None:
    page = shown(document('<content styleCode="xRed Bold">r</content><content styleCode="xBgYellow">j</content>'))
    assert '<span class="ink-c00000"><strong>r</strong></span>' in page.html
    assert '<span class="paper-fff6b0">j</span>' in page.html


def test_an_image_of_the_document_becomes_one_of_the_page() -> None:
    text = '<renderMultiMedia referencedObject="I1"/><renderMultiMedia referencedObject="I1"/>'
    page = shown(structured(section(text, more=media("I1", base64.b64encode(png("RGB")).decode()))))
    assert_harmless(page)
    assert [image.get("src") for image in parsed(page).iter("img")] == ["/images/0", "/images/1"]
    assert len(page.images) == 2
    assert page.images[0].startswith('<svg xmlns="http://www.w3.org/2000/svg"')


def test_what_is_no_image_is_said_to_be_none() -> None:
    text = '<renderMultiMedia referencedObject="I1"/>'
    page = shown(structured(section(text, more=media("I1", base64.b64encode(b"<script>").decode()))))
    assert page.images == ()
    assert "image illisible" in parsed(page).text_content()


@pytest.mark.parametrize(
    ("media_type", "content", "told"),
    [("text/plain", b"Bonjour <b>", "Bonjour <b>"), ("application/pdf", b"%PDF-1.4", "document PDF"),
     ("application/rtf", b"{\\rtf1}", "fichier de type application/rtf")],
)  # fmt: skip
def test_a_level_1_document_is_shown_or_named(media_type: str, content: bytes, told: str) -> None:
    text = f'<text mediaType="{media_type}" representation="B64">{base64.b64encode(content).decode()}</text>'
    data = f"{HEADER}<component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>".encode()
    page = shown(data)
    assert_harmless(page)
    assert told in parsed(page).text_content()


def test_a_replaced_version_is_told_and_a_first_version_is_not() -> None:
    first = re.sub(r"<relatedDocument.*?</relatedDocument>", "", HEADER, flags=re.DOTALL)
    assert "Annule et remplace" in shown(document("x")).html
    assert "Annule et remplace" not in shown(document("x", first)).html


def test_without_other_participants_there_is_no_further_part() -> None:
    start = HEADER.index("<participant"), HEADER.index("<inFulfillmentOf")
    bare = HEADER[: start[0]] + HEADER[start[1] :]
    bare = re.sub(r"<componentOf>.*?</componentOf>", "", bare, flags=re.DOTALL)
    bare = re.sub(
        r"<documentationOf><serviceEvent><code code=\"5.4\".*?</documentationOf>", "", bare, flags=re.DOTALL
    )
    assert "Autres informations du document" in shown(document("x")).html
    assert "Autres informations du document" not in shown(document("x", bare)).html
