"""``mss-connector xdm``, as a person calls it."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector.cli.xdm import app
from tests.xdm.cda_samples import cda

RUNNER = CliRunner()


def run(*arguments: str | Path) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "cr é.xml"
    path.write_bytes(cda())
    return path


@pytest.fixture
def package(tmp_path: Path, document: Path) -> Path:
    path = tmp_path / "OUT.ZIP"
    assert run("pack", document, "-o", path).exit_code == 0
    return path


def test_pack_then_check_is_clean(package: Path) -> None:
    result = run("check", package)
    assert (result.exit_code, result.output) == (0, f"{package}: 0 error(s), 0 warning(s)\n")


def test_pack_takes_several_documents_of_one_patient(tmp_path: Path, document: Path) -> None:
    second = tmp_path / "second.xml"
    second.write_bytes(cda(document_id='<id root="1.2.3"/>'))
    assert run("pack", document, second, "--output", tmp_path / "TWO.ZIP").exit_code == 0
    shown = json.loads(run("show", tmp_path / "TWO.ZIP", "--json").output)
    assert [entry["URI"] for entry in shown["documentEntries"]] == ["DOC0001.XML", "DOC0002.XML"]


def test_pack_uses_the_oid_root(tmp_path: Path, document: Path) -> None:
    assert run("pack", document, "-o", tmp_path / "O.ZIP", "--oid-root", "1.2.250.1.999").exit_code == 0
    shown = json.loads(run("show", tmp_path / "O.ZIP", "--json").output)
    assert shown["submissionSet"]["uniqueId"].startswith("1.2.250.1.999.")


def test_show_as_json_uses_the_names_of_xds(package: Path) -> None:
    shown = json.loads(run("show", package, "--json").output)
    assert set(shown) == {"submissionSet", "documentEntries"}
    (entry,) = shown["documentEntries"]
    assert entry["typeCode"] == {
        "code": "11488-4",
        "codingScheme": "2.16.840.1.113883.6.1",
        "displayName": "CR ou fiche de consultation ou de visite",
    }
    assert entry["sourcePatientInfo"][0] == "PID-5|EXEMPLE^ANNE^ANNE MARIE^^^^L"
    assert entry["confidentialityCode"] == [
        {"code": "N", "codingScheme": "2.16.840.1.113883.5.25", "displayName": "Normal"}
    ]
    assert entry["author"] == [
        {
            "authorInstitution": "CABINET D'EXEMPLE^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1010000017",
            "authorPerson": "899700000017^TESTEUR^CLAIRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
            "authorSpecialty": "G15_10/SM54^Médecin - Médecine Générale (SM)^1.2.250.1.213.1.1.4.5",
        }
    ]
    assert entry["size"] == str(len(cda()))
    assert "comments" not in entry  # absent attributes are left out
    assert shown["submissionSet"]["contentTypeCode"]["code"] == "SA07"
    assert shown["submissionSet"]["sourceId"] == "1.2.250.1.71.4.2.2.1010000017"


def test_show_reads_metadata_alone_and_for_people(tmp_path: Path, package: Path) -> None:
    alone = tmp_path / "METADATA.XML"
    alone.write_bytes(zipfile.ZipFile(package).read("IHE_XDM/SUBSET01/METADATA.XML"))
    assert run("show", alone, "--json").output == run("show", package, "--json").output
    text = run("show", alone).output
    assert "typeCode: 11488-4 (2.16.840.1.113883.6.1) CR ou fiche de consultation ou de visite" in text
    assert "author: authorInstitution CABINET D'EXEMPLE" in text
    assert "documentEntry 1" in text


def test_show_gives_all_sets_of_a_package_that_has_several(tmp_path: Path, package: Path) -> None:
    archive = zipfile.ZipFile(package)
    both = tmp_path / "BOTH.ZIP"
    with zipfile.ZipFile(both, "w") as target:
        for folder in ("A", "B"):
            for name in ("METADATA.XML", "DOC0001.XML"):
                content = archive.read(f"IHE_XDM/SUBSET01/{name}")
                target.writestr(
                    f"IHE_XDM/{folder}/{name}", content.replace(b"1.1.7000.1", f"1.1.7000.{folder}".encode())
                )
    shown = json.loads(run("show", both, "--json").output)
    assert len(shown["documentEntries"]) == 2
    assert len(shown["otherSubmissionSets"]) == 1
    assert "submissionSet 2" in run("show", both).output


def test_check_prints_findings_and_fails(tmp_path: Path, package: Path) -> None:
    archive = zipfile.ZipFile(package)
    damaged = tmp_path / "BAD.ZIP"
    with zipfile.ZipFile(damaged, "w") as target:
        for name in archive.namelist():
            target.writestr(name, archive.read(name) + (b" " if name.endswith("DOC0001.XML") else b""))
    result = run("check", damaged)
    assert result.exit_code == 1
    assert (
        "error: EMPREINTE_FAUSSE: IHE_XDM/SUBSET01/DOC0001.XML: the hash is not that of the document" in result.output
    )
    assert result.output.endswith("2 error(s), 0 warning(s)\n")


def test_warnings_alone_do_not_fail(tmp_path: Path, package: Path) -> None:
    archive = zipfile.ZipFile(package)
    bare = tmp_path / "BARE.ZIP"
    with zipfile.ZipFile(bare, "w") as target:
        for name in archive.namelist():
            if name != "README.TXT":
                target.writestr(name, archive.read(name))
    result = run("check", bare)
    assert result.exit_code == 0
    assert "warning: README_ABSENT: BARE.ZIP: the archive has no README.TXT" in result.output


def malicious() -> dict[str, bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/METADATA.XML", b"<a/>")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IHE_XDM/A/METADATA.XML", bytes(10 << 20))
    return {
        "empty": b"",
        "text": b"not a package",
        "traversal": buffer.getvalue(),
        "bomb": bomb.getvalue(),
        "entities": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "deep": b"<a>" * 5000,
        "cut": buffer.getvalue()[:-10],
    }


@pytest.mark.parametrize("name", malicious())
@pytest.mark.parametrize("command", ["show", "check", "pack"])
def test_hostile_input_gets_one_sentence_and_code_2(tmp_path: Path, name: str, command: str) -> None:
    source = tmp_path / "input"
    source.write_bytes(malicious()[name])
    output: tuple[str | Path, ...] = ("-o", tmp_path / "o.zip") if command == "pack" else ()
    result = run(command, source, *output)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "o.zip").exists()


def test_unreadable_and_unwritable_files_get_one_sentence_and_code_2(tmp_path: Path, document: Path) -> None:
    for arguments in (
        ("show", tmp_path / "none"),
        ("check", tmp_path),
        ("pack", document, "-o", tmp_path / "no" / "o.zip"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(101 << 20)
    result = run("check", path)
    assert result.exit_code == 2
    assert result.stderr.startswith("TROP_GROS")


def test_documents_of_two_patients_are_refused(tmp_path: Path, document: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_bytes(cda(document_id='<id root="1.2.3"/>', ids='<id root="1.2" extension="B"/>'))
    result = run("pack", document, other, "-o", tmp_path / "o.zip")
    assert (result.exit_code, result.stderr) == (
        2, "PATIENTS_MULTIPLES: the documents are not about the same patient\n",
    )  # fmt: skip


def test_it_runs_as_a_module(package: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "connector.cli.xdm", "show", package, "--json"], capture_output=True, check=True
    )
    assert json.loads(result.stdout.decode("utf-8"))["documentEntries"]
