"""One message's story, the lists' rows, the chart: what the sheets draw."""

from datetime import date, timedelta

import pytest

from connector.api.envelopes import KEPT, Envelopes
from connector.api.page.activity import Activity, Day, midnight
from connector.api.page.chart import HEIGHT, WIDTH, chart_of
from connector.api.page.listing import Shade, find_received, out_row
from connector.api.page.story import Progress, Step, StepName, summary_of, timeline
from connector.domain.errors import Unavailable
from connector.domain.states import IncomingState, OutgoingEvent, OutgoingState, WaitingFor
from connector.journal.statistics import DayCounts
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import Place
from tests.page.page_scene import BOX, MARTIN, RIGHT, WRONG, PageScene

N, P = StepName, Progress


def steps(scene: PageScene, message_id: str, *, read_receipt: bool = False) -> tuple[Step, ...]:
    message = scene.journal.outgoing(message_id)
    trace = scene.journal.trace(subject_id=message.submission_id)
    return timeline(message, trace, read_receipt=read_receipt)


def progress(scene: PageScene, message_id: str) -> dict[str, str]:
    return {step.name.value: step.progress.value for step in steps(scene, message_id)}


def lost(scene: PageScene) -> str:
    message_id = scene.prepared()
    scene.claim(message_id)
    scene.journal.record(message_id, OutgoingEvent.LOSE, code="ISSUE_INCONNUE")
    return message_id


def bounced(scene: PageScene) -> str:
    message_id = scene.sent()
    scene.journal.record(message_id, OutgoingEvent.RECEIPT_FAILED, code="REMISE_ECHEC")
    return message_id


def cancelled(scene: PageScene, message_id: str) -> str:
    scene.journal.record(message_id, OutgoingEvent.CANCEL)
    return message_id


def rejected(scene: PageScene) -> str:
    message_id = scene.take()
    scene.journal.record(message_id, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    return message_id


DONE, NOW, TODO = "done", "now", "todo"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda s: s.take(), {"taken": DONE, "wrapped": NOW, "sent": TODO, "delivered": TODO}),
        (lambda s: s.prepared(), {"taken": DONE, "wrapped": DONE, "sent": NOW, "delivered": TODO}),
        (lambda s: s.held(), {"taken": DONE, "wrapped": DONE, "sent": "held", "delivered": TODO}),
        (lost, {"taken": DONE, "wrapped": DONE, "sent": "unknown", "delivered": TODO}),
        (lambda s: s.sent(), {"taken": DONE, "wrapped": DONE, "sent": DONE, "delivered": TODO}),
        (
            lambda s: s.read(),
            {"taken": DONE, "wrapped": DONE, "sent": DONE, "delivered": DONE, "read": DONE},
        ),
        (bounced, {"taken": DONE, "wrapped": DONE, "sent": DONE, "delivered": "failed"}),
        (rejected, {"taken": DONE, "wrapped": "failed"}),
        (lambda s: s.sent(WRONG, refused=(WRONG,)), {"taken": DONE, "wrapped": DONE, "sent": "failed"}),
        (lambda s: cancelled(s, s.take()), {"taken": DONE, "wrapped": "stopped"}),
        (lambda s: cancelled(s, s.prepared()), {"taken": DONE, "wrapped": DONE, "sent": "stopped"}),
    ],
    ids=["taken", "wrapped", "held", "lost", "sent", "read", "bounced", "rejected", "refused", "gave up", "stopped"],
)
def test_the_story_tells_how_far_a_message_is(scene: PageScene, make: object, expected: dict[str, str]) -> None:
    assert callable(make)
    assert progress(scene, make(scene)) == expected


def test_what_is_done_has_its_time_and_what_is_not_has_none(scene: PageScene) -> None:
    message_id = scene.take()
    scene.clock.advance(60)
    scene.journal.record(message_id, OutgoingEvent.CANCEL)
    taken, wrapped = steps(scene, message_id)
    assert (taken.at, wrapped.at) == (EPOCH, None)
    assert (taken.label.fr, wrapped.word.fr) == ("Pris en charge", "arrêté")


def test_reading_is_a_step_when_it_was_asked_for_or_came_all_the_same(scene: PageScene) -> None:
    sent, read = scene.sent(), scene.read()
    assert N.READ not in [step.name for step in steps(scene, sent)]
    assert steps(scene, sent, read_receipt=True)[-1] == Step(N.READ, P.TODO)
    assert steps(scene, read)[-1].progress is P.DONE


def test_a_duplicate_stops_until_somebody_decides(scene: PageScene) -> None:
    files = (("a.xml", b"<same/>"),)
    scene.take(files=files)
    assert progress(scene, scene.take(files=files)) == {"taken": DONE, "wrapped": "stopped"}


def test_the_story_of_one_message_is_not_told_by_another_of_the_same_submission(scene: PageScene) -> None:
    sent = scene.sent()
    trace = scene.journal.trace(subject_id=scene.submission(sent))
    alone = [entry for entry in trace if entry.action == "take"]
    assert steps(scene, sent)[2].at is not None
    assert timeline(scene.journal.outgoing(sent), alone, read_receipt=False)[2].at is None
    other = scene.journal.outgoing(scene.take())
    assert timeline(other, trace, read_receipt=False)[0].at is None


# --- rows ---


def test_a_row_tells_the_most_telling_state(scene: PageScene) -> None:
    view = scene.journal.submission(scene.submission(scene.sent(MARTIN, WRONG, refused=(WRONG,))))
    row = out_row(view)
    assert (row.state.fr, row.shade, row.code) == ("envoyé, mais pas à tous", Shade.BAD, "OPERATEUR_REFUS")
    assert row.recipients == (str(MARTIN), str(WRONG))


def test_a_row_that_waits_says_for_what(scene: PageScene) -> None:
    view = scene.journal.submission(scene.submission(scene.held(WaitingFor.CARD, "CARTE_ABSENTE")))
    row = out_row(view)
    assert (row.state.fr, row.state.en, row.shade) == ("attend la carte", "waits for the card", Shade.HELD)


def test_a_row_that_is_well_shows_no_code_of_the_past(scene: PageScene) -> None:
    message_id = scene.sent()
    scene.journal.record(message_id, OutgoingEvent.RECEIPT_DELIVERED)
    row = out_row(scene.journal.submission(scene.submission(message_id)))
    assert (row.code, row.shade) == ("", Shade.GOOD)


def test_a_submission_without_messages_is_still_shown() -> None:
    assert summary_of([]) == (OutgoingState.RECEIVED, False)


def test_a_row_has_the_reference_of_the_software_before_the_name_of_the_drop(scene: PageScene) -> None:
    view = scene.journal.submission(scene.submission(scene.take(name="depot-1", reference="DOS-77")))
    assert out_row(view).name == "DOS-77"


def test_received_messages_are_found_by_who_and_what(scene: PageScene) -> None:
    scene.arrive("Compte rendu opératoire", sender="Dr MARTIN <m@hopital.mssante.fr>")
    scene.arrive("CR-BIO", sender="Laboratoire Élysée <l@labo.mssante.fr>")
    envelopes = Envelopes(scene.journal)

    def found(text: str) -> list[str]:
        return [row.envelope.subject for row in find_received(scene.journal, envelopes, text).rows]

    assert found("") == ["CR-BIO", "Compte rendu opératoire"]
    assert found("operatoire martin") == ["Compte rendu opératoire"]
    assert found("elysee") == ["CR-BIO"]
    assert found("nobody") == []


def test_received_messages_come_in_pages(scene: PageScene) -> None:
    ids = [scene.arrive(f"n{number}", files=()) for number in range(5)]
    envelopes = Envelopes(scene.journal)
    first = find_received(scene.journal, envelopes, limit=2)
    second = find_received(scene.journal, envelopes, limit=9, after=first.after)
    assert [row.id for row in (*first.rows, *second.rows)] == ids[::-1]
    assert second.after is None


def test_a_search_among_received_messages_has_a_bound(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.api.page.listing.MOST_RECEIVED_LOOKED_AT", 2)
    monkeypatch.setattr("connector.api.page.listing._BATCH", 2)
    ids = [scene.arrive(f"n{number}", files=()) for number in range(3)]
    page = find_received(scene.journal, Envelopes(scene.journal), "n0")
    assert (page.rows, page.after) == ((), ids[1])
    assert len(find_received(scene.journal, Envelopes(scene.journal), "n0", after=page.after).rows) == 1


def test_received_messages_are_narrowed_to_a_state_and_a_mailbox(scene: PageScene) -> None:
    scene.arrive()
    aside = scene.set_aside()
    envelopes = Envelopes(scene.journal)
    rows = find_received(scene.journal, envelopes, states=[IncomingState.QUARANTINED], mailbox=BOX).rows
    assert [(row.id, row.shade) for row in rows] == [(aside, Shade.BAD)]


def test_an_envelope_is_read_once(scene: PageScene) -> None:
    incoming = scene.journal.incoming(scene.arrive("Sujet", sender="279035121518989@patient.mssante.fr"))
    envelopes = Envelopes(scene.journal)
    first = envelopes.of(incoming)
    assert (first.subject, first.is_from_patient, first.is_readable) == ("Sujet", True, True)
    assert envelopes.of(incoming) is first


def test_a_message_without_kept_bytes_has_no_envelope(scene: PageScene) -> None:
    incoming = scene.journal.incoming(scene.arrive())
    scene.clock.advance(by=timedelta(days=1))
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH)
    assert not Envelopes(scene.journal).of(incoming).is_readable


def test_a_message_that_is_being_fetched_has_no_envelope_yet(scene: PageScene) -> None:
    scene.journal.note_seen(BOX, [Place("INBOX", 1, 1)])
    (row,) = scene.journal.newest_received(limit=1)
    assert not Envelopes(scene.journal).of(row).is_readable


def test_a_journal_that_is_busy_is_not_taken_for_an_unreadable_message(
    scene: PageScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = scene.journal.incoming(scene.arrive())

    def busy(_: str) -> bytes:
        raise Unavailable("JOURNAL_INDISPONIBLE", "busy")

    monkeypatch.setattr(scene.journal, "payload", busy)
    with pytest.raises(Unavailable):
        Envelopes(scene.journal).of(row)


def test_only_so_many_envelopes_are_remembered(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.api.envelopes.KEPT", 1)
    first, second = (scene.journal.incoming(scene.arrive(name, files=())) for name in ("a", "b"))
    envelopes = Envelopes(scene.journal)
    kept = envelopes.of(first)
    envelopes.of(second)
    assert envelopes.of(first) is not kept
    assert envelopes.of(first) == kept
    assert KEPT > 100


# --- days ---


def test_days_are_those_of_the_person(scene: PageScene) -> None:
    scene.sent()
    scene.clock.advance(by=timedelta(days=1))
    scene.sent()
    scene.sent()
    activity = Activity(scene.journal, scene.clock, EPOCH.tzinfo)
    days = activity.days(3)
    assert [day.day.isoformat() for day in days] == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert [day.counts.sent for day in days] == [0, 1, 2]
    assert activity.today() == days[-1].counts


def test_today_grows_and_becomes_yesterday(scene: PageScene) -> None:
    activity = Activity(scene.journal, scene.clock, EPOCH.tzinfo)
    scene.sent()
    assert activity.today().sent == 1
    scene.sent(RIGHT)
    assert activity.today().sent == 2
    scene.clock.advance(by=timedelta(hours=14))
    scene.sent()
    scene.clock.advance(by=timedelta(hours=2))
    scene.sent()
    assert [day.counts.sent for day in activity.days(2)] == [3, 1]


def test_the_past_is_asked_for_once(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sent()
    activity = Activity(scene.journal, scene.clock, EPOCH.tzinfo)
    activity.days(30)
    asked: list[tuple[int, int]] = []
    happened = scene.journal.happened

    def counted(after: int, through: int) -> DayCounts:
        asked.append((after, through))
        return happened(after, through)

    monkeypatch.setattr(scene.journal, "happened", counted)
    activity.days(30)
    assert len(asked) == 1


def test_a_day_begins_at_midnight_where_the_person_is() -> None:
    assert midnight(date(2026, 11, 20), EPOCH.tzinfo).isoformat() == "2026-11-20T00:00:00+00:00"
    assert midnight(date(2026, 11, 20), None).utcoffset() is not None


# --- chart ---


def day(sent: int = 0, failed: int = 0, received: int = 0) -> Day:
    return Day(date(2026, 11, 20), DayCounts(sent=sent, failed=failed, received=received))


def test_bars_stand_on_the_line_and_within_the_drawing() -> None:
    chart = chart_of([day(3, 1, 4), day(), day(17, 0, 2)])
    assert [bar.kind for bar in chart.bars] == ["sent", "failed", "received", "sent", "received"]
    assert all(bar.y >= 0 and bar.x + bar.width <= WIDTH and bar.y + bar.height <= HEIGHT for bar in chart.bars)
    sent, failed, received = chart.bars[:3]
    assert sent.y + sent.height == pytest.approx(chart.base, abs=0.2)
    assert failed.y + failed.height == pytest.approx(sent.y, abs=0.2)
    assert received.height == pytest.approx(sent.height * 4 / 3, abs=0.2)


@pytest.mark.parametrize(
    ("most", "marks"),
    [(0, [1, 2, 3, 4]), (3, [1, 2, 3, 4, 5]), (5, [1, 2, 3, 4, 5]), (17, [5, 10, 15, 20]), (50, [10, 20, 30, 40, 50]),
     (51, [25, 50, 75, 100]), (1_400, [500, 1000, 1500, 2000])],
)  # fmt: skip
def test_the_scale_ends_at_a_round_number(most: int, marks: list[int]) -> None:
    assert [value for _, value in chart_of([day(most)]).lines] == marks


def test_each_seventh_day_is_named_and_today_is_one_of_them() -> None:
    chart = chart_of([day()] * 30)
    assert [index for _, index in chart.labels] == [1, 8, 15, 22, 29]
