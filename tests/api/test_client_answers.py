"""What a program does with the client about what arrived: receipts, reports, replies, threads."""

import pytest

from connector.client import Connection, ServiceError
from connector.sandbox.samples import sample
from tests.api.answer_scene import CITIZEN, LAB, given, with_policy
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA

WORDS = "Bien reçu."


def test_a_program_answers_and_reads_the_thread(scene: ApiScene) -> None:
    row = given(with_policy(scene), ("cr.xml", CDA), asks=LAB, done=True)
    with scene.live() as live, Connection(live.endpoint) as connector:
        assert connector.send_read_receipt(row, send=False).code == "REPONSE_DECLINEE"
        assert connector.send_read_receipt(row).outcome == "queued"
        first = connector.reply(row, WORDS, reference="R-1", key="k")
        assert connector.reply(row, WORDS, reference="R-1", key="k").id == first.id
        files = {"cr.xml": sample("cr-biologie-v1.xml")}
        second = connector.reply(row, WORDS, files, options={"read_receipt": True})
        assert [file.name for file in second.files] == ["cr.xml"]
        entries = connector.thread(row).entries
        assert entries[0].kind == "received"
        assert sorted(entry.kind for entry in entries[1:]) == ["notice", "sent", "sent"]
        assert connector.inbox_message(row).answered_by == [first.id, second.id]
        assert connector.requeue(row).state == "stored"
        with pytest.raises(ServiceError) as refused:
            connector.end_exchange(row)
        assert refused.value.code == "FIN_SANS_PATIENT"


def test_a_program_reports_what_became_of_a_message(scene: ApiScene) -> None:
    good, bad = given(with_policy(scene, "taken"), asks=LAB), given(scene, uid=2, asks="autre@autre.mssante.fr")
    with scene.live() as live, Connection(live.endpoint) as connector:
        assert connector.report_integration(good).notices[0].kind == "processed"
        told = connector.report_integration(bad, [{"code": "902", "detail": "inconnu"}])
        assert (told.outcome, told.code) == ("not_sent", "ACCUSE_ADRESSE")
        assert connector.send_failure_notice(bad, send=False).code == "REPONSE_DECLINEE"
        assert connector.send_failure_notice(bad).outcome == "queued"


def test_a_program_ends_an_exchange(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    with scene.live() as live, Connection(live.endpoint) as connector:
        last = connector.end_exchange(row, body="Au revoir.", earlier_too=True)
        assert (last.answers, last.state) == (row, "received")
        assert connector.end_exchange(row).id == last.id
