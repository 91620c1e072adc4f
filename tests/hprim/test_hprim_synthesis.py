"""HPRIM Médecin made from a CDA document: nothing is lost, and nothing is said that the document does not say."""

from pathlib import Path

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.hprim.medecin import HprimOptions, HprimRecord, HprimText, read_medecin, write_medecin
from connector.documents.hprim.synthesis import hprim_from_cda
from connector.domain.patient import INS_NIA
from tests.shared_data import sample_files
from tests.xdm.cda_samples import INS, LOCAL, cda, level_1, patient_ids

_LAB_CODE = '<code code="11502-2" displayName="CR de biologie" codeSystem="2.16.840.1.113883.6.1"/>'
_RANGE = """<referenceRange typeCode="REFV"><observationRange><value xsi:type="IVL_PQ">
  <low value="12.50" unit="g/dL"/><high value="15.5" unit="g/dL"/></value></observationRange></referenceRange>"""
_FLAG = '<interpretationCode code="{}" codeSystem="2.16.840.1.113883.5.83"/>'
_VALUE = '<value xsi:type="PQ" value="13.30" unit="g/dL"/>'
_TABLE = """<table><caption>Numération</caption>
  <thead><tr><th>Analyse</th><th>Résultat</th><th>Normes</th></tr></thead>
  <tbody><tr><td><content ID="r1">Hémoglobine</content></td><td>13,30 g/dL</td><td>(12,50 - 15,5)</td></tr>
  <tr><td>Commentaire</td><td>prélèvement à jeun, conservé à température ambiante</td><td/></tr></tbody></table>"""


def observation(
    value: str = _VALUE, *, more: str = _FLAG.format("N") + _RANGE, status: str = "completed", label: str = "r1",
    template: str = "1.3.6.1.4.1.19376.1.3.1.6", attributes: str = "",
) -> str:  # fmt: skip
    return f"""<observation classCode="OBS" moodCode="EVN"{attributes}><templateId root="{template}"/>
      <code code="718-7" displayName="Hémoglobine [Masse/Volume]" codeSystem="2.16.840.1.113883.6.1"><originalText>
      <reference value="#{label}"/></originalText></code><statusCode code="{status}"/>{value}{more}</observation>"""


def laboratory(*observations: str, text: str = _TABLE, **changed: str) -> bytes:
    entries = "".join(f"<entryRelationship typeCode='COMP'>{each}</entryRelationship>" for each in observations)
    entry = f"<entry><act classCode='ACT' moodCode='EVN'>{entries}</act></entry>" if observations else ""
    body = f"""<component><structuredBody xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><section>
      <templateId root="1.3.6.1.4.1.19376.1.3.3.2.1"/><title>HEMATOLOGIE</title><text>{text}</text>{entry}
      </section></component></structuredBody></component>"""
    return cda(**({"code": _LAB_CODE, "body": body} | changed))


def made(xml: bytes, options: HprimOptions | None = None) -> HprimRecord:
    return hprim_from_cda(parse_cda(xml), xml, owner_code="42", owner_name="DR EXEMPLE Alix", options=options)


class TestHeader:
    def test_from_the_header_of_the_document(self) -> None:
        record = made(cda())
        assert (record.patient_code, record.family, record.given) == (LOCAL[1], "EXEMPLE", "ANNE")
        assert (record.birth_date, record.report_date) == ("1948-06-15", "2026-03-10")
        assert (record.sender_code, record.sender_name) == ("1010000017", "CABINET D'EXEMPLE")
        assert (record.recipient_code, record.recipient_name) == ("42", "DR EXEMPLE Alix")

    def test_the_used_name_when_the_lps_wants_it(self) -> None:
        record = made(cda(), HprimOptions(used_name=True, recipient_code="99"))
        assert (record.family, record.given, record.recipient_code) == ("DUPRES", "ANNIE", "99")

    def test_the_nir_of_a_qualified_ins(self) -> None:
        assert made(cda()).nir == INS[1]

    @pytest.mark.parametrize(
        "changed",
        [
            {"ids": patient_ids(LOCAL)},
            {"ids": patient_ids((INS_NIA, INS[1]))},
            {"ids": patient_ids((INS[0], INS[1][:-2] + "00"))},
            {"patient": "<patient><name><family>EXEMPLE</family></name></patient>"},
        ],
    )
    def test_no_other_number_is_ever_written_there(self, changed: dict[str, str]) -> None:
        record = made(cda(**changed))
        assert record.nir == ""
        assert INS[1][:13].encode() not in write_medecin([record])

    @pytest.mark.parametrize(
        ("time", "line"), [("19420000", b"00/00/1942"), ("19420230", b"30/02/1942"), ("1942", b" ")]
    )
    def test_a_birth_without_a_certain_day_is_no_date(self, time: str, line: bytes) -> None:
        xml = cda().replace(b'birthTime value="19480615"', f'birthTime value="{time}"'.encode())
        record = made(xml)
        assert record.birth_date is None
        assert write_medecin([record]).split(b"\r\n")[6] == line

    def test_the_address_and_the_request(self) -> None:
        ids = patient_ids(LOCAL) + (
            "<addr><houseNumber>12</houseNumber><streetName>RUE DES ESSAIS</streetName><unitID>Escalier A</unitID>"
            "<postalCode>62000</postalCode><city>ARRAS</city><country>FRANCE</country></addr>"
        )
        order = '<inFulfillmentOf><order><id root="1.2" extension="{}"/></order></inFulfillmentOf>'
        record = made(cda(ids=ids, orders=order.format("REQ0417")))
        assert (record.address_1, record.address_2) == ("12 RUE DES ESSAIS", "Escalier A")
        assert (record.postcode, record.town, record.request_number) == ("62000", "ARRAS", "REQ0417")
        assert made(cda(orders=order.format("REQ-TOO-LONG-FOR-LINE-9"))).request_number == ""


class TestText:
    def test_a_pdf_is_announced(self) -> None:
        record = made(cda())
        assert record.text == "Compte rendu de consultation\n\nCompte rendu transmis en pièce jointe (PDF)."
        assert record.coded_lines == ()

    def test_a_plain_text_stays_as_it_is(self) -> None:
        xml = cda(body=level_1("QQogIELDqQ==", "text/plain"))  # two lines, the second one indented
        assert made(xml).text.endswith("\n\nA\n  Bé")

    def test_an_image_is_announced(self) -> None:
        assert made(cda(body=level_1("iVBO", "image/png"))).text.endswith("en pièce jointe (image).")

    def test_a_narrative_in_columns(self) -> None:
        assert made(laboratory()).text.split("\n")[2:] == [
            "HEMATOLOGIE",
            "===========",
            "",
            "Numération",
            "Analyse      Résultat                                             Normes",
            "-----------  ---------------------------------------------------  --------------",
            "Hémoglobine  13,30 g/dL                                           (12,50 - 15,5)",
            "Commentaire  prélèvement à jeun, conservé à température ambiante",
        ]

    def test_narrow_columns_wrap_between_words_only(self) -> None:
        lines = made(laboratory(), HprimOptions(columns=45)).text.split("\n")
        assert max(map(len, lines)) <= 45
        assert any("13,30 g/dL" in line for line in lines)
        assert " ".join(" ".join(line[13:29] for line in lines[-4:]).split()).startswith("prélèvement")

    def test_a_table_that_does_not_fit_becomes_lines(self) -> None:
        text = made(laboratory(), HprimOptions(columns=25)).text
        assert "Analyse : Hémoglobine\n" in text
        assert "Résultat : 13,30 g/dL\n" in text
        assert "12,50 - 15,5" in text

    def test_deleted_text_stays_recognisable(self) -> None:
        text = '<content revised="delete">13,0</content> 13,30'
        assert "[supprimé : 13,0] 13,30" in made(laboratory(text=text)).text

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("4,5 10<sup>9</sup>/L", "4,5 10^9/L"),
            ("10<sup>\u22123</sup>", "10^\u22123"),
            ("5,6<sup>1</sup>", "5,6^1"),
            ("mm<sup>3</sup>, Ca<sup>2+</sup>, H<sub>2</sub>O", "mm3, Ca2+, H2O"),
            ("HCO<sub>3</sub><sup>-</sup>", "HCO3-"),
        ],
    )
    def test_a_raised_number_never_becomes_a_digit_of_another_one(self, written: str, expected: str) -> None:
        assert made(laboratory(text=written)).text.endswith(f"\n{expected}")

    def test_what_old_software_lacks_is_written_by_its_name(self) -> None:
        record = made(laboratory(text="β-HCG \u22122 ; 3 10⁹/L"))
        assert b"beta-HCG -2 ; 3 10^9/L\r\n" in write_medecin([record])

    def test_lists_and_spans(self) -> None:
        text = (
            "<list><item>premier</item><item>second</item></list>"
            "<table><tbody><tr><td colspan='2'>sur deux colonnes entières</td></tr>"
            "<tr><td>a</td><td>b</td></tr></tbody></table>"
        )
        lines = made(laboratory(text=text)).text.split("\n")
        assert [line[2:] for line in lines if line.endswith(("premier", "second"))] == ["premier", "second"]
        assert lines[-2:] == ["sur deux colonnes entières", "a  b"]

    def test_a_replacement_says_so(self) -> None:
        assert "annule et remplace" in made(laboratory(related=_RPLC)).text


_RPLC = """<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.1.7000.0"/></parentDocument>
</relatedDocument>"""


class TestCoded:
    def test_a_value_as_it_stands(self) -> None:
        record = made(laboratory(observation()))
        (result,) = record.coded
        assert (result.label, result.code, result.kind) == ("Hémoglobine", "718-7", "N")
        assert (result.value, result.unit, result.low, result.high) == ("13.30", "g/dL", "12.50", "15.5")
        assert (result.flag, result.status) == ("N", "F")

    def test_the_text_is_repeated_and_each_result_follows_its_line(self) -> None:
        record = made(laboratory(observation()))
        assert record.tex == record.text
        before = record.coded_lines[record.coded_lines.index(record.coded[0]) - 1]
        assert isinstance(before, HprimText)
        assert before.text.startswith("Hémoglobine ")

    def test_a_report_that_replaces_is_corrected(self) -> None:
        assert made(laboratory(observation(), related=_RPLC)).coded[0].status == "C"

    def test_a_report_that_is_not_final_has_no_status(self) -> None:
        acts = (
            '<documentationOf><serviceEvent xmlns:lab="urn:oid:1.3.6.1.4.1.19376.1.3.2">'
            '<lab:statusCode code="active"/></serviceEvent></documentationOf>'
        )
        assert made(laboratory(observation(), acts=acts)).coded[0].status == ""

    def test_without_a_flag_none_is_invented(self) -> None:
        out_of_range = '<value xsi:type="PQ" value="2" unit="g/dL"/>'
        assert made(laboratory(observation(out_of_range, more=_RANGE))).coded[0].flag == ""

    @pytest.mark.parametrize("flag", ["L", "H", "LL", "HH"])
    def test_flags_are_those_of_the_laboratory(self, flag: str) -> None:
        record = made(laboratory(observation(more=_FLAG.format(flag))))
        assert (record.coded[0].flag, record.is_alert) == (flag, len(flag) == 2)

    @pytest.mark.parametrize(
        ("value", "kind", "expected", "unit"),
        [
            ('<value xsi:type="INT" value="3"/>', "N", "3", ""),
            ('<value xsi:type="REAL" value="-0.50"/>', "N", "-0.50", ""),
            ('<value xsi:type="PQ" value="7.4" unit="1"/>', "N", "7.4", ""),
            ('<value xsi:type="ST">traces</value>', "A", "traces", ""),
            ('<value xsi:type="CD" code="260385009" displayName="Négatif"/>', "A", "Négatif", ""),
            (
                '<value xsi:type="IVL_PQ"><high value="0.5" unit="mg/L" inclusive="false"/></value>',
                "A", "<0.5", "mg/L",
            ),
            ('<value xsi:type="IVL_PQ"><low value="100" unit="g" inclusive="true"/></value>', "A", ">=100", "g"),
        ],
    )  # fmt: skip
    def test_values_of_other_kinds(self, value: str, kind: str, expected: str, unit: str) -> None:
        (result,) = made(laboratory(observation(value, more=""))).coded
        assert (result.kind, result.value, result.unit) == (kind, expected, unit)

    @pytest.mark.parametrize(
        "bad",
        [
            observation('<value xsi:type="PQ" nullFlavor="UNK"/>'),
            observation('<value xsi:type="PQ" value="1E3" unit="g/dL"/>'),
            observation('<value xsi:type="RTO"><numerator value="1"/><denominator value="160"/></value>', more=""),
            observation('<value xsi:type="IVL_PQ"><low value="1"/><high value="2"/></value>', more=""),
            observation('<value xsi:type="IVL_PQ"><high value="0.5" unit="mg/L"/></value>', more=""),
            observation('<value xsi:type="ST">a|b</value>', more=""),
            observation('<value xsi:type="CD" code="1"/>', more=""),
            observation(_VALUE + _VALUE),
            observation(""),
            observation(more=_FLAG.format("AA")),
            observation(more=_FLAG.format("S")),
            observation(more=_FLAG.format("H") + _FLAG.format("HH")),
            observation(more=_RANGE + _RANGE),
            observation(more=_RANGE.replace("g/dL", "g/L")),
            observation(more=_RANGE.replace('<high value="15.5"', '<high inclusive="false" value="15.5"')),
            observation(more=_RANGE.replace("<value", "<precondition/><value")),
            observation(more=_RANGE.replace("IVL_PQ", "ST")),
            observation(status="aborted"),
            observation(attributes=' negationInd="true"'),
            observation(template="1.3.6.1.4.1.19376.1.5.3.1.4.13"),
        ],
    )
    def test_one_value_that_cannot_be_said_leaves_all_of_them_out(self, bad: str) -> None:
        record = made(laboratory(observation(), bad))
        assert record.coded_lines == ()
        assert "Hémoglobine  13,30 g/dL" in record.text
        assert b"****LAB****" not in write_medecin([record])

    def test_a_chapter_that_only_people_can_read_leaves_them_out_too(self) -> None:
        chapter = """<component><section><templateId root="1.3.6.1.4.1.19376.1.3.3.2.1"/><title>BIOCHIMIE</title>
          <text>Sodium 140</text></section></component></structuredBody>"""
        xml = laboratory(observation()).replace(b"</structuredBody>", chapter.encode())
        record = made(xml)
        assert record.coded_lines == ()
        assert "Sodium 140" in record.text

    def test_the_copy_of_the_report_is_no_result(self) -> None:
        copy = """<component><section><templateId root="1.2.250.1.213.1.1.2.243"/><title>Copie</title><text>x</text>
          <entry><observation><value xsi:type="CD" code="55108-5"/></observation></entry></section></component>
          </structuredBody>"""
        xml = laboratory(observation()).replace(b"</structuredBody>", copy.encode())
        assert len(made(xml).coded) == 1

    def test_only_laboratory_reports_have_one(self) -> None:
        code = '<code code="11488-4" codeSystem="2.16.840.1.113883.6.1"/>'
        assert made(laboratory(observation(), code=code)).coded_lines == ()


@pytest.mark.parametrize("path", sample_files("cda/*.xml"), ids=lambda path: path.name)
def test_official_documents_survive_writing_and_reading(path: Path) -> None:
    record = made(path.read_bytes())
    data = write_medecin([record], options=HprimOptions(encoding="utf-8", uppercase_names=False))
    (found,) = read_medecin(data).records
    assert found == record
