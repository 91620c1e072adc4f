"""``/api/v1/mailboxes/{box}/code``: sessions that open in two steps, ask for a code and give it."""

from functools import partial

from fastapi import APIRouter

from connector.api.blocking import Blocking
from connector.api.mailboxes import find_mailbox
from connector.api.requests import requires
from connector.api.services import CodePort
from connector.client.models.mailboxes import CodeStateModel, GiveCodeModel
from connector.domain.scopes import Scope
from connector.identities.code import CodeStatus
from connector.settings.model import IdentityMethod, MailboxSettings, Settings

__all__ = ["routes"]

_OPERATOR_SECONDS = 60.0


def routes(codes: CodePort, settings: Settings, blocking: Blocking) -> APIRouter:
    """All about one-time codes.

    Args:
        codes: the sessions.
        settings: with the mailboxes.
        blocking: runs what waits for the operator.
    """
    router = APIRouter(prefix="/mailboxes/{box}/code", tags=["mailboxes"])
    may_write = [requires(Scope.SESSIONS_WRITE)]

    def found(box: str) -> MailboxSettings:
        return find_mailbox(settings, box, IdentityMethod.CODE)

    @router.get("", summary="Where the session stands", dependencies=[requires(Scope.STATUS_READ)])
    async def status(box: str) -> CodeStateModel:
        """Never asks the operator."""
        return _model(codes.status(found(box)))

    @router.post("/start", summary="Have a code sent", dependencies=may_write)
    async def start(box: str) -> CodeStateModel:
        """Login and password of the settings go to the operator, which sends the person a code."""
        return _model(await blocking.run(partial(codes.start, found(box)), _OPERATOR_SECONDS))

    @router.post("", summary="Give the code", dependencies=may_write)
    async def give(box: str, asked: GiveCodeModel) -> CodeStateModel:
        """Given to the operator once, whatever comes of it."""
        call = partial(codes.give, found(box), asked.code.get_secret_value())
        return _model(await blocking.run(call, _OPERATOR_SECONDS))

    @router.post("/unlock", summary="Login and password are right again", dependencies=may_write)
    async def unlock(box: str) -> CodeStateModel:
        """After too many refusals nothing is said to the operator until a person says that it is worth it."""
        return _model(codes.unlock(found(box)))

    return router


def _model(status: CodeStatus) -> CodeStateModel:
    return CodeStateModel(
        state=status.state.value, expires_at=status.expires_at, sent_to=status.sent_to, start_at=status.start_at,
        code=status.code,
    )  # fmt: skip
