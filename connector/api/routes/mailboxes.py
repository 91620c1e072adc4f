"""``/api/v1/mailboxes``: who they are, what they wait for, and the tokens that open their sessions."""

from datetime import timedelta

from fastapi import APIRouter, Response

from connector.api.kept import as_json
from connector.api.mailboxes import find_mailbox, mailbox_models, token_state_model
from connector.api.requests import requires
from connector.api.services import ApiServices, TokenPort
from connector.client.models.mailboxes import MailboxesModel, PutTokenModel, TokenStateModel
from connector.domain.scopes import Scope
from connector.settings.model import IdentityMethod

__all__ = ["routes", "token_routes"]


def routes(services: ApiServices) -> APIRouter:
    """The list."""
    router = APIRouter(prefix="/mailboxes", tags=["mailboxes"])

    @router.get("", summary="Mailboxes", dependencies=[requires(Scope.STATUS_READ)], response_model=MailboxesModel)
    def list_() -> Response:
        """Every mailbox of the settings, how it is and what it waits for."""
        return as_json(MailboxesModel(items=mailbox_models(services)))

    return router


def token_routes(services: ApiServices, tokens: TokenPort) -> APIRouter:
    """Pro Santé Connect tokens, handed over by the LPS."""
    router = APIRouter(prefix="/mailboxes/{box}/token", tags=["mailboxes"])
    may_write = [requires(Scope.SESSIONS_WRITE)]

    @router.put("", summary="Hand over an access token", dependencies=may_write)
    def put(box: str, asked: PutTokenModel) -> TokenStateModel:
        """Kept in memory only, until it runs out; what waited for it goes on by itself."""
        mailbox = find_mailbox(services.settings, box, IdentityMethod.TOKEN)
        life = timedelta(seconds=asked.expires_in) if asked.expires_in is not None else None
        expires_at = services.clock.now() + life if life else None
        return token_state_model(tokens.put(mailbox.address, asked.access_token.get_secret_value(), expires_at))

    @router.delete("", summary="The person has logged out", status_code=204, dependencies=may_write)
    def delete(box: str) -> None:
        """Drops the token and ends the sessions that were opened with it (Ref#2 ECO.1.2.6)."""
        tokens.close(find_mailbox(services.settings, box, IdentityMethod.TOKEN).address)

    return router
