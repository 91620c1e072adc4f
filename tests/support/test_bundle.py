"""The support bundle: useful, readable, and free of everything that was planted around it."""

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.exits import Exit
from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingEvent
from connector.domain.submission import Recipient
from connector.intake.layout import KnownFolders, establish
from connector.settings.load import load_settings
from connector.support import bundle as bundle_module
from connector.support.bundle import Bundle, make_bundle
from connector.support.doctor import Examined, Severity
from connector.support.doctor.finding import error, ok
from connector.support.doctor.registry import CHECKS
from connector.support.doctor.report import Report
from connector.support.health import Component, Condition
from connector.support.log import configure_log
from connector.support.masking import labels_of, masked_settings
from connector.support.scrub import MASK, Scrubber
from tests.cli.terminal import Terminal, healthy_daemon
from tests.journal.journal_builders import BOX, file_of, frozen
from tests.support.doctor_scene import Practice

NAMES = {
    "LISEZMOI.txt", "versions.json", "reglages.json", "sante.json", "diagnostic.json", "comptages.json",
    "dossiers.json", "technique.log",
}  # fmt: skip

PATIENT, MATRICULE, BIRTH = "DUPONTEL", "279035121518989", "12/03/1979"
PRIVATE = {
    "patient": PATIENT, "given name": "Zénobie", "matricule": MATRICULE, "matricule in groups": "2 79 03 51 215 189",
    "birth": BIRTH, "telephone": "06 12 34 56 78", "file name": "DUPONTEL_Zenobie_CR", "disease": "cardiomyopathie",
    "correspondent": "confrere@autre.mssante.fr", "citizen": f"{MATRICULE}@patient.mssante.fr",
    "mailbox": str(BOX), "local part": BOX.local_part, "folder of the mailbox": "dr-modele", "domain": BOX.domain,
    "practitioner": "EXEMPLARD", "practitioner's given name": "Alixandre", "entity": "CABINET DES TILLEULS",
    "place": "Tilleuls", "password": "hunter2-s3cr3t", "token": "eyJhbGciOiJSUzI1NiJ9", "PIN": "PIN 4711",
    "name of a secret": "alix-imap", "RPPS": "899700012345", "card": "2800001234", "origin": "lps.tilleuls.example",
    "operator's key": "mon-operateur", "body": "Bien confraternellement",
}  # fmt: skip
"""What is planted, and must not be found."""


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return planted(tmp_path)


def planted(folder: Path) -> Practice:
    """Private things wherever somebody could think of writing them."""
    home = folder / "home Tilleuls"
    home.mkdir()
    practice = Practice(home)
    practice.values["operators"] = {"mon-operateur": practice.operator}
    practice.values["software"]["oid_root"] = "1.2.250.1.899700012345"
    practice.values["api"] = {"allowed_origins": ["https://lps.tilleuls.example"]}
    practice.values["card"] = {"issuers": ["AC DUPONTEL"], "module": "/home/alixandre/DUPONTEL/cps.so"}
    practice.values["message"] = {"default_body": "Bien confraternellement, Alixandre EXEMPLARD"}
    practice.mailbox.update(
        operator="mon-operateur", given="Alixandre", family="EXEMPLARD", title="Dr", entity="CABINET DES TILLEULS",
        identity={"certificate": "DUPONTEL_Zenobie_CR.p12", "certificate_password": {"keyring": "alix-imap"},
                  "username": "alixandre"},
        outbox={"default_recipients": ["confrere@autre.mssante.fr"]}, reply_to="confrere@autre.mssante.fr",
        reception={"path": "RECUS DUPONTEL"},
    )  # fmt: skip
    _plant_files(practice)
    _plant_log(practice)
    _plant_journal(practice)
    practice.health = _health()
    return practice


def _plant_files(practice: Practice) -> None:
    practice.data.mkdir(mode=0o700)
    settings = practice.settings
    layout = establish(settings.spool, settings.mailboxes[0], KnownFolders(practice.data / "folders.json"))
    for folder in (layout.outbox, layout.errors, layout.received, practice.data):
        (folder / f"DUPONTEL_Zenobie_CR_{MATRICULE}.xml").write_text(f"{PATIENT} {MATRICULE}")
    (practice.folder / "DUPONTEL_Zenobie_CR.p12").write_bytes(b"hunter2-s3cr3t")


def _plant_log(practice: Practice) -> None:
    everything = ", ".join(PRIVATE.values())
    logs = practice.data / "logs"
    logs.mkdir()
    values = {"detail": everything, "event": "taken", "level": "info", "patient": PATIENT, "id": PATIENT,
              "worker": "dr-modele:send", "timestamp": BIRTH, "count": MATRICULE}  # fmt: skip
    pairs = " ".join(f"{name}={value!r}" for name, value in {"timestamp": "2026-11-20T09:00:00Z", **values}.items())
    trace = f'Traceback (most recent call last):\n  File "/home/{PATIENT}/x.py", line 1, in f\n    {everything}\n'
    exception = f"timestamp='2026-11-20T09:00:00Z' event='crashed' exception={trace + 'ValueError: ' + everything!r}"
    lines = [
        pairs, json.dumps(values), json.dumps({"event": everything}), everything, exception, trace,
        f"ValueError: {everything}", f"event={everything}", "{" + everything, f"WARNING:root:{everything}",
    ]  # fmt: skip
    for name in ("connector.log", "connector.log.1"):
        (logs / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plant_journal(practice: Practice) -> None:
    citizen = MailboxAddress(MATRICULE, "patient.mssante.fr")
    with practice.journal() as scene:
        message = scene.taken(
            source_name="DUPONTEL_Zenobie_CR.xml",
            recipients=(Recipient(citizen),),
            files=(file_of(PATIENT.encode(), name="DUPONTEL_Zenobie_CR.xml"),),
        )
        scene.journal.freeze(message, [frozen(1, recipients=(citizen,))])
        answer = f"550 5.1.1 <{MATRICULE}@patient.mssante.fr> {PATIENT} confrere@autre.mssante.fr"
        scene.journal.claim_due(BOX, owner="o", limit=10)
        scene.journal.data_begun(message)
        scene.journal.record(message, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer=answer, detail=PATIENT)
        scene.journal.add_trace(
            action=PATIENT, mailbox=BOX, answer=answer, outcome=f"failed {PATIENT}", actor=PATIENT
        )


def _health() -> dict[str, Any]:
    detail = ", ".join(PRIVATE.values())
    broken = Component("send", Condition.WAITING, "AUTHENTIFICATION", "2026-11-20T09:00:00+00:00", detail)
    return Component("connector", parts=(Component("dr-modele", parts=(broken,)), Component(PATIENT))).as_dict()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle of such a practice."""
    practice = planted(tmp_path_factory.mktemp("planted"))
    detail = ", ".join(PRIVATE.values())
    found = Examined(CHECKS[0], (error("DISQUE_PLEIN", str(practice.data), detail, detail_fr=detail),
                                 ok("DOSSIERS_OK", "dr-modele", f"/srv/{PATIENT}")))  # fmt: skip
    return make_bundle(practice.world(), Report((found,)))


def texts(archive: bytes) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        for entry in opened.infolist():
            yield entry.filename, opened.read(entry).decode("utf-8")


@pytest.mark.parametrize("what", PRIVATE)
def test_nothing_that_was_planted_is_found(made: Bundle, what: str) -> None:
    private = PRIVATE[what]
    for name, content in texts(made.zipped()):
        for spelling in {private, private.replace(" ", ""), private.replace(" ", "_"), private.replace("é", "e")}:
            assert spelling.casefold() not in content.casefold(), f"{what} is in {name}"


def test_the_planted_things_are_really_there(practice: Practice) -> None:
    """The test above would prove nothing without."""
    everything = json.dumps([practice.settings.model_dump(mode="json"), practice.health], ensure_ascii=False)
    everything += (practice.data / "logs" / "connector.log").read_text("utf-8")
    everything += "".join(path.name for path in practice.folder.rglob("*"))
    with practice.journal() as scene:
        everything += f"{scene.journal.trace()} {scene.journal.submissions()}"
    for what, private in PRIVATE.items():
        assert private.casefold() in everything.casefold(), what


def test_no_path_of_this_machine_is_in_it(made: Bundle, tmp_path: Path) -> None:
    for _, content in texts(made.zipped()):
        assert str(tmp_path.parent) not in content
        assert "home Tilleuls" not in content
        assert "/home/" not in content


# --- what is in it


def content_of(made: Bundle, name: str) -> Any:
    (found,) = [file.content for file in made.files if file.name == name]
    return json.loads(found) if name.endswith(".json") else found


def test_every_file_is_text_and_described_before_it_is_sent(made: Bundle) -> None:
    assert {file.name for file in made.files} == NAMES
    manifest = content_of(made, "LISEZMOI.txt")
    assert made.files[0].name == "LISEZMOI.txt"
    for file in made.files[1:]:
        size = len(file.content.encode())
        assert f"{file.name:<16} {size:>8} octets  {file.about.fr}" in manifest
        assert f"{file.name:<16} {size:>8} bytes   {file.about.en}" in manifest


def test_counts_say_how_the_journal_is(made: Bundle) -> None:
    told = content_of(made, "comptages.json")
    assert told["messages"] == {"boite-1": {"out:failed": 1}}
    kinds = {(kind["action"], kind["outcome"]): kind["count"] for kind in told["trace"]["kinds"]}
    assert kinds["send", "failed OPERATEUR_REFUS"] == 1
    assert kinds[MASK, f"failed {MASK}"] == 1
    assert told["trace"]["entries"] == sum(kinds.values())
    assert told["trace"]["oldest"] <= told["trace"]["newest"]


def test_files_are_counted_without_their_names(made: Bundle) -> None:
    told = content_of(made, "dossiers.json")
    assert told["files"]["boite-1"]["outbox"] == 1
    assert told["files"]["boite-1"]["errors"] == 1
    assert set(told["data_bytes"]) == {"journal.sqlite", "connector.log"}
    assert told["spool_on_share"] is False


def test_the_health_tree_keeps_its_shape(made: Bundle) -> None:
    told = content_of(made, "sante.json")
    box, other = told["components"]
    assert (box["name"], other["name"]) == ("boite-1", MASK)
    (send,) = box["components"]
    assert (send["name"], send["code"], send["status"]) == ("send", "AUTHENTIFICATION", "waiting")
    assert send["since"] == "2026-11-20T09:00:00+00:00"


def test_findings_keep_code_and_weight(made: Bundle) -> None:
    told = content_of(made, "diagnostic.json")
    assert told["status"] == Severity.ERROR.value
    first, second = told["findings"]
    assert (first["check"], first["code"], first["severity"]) == ("python", "DISQUE_PLEIN", "error")
    assert first["subject"].startswith("chemin-")
    assert second["subject"] == "boite-1"


def test_versions_are_told(made: Bundle) -> None:
    told = content_of(made, "versions.json")
    assert told["packages"]["cryptography"]
    assert {"connector", "python", "openssl", "sqlite", "system", "machine"} <= set(told)
    assert os.uname().nodename not in json.dumps(told)


def test_events_of_the_log_stay_readable(practice: Practice) -> None:
    configure_log_at(practice)
    made = make_bundle(practice.world(), Report(()))
    lines = content_of(made, "technique.log").splitlines()
    told = [line for line in lines if 'event="worker_failed"' in line]
    assert told[0].startswith('timestamp="')
    assert 'worker="boite-1:send"' in told[0]
    assert 'code="DISQUE_PLEIN"' in told[0]
    assert "restarts=3" in told[0]


def configure_log_at(practice: Practice) -> None:
    """One line as the connector itself writes it."""
    import logging

    import structlog

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        configure_log(practice.settings.log, practice.data)
        structlog.get_logger("x").error("worker_failed", worker="dr-modele:send", code="DISQUE_PLEIN", restarts=3)
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()


def test_only_the_end_of_a_long_log_is_taken(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "LOG_BYTES", 200)
    line = "timestamp='2026-11-20T09:00:00Z' level='info' event='taken' count={}\n"
    (practice.data / "logs" / "connector.log.1").unlink()
    (practice.data / "logs" / "connector.log").write_text("".join(line.format(n) for n in range(100)))
    lines = content_of(make_bundle(practice.world(), Report(())), "technique.log").splitlines()
    assert [entry.rpartition("=")[2] for entry in lines] == ["98", "99"]  # the first, cut one is left out


# --- when something is missing


def test_without_anything_it_says_what_is_missing(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    made = make_bundle(practice.world(), Report(()))
    assert content_of(made, "sante.json") == {"status": "not running"}
    assert content_of(made, "comptages.json") == {"problem": "no journal"}
    assert content_of(made, "technique.log") == "\n"
    assert content_of(made, "dossiers.json")["files"]["boite-1"]["outbox"] is None


def test_settings_that_cannot_be_used_are_told_by_their_problems(terminal: Terminal) -> None:
    terminal.write(f'[spool]\nroot = "{PATIENT}"\nscan_seconds = "{PATIENT}"\n')
    output = terminal.folder / "b.zip"
    assert terminal.run("support", "bundle", "-o", output, "--offline").exit_code == Exit.OK
    told = dict(texts(output.read_bytes()))
    assert json.loads(told["reglages.json"])["problems"]
    assert "spool.scan_seconds" in told["reglages.json"]
    assert json.loads(told["comptages.json"]) == {"problem": "no settings"}
    assert PATIENT not in "".join(told.values())


def test_a_journal_that_cannot_be_opened_is_told_by_its_code(practice: Practice) -> None:
    (practice.data / "journal.key").unlink()
    made = make_bundle(practice.world(), Report(()))
    assert content_of(made, "comptages.json") == {"problem": "CLE_ABSENTE"}


# --- settings


def masked(values: dict[str, Any], base: Path) -> dict[str, Any]:
    settings = load_settings(values, base=base)
    return masked_settings(settings, Scrubber(labels_of(settings)))


def test_what_is_harmless_keeps_its_value(practice: Practice) -> None:
    practice.values["log"] = {"level": "debug", "format": "json"}
    practice.values["operators"]["mon-operateur"]["sent_folder"] = "Sent"
    told = masked(practice.values, practice.folder)
    assert told["software"]["product_reference"] == "DEV935997"
    assert told["log"] == {"level": "debug", "file": True, "format": "json"}
    operator = told["operators"]["operateur-1"]
    assert operator["smtp"] == {"host": "127.0.0.1", "port": 9, "tls": "starttls"}
    assert operator["sent_folder"] == "Sent"
    assert operator["tls"]["ciphers"][0] == "ECDHE-RSA-AES256-GCM-SHA384"
    mailbox = told["mailboxes"][0]
    assert (mailbox["kind"], mailbox["operator"], mailbox["address"]) == ("PER", "operateur-1", "boite-1")
    assert mailbox["reception"]["folders"] == ["INBOX"]
    assert told["message"]["birth_date_in_subject"] is True


def test_what_is_private_says_only_that_it_is_set(practice: Practice) -> None:
    told = masked(practice.values, practice.folder)
    mailbox = told["mailboxes"][0]
    assert [mailbox[name] for name in ("given", "family", "title", "entity")] == [MASK] * 4
    assert mailbox["identity"]["certificate_password"] == {"keyring": MASK}
    assert mailbox["identity"]["certificate"].startswith("chemin-")
    assert mailbox["outbox"]["default_recipients"] == [MASK]
    assert told["card"]["issuers"] == [MASK]
    assert told["message"]["default_body"] == MASK
    assert told["software"]["oid_root"] == MASK


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://alix:pg-passw0rd@db.tilleuls.example/x", "postgresql"),
        ("sqlite:////srv/x", "sqlite"),
        ("::", MASK),
    ],
)
def test_of_a_database_only_its_kind_is_told(practice: Practice, url: str, shown: str) -> None:
    practice.values["journal"] = {"url": url}
    assert masked(practice.values, practice.folder)["journal"]["url"] == shown


def test_one_thing_has_one_label_everywhere(practice: Practice) -> None:
    labels = labels_of(practice.settings)
    assert labels[str(BOX)] == labels["dr-modele"] == "boite-1"
    assert labels["mon-operateur"] == "operateur-1"
    assert labels[str(practice.data)] == "chemin-1"


# --- the command


@pytest.mark.skipif(os.name == "nt", reason="rights of this kind are POSIX")
def test_the_file_is_private_complete_and_never_written_over(terminal: Terminal) -> None:
    output = terminal.folder / "assistance.zip"
    result = terminal.run("support", "bundle", "-o", output, "--offline")
    assert result.exit_code == Exit.OK, result.output
    assert f"Dossier créé : {output}" in result.stdout
    assert "Lisez-le avant de l'envoyer" in result.stdout
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert {name for name, _ in texts(output.read_bytes())} == NAMES
    before = output.read_bytes()
    again = terminal.run("support", "bundle", "-o", output, "--offline", lang="en")
    assert again.exit_code == Exit.USAGE
    assert "exists already" in again.output
    assert output.read_bytes() == before


def test_everything_can_be_read_before_anything_is_written(terminal: Terminal) -> None:
    before = sorted(path.name for path in terminal.folder.iterdir())
    result = terminal.run("support", "bundle", "--show", "--offline", lang="en")
    assert result.exit_code == Exit.OK
    for name in NAMES:
        assert f"\n{name} – " in result.stdout
    assert '"product_reference": "DEV935997"' in result.stdout
    assert sorted(path.name for path in terminal.folder.iterdir()) == before


@pytest.mark.parametrize("options", [[], ["-o", "x.zip", "--show"]])
def test_one_of_both_is_asked_for(terminal: Terminal, options: list[str]) -> None:
    result = terminal.run("support", "bundle", *options)
    assert result.exit_code == Exit.USAGE


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(terminal: Terminal) -> None:
    result = terminal.run("support", "bundle", "-o", terminal.folder / "absent" / "b.zip", "--offline")
    assert result.exit_code == Exit.FAILED
    assert "Le système refuse" in result.output


def test_a_full_disk_leaves_no_half_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connector.cli.bundle.os.fdopen", full)
    output = terminal.folder / "b.zip"
    assert terminal.run("support", "bundle", "-o", output, "--offline").exit_code == Exit.FAILED
    assert not output.exists()


def test_the_health_of_a_running_connector_is_in_it(terminal: Terminal) -> None:
    tree = Component("connector", parts=(Component("journal", Condition.ERROR, "JOURNAL_ALTERE"),)).as_dict()
    output = terminal.folder / "b.zip"
    with healthy_daemon(terminal.settings, tree):
        assert terminal.run("support", "bundle", "-o", output, "--offline").exit_code == Exit.OK
    told = json.loads(dict(texts(output.read_bytes()))["sante.json"])
    assert told["components"][0]["code"] == "JOURNAL_ALTERE"
