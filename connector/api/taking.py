"""From an understood request to submissions in the journal, divided as a folder divides a drop."""

from datetime import timedelta

from starlette.responses import Response

from connector.api.guard.tokens import Caller
from connector.api.mailboxes import sending_mailbox
from connector.api.services import ApiServices
from connector.api.submit import MESSAGES_PATH, Asked, request_hash, sidecar_of
from connector.client.models.messages import SubmitHeadModel
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import IdSource
from connector.domain.submission import SourceKind
from connector.intake.assemble import ClaimedDrop, as_file
from connector.intake.compose import Order, check_hashes, compose
from connector.intake.sidecar import Sidecar
from connector.intake.split import Part, is_lot, split
from connector.journal.records import Taken
from connector.journal.requests import RequestKey
from connector.settings.model import MailboxSettings

__all__ = ["order_name", "take_submission", "tell_repeated", "tell_taken"]

_MOST_PARTS = 1_000  # sendings of one request


def take_submission(
    services: ApiServices, ids: IdSource, asked: Asked[SubmitHeadModel], caller: Caller, key: str | None
) -> list[Taken]:
    """Keep what was asked; when this returns, it survives power loss. Blocks.

    What a folder would divide (several patients, several messages of HL7 v2, several HPRIM records) becomes several
    submissions of one lot, all of them in one transaction or none.

    Args:
        services: journal, settings, clock.
        ids: for the new submissions.
        asked: what is to be sent.
        caller: who asks; stands in the trace.
        key: its ``Idempotency-Key``.

    Raises:
        InvalidSubmission: it cannot be sent as it is, or ``BOITE_INCONNUE``, ``BOITE_SANS_ENVOI``,
            ``CLE_DEJA_UTILISEE``.
        Unavailable: ``JOURNAL_INDISPONIBLE``, ``DISQUE_PLEIN``: nothing was taken.
    """
    settings, now = services.settings, services.clock.now()
    mailbox = sending_mailbox(settings, asked.head.mailbox)
    submissions = [
        compose(order, services.desks.desk(mailbox), DEFAULT_LIMITS) for order in _orders(asked, mailbox, ids)
    ]
    request = RequestKey(caller.id, key, request_hash(asked)) if key is not None else None
    return services.journal.take_lot(
        submissions, deadline_at=now + timedelta(hours=settings.retry.deadline_hours),
        duplicate_hours=mailbox.outbox.duplicate_hours, request=request, actor=caller.name,
    )  # fmt: skip


def _orders(asked: Asked[SubmitHeadModel], mailbox: MailboxSettings, ids: IdSource) -> list[Order]:
    """One for each sending that a folder would make of these documents.

    Raises:
        InvalidSubmission: a part cannot be sent: then nothing of the request is.
    """
    request_id, said = ids.ulid(), sidecar_of(asked)
    name = order_name(asked, request_id)
    drop = ClaimedDrop(request_id, name, [(file.name, file.content) for file in asked.files])
    parts = split(drop, mailbox, DEFAULT_LIMITS, said)
    if not is_lot(parts):
        return [Order(request_id, SourceKind.REST, name, asked.files, said)]
    check_hashes(asked.files, said)
    if len(parts) > _MOST_PARTS:
        raise InvalidSubmission("TROP_GROS", f"{len(parts)} sendings in one request, {_MOST_PARTS} are taken")
    return [_order(part, drop, said, ids) for part in parts]


def _order(part: Part, drop: ClaimedDrop, said: Sidecar, ids: IdSource) -> Order:
    if part.problem is not None:
        raise part.problem
    files = [as_file(name, content) for name, content in part.files(drop)]
    return Order(ids.ulid(), SourceKind.REST, part.base, files, said, lot=drop.id)


def order_name(asked: Asked[SubmitHeadModel], request_id: str) -> str:
    """What the LPS knows a request by."""
    return asked.head.reference or f"REST-{request_id[-6:]}"


def tell_taken(taken: Taken, response: Response) -> None:
    """Say in the headers where to ask what becomes of it, and whether the same request had brought it before."""
    response.headers["Location"] = f"{MESSAGES_PATH}/{taken.submission_id}"
    tell_repeated(taken, response)


def tell_repeated(taken: Taken, response: Response) -> None:
    """Say in the headers whether the same request had brought it before."""
    if taken.repeated:
        response.headers["Idempotent-Replay"] = "true"
