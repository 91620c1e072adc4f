"""Sending the documents of an earlier message anew to corrected recipients, as an application asks for it."""

import hashlib
import json

from connector.api.guard.tokens import Caller
from connector.api.mailboxes import find_mailbox
from connector.api.services import ApiServices
from connector.client.models.messages import ReplaceModel
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import IdSource
from connector.domain.submission import RecipientKind, SourceKind
from connector.exchange.correction import correct
from connector.journal.records import Taken
from connector.journal.requests import RequestKey

__all__ = ["replace_message"]


def replace_message(
    services: ApiServices, ids: IdSource, message_id: str, asked: ReplaceModel, *, caller: Caller, key: str | None
) -> Taken:  # fmt: skip
    """Take the new submission; when this returns, it survives power loss. Blocks.

    Args:
        services: journal, settings, clock.
        ids: for the new submission.
        message_id: the earlier one.
        asked: to whom it goes now.
        caller: who asks; stands in the trace.
        key: its ``Idempotency-Key``.

    Raises:
        ConnectorError: as :func:`connector.exchange.correction.correct`, and ``BOITE_INCONNUE``,
            ``BOITE_SANS_ENVOI``, ``DESTINATAIRE_INVALIDE``.
    """
    settings, journal = services.settings, services.journal
    mailbox = find_mailbox(settings, str(journal.submission(message_id).mailbox))
    if not mailbox.send:
        raise InvalidSubmission("BOITE_SANS_ENVOI", "this mailbox does not send (send = false)")
    named = [(RecipientKind.TO, asked.recipients), (RecipientKind.CC, asked.copies)]
    recipients = [(MailboxAddress.parse(each.address), kind) for kind, some in named for each in some]
    request = RequestKey(caller.id, key, _request_hash(message_id, asked)) if key is not None else None
    return correct(
        journal, services.clock, ids, message_id, recipients, actor=caller.name,
        deadline_hours=settings.retry.deadline_hours, source=SourceKind.REST, request=request,
    )  # fmt: skip


def _request_hash(message_id: str, asked: ReplaceModel) -> str:
    whole = json.dumps(["replace", message_id, asked.model_dump(mode="json")], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()
