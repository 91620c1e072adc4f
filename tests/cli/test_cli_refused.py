"""``mss-connector queue refused`` and its line in ``status``: what never left, why, where it is, who saw it."""

from datetime import timedelta

import pytest

from connector.cli.exits import Exit
from connector.domain.catalogue import explain
from tests.cli.terminal import Terminal
from tests.journal.journal_builders import BOX, OTHER_BOX
from tests.journal.test_journal_refused import refuse


def refused(terminal: Terminal, *numbers: int) -> list[str]:
    with terminal.journal() as scene:
        return [drop.id for drop in refuse(scene, *numbers)]


def test_nothing_refused_is_said(terminal: Terminal) -> None:
    assert terminal.run("queue", "refused").stdout == "Aucun dépôt refusé à voir.\n"
    assert terminal.run("queue", "refused", lang="en").stdout == "No refused drop to see.\n"
    assert terminal.json("queue", "refused") == []


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_refusal_is_told_with_cause_cure_and_place(terminal: Terminal, lang: str) -> None:
    (drop_id,) = refused(terminal, 417)
    shown = terminal.run("queue", "refused", lang=lang).stdout
    texts = explain("SIDECAR_INVALIDE")
    errors = str(terminal.settings.spool.root / "dr-modele" / "ERREURS")
    cause_and_cure = (texts.title_fr, texts.cure_fr) if lang == "fr" else (texts.title_en, texts.cure_en)
    for told in (*cause_and_cure, drop_id, "REQ0417", "« destinataires »", errors, "REQ0417.xml, REQ0417.mss.json"):
        assert told in shown
    assert "REQ0417.erreur.txt" in shown


def test_a_refusal_of_a_mailbox_that_is_gone_names_the_folder_only(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        refuse(scene, 1, mailbox=OTHER_BOX)
    assert "Fichiers dans ERREURS : REQ0001.xml" in terminal.run("queue", "refused").stdout


def test_what_was_seen_is_no_longer_told_but_can_be(terminal: Terminal) -> None:
    first, second = refused(terminal, 1, 2)
    result = terminal.run("queue", "refused", "--seen", first[-6:])
    assert (result.exit_code, result.stdout) == (Exit.OK, f"{first[-6:]} : marqué comme vu.\n")
    assert [entry["id"] for entry in terminal.json("queue", "refused")] == [second]
    both = terminal.json("queue", "refused", "--all")
    assert [(entry["id"], entry["seen_by"]) for entry in both] == [(second, ""), (first, "person at the terminal")]
    assert "vu le" in terminal.run("queue", "refused", "--all").stdout
    assert [entry["id"] for entry in terminal.json("queue", "refused", "--all", "--limit", "1")] == [second]


def test_several_are_marked_at_once_or_none(terminal: Terminal) -> None:
    first, second = refused(terminal, 1, 2)
    assert terminal.run("queue", "refused", "--seen", first, "--seen", "NOBODY").exit_code == Exit.FAILED
    assert len(terminal.json("queue", "refused")) == 2
    marked = terminal.json("queue", "refused", "--seen", first, "--seen", second)
    assert [entry["id"] for entry in marked] == [first, second]
    assert all(entry["seen_at"] for entry in marked)
    assert terminal.json("queue", "refused") == []


def test_an_ending_that_fits_several_is_told(terminal: Terminal) -> None:
    refused(terminal, 1, 11)
    result = terminal.run("queue", "refused", "--seen", "1")
    assert result.exit_code != Exit.OK
    assert len(terminal.json("queue", "refused")) == 2


def test_a_name_with_markup_is_shown_as_it_is(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        refuse(scene, 1, name="[bold]x[/bold]")
    assert "[bold]x[/bold]" in terminal.run("queue", "refused").stdout


@pytest.mark.parametrize(("lang", "words"), [("fr", "1 parti, 2 dépôts refusés"), ("en", "1 left, 2 refused drops")])
def test_the_status_tells_how_many_and_the_command(terminal: Terminal, lang: str, words: str) -> None:
    ids = refused(terminal, 1, 2, 3)
    with terminal.journal() as scene:
        scene.sent()
        scene.journal.see_refused_drop(ids[0], by="page")
    lines = terminal.run("status", lang=lang).stdout.splitlines()
    assert f"  {words}" in lines
    assert lines[-1] == "  → mss-connector queue refused"
    assert len(terminal.json(*lines[-1].partition("mss-connector ")[2].split())) == 2


def test_a_mailbox_with_nothing_but_refusals_is_shown(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        refuse(scene, 1, mailbox=OTHER_BOX)
    lines = terminal.run("status").stdout.splitlines()
    assert lines[lines.index(str(OTHER_BOX)) + 1] == "  1 dépôt refusé"


def test_programs_get_those_of_today_too(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        refuse(scene, 1, at=scene.clock.now() - timedelta(days=2))
        (seen,) = refuse(scene, 2)
        scene.journal.see_refused_drop(seen.id, by="page")
    assert terminal.json("status")["refused"] == {str(BOX): {"unseen": 1, "today": 1}}
