"""``mss-connector inbox`` and ``receipts``: what arrived, what is answered, what became of what was sent."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connector.cli.exits import Exit
from connector.cli.main import app
from connector.domain.states import OutgoingEvent, RecipientState
from connector.journal.documents import ReceivedDocument, ReceivedMessage
from connector.journal.records import RecipientChange
from connector.support.received_words import (
    ALERT_WORDS,
    IDENTITY_WORDS,
    INCOMING_WORDS,
    NOTICE_WORDS,
    RECEIPT_WORDS,
    RELATION_WORDS,
    SHORT_RELATIONS,
)
from connector.testing.clock import FakeClock
from tests.api.answer_scene import CITIZEN, LAB, given, with_policy
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, PDF
from tests.cli.running import running
from tests.cli.terminal import Terminal
from tests.journal.journal_builders import BOX, Scene, open_journal


@pytest.fixture
def scene(tmp_path: Path, terminal: Terminal) -> Iterator[ApiScene]:
    clock = FakeClock()
    journal = open_journal(tmp_path / "api", clock)
    scene = with_policy(ApiScene(journal, clock))
    with running(terminal, scene):
        yield scene
    journal.close()


def piped(terminal: Terminal, text: str, *arguments: str) -> Result:
    line = [*arguments, "--config", str(terminal.config)]
    return CliRunner().invoke(app, line, input=text, env={"MSS_LANG": "fr", "COLUMNS": "200"})


def ok(result: Result) -> str:
    assert result.exit_code == Exit.OK, result.output
    return result.stdout


def test_the_list_says_what_must_not_be_overlooked(terminal: Terminal, scene: ApiScene) -> None:
    first, second = given(scene), given(scene, uid=2, asks=LAB)
    document = ReceivedDocument(document_id="2.25.1", sha256="0" * 64, set_id="2.25.9", version=1)
    newer = ReceivedDocument(document_id="2.25.2", sha256="1" * 64, set_id="2.25.9", version=2)
    scene.journal.note_received(
        BOX,
        [
            ReceivedMessage(incoming_id=first, documents=(document,), identity="qualified"),
            ReceivedMessage(incoming_id=second, documents=(newer,), alerts=("HH",), identity="doubtful"),
        ],
    )
    shown = ok(terminal.run("inbox", "list"))
    line = next(line for line in shown.splitlines() if second[-6:] in line)
    for told in ("Labo", "Examens TESTUT", "remis au logiciel", "Valeur critique haute", "Remplace",
                 "identité douteuse", "attend votre réponse"):  # fmt: skip
        assert told in line
    assert "Remplacé" in next(line for line in shown.splitlines() if first[-6:] in line)
    assert "Critically high" in ok(terminal.run("inbox", "list", lang="en"))
    assert [item["id"] for item in terminal.json("inbox", "list", "--limit", "1")] == [second]
    assert terminal.json("inbox", "list", "--taken") == []
    assert terminal.json("inbox", "list", "--state", "quarantined") == []
    assert len(terminal.json("inbox", "list", "--not-taken", "--mailbox", "dr-modele")) == 2


def test_one_message_is_shown_whole(terminal: Terminal, scene: ApiScene) -> None:
    row = given(scene, ("cr.xml", CDA), ("cr.pdf", PDF), asks=LAB)
    shown = ok(terminal.run("inbox", "show", row[-8:]))
    for told in (row, f"Labo <{LAB}>", "identité qualifiée", "[0] cr.xml (cda, TESTUT", "[1] cr.pdf (pdf)",
                 "attend votre décision"):  # fmt: skip
        assert told in shown
    whole = terminal.json("inbox", "show", row)
    assert [entry["kind"] for entry in whole["thread"]["entries"]] == ["received", "notice"]


def test_documents_are_saved_under_harmless_names_and_replace_nothing(
    terminal: Terminal, scene: ApiScene, tmp_path: Path
) -> None:
    row = given(scene, ("../../cr.xml", CDA), ("cr.xml", PDF))
    folder = tmp_path / "out" / "new"
    saved = ok(terminal.run("inbox", "export", row, folder, "--raw")).splitlines()
    assert sorted(path.name for path in folder.iterdir()) == sorted(Path(line).name for line in saved)
    assert [(folder / Path(line).name).read_bytes() for line in saved[:2]] == [CDA, PDF]
    assert (folder / f"{row}.eml").read_bytes().startswith(b"Return-Path")
    ok(terminal.run("inbox", "export", row, folder))
    assert len(list(folder.iterdir())) == 5
    assert {path.parent for path in tmp_path.rglob("*cr*")} == {folder}


def test_an_answer_is_typed_piped_and_given_files(terminal: Terminal, scene: ApiScene, tmp_path: Path) -> None:
    row = given(scene)
    (tmp_path / "cr.xml").write_bytes(CDA)
    typed = terminal.json("inbox", "reply", row, "--text", "Bien reçu.", "--reference", "R-1")
    assert (typed["answers"], typed["reference"]) == (row, "R-1")
    said = ok(
        piped(terminal, "Merci.\n", "inbox", "reply", row, "--file", str(tmp_path / "cr.xml"), "--read-receipt")
    )
    newest = scene.journal.submissions()[0]
    assert newest.id in said
    assert (newest.body, [file.name for file in newest.files], newest.options.read_receipt) == (
        "Merci.", ["cr.xml"], True
    )  # fmt: skip
    assert "répondu" in ok(terminal.run("inbox", "list"))
    missing = terminal.run("inbox", "reply", row, "--text", "x", "--file", tmp_path / "absent.xml")
    assert missing.exit_code == Exit.FAILED
    assert len(scene.journal.submissions()) == 2


def test_receipts_and_reports_are_decided_about(terminal: Terminal, scene: ApiScene) -> None:
    row = given(scene, asks=LAB)
    assert "Rien n'est envoyé." in ok(terminal.run("inbox", "read-receipt", row, "--no"))
    assert ok(terminal.run("inbox", "read-receipt", row, lang="en")).startswith("The answer leaves.")
    again = ok(terminal.run("inbox", "read-receipt", row))
    assert "C'était déjà décidé." in again
    assert "(ACCUSE_DEJA_ENVOYE)" in again
    other = given(scene, uid=2, asks="autre@autre.mssante.fr")
    told = ok(terminal.run("inbox", "ko", other, "--code", "902", "--detail", "inconnu"))
    assert "(ACCUSE_ADRESSE)" in told
    assert "Refusé par le logiciel" in ok(terminal.run("inbox", "list"))
    assert "Rien n'est envoyé." in ok(terminal.run("inbox", "ko", other, "--no"))
    assert "Non dit à l'expéditeur : non intégré" in ok(terminal.run("inbox", "show", other))
    assert "La réponse part." in ok(terminal.run("inbox", "ko", other, "--send"))
    assert {notice.actor for notice in scene.journal.notices([other])[other]} == {"person of this machine"}


@pytest.mark.parametrize("options", [[], ["--send", "--no"], ["--code", "902", "--no"]])
def test_a_report_says_one_thing(terminal: Terminal, scene: ApiScene, options: list[str]) -> None:
    assert terminal.run("inbox", "ko", given(scene), *options).exit_code == Exit.USAGE


@pytest.mark.parametrize("code", ["899", "907", "9", "9000", "x"])
def test_a_code_that_is_none_is_told_as_such(terminal: Terminal, scene: ApiScene, code: str) -> None:
    result = terminal.run("inbox", "ko", given(scene), "--code", code)
    assert (result.exit_code, "[KO_CODE_INCONNU]" in result.stderr) == (Exit.FAILED, True)


def test_a_message_is_given_once_more(terminal: Terminal, scene: ApiScene) -> None:
    row = given(scene, done=True)
    assert ok(terminal.run("inbox", "requeue", row[-6:])) == f"{row[-6:]} : sera remis de nouveau.\n"
    assert scene.journal.incoming(row).state == "stored"


def test_an_exchange_with_a_patient_ends_and_with_nobody_else(terminal: Terminal, scene: ApiScene) -> None:
    patient, laboratory = given(scene, sender=CITIZEN), given(scene, uid=2)
    said = ok(terminal.run("inbox", "end-exchange", patient, "--text", "Au revoir."))
    assert said.startswith("Fin de l'échange prise en charge : ")
    refused = terminal.run("inbox", "end-exchange", laboratory)
    assert (refused.exit_code, "[FIN_SANS_PATIENT]" in refused.stderr) == (Exit.FAILED, True)
    assert len(scene.journal.submissions()) == 1


def test_what_the_software_left_lying_is_marked(terminal: Terminal, scene: ApiScene) -> None:
    row = given(scene)
    assert "non intégré" not in ok(terminal.run("inbox", "list"))
    scene.journal.note_overdue([row])
    assert "non intégré" in ok(terminal.run("inbox", "list"))


def test_an_ending_that_fits_none_or_several_is_told(terminal: Terminal, scene: ApiScene) -> None:
    ends = Counter(given(scene, uid=n)[-1] for n in range(1, 34))
    shared = next(end for end, count in ends.items() if count > 1)
    assert terminal.run("inbox", "show", "ZZZZ").exit_code == Exit.FAILED
    assert "[INTROUVABLE]" in terminal.run("inbox", "show", "").stderr
    assert "[IDENTIFIANT_AMBIGU]" in terminal.run("inbox", "show", shared).stderr


def test_without_a_running_connector_it_says_so(terminal: Terminal) -> None:
    for command in (["inbox", "list"], ["receipts"]):
        result = terminal.run(*command)
        assert (result.exit_code, "[SERVICE_ARRETE]" in result.stderr) == (Exit.FAILED, True)


# --- receipts ---


def sent(scene: ApiScene) -> str:
    return Scene(scene.journal, scene.clock, Path()).sent()


def test_who_is_awaited_until_when_and_who_is_silent(terminal: Terminal, scene: ApiScene) -> None:
    assert ok(terminal.run("receipts")) == "Aucun accusé n'est attendu.\n"
    message_id = sent(scene)
    until = scene.clock.now() + timedelta(hours=24)
    first, second = terminal.json("receipts")
    assert (first["state"], first["deadline"]) == ("accepted", until.isoformat())
    assert "accepté par l'opérateur" in ok(terminal.run("receipts"))
    recipients = scene.journal.outgoing(message_id).recipients
    delivered = [RecipientChange(recipients[0].address, RecipientState.DELIVERED)]
    scene.journal.record(message_id, OutgoingEvent.RECEIPT_PARTIAL, recipients=delivered)
    assert [line["address"] for line in terminal.json("receipts")] == [second["address"]]
    assert len(terminal.json("receipts", "--all")) == 2
    scene.clock.advance(25 * 3600)
    scene.journal.note_silence(scene.clock.now() - timedelta(hours=24))
    (silent,) = terminal.json("receipts")
    assert (silent["state"], silent["deadline"]) == ("no_news", None)
    assert "sans nouvelles" in ok(terminal.run("receipts"))
    assert "no news" in ok(terminal.run("receipts", lang="en"))


# --- words ---


def test_every_value_of_the_api_has_words_in_both_languages() -> None:
    from connector.api.beside import RELATION_NAMES
    from connector.documents.cda.alerts import ALERT_CODES
    from connector.domain.states import IncomingState
    from connector.exchange.identity import IdentityState
    from connector.journal.notices import NoticeKind
    from connector.mail.receipts import ReceiptKind

    assert set(ALERT_WORDS) == set(ALERT_CODES)
    assert set(IDENTITY_WORDS) == set(IdentityState)
    assert set(INCOMING_WORDS) == set(IncomingState)
    assert set(NOTICE_WORDS) == set(NoticeKind)
    assert set(RECEIPT_WORDS) == set(ReceiptKind)
    assert set(SHORT_RELATIONS) == set(RELATION_NAMES.values())
    assert set(RELATION_NAMES.values()) < set(RELATION_WORDS)
    tables: tuple[Any, ...] = (ALERT_WORDS, IDENTITY_WORDS, INCOMING_WORDS, NOTICE_WORDS, RECEIPT_WORDS,
                               RELATION_WORDS, SHORT_RELATIONS)  # fmt: skip
    assert all(text.fr and text.en for table in tables for text in table.values())
