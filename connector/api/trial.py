"""A request to send, taken and prepared for a look and thrown away: nothing is stored, nothing leaves."""

from functools import partial

from connector.api.mailboxes import sending_mailbox
from connector.api.services import ApiServices
from connector.api.submit import Asked, sidecar_of
from connector.api.taking import order_name
from connector.client.models.check import CheckModel
from connector.client.models.messages import SubmitHeadModel
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.ports import IdSource
from connector.exchange.rules import sending_rules
from connector.intake.assemble import ClaimedDrop
from connector.intake.check.rehearsal import Rehearsal
from connector.intake.check.report import drop_as_dict

__all__ = ["CHECK_PATH", "try_submission"]

CHECK_PATH = "/api/v1/check"
"""Takes documents: its bodies may be large."""


def try_submission(services: ApiServices, ids: IdSource, asked: Asked[SubmitHeadModel]) -> CheckModel:
    """Everything that is to be said of a request. Blocks.

    Args:
        services: journal, settings, clock.
        ids: for what would be made.
        asked: what would be sent.

    Raises:
        InvalidSubmission: ``BOITE_INCONNUE``, ``BOITE_SANS_ENVOI``, and what the request itself says wrongly
            (``INS_INVALIDE``, ``DESTINATAIRE_INVALIDE``).
    """
    mailbox = sending_mailbox(services.settings, asked.head.mailbox)
    earlier = partial(services.journal.earlier_message_for_document, mailbox=mailbox.address)
    rules = sending_rules(services.settings, mailbox, clock=services.clock, ids=ids, earlier_message=earlier)
    rehearsal = Rehearsal(desk=partial(services.desks.desk, mailbox), rules=rules, limits=DEFAULT_LIMITS)
    drop_id = ids.ulid()
    drop = ClaimedDrop(drop_id, order_name(asked, drop_id), [(file.name, file.content) for file in asked.files])
    told = drop_as_dict(rehearsal.examine(drop, sidecar_of(asked)))
    return CheckModel.model_validate({key: told[key] for key in ("refused", "sendings", "findings")})
