"""Rendering: PDF/A-1b, complete, repeatable, deaf to code in the text, and never brought down by a document."""

import base64
import io
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.sax.saxutils import escape

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.documents.cda.parse import open_cda
from connector.documents.pdf import inspect_pdf, render_cda_pdf
from connector.documents.pdf.glyphs import printable
from connector.documents.pdf.narrative import MAX_PIECES
from connector.documents.xml import local_name
from connector.domain.errors import InvalidSubmission
from tests.documents.pdf.samples import (
    HEADER,
    NARRATIVE,
    SANDBOX_CDA,
    SHARED_CDA,
    document,
    media,
    png,
    problems_of_pdfa,
    rendered,
    section,
    squeezed,
    text_of,
)

PNG = base64.b64encode(png()).decode()
SAMPLES = (*sorted(SHARED_CDA.glob("*.xml")), *sorted(SANDBOX_CDA.glob("*.xml")))
STRUCTURED = [path for path in SAMPLES if b"structuredBody" in path.read_bytes()]

LEAVES = ["mot", "<br/>", '<renderMultiMedia referencedObject="I"/>', "<footnote>n</footnote>", " ", "<col/>"]
NAMES = [
    "table", "tr", "td", "th", "thead", "tbody", "tfoot", "list", "item", "caption", "content", "paragraph", "sub",
    "sup", "linkHtml", "colgroup", "col", "inconnu",
]  # fmt: skip
ATTRIBUTES = [
    "", ' colspan="3"', ' rowspan="2"', ' align="center"', ' styleCode="Bold xRed Lrule"', ' listType="ordered"',
    ' href="http://a.test"', ' width="40%"',
]  # fmt: skip


@pytest.fixture(scope="module")
def everything() -> bytes:
    return rendered(NARRATIVE, media("IMG1", PNG))


class TestPdfA:
    def test_nothing_visible_speaks_against_pdfa_1b(self, everything: bytes) -> None:
        assert problems_of_pdfa(everything) == []

    def test_it_says_that_it_is_pdfa_1b(self, everything: bytes) -> None:
        facts = inspect_pdf(everything)
        assert facts.is_pdfa1
        assert facts.pdfa_conformance == "B"
        assert facts.pages >= 1

    def test_title_author_and_date_are_those_of_the_document(self, everything: bytes) -> None:
        with pikepdf.open(io.BytesIO(everything)) as pdf:
            assert pdf.docinfo["/Title"] == "Compte rendu d’examens — essai"
            assert pdf.docinfo["/Author"] == "Marcel CAMPARINI"
            assert str(pdf.docinfo["/CreationDate"]) == "D:20260310141200Z"  # 15:12 in Paris

    def test_the_same_document_gives_the_same_bytes(self, everything: bytes) -> None:
        assert rendered(NARRATIVE, media("IMG1", PNG)) == everything

    def test_threads_do_not_disturb_each_other(self, everything: bytes) -> None:
        with ThreadPoolExecutor(4) as pool:
            copies = list(pool.map(lambda _: rendered(NARRATIVE, media("IMG1", PNG)), range(8)))
        assert set(copies) == {everything}


class TestHeaderBlock:
    @pytest.mark.parametrize(
        "shown",
        [
            "Compte rendu d’examens — essai", "CR d'examens biologiques", "10/03/2026 à 15:12", "Dr Marcel CAMPARINI",
            "Médecin - Biologie médicale (SM)", "Laboratoire des charmes", "Automate 7 – LabSoft", "PAT-TROIS",
            "MARTIN", "DOMINIQUE MARIE-LOUISE", "Féminin", "28/03/1979", "279035121518989 (identité de test)",
            "IPP-77", "Mme Eva BLUE", "Cabinet BLUE", "Conservatoire des charmes", "Jeanne SIGNATAIRE",
            "Annule et remplace la version précédente (1.2.250.1.999.1.1.7000.1)", "2026123456780", "Restreint",
            "Biochimie", "10/03/2026 à 09:22", "Second acte", "Site des charmes", "Roberta BLEEDER", "Préleveur",
            "Luc RESPONSABLE", "rb@test.mssante.fr",
        ],
    )  # fmt: skip
    def test_who_what_when_and_for_whom_is_shown(self, everything: bytes, shown: str) -> None:
        assert squeezed(shown) in squeezed(text_of(everything))

    def test_every_page_names_the_patient(self) -> None:
        pdf = rendered("<paragraph>Une ligne.</paragraph>" * 200)
        assert inspect_pdf(pdf).pages > 2
        feet = text_of(pdf, with_feet=True).count("PAT-TROIS DOMINIQUE – né(e) le 28/03/1979")
        assert feet == inspect_pdf(pdf).pages

    def test_a_bare_header_is_enough(self) -> None:
        xml = (
            '<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><code code="11488-4"/><recordTarget>'
            '<patientRole><id root="1.2" extension="x"/><patient><name><family>SEUL</family></name></patient>'
            "</patientRole></recordTarget><component><structuredBody/></component></ClinicalDocument>"
        )
        opened = open_cda(xml.encode())
        text = text_of(render_cda_pdf(opened.element, opened.document))
        assert "SEUL" in text
        assert "ne contient aucune section" in text

    @pytest.mark.parametrize("gone", ["componentOf", "encompassingEncounter", "effectiveTime", "custodian"])
    def test_any_part_of_the_header_may_be_missing(self, gone: str) -> None:
        opened = document(section("x"))
        for element in list(opened.element.iter(f"{{urn:hl7-org:v3}}{gone}")):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
        assert inspect_pdf(render_cda_pdf(opened.element, opened.document)).is_pdfa1


class TestNarrative:
    @pytest.mark.parametrize("path", STRUCTURED, ids=lambda path: path.stem)
    def test_every_text_of_every_sample_is_there(self, path: Path) -> None:
        opened = open_cda(path.read_bytes())
        pdf = render_cda_pdf(opened.element, opened.document)
        page = squeezed(text_of(pdf))
        assert problems_of_pdfa(pdf) == []
        for text in opened.element.iter("{urn:hl7-org:v3}text"):
            parent = text.getparent()
            if parent is not None and local_name(parent) == "section":
                missing = [piece for piece in text.itertext() if squeezed(printable(piece)) not in page]
                assert missing == []

    def test_every_text_of_our_own_fixture_is_there(self, everything: bytes) -> None:
        page = squeezed(text_of(everything))
        body = document(section(NARRATIVE)).element.find(".//{urn:hl7-org:v3}section/{urn:hl7-org:v3}text")
        assert body is not None
        assert [piece for piece in body.itertext() if squeezed(piece) not in page] == []

    @pytest.mark.parametrize(
        "shown", ["i. premier", "ii. Légende d’article", "▪ intérieur", "le site (https://exemple.test/a?b=c)",
                  "renvoi[1] et le même[1]", "[1] Note du bas", "objet « ABSENT » absent du document"],
    )  # fmt: skip
    def test_what_stands_for_attributes_is_shown(self, everything: bytes, shown: str) -> None:
        assert squeezed(shown) in squeezed(text_of(everything))

    def test_the_address_of_a_link_is_not_said_twice(self, everything: bytes) -> None:
        assert squeezed(text_of(everything)).count("https://exemple.test.") == 1

    def test_the_picture_is_in_the_page(self, everything: bytes) -> None:
        with pikepdf.open(io.BytesIO(everything)) as pdf:
            images = [
                item for item in pdf.objects if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Image"
            ]
        assert len(images) == 1

    def test_the_heading_of_a_long_table_is_repeated_on_every_page(self) -> None:
        rows = "".join(f"<tr><td>ligne {number}</td></tr>" for number in range(200))
        pdf = rendered(f"<table><thead><tr><th>Entête répétée</th></tr></thead><tbody>{rows}</tbody></table>")
        assert text_of(pdf).count("Entête répétée") >= 4

    def test_a_wide_table_gets_a_landscape_page(self) -> None:
        cells = "".join(f"<td>Administration{number}</td>" for number in range(12))
        with pikepdf.open(io.BytesIO(rendered(f"<table><tr>{cells}</tr></table>"))) as pdf:
            shapes = [page.mediabox[2] > page.mediabox[3] for page in pdf.pages]
        assert shapes == [False, True, False]

    def test_a_word_too_long_for_its_column_is_cut_and_complete(self) -> None:
        word = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 12
        page = squeezed(text_of(rendered(f"<table><tr><td>{word}</td><td>suite</td></tr></table>")))
        assert word in page
        assert "suite" in page

    def test_sections_inside_sections_keep_their_order(self) -> None:
        inner = section("dedans", "Intérieure")
        pdf = _of(f"<component><section><title>Extérieure</title><text>dehors</text>{inner}</section></component>")
        assert squeezed("Extérieure dehors Intérieure dedans") in squeezed(text_of(pdf))

    def test_a_section_without_text_says_so(self) -> None:
        pdf = _of('<component><section><code code="1" displayName="Titre du code"/><entry/></section></component>')
        assert squeezed("Titre du code [section sans texte]") in squeezed(text_of(pdf))

    def test_a_section_without_title_and_code_is_shown_all_the_same(self) -> None:
        assert "Section sans titre" in text_of(_of("<component><section><text>x</text></section></component>"))

    @pytest.mark.parametrize("mark", ['<templateId root="1.2.250.1.213.1.1.2.243"/>', '<code code="55108-5"/>'])
    def test_the_pdf_copy_is_named_and_not_printed(self, mark: str) -> None:
        copy = media("C", "JVBERi0=", "application/pdf")
        text = text_of(_of(f"<component><section>{mark}<title>Copie</title>{copy}</section></component>"))
        assert "copie PDF du document" in text
        assert "JVBERi0" not in text


class TestLevel1:
    def test_plain_text_is_set_line_by_line(self) -> None:
        pdf = _level_1("text/plain", "Première ligne\n\nSeconde ligne")
        assert squeezed("Première ligne Seconde ligne") in squeezed(text_of(pdf))
        assert inspect_pdf(pdf).is_pdfa1

    def test_an_empty_text_says_so(self) -> None:
        assert "texte vide" in text_of(_level_1("text/plain", " "))

    def test_an_image_is_shown(self) -> None:
        pdf = _level_1("image/png", png())
        assert problems_of_pdfa(pdf) == []

    def test_a_pdf_body_is_its_own_copy(self) -> None:
        with pytest.raises(InvalidSubmission, match="PDF_INVALIDE"):
            _level_1("application/pdf", b"%PDF-1.4")


class TestHostileDocuments:
    def test_comments_and_instructions_left_in_the_tree_are_passed_over(self) -> None:
        inner = "<!--c--><?p i?>mot<!--d--> suite"
        table = f"<table><!--e--><tr><!--f--><td>{inner}</td></tr></table>"
        text = f"{inner}{table}<list><!--g--><item>{inner}</item></list>"
        header = document("").document
        tree = etree.fromstring(
            f"{HEADER}<component><structuredBody>{section(text)}</structuredBody></component></ClinicalDocument>"
        )
        page = squeezed(text_of(render_cda_pdf(tree, header)))
        assert page.count("motsuite") == 3

    def test_a_failure_of_the_typesetter_is_a_refusal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connector.documents.pdf.render._TEMPLATE", b"#panic()")
        with pytest.raises(InvalidSubmission, match="CDA_INVALIDE"):
            rendered("x")

    def test_a_caption_that_holds_more_than_text_stands_before_its_table(self) -> None:
        page = squeezed(
            text_of(
                rendered(
                    "<table><caption>un<table><tr><td>deux</td></tr></table></caption><tr><td>trois</td></tr></table>"
                )
            )
        )
        assert "undeuxtrois" in page

    def test_a_caption_of_several_paragraphs_is_complete(self) -> None:
        page = squeezed(
            text_of(
                rendered("<table><caption>un<paragraph>deux</paragraph></caption><tr><td>trois</td></tr></table>")
            )
        )
        assert "undeuxtrois" in page

    @pytest.mark.parametrize(
        "text",
        ['#set page(width: 1pt)', "#panic()", '#read("/etc/passwd")', "$x^2$", "\\u{41} \\ #", "*a* _b_ `c` @d <e>",
         '"); #import "@preview/x:1.0.0": *', "// commentaire", "/* x */", "= titre", "- liste", "#{1+1}", "[#1]"],
    )  # fmt: skip
    def test_source_code_is_only_text(self, text: str) -> None:
        assert squeezed(text) in squeezed(text_of(rendered(escape(text))))

    @pytest.mark.parametrize(
        ("opening", "closing"),
        [
            ("<table><tr><td>x", "</td></tr></table>"), ("<list><item>x", "</item></list>"),
            ("<content>x", "</content>"), ("<paragraph>x", "</paragraph>"), ("<footnote>x", "</footnote>"),
            ("<table><tr><td><list><item>x", "</item></list></td></tr></table>"), ("<autre>x", "</autre>"),
            ("<table><caption>x", "</caption></table>"), ("<table>x", "</table>"),
            ("<renderMultiMedia>x", "</renderMultiMedia>"),
        ],
    )  # fmt: skip
    def test_nesting_without_end_is_set_flat_and_complete(self, opening: str, closing: str) -> None:
        depth = 240 // opening.count("<")
        text = text_of(rendered(f"{opening * depth}profond{closing * depth}"))
        assert "profond" in text
        assert squeezed(text.split("Résultats")[1]).count("x") >= depth

    def test_sections_nested_without_end_are_shown(self) -> None:
        opening, closing = "<component><section><title>S</title>", "</section></component>"
        assert "profond" in text_of(_of(f"{opening * 110}{section('profond')}{closing * 110}"))

    def test_spans_that_overlap_or_run_over_the_edge_lose_no_cell(self) -> None:
        table = (
            '<table><thead><tr><th rowspan="9" colspan="3">a1</th><th>b1</th></tr><tr><th>c1</th></tr></thead><tbody>'
            '<tr><td rowspan="0">d1</td><td colspan="500">e1</td></tr>'
            '<tr><td>f1</td><td rowspan="99999999">g1</td></tr>'
            '<tr><td colspan="-1">h1</td><td colspan="x">i1</td></tr></tbody></table>'
        )
        text = squeezed(text_of(rendered(table)))
        assert [name for name in "abcdefghi" if f"{name}1" not in text] == []

    @pytest.mark.parametrize(
        "form",
        [
            "<sup>{}</sup>", "<sub>{}</sub>", "<table><caption>{}</caption><tr><td>x</td></tr></table>",
            "<table><thead><tr><th>{}</th><th>x</th></tr></thead><tr><td>y</td></tr></table>",
            '<content revised="delete" styleCode="xBgColourYellow Underline">{}</content>',
            "<table><tr><td rowspan='2'>{}</td><td>x</td></tr><tr><td>y</td></tr></table>",
            "<list><item>{}</item></list>", "<footnote>{}</footnote>",
            '<paragraph styleCode="xallIndent" align="right">{}</paragraph>',
        ],
    )  # fmt: skip
    def test_text_longer_than_a_page_goes_on_over_the_next_pages(self, form: str) -> None:
        words = [f"mot{number}" for number in range(3_000)]
        page = squeezed(text_of(rendered(form.format(" ".join(words)))))
        assert [word for word in words if word not in page] == []

    @pytest.mark.parametrize("part", ["Compte rendu d’examens — essai", "MARTIN", "Médecin - Biologie médicale (SM)"])
    def test_a_header_longer_than_a_page_goes_on_over_the_next_pages(self, part: str) -> None:
        words = [f"mot{number}" for number in range(2_000)]
        xml = f"{HEADER}<component><structuredBody/></component></ClinicalDocument>".replace(part, " ".join(words))
        opened = open_cda(xml.encode())
        page = squeezed(text_of(render_cda_pdf(opened.element, opened.document)))
        assert [word for word in words if word not in page] == []

    def test_a_narrative_over_the_bounds_is_refused(self) -> None:
        with pytest.raises(InvalidSubmission, match="TROP_GROS"):
            rendered("a<br/>" * (MAX_PIECES + 1))

    def test_a_table_of_too_many_columns_is_refused(self) -> None:
        with pytest.raises(InvalidSubmission, match="TROP_GROS"):
            rendered(f"<table><tr>{'<td>x</td>' * 101}</tr></table>")

    def test_repeating_an_image_without_end_is_refused(self) -> None:
        with pytest.raises(InvalidSubmission, match="TROP_GROS"):
            rendered('<renderMultiMedia referencedObject="I"/>' * 101, media("I", PNG))

    def test_empty_tables_lists_and_paragraphs_draw_nothing(self) -> None:
        text = "<table/><list/><paragraph/><table><tr/></table><table><tr><td/></tr></table><list><item/></list><br/>"
        assert "Autres informations" in text_of(rendered(text))

    @settings(max_examples=40, deadline=None)
    @given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60))
    def test_any_text_is_drawn_or_visibly_replaced(self, text: str) -> None:
        legal = "".join(each for each in text if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff"))
        pdf = rendered(f"debut{escape(legal)}fin")
        assert problems_of_pdfa(pdf) == []
        page = text_of(pdf)
        if all(unicodedata.bidirectional(each) in {"L", "EN", "ON", "WS", "ET", "ES", "CS"} for each in legal):
            shown = unicodedata.normalize("NFKC", squeezed(printable(legal)))
            assert shown in unicodedata.normalize("NFKC", squeezed(page))

    @settings(max_examples=40, deadline=None)
    @given(tree=st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.builds(
            lambda name, extra, parts: f"<{name}{extra}>{''.join(parts)}</{name}>",
            st.sampled_from(NAMES),
            st.sampled_from(ATTRIBUTES),
            st.lists(inner, max_size=4),
        ),
        max_leaves=25,
    ))  # fmt: skip
    def test_any_arrangement_of_elements_is_drawn_with_all_its_words(self, tree: str) -> None:
        pdf = rendered(f"{tree}<paragraph>dernier</paragraph>", media("I", PNG))
        body = text_of(pdf).split("Résultats")[1].split("Autres informations")[0]
        assert "dernier" in body
        assert body.count("mot") >= tree.count("mot")


def _of(body: str) -> bytes:
    opened = document(body)
    return render_cda_pdf(opened.element, opened.document)


def _level_1(media_type: str, content: str | bytes) -> bytes:
    if isinstance(content, str):
        text = f'<text mediaType="{media_type}">{content}</text>'
    else:
        text = f'<text mediaType="{media_type}" representation="B64">{base64.b64encode(content).decode()}</text>'
    xml = f"{HEADER}<component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>"
    opened = open_cda(xml.encode())
    return render_cda_pdf(opened.element, opened.document)
