"""What is needed from the person: the most urgent thing, in one sentence, with one button."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from connector.api.page.card_words import Tone
from connector.api.page.need import (
    Action,
    Facts,
    Need,
    health_codes,
    need,
    needs,
)
from connector.api.page.routes.home import address_of
from connector.domain.address import MailboxAddress
from connector.domain.catalogue import CATALOGUE, explain
from connector.domain.states import OutgoingState, WaitingFor
from connector.identities.card.status import CardStatus, Presence
from connector.journal.notices import NoticeKind, NoticeRow, NoticeSlot
from connector.journal.records import OutgoingMessage, RefusedDrop
from connector.support.health import Component, Condition
from connector.testing.clock import EPOCH

S, W = OutgoingState, WaitingFor
BOX = MailboxAddress.parse("dr@exemple.mssante.fr")


def message(state: OutgoingState, code: str | None = None, *, submission: str = "S1") -> OutgoingMessage:
    return OutgoingMessage(
        id=f"M-{submission}", submission_id=submission, mailbox=BOX, state=state, state_since=EPOCH, revision=1,
        attempts=1, next_attempt_at=None, deadline_at=None, waiting_for=None, data_begun=False,
        header_message_id=None, payload_id=None, size_bytes=None, code=code, detail=None, answer=None, recipients=(),
    )  # fmt: skip


def card(presence: Presence, code: str = "") -> CardStatus:
    return CardStatus(presence, code=code)


def refused(number: int = 1) -> RefusedDrop:
    return RefusedDrop(
        id=f"R{number}", mailbox=BOX, at=EPOCH, code="DESTINATAIRE_INCONNU", name=f"REQ{number}",
        files=(f"REQ{number}.xml",), note=f"REQ{number}.erreur.txt",
    )  # fmt: skip


def answer(slot: NoticeSlot, number: int = 1) -> NoticeRow:
    return NoticeRow(
        incoming_id=f"I{number}", slot=slot, kind=NoticeKind.DISPATCHED, at=EPOCH, actor="connector",
        reason="ACCUSE_ACCORD",
    )  # fmt: skip


EVERYTHING: dict[str, Facts] = {
    "broken": Facts(codes=["DISQUE_PLEIN"]),
    "card_blocked": Facts(waiting={W.PIN: 1}, card=card(Presence.BLOCKED, "CARTE_BLOQUEE")),
    "code": Facts(waiting={W.CODE: 2}, code_boxes=["dr"]),
    "login": Facts(waiting={W.TOKEN: 1}),
    "identity": Facts(waiting={W.CREDENTIALS: 1}),
    "lost_answer": Facts(attention=[message(S.OUTCOME_UNKNOWN, "ISSUE_INCONNUE")]),
    "recipient": Facts(attention=[message(S.FAILED, "OPERATEUR_REFUS")]),
    "send_again": Facts(attention=[message(S.FAILED, "DELAI_DEPASSE")]),
    "refused": Facts(refused=[refused()]),
    "duplicate": Facts(attention=[message(S.DUPLICATE)]),
    "approval": Facts(waiting={W.APPROVAL: 1}),
    "untaken": Facts(untaken=2),
    "failure_notice": Facts(answers=[answer(NoticeSlot.FAILURE)]),
    "set_aside": Facts(set_aside=1),
    "read_receipt": Facts(answers=[answer(NoticeSlot.RECEIPT, 2)]),
    "pairing": Facts(pairing=["Logiciel"]),
    "passing": Facts(waiting={W.NETWORK: 3}),
}
"""One case for each kind, in the order of urgency."""


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_thing_by_itself_is_told(name: str) -> None:
    assert need(EVERYTHING[name]).name == name


def test_nothing_is_needed_when_nothing_is() -> None:
    found = need(Facts())
    assert (found.name, found.tone, found.action) == ("nothing", Tone.GOOD, Action.NONE)


def together(cases: Mapping[str, Facts]) -> Facts:
    facts = Facts()
    for case in cases.values():
        facts = replace(
            facts, waiting={**facts.waiting, **case.waiting}, attention=[*facts.attention, *case.attention],
            codes=[*facts.codes, *case.codes], card=case.card or facts.card,
            code_boxes=[*facts.code_boxes, *case.code_boxes], set_aside=facts.set_aside + case.set_aside,
            pairing=[*facts.pairing, *case.pairing], refused=[*facts.refused, *case.refused],
            answers=[*facts.answers, *case.answers], untaken=facts.untaken + case.untaken,
        )  # fmt: skip
    return facts


def test_everything_at_once_is_told_by_urgency() -> None:
    assert [each.name for each in needs(together(EVERYTHING))] == list(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_has_both_languages_a_button_and_somewhere_to_lead(name: str) -> None:
    found = need(EVERYTHING[name])
    assert all((found.sentence.fr, found.sentence.en, found.button.fr, found.button.en))
    assert found.sentence.fr != found.sentence.en
    assert address_of(found).startswith("/")
    assert found.code == "" or found.code in CATALOGUE


# --- the card ---


@pytest.mark.parametrize(
    ("presence", "tone"),
    [(Presence.PIN_NEEDED, Tone.ACT), (Presence.NO_CARD, Tone.ACT), (Presence.NO_READER, Tone.ACT),
     (Presence.NO_MIDDLEWARE, Tone.ACT), (Presence.UNKNOWN_CARD, Tone.ACT), (Presence.FAILED, Tone.ACT),
     (Presence.LAST_TRY, Tone.STOP), (Presence.BLOCKED, Tone.STOP)],
)  # fmt: skip
def test_a_card_that_is_missed_is_asked_for(presence: Presence, tone: Tone) -> None:
    found = need(Facts(waiting={W.CARD: 1}, card=card(presence)))
    assert (found.name, found.tone, found.action) == (f"card_{presence.value}", tone, Action.CARD)


@pytest.mark.parametrize("presence", [Presence.NO_CARD, Presence.LOCKED, Presence.BLOCKED, Presence.OPEN])
def test_a_card_that_nobody_misses_is_left_in_peace(presence: Presence) -> None:
    assert need(Facts(card=card(presence))).name == "nothing"


def test_a_locked_card_that_is_missed_wants_its_pin() -> None:
    assert need(Facts(waiting={W.PIN: 1}, card=card(Presence.LOCKED))).name == "card_pin_needed"


def test_an_open_card_is_not_asked_for_while_what_waited_resumes() -> None:
    assert need(Facts(waiting={W.PIN: 1}, card=card(Presence.OPEN))).name == "nothing"


def test_a_mailbox_that_cannot_fetch_misses_the_card_too() -> None:
    assert need(Facts(codes=["CARTE_ABSENTE"], card=card(Presence.NO_CARD))).name == "card_no_card"


@pytest.mark.parametrize(
    ("facts", "code"),
    [(Facts(waiting={W.PIN: 1}), "PIN"), (Facts(codes=["PIN"]), "PIN"),
     (Facts(waiting={W.CARD: 2}), "CARTE_ABSENTE")],
)  # fmt: skip
def test_a_card_that_the_system_reads_is_asked_for_in_words(facts: Facts, code: str) -> None:
    found = need(facts)
    assert (found.name, found.code, found.action) == ("card_unseen", code, Action.MAILBOXES)


def test_how_many_messages_wait_is_told() -> None:
    one = need(Facts(waiting={W.PIN: 1}, card=card(Presence.PIN_NEEDED))).sentence
    many = need(Facts(waiting={W.PIN: 2, W.CARD: 1}, card=card(Presence.PIN_NEEDED))).sentence
    none = need(Facts(card=card(Presence.PIN_NEEDED))).sentence
    assert one.fr.endswith("1 message attend.")
    assert many.fr.endswith("3 messages attendent.")
    assert none.fr == "Saisissez le code de la carte."


# --- single messages ---


def test_a_refused_drop_is_named_with_its_reason_several_are_counted() -> None:
    one, two = need(Facts(refused=[refused()])), need(Facts(refused=[refused(2), refused()]))
    texts = explain("DESTINATAIRE_INCONNU")
    assert one.sentence.fr == f"« REQ1 » n'est pas parti. {texts.title_fr}"
    assert one.sentence.en == f"“REQ1” did not leave. {texts.title_en}"
    assert address_of(one) == "/refused/R1"
    assert two.sentence.fr == "2 dépôts n'ont pas pu être envoyés : voyez pourquoi."
    assert address_of(two) == "/outgoing?state=failed"


def test_no_name_of_a_file_gets_onto_the_desktop() -> None:
    one = need(Facts(refused=[refused()]))
    assert "REQ1" in one.sentence.fr
    assert "REQ1" not in "".join(one.notice)
    assert need(Facts(pairing=["x"])).notice == need(Facts(pairing=["x"])).sentence


def test_one_submission_is_led_to_several_to_their_list() -> None:
    refused = message(S.FAILED, "OPERATEUR_REFUS")
    one = need(Facts(attention=[refused, message(S.BOUNCED, "REMISE_ECHEC")]))
    two = need(Facts(attention=[refused, message(S.BOUNCED, "REMISE_ECHEC", submission="S2")]))
    assert (one.action, one.target) == (Action.MESSAGE, "S1")
    assert (two.action, two.target) == (Action.FAILED, "")
    assert two.sentence.fr.startswith("2 messages")
    assert address_of(one) == "/outgoing/S1"
    assert address_of(two) == "/outgoing?state=failed"


def test_what_was_rejected_cannot_be_sent_again_so_the_reason_is_shown() -> None:
    assert need(Facts(attention=[message(S.REJECTED, "CDA_INVALIDE")])).name == "rejected"


def test_a_rejection_for_its_recipient_can_be_corrected() -> None:
    assert need(Facts(attention=[message(S.REJECTED, "SANS_DESTINATAIRE")])).name == "recipient"


@pytest.mark.parametrize(("number", "begin"), [(1, "Un message"), (4, "4 messages")])
def test_messages_set_aside_or_not_integrated_are_counted(number: int, begin: str) -> None:
    assert need(Facts(set_aside=number)).sentence.fr.startswith(begin)
    assert need(Facts(untaken=number)).sentence.fr.startswith(begin)


def test_the_button_for_a_code_leads_to_its_mailbox() -> None:
    found = need(EVERYTHING["code"])
    assert address_of(found) == "/card#box-dr"
    assert need(Facts(codes=["CODE_VERROUILLE"])).code == "CODE_VERROUILLE"


def test_codes_of_the_health_tree_count_like_waiting_messages() -> None:
    found = {code: need(Facts(codes=[code])).name for code in ("JETON_EXPIRE", "AUTHENTIFICATION", "JETON_DIFFERE")}
    assert found == {"JETON_EXPIRE": "login", "AUTHENTIFICATION": "identity", "JETON_DIFFERE": "passing"}


def test_codes_of_broken_parts_come_first_and_once() -> None:
    waits = Component("send", Condition.WAITING, "PIN")
    broken = Component("journal", Condition.ERROR, "DISQUE_PLEIN")
    tree = Component("connector", parts=(Component("dr", parts=(waits, waits)), broken, Component("workers")))
    assert health_codes(tree) == ["DISQUE_PLEIN", "PIN"]


def test_a_need_without_a_place_leads_nowhere() -> None:
    assert address_of(need(Facts())) == ""
    assert isinstance(need(Facts()), Need)


@pytest.mark.parametrize("slot", list(NoticeSlot))
def test_one_answer_that_waits_leads_to_its_message_several_to_their_list(slot: NoticeSlot) -> None:
    one = need(Facts(answers=[answer(slot, 7)]))
    assert (one.action, address_of(one), one.code) == (Action.ANSWER, "/received/I7#answers", "ACCUSE_ACCORD")
    many = need(Facts(answers=[answer(slot, number) for number in range(3)]))
    assert (many.action, address_of(many)) == (Action.ANSWERS, "/received?state=answer")
    assert (many.sentence.fr[:2], many.sentence.en[:2]) == ("3 ", "3 ")
