"""Documents for the tests of the PDF room: one synthetic CDA with everything a narrative may hold, and tools."""

import io
import re
import subprocess
import tempfile
from pathlib import Path

import pikepdf
from PIL import Image

from connector.documents.cda.parse import OpenedCda, open_cda
from connector.documents.pdf.render import render_cda_pdf

SHARED_CDA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "cda"
"""Official samples; absent outside the workshop, then the tests that use them have no case."""

SANDBOX_CDA = Path(__file__).resolve().parents[3] / "connector" / "sandbox" / "samples"
"""The synthetic documents of the demonstration."""

HEADER = """<ClinicalDocument xmlns="urn:hl7-org:v3">
<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="1.2.250.1.213.1.1.1.1"/><id root="1.2.250.1.999.1.1.7000.2"/>
<code code="11502-2" displayName="CR d'examens biologiques" codeSystem="2.16.840.1.113883.6.1"/>
<title>Compte rendu d’examens — essai</title><effectiveTime value="20260310151200+0100"/>
<confidentialityCode code="R" displayName="Restreint" codeSystem="2.16.840.1.113883.5.25"/>
<languageCode code="fr-FR"/><setId root="1.2.250.1.999.1.1.7000"/><versionNumber value="2"/>
<recordTarget><patientRole>
 <id root="1.2.250.1.213.1.4.10" extension="279035121518989"/><id root="1.2.250.1.999.2" extension="IPP-77"/>
 <addr><streetAddressLine>28 avenue de Breteuil</streetAddressLine><city>PARIS</city></addr>
 <telecom value="tel:0144534551"/>
 <patient><name><family qualifier="BR">PAT-TROIS</family><family qualifier="CL">MARTIN</family>
 <given>DOMINIQUE MARIE-LOUISE</given><given qualifier="BR">DOMINIQUE</given></name>
 <administrativeGenderCode code="F"/><birthTime value="19790328"/>
 <birthplace><place><addr><county>51215</county></addr></place></birthplace></patient></patientRole></recordTarget>
<author><functionCode code="CORRE" displayName="Correspondant"/><time value="20260310150000+0100"/><assignedAuthor>
 <id root="1.2.250.1.71.4.2.1" extension="801234534765"/>
 <code code="G15_10/SM03" displayName="Médecin - Biologie médicale (SM)" codeSystem="1.2.250.1.213.1.1.4.5"/>
 <assignedPerson><name><prefix>M</prefix><given>Marcel</given><family>CAMPARINI</family><suffix>DR</suffix></name>
 </assignedPerson><representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1750000001"/>
 <name>Laboratoire des charmes</name></representedOrganization></assignedAuthor></author>
<author><time value="20260310"/><assignedAuthor><id root="1.2.3"/><assignedAuthoringDevice>
 <manufacturerModelName>Automate 7</manufacturerModelName><softwareName>LabSoft</softwareName>
 </assignedAuthoringDevice></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization>
 <id root="1.2.250.1.71.4.2.2" extension="1750000001"/><name>Conservatoire des charmes</name>
 </representedCustodianOrganization></assignedCustodian></custodian>
<informationRecipient><intendedRecipient><informationRecipient><name><prefix>MME</prefix><given>Eva</given>
 <family>BLUE</family></name></informationRecipient><receivedOrganization><name>Cabinet BLUE</name>
 </receivedOrganization></intendedRecipient></informationRecipient>
<legalAuthenticator><time value="20260310151000+0100"/><signatureCode code="S"/><assignedEntity>
 <id root="1.2.250.1.71.4.2.1" extension="801234534766"/><assignedPerson><name><given>Jeanne</given>
 <family>SIGNATAIRE</family></name></assignedPerson></assignedEntity></legalAuthenticator>
<participant typeCode="INF"><functionCode code="X" displayName="Préleveur"/><time><low value="20260309"/></time>
 <associatedEntity classCode="PROV"><code displayName="Infirmier"/><telecom value="mailto:rb@test.mssante.fr"/>
 <telecom value="tel:"/><associatedPerson><name>Roberta BLEEDER</name></associatedPerson></associatedEntity>
 </participant>
<inFulfillmentOf><order><id root="1.2.250.1.999.3" extension="2026123456780"/></order></inFulfillmentOf>
<documentationOf><serviceEvent><code code="5.3" displayName="Biochimie"/><effectiveTime>
 <low value="20260310092200+0100"/><high value="20260310101500+0100"/></effectiveTime>
 <performer typeCode="PRF"><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="801234534765"/><assignedPerson>
 <name><given>Marcel</given><family>CAMPARINI</family></name></assignedPerson><representedOrganization>
 <standardIndustryClassCode code="AMBULATOIRE" displayName="Ambulatoire" codeSystem="1.2.250.1.213.1.1.4.9"/>
 </representedOrganization></assignedEntity></performer></serviceEvent></documentationOf>
<documentationOf><serviceEvent><code code="5.4" displayName="Second acte"/><effectiveTime><low value="20260311"/>
 </effectiveTime></serviceEvent></documentationOf>
<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.1.7000.1"/></parentDocument>
 </relatedDocument>
<componentOf><encompassingEncounter><code code="AMB" displayName="Ambulatoire (hors établissement)"/>
 <effectiveTime><low value="20260310073500+0100"/></effectiveTime>
 <responsibleParty><assignedEntity><id root="1.2" extension="3"/><assignedPerson><name><given>Luc</given>
 <family>RESPONSABLE</family></name></assignedPerson></assignedEntity></responsibleParty>
 <location><healthCareFacility><code code="SA07" displayName="Cabinet individuel"/>
 <location><name>Site des charmes</name></location></healthCareFacility></location></encompassingEncounter>
 </componentOf>
"""

NARRATIVE = """
Texte libre avant. <paragraph styleCode="xallIndent">Paragraphe <content styleCode="Bold">gras</content>,
<content styleCode="Italics Underline">souligné penché</content>, <content styleCode="xRed">rouge</content>,
<content styleCode="xBgColourYellow">surligné</content>, H<sub>2</sub>O, 10<sup>9</sup>/L,
<content revised="insert">inséré</content> <content revised="delete">supprimé</content>,
un renvoi<footnote ID="n1">Note du bas</footnote> et le même<footnoteRef IDREF="n1"/>.<br/>Seconde ligne : µ ≥ ≤ ±
° œ ’ – € «guillemets».</paragraph>
<paragraph><caption>Légende du paragraphe</caption>Voir <linkHtml href="https://exemple.test/a?b=c">le site</linkHtml>
ou <linkHtml href="https://exemple.test">https://exemple.test</linkHtml>.</paragraph>
<list listType="ordered" styleCode="LittleRoman"><caption>Légende de liste</caption><item>premier</item>
<item><caption>Légende d’article</caption>deuxième<list styleCode="Square"><item>intérieur</item></list></item></list>
<table width="100%"><caption>Légende du tableau</caption><col width="50%"/><col width="25%"/><col width="25%"/>
<thead><tr><th>Analyse</th><th align="right">Résultat</th><th>Référence</th></tr></thead>
<tfoot><tr><td colspan="3" styleCode="Toprule">Pied de tableau</td></tr></tfoot>
<tbody><tr><td rowspan="2" valign="middle" styleCode="Lrule Rrule Botrule">Glucose</td>
<td align="right">5,2</td><td>3,9 – 5,8</td></tr>
<tr><td colspan="2">mmol/L <table><tr><td>imbriqué</td></tr></table></td></tr></tbody></table>
<renderMultiMedia referencedObject="IMG1"><caption>Légende d’image</caption></renderMultiMedia>
<renderMultiMedia referencedObject="ABSENT"/>
<inconnu>élément inconnu <autre>et son contenu</autre></inconnu> Texte libre après."""


def png(mode: str = "RGBA", size: tuple[int, int] = (40, 30)) -> bytes:
    """A small picture; RGBA ones are half transparent."""
    colour: tuple[int, ...] | int = {"RGBA": (200, 0, 0, 128), "RGB": (0, 90, 0), "LA": (90, 90)}.get(mode, 0)
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


def section(text: str, title: str = "Résultats", more: str = "") -> str:
    """One section as XML."""
    return f"<component><section><title>{title}</title><text>{text}</text>{more}</section></component>"


def document(body: str) -> OpenedCda:
    """A level 3 document with these sections, opened as the product opens it."""
    xml = f"{HEADER}<component><structuredBody>{body}</structuredBody></component></ClinicalDocument>"
    return open_cda(xml.encode())


def rendered(text: str, more: str = "") -> bytes:
    """The PDF of a document with one section."""
    opened = document(section(text, more=more))
    return render_cda_pdf(opened.element, opened.document)


def media(identifier: str, data: str, media_type: str = "image/png") -> str:
    """An entry with an observationMedia."""
    return (
        f'<entry><observationMedia classCode="OBS" moodCode="EVN" ID="{identifier}">'
        f'<value mediaType="{media_type}" representation="B64">{data}</value></observationMedia></entry>'
    )


def text_of(pdf: bytes, *, with_feet: bool = False) -> str:
    """The text of a PDF in the order in which it is drawn, without the feet of its pages."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        done = subprocess.run(["pdftotext", "-raw", file.name, "-"], capture_output=True, check=True)
    pages = done.stdout.decode("utf-8").split("\f")
    if with_feet:
        return "\n".join(pages)
    return "\n".join(re.sub(r"\n[^\n]*\nPage \d+ / \d+\s*$", "\n", page) for page in pages)


def squeezed(text: str) -> str:
    """Text without any blank, zero-width space or soft hyphen: for comparing what was broken over lines."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def problems_of_pdfa(pdf: bytes) -> list[str]:
    """What speaks against PDF/A-1b, as far as can be seen without a validator."""
    problems = []
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        root = opened.Root
        intents = root.get("/OutputIntents")
        if intents is None or intents[0].get("/S") != "/GTS_PDFA1" or "/DestOutputProfile" not in intents[0]:
            problems.append("no output intent with a profile")
        if opened.is_encrypted:
            problems.append("encrypted")
        if opened.pdf_version > "1.4":
            problems.append(f"version {opened.pdf_version}")
        problems.extend(forbidden for forbidden in ("/AcroForm", "/Names", "/OCProperties") if forbidden in root)
        for item in opened.objects:
            if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
                problems.extend(_problems_of(item))
    return problems


def _problems_of(item: pikepdf.Object) -> list[str]:
    problems = []
    if item.get("/Type") == "/FontDescriptor" and not any(f"/FontFile{n}" in item for n in ("", "2", "3")):
        problems.append(f"font {item.get('/FontName')} is not embedded")
    if "/SMask" in item and item["/SMask"] != "/None":
        problems.append("soft mask")
    if item.get("/Group") is not None and item["/Group"].get("/S") == "/Transparency":
        problems.append("transparency group")
    problems.extend(f"{key} is {item[key]}" for key in ("/CA", "/ca") if key in item and float(item[key]) != 1.0)
    if "/BM" in item and item["/BM"] not in {"/Normal", "/Compatible"}:
        problems.append("blend mode")
    if item.get("/S") in {"/JavaScript", "/Launch", "/URI"}:
        problems.append(f"action {item['/S']}")
    return problems
