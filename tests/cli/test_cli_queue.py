"""``mss-connector queue``: what was given to us, in words; and what a person may decide."""

import re
from pathlib import Path

import pytest

from connector.cli.exits import Exit
from connector.daemon.endpoint import data_paths
from connector.daemon.nudge import NudgeWatch
from connector.domain.states import IncomingState, OutgoingEvent, OutgoingState, RecipientState, WaitingFor
from connector.journal.records import RecipientChange
from connector.support.words import ACTION_WORDS, OUTGOING_WORDS, PERSON_STATES, RECIPIENT_WORDS, WAITING_WORDS
from tests.cli.terminal import Terminal
from tests.journal.journal_builders import BOX, CC, TO, file_of, frozen

S = OutgoingState


def rejected(terminal: Terminal) -> str:
    with terminal.journal() as scene:
        row = scene.taken(source_name="REQ0417.xml", reference="REQ0417", warnings=("SIDECAR_CLE_INCONNUE",))
        scene.journal.record(row, OutgoingEvent.REJECT, code="CDA_INVALIDE", detail="no patient")
        return row


def duplicate(terminal: Terminal) -> str:
    with terminal.journal() as scene:
        twins = [scene.taken(files=(file_of(),)) for _ in range(2)]
        return twins[1]


def made(terminal: Terminal, state: str) -> str:
    """The submission id of a message brought into a state."""
    with terminal.journal() as scene:
        return scene.message(getattr(scene, state)()).submission_id


# --- list ---


def test_an_empty_queue_is_an_empty_list(terminal: Terminal) -> None:
    assert terminal.json("queue", "list") == []
    assert terminal.run("queue", "list").exit_code == Exit.OK


@pytest.mark.parametrize(
    ("lang", "words"), [("fr", ("reçu", "motif", "rejeté")), ("en", ("taken", "reason", "rejected"))]
)
def test_the_list_speaks_to_people(terminal: Terminal, lang: str, words: tuple[str, ...]) -> None:
    rejected(terminal)
    shown = terminal.run("queue", "list", lang=lang).stdout
    for word in (*words, "CDA_INVALIDE", "REQ0417.xml"):
        assert word in shown


def test_the_list_is_newest_first_filtered_and_limited(terminal: Terminal) -> None:
    sent, held = made(terminal, "sent"), None
    with terminal.journal() as scene:
        scene.number = 1
        held = scene.message(scene.held()).submission_id
    everything = [entry["id"] for entry in terminal.json("queue", "list")]
    assert everything == [held, sent]
    assert [e["id"] for e in terminal.json("queue", "list", "--limit", "1")] == [held]
    assert [e["id"] for e in terminal.json("queue", "list", "--state", "sent")] == [sent]
    assert len(terminal.json("queue", "list", "--state", "sent", "--state", "waiting")) == 2


def test_a_state_that_does_not_exist_is_a_wrong_argument(terminal: Terminal) -> None:
    assert terminal.run("queue", "list", "--state", "parti").exit_code == Exit.USAGE


def test_a_name_with_markup_is_shown_as_it_is(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        scene.taken(source_name="[bold]x[/bold].xml")
    assert "[bold]x[/bold].xml" in terminal.run("queue", "list").stdout


# --- show ---


def test_programs_get_the_values_of_the_machine(terminal: Terminal) -> None:
    shown = terminal.json("queue", "show", made(terminal, "sent"))
    assert set(shown) == {
        "id", "mailbox", "source", "name", "reference", "created_at", "duplicate_of", "warnings", "messages", "trace",
    }  # fmt: skip
    assert (shown["mailbox"], shown["source"], shown["name"]) == (str(BOX), "folder", "cr.xml")
    (message,) = shown["messages"]
    assert set(message) == {
        "id", "state", "since", "attempts", "next_attempt_at", "waiting_for", "message_id", "code", "answer",
        "recipients",
    }  # fmt: skip
    assert (message["state"], message["answer"]) == ("sent", "250 2.0.0 queued as 4F")
    assert message["recipients"][0] == {"address": str(TO), "state": "accepted", "code": 250, "text": "ok"}
    assert [entry["action"] for entry in shown["trace"]] == ["take", "freeze", "claim", "data", "send"]
    assert set(shown["trace"][0]) == {"at", "actor", "action", "server", "answer", "outcome"}


def test_the_story_of_a_sent_document_in_french(terminal: Terminal) -> None:
    story = terminal.run("queue", "show", made(terminal, "sent")).stdout
    assert re.search(r"Message 1/1 : envoyé \(depuis le \d\d/\d\d \d\d:\d\d:\d\d\)", story)
    assert f"{TO} : accepté par l'opérateur (250 ok)" in story
    assert f"{CC} : accepté par l'opérateur (250 ok)" in story
    assert "Message-ID <1@exemple.mssante.fr>" in story
    history = story.partition("Historique")[2]
    steps = ["reçu du logiciel", "préparé", "début de la transmission", "envoi : envoyé, 250 2.0.0 queued as 4F"]
    assert [history.index(step) for step in steps] == sorted(history.index(step) for step in steps)


def test_the_story_of_a_sent_document_in_english(terminal: Terminal) -> None:
    story = terminal.run("queue", "show", made(terminal, "sent"), lang="en").stdout
    assert "Message 1/1: sent (since" in story
    assert f"{TO}: accepted by the operator (250 ok)" in story
    assert "History" in story


def test_a_refused_drop_says_why_and_what_to_do(terminal: Terminal) -> None:
    story = terminal.run("queue", "show", terminal.submission_of(rejected(terminal))).stdout
    assert "rejeté, rien n'est parti" in story
    assert "(CDA_INVALIDE)" in story
    assert "→ " in story
    assert "référence REQ0417" in story
    assert "(SIDECAR_CLE_INCONNUE)" in story
    assert "contrôlé : rejeté, rien n'est parti, CDA_INVALIDE" in story


def test_what_waits_says_for_what(terminal: Terminal) -> None:
    story = terminal.run("queue", "show", made(terminal, "held")).stdout
    assert "en attente" in story
    assert "attend : une identité que l'opérateur accepte" in story


def test_what_is_postponed_says_until_when(terminal: Terminal) -> None:
    assert "prochain essai : " in terminal.run("queue", "show", made(terminal, "prepared")).stdout


def test_a_duplicate_names_its_twin(terminal: Terminal) -> None:
    again = terminal.submission_of(duplicate(terminal))
    story = terminal.run("queue", "show", again).stdout
    first = terminal.json("queue", "show", again)["duplicate_of"]
    assert first != again
    assert f"même contenu que {first}" in story


def test_an_action_without_a_word_is_shown_as_it_is(terminal: Terminal) -> None:
    row = made(terminal, "sent")
    with terminal.journal() as scene:
        scene.journal.add_trace(action="audit", subject_id=row, outcome="ok", answer="[red]x[/red]")
    assert re.search(r"audit : \[red\]x\[/red\]$", terminal.run("queue", "show", row).stdout, re.MULTILINE)


@pytest.mark.parametrize("part", [slice(None), slice(-6, None)], ids=["whole", "ending"])
def test_an_identifier_is_found_whole_or_by_its_end_in_any_case(terminal: Terminal, part: slice) -> None:
    whole = made(terminal, "sent")
    assert terminal.json("queue", "show", f" {whole[part].lower()} ")["id"] == whole


def test_an_unknown_identifier_is_said_to_be_unknown(terminal: Terminal) -> None:
    result = terminal.run("queue", "show", "ZZZZZZ")
    assert result.exit_code == Exit.FAILED
    assert "[INTROUVABLE]" in result.stderr
    assert "Traceback" not in result.output


def test_an_ending_of_several_lists_them(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        ids = [scene.message(scene.taken(id=f"01SUB{n:018d}777")).submission_id for n in range(2)]
    result = terminal.run("queue", "show", "777")
    assert result.exit_code == Exit.FAILED
    assert "[IDENTIFIANT_AMBIGU]" in result.stderr
    assert all(each in result.stderr for each in ids)


# --- decisions ---


def state_of(terminal: Terminal, submission_id: str) -> str:
    return str(terminal.json("queue", "show", submission_id)["messages"][0]["state"])


@pytest.mark.parametrize(
    ("command", "start", "end", "fr", "en"),
    [
        ("retry", "held", S.PREPARED, "1 message relancé.", "1 message tried again."),
        ("retry", "prepared", S.PREPARED, "1 message relancé.", "1 message tried again."),
        ("cancel", "prepared", S.CANCELLED, "1 message annulé.", "1 message cancelled."),
        ("cancel", "unknown", S.CANCELLED, "1 message annulé.", "1 message cancelled."),
        ("release", "unknown", S.PREPARED, "1 message libéré.", "1 message released."),
    ],
)
def test_a_decision_is_done_confirmed_and_traced(
    terminal: Terminal, *, command: str, start: str, end: OutgoingState, fr: str, en: str
) -> None:
    for number, (lang, said) in enumerate((("fr", fr), ("en", en))):
        with terminal.journal() as scene:
            scene.number = number
            submission_id = scene.message(getattr(scene, start)()).submission_id
        result = terminal.run("queue", command, submission_id[-6:], lang=lang)
        assert result.exit_code == Exit.OK, result.output
        assert said in result.stdout
        assert state_of(terminal, submission_id) == end
        last = terminal.json("queue", "show", submission_id)["trace"][-1]
        assert (last["actor"], last["action"]) == ("person at the terminal", command)
        assert "[person at the terminal]" in terminal.run("queue", "show", submission_id).stdout


def test_a_rejected_drop_is_prepared_again(terminal: Terminal) -> None:
    submission_id = terminal.submission_of(rejected(terminal))
    assert terminal.run("queue", "retry", submission_id).exit_code == Exit.OK
    assert state_of(terminal, submission_id) == S.RECEIVED


def test_a_duplicate_leaves_when_released(terminal: Terminal) -> None:
    submission_id = terminal.submission_of(duplicate(terminal))
    assert terminal.run("queue", "release", submission_id).exit_code == Exit.OK
    assert state_of(terminal, submission_id) == S.RECEIVED


def test_several_messages_are_counted_in_the_plural(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        row = scene.taken()
        scene.journal.freeze(row, [frozen(1, (TO,)), frozen(2, (CC,))])
        submission_id = scene.message(row).submission_id
    assert "2 messages annulés." in terminal.run("queue", "cancel", submission_id).stdout


def test_a_retry_opens_only_those_who_did_not_get_it(terminal: Terminal) -> None:
    with terminal.journal() as scene:
        row = scene.sent()
        scene.journal.record(
            row, OutgoingEvent.RECEIPT_FAILED, recipients=[RecipientChange(CC, RecipientState.BOUNCED, 550, "no")]
        )
        submission_id = scene.message(row).submission_id
    assert terminal.run("queue", "retry", submission_id).exit_code == Exit.OK
    story = terminal.run("queue", "show", submission_id).stdout
    assert f"{TO} : accepté par l'opérateur" in story
    assert f"{CC} : pas encore envoyé" in story


@pytest.mark.parametrize("command", ["retry", "cancel", "release"])
def test_what_has_left_cannot_be_decided_about_any_more(terminal: Terminal, command: str) -> None:
    submission_id = made(terminal, "sent")
    result = terminal.run("queue", command, submission_id)
    assert result.exit_code == Exit.FAILED
    assert "[TRANSITION]" in result.stderr
    assert "queue show" in result.stderr
    assert state_of(terminal, submission_id) == S.SENT


@pytest.mark.parametrize("command", ["retry", "cancel", "release"])
def test_a_decision_about_nothing_is_refused(terminal: Terminal, command: str) -> None:
    assert terminal.run("queue", command, "ZZZZZZ").exit_code == Exit.FAILED


def test_the_daemon_is_nudged_by_a_decision_and_only_by_one(terminal: Terminal) -> None:
    submission_id = made(terminal, "prepared")
    watch = NudgeWatch(data_paths(terminal.settings))
    terminal.run("queue", "list")
    terminal.run("queue", "release", submission_id)  # not possible
    assert not watch.came()
    terminal.run("queue", "cancel", submission_id)
    assert watch.came()


# --- words ---


def test_every_state_has_its_words_in_both_languages() -> None:
    assert set(OUTGOING_WORDS) == set(OutgoingState)
    assert set(RECIPIENT_WORDS) == set(RecipientState)
    assert set(WAITING_WORDS) == set(WaitingFor)
    words = [*OUTGOING_WORDS.values(), *RECIPIENT_WORDS.values(), *WAITING_WORDS.values(), *ACTION_WORDS.values()]
    assert all(text.fr and text.en for text in words)
    assert len(set(OUTGOING_WORDS.values())) == len(OutgoingState)


def test_every_action_that_changes_an_outgoing_message_has_its_words() -> None:
    from connector.journal.outgoing import _ACTIONS

    assert {_ACTIONS.get(event, event.value) for event in OutgoingEvent} <= set(ACTION_WORDS)


def test_the_status_counts_every_outgoing_state_once() -> None:
    keys = [key for column in PERSON_STATES for key in column.keys]
    assert len(keys) == len(set(keys))
    assert {key for key in keys if key.startswith("out:")} == {f"out:{state}" for state in OutgoingState}
    uncounted = {IncomingState.RECEIPT, IncomingState.DUPLICATE, IncomingState.GONE}
    assert {key for key in keys if key.startswith("in:")} == {f"in:{s}" for s in set(IncomingState) - uncounted}


def test_the_journal_is_made_where_the_settings_say(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("queue", "list")
    assert (tmp_path / "data" / "journal.sqlite").is_file()
