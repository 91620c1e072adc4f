"""Documents against schema and schematrons: what is found, what is refused, what leaves with a warning."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from connector.daemon.readiness import problems_before_start
from connector.documents.cda.parse import clinical_document
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import ConfigurationError
from connector.domain.finding import Finding, Severity
from connector.exchange.deep import saxon
from connector.exchange.deep.judge import DeepJudge
from connector.exchange.deep.publication import SCHEMA, Publication
from connector.exchange.deep.xsd import Schema
from connector.intake.assemble import ClaimedDrop, as_file
from connector.intake.check.stand_in import rehearsal_of
from connector.intake.desk import DeskMaker
from connector.intake.outbox import Outbox
from connector.sandbox.samples import sample
from connector.settings.model import Settings
from connector.settings.validation import ValidationSettings
from connector.testing.clock import CountingIds as Ids
from connector.testing.clock import FakeClock
from connector.xdm.pack import pack
from tests.intake.bench import Bench
from tests.shared_data import SHARED_DATA, sample_files
from tests.validation.small_publication import publish
from tests.xdm.cda_samples import NOW, SENDER, CountingIds

N1 = sample("cr-consultation-n1.xml")
WRONG = N1.replace(b'code="fr-FR"', b'code="xx-DUPONT"')
CR_BIO = {"1.2.250.1.213.1.1.1.55": "CI-SIS_BIO-CR-BIO_2024.01.sch"}
OFFICIAL = sample_files("cda/*.xml")


def how(**values: Any) -> ValidationSettings:
    """As the file spells them."""
    return ValidationSettings(**values)


def judge(folder: Path, **values: Any) -> DeepJudge:
    return DeepJudge(how(schemas=publish(folder), **values))


def of(judged: DeepJudge, content: bytes, name: str = "a.xml") -> tuple[Finding, ...]:
    return judged.findings([as_file(name, content)])


def test_a_good_document_breaks_nothing(tmp_path: Path) -> None:
    assert of(judge(tmp_path, xsd="refuse", schematron="refuse"), N1) == ()


def test_schema_and_schematron_tell_where_and_what(tmp_path: Path) -> None:
    first, second = of(judge(tmp_path, xsd="warn", schematron="refuse"), WRONG)
    assert (first.code, first.severity) == ("VALIDATION_XSD", Severity.WARNING)
    assert first.where.startswith("line ")
    assert "languageCode" in first.detail
    assert (second.code, second.severity) == ("VALIDATION_SCHEMATRON", Severity.ERROR)
    assert (second.where, second.detail) == (
        "/ClinicalDocument[1]/languageCode[1]",
        "La langue n'est pas dans le jeu.",
    )


def test_reports_speak_and_includes_count(tmp_path: Path) -> None:
    judged = judge(tmp_path, schematron="refuse")
    assert [one.detail for one in of(judged, N1.replace(b"title>", b"heading>"))] == ["Le titre est obligatoire."]
    twice = N1.replace(b"<title>", b"<title>x</title><title>", 1)
    assert [one.detail for one in of(judged, twice)] == ["Le titre est unique."]


def test_the_documents_of_an_archive_are_looked_at(tmp_path: Path) -> None:
    archive = pack((WRONG,), now=NOW, ids=CountingIds(), sender=SENDER).content
    found = of(judge(tmp_path, xsd="refuse"), archive, "IHE_XDM.zip")
    assert [one.file for one in found] == ["IHE_XDM/SUBSET01/DOC0001.XML"]


def test_off_reads_nothing(tmp_path: Path) -> None:
    judged = DeepJudge(how(schemas=tmp_path / "nowhere"))
    judged.prepare()
    assert of(judged, WRONG) == ()


def test_a_schematron_of_a_volet_counts_for_its_model_only(tmp_path: Path) -> None:
    folder = publish(tmp_path)
    rules = '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2"><pattern><rule context="/">'
    (folder / "volet.sch").write_text(f'{rules}<assert test="false()">Volet.</assert></rule></pattern></schema>')
    model = next(iter(clinical_document(N1).iterchildren("{urn:hl7-org:v3}templateId"))).get("root", "")

    def told(root: str) -> list[str]:
        judged = DeepJudge(how(schemas=folder, schematron="refuse", volets={root: "volet.sch"}))
        return [one.detail for one in of(judged, N1)]

    assert told(model) == ["Volet."]
    assert told("1.2.3") == []


# --- what leads out of the folder ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("CDA_extended.xsd", "parts/types.xsd", "../../../outside.xsd"),
        ("CDA_extended.xsd", "parts/types.xsd", "http://127.0.0.1:9/types.xsd"),
        ("CDA_extended.xsd", "parts/types.xsd", "//127.0.0.1/types.xsd"),
        ("CDA_extended.xsd", "parts/types.xsd", "parts/absent.xsd"),
        ("types.xsd", "<xs:schema", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><xs:schema'),
        ("types.xsd", "<xs:schema", '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><xs:schema'),
        ("types.xsd", "</xs:schema>", ""),
        ("ASIP-STRUCT-MIN-StrucMin.sch", "title.sch", "../../../outside.sch"),
        ("ASIP-STRUCT-MIN-StrucMin.sch", "title.sch", "file:///etc/hostname"),
    ],
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str, old: str, new: str) -> None:
    folder = publish(tmp_path)
    (tmp_path / "outside.xsd").write_text('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>')
    (tmp_path / "outside.sch").write_text('<pattern xmlns="http://purl.oclc.org/dsdl/schematron"/>')
    (path,) = folder.rglob(name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as refused:
        DeepJudge(how(schemas=folder, xsd="refuse", schematron="refuse")).prepare()
    assert refused.value.code in {"SCHEMAS_INVALIDES", "SCHEMAS_ABSENTS"}


def test_a_rule_that_asks_a_server_is_no_rule(tmp_path: Path) -> None:
    folder = publish(tmp_path)
    (path,) = folder.rglob("ASIP*.sch")
    path.write_text(path.read_text().replace("'codes.xml'", "'http://127.0.0.1:9/codes.xml'"))
    (found,) = of(DeepJudge(how(schemas=folder, schematron="refuse")), N1)
    assert (found.code, found.severity) == ("SCHEMAS_INVALIDES", Severity.ERROR)


def test_a_rule_that_fails_itself_says_nothing_of_the_document(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = publish(tmp_path)
    (path,) = folder.rglob("title.sch")
    path.write_text(path.read_text().replace('test="cda:title"', 'test="1 = xs:integer(cda:title)"'))
    (rules,) = folder.rglob("ASIP*.sch")
    namespace = '<ns prefix="xs" uri="http://www.w3.org/2001/XMLSchema"/>'
    rules.write_text(rules.read_text().replace("<phase", f"{namespace}<phase"))
    (found,) = of(DeepJudge(how(schemas=folder, schematron="warn")), N1)
    title = clinical_document(N1).findtext("{urn:hl7-org:v3}title") or ""
    assert found.code == "SCHEMAS_INVALIDES"
    assert title
    assert all(title not in text for text in (found.detail, *capfd.readouterr()))


ANY_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="<&"), min_size=4).filter(
    lambda text: len(text.strip()) > 3
)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    return Schema(Publication(publish(tmp_path_factory.mktemp("schemas"))).file(SCHEMA))


@given(ANY_VALUE)
@settings(max_examples=200, deadline=None)
def test_no_value_of_a_document_is_ever_told(schema: Schema, value: str) -> None:
    marked = f"{value} QQDUPONTQQ '{value}' is not"
    root = etree.Element("{urn:hl7-org:v3}ClinicalDocument", {"code": marked})
    etree.SubElement(root, "{urn:hl7-org:v3}realmCode", {"code": marked, "other": marked}).text = marked
    for name, attribute in (("versionNumber", "value"), ("languageCode", "code"), ("effectiveTime", "value")):
        etree.SubElement(root, f"{{urn:hl7-org:v3}}{name}", {attribute: marked})
    told = schema.violations(root)
    assert len(told) >= 4
    assert all("QQDUPONTQQ" not in text for _, text in told)


# --- settings and start -------------------------------------------------------------------------------------------


def test_validation_without_a_folder_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="needs the schemas"):
        how(xsd="warn")
    with pytest.raises(ValidationError, match="bare name"):
        how(volets={"1.2": "../a.sch"})


def problems(**values: Any) -> list[tuple[str, str]]:
    told = problems_before_start(Settings(validation=how(**values)))
    return [(one.key, one.wrong.en) for one in told if one.key.startswith("validation")]


def test_what_is_missing_is_told_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(xsd="refuse", schemas=publish(tmp_path)) == []
    assert problems(xsd="refuse", schemas=tmp_path / "no")[0][0] == "validation.schemas"
    (tmp_path / "empty").mkdir()
    assert "CDA_extended.xsd" in problems(xsd="refuse", schemas=tmp_path / "empty")[0][1]
    monkeypatch.setattr(saxon, "is_installed", lambda: False)
    assert problems(schematron="refuse", schemas=publish(tmp_path))[0][0] == "validation.schematron"


# --- in the outbox ------------------------------------------------------------------------------------------------


def bench(folder: Path, **values: Any) -> Bench:
    made = Bench.make(folder)
    validation = how(schemas=publish(folder), **values)
    maker = DeskMaker(Settings(validation=validation), journal=made.journal, clock=made.clock, ids=made.ids)
    box = Outbox(
        made.mailbox, made.layout, journal=made.journal, clock=made.clock, ids=made.ids,
        desk=lambda: maker.desk(made.mailbox),
    )  # fmt: skip
    return replace(made, outbox=box)


def status(made: Bench, name: str) -> Any:
    return json.loads((made.layout.box / "STATUTS" / name).read_bytes())


def test_refuse_sets_the_drop_aside_with_every_finding(tmp_path: Path) -> None:
    made = bench(tmp_path, xsd="refuse", schematron="refuse")
    made.drop("a.xml", WRONG)
    made.settle()
    assert made.submissions() == []
    assert (made.layout.box / "ERREURS" / "a.xml").read_bytes() == WRONG
    told = status(made, "a.statut.json")["erreurs"]
    assert [one["code"] for one in told] == ["VALIDATION_REFUSEE", "VALIDATION_XSD", "VALIDATION_SCHEMATRON"]
    assert "La langue n'est pas dans le jeu." in told[0]["texte"]
    assert "DUPONT" not in json.dumps(told)
    assert "La langue" in made.text("ERREURS", "a.erreur.txt")
    made.journal.close()


def test_warn_lets_it_leave_and_says_so(tmp_path: Path) -> None:
    made = bench(tmp_path, xsd="warn", schematron="warn")
    made.drop("a.xml", WRONG)
    made.settle()
    assert set(made.only().warnings) == {"VALIDATION_XSD", "VALIDATION_SCHEMATRON"}
    made.reporter.run_once()
    told = status(made, "a.statut.json")["avertissements"]
    assert {one["code"] for one in told} == {"VALIDATION_XSD", "VALIDATION_SCHEMATRON"}
    made.journal.close()


def test_schemas_that_went_away_refuse_or_are_told(tmp_path: Path) -> None:
    for policy, codes in (("refuse", None), ("warn", ("SCHEMAS_ABSENTS",))):
        made = bench(tmp_path / policy, xsd=policy)
        (tmp_path / policy / "publication").rename(tmp_path / policy / "away")
        made.drop("a.xml", N1)
        made.settle()
        assert [view.warnings for view in made.submissions()] == ([] if codes is None else [codes])
        made.journal.close()


def test_check_gives_the_same_verdict(tmp_path: Path) -> None:
    for policy, severity in (("refuse", Severity.ERROR), ("warn", Severity.WARNING)):
        validation = how(schemas=publish(tmp_path), xsd=policy)
        judged = rehearsal_of(None, None, validation=validation, clock=FakeClock(), ids=Ids(1), limits=DEFAULT_LIMITS)
        examined = judged.examine(ClaimedDrop("A" * 26, "a", [("a.xml", WRONG)]))
        assert [one.severity for one in examined.findings if one.code == "VALIDATION_XSD"] == [severity]
        assert examined.is_refused == (policy == "refuse")


# --- the official ones --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def official() -> DeepJudge:
    return DeepJudge(how(xsd="refuse", schematron="refuse", schemas=SHARED_DATA / "schemas", volets=CR_BIO))


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.stem)
def test_every_official_document_is_clean_but_those_that_are_known(official: DeepJudge, path: Path) -> None:
    known = {
        "eDISP-MED_2024.01": 1,
        "BIO-CR-BIO_2021.01_Microbiologie_V1": 1,
        "BIO-CR-BIO_2021.01_Microbiologie_V2": 1,
    }
    assert len(of(official, path.read_bytes())) == known.get(path.stem, 0)
