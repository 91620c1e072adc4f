"""Gathering what the choice of the need depends on, from health, card and journal."""

from collections.abc import Sequence
from datetime import timedelta

from connector.api.page.need import Facts, health_codes
from connector.api.services import ApiServices
from connector.exchange.notices import WAITS_FOR_PERSON
from connector.journal.notices import NoticeRow
from connector.settings.model import IdentityMethod

__all__ = ["ATTENTION_DAYS", "gather", "waiting_answers"]

ATTENTION_DAYS = 7
"""Failures of what was taken before that no longer ask for anybody."""


def gather(api: ApiServices, pairing: Sequence[str] = ()) -> Facts:
    """The facts of this moment; asks the journal, so it blocks for milliseconds.

    Args:
        api: everything behind the API.
        pairing: names of the applications that ask to be let in.
    """
    since = api.clock.now() - timedelta(days=ATTENTION_DAYS)
    mailboxes = api.settings.mailboxes
    return Facts(
        waiting=api.journal.open_work().waiting,
        attention=api.journal.attention(since),
        refused=api.journal.refused_drops(unseen=True),
        codes=health_codes(api.report()),
        card=api.cards.status() if api.cards is not None else None,
        code_boxes=[mailbox.folder for mailbox in mailboxes if mailbox.identity.method is IdentityMethod.CODE],
        set_aside=api.journal.set_aside([mailbox.address for mailbox in mailboxes], since),
        untaken=sum(api.journal.overdue([mailbox.address for mailbox in mailboxes]).values()),
        answers=waiting_answers(api),
        pairing=pairing,
    )


def waiting_answers(api: ApiServices) -> list[NoticeRow]:
    """Receipts and notices about which a person decides, of the last days, newest first."""
    since = api.clock.now() - timedelta(days=ATTENTION_DAYS)
    boxes = [mailbox.address for mailbox in api.settings.mailboxes]
    return api.journal.waiting_notices(WAITS_FOR_PERSON, mailboxes=boxes, since=since)
