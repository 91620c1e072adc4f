"""``/api/v1/check``: everything that is wrong with documents, before they are sent."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Request

from connector.api.guard.tokens import Caller
from connector.api.requests import requires
from connector.api.routes.messages import BODY
from connector.api.services import ApiServices
from connector.api.submit import SUBMISSION, Budget, announced, read_body
from connector.api.trial import CHECK_PATH as PATH
from connector.api.trial import try_submission
from connector.client.models.check import CheckModel
from connector.domain.ports import IdSource
from connector.domain.scopes import Scope

__all__ = ["PATH", "routes"]


def routes(services: ApiServices, ids: IdSource, budget: Budget) -> APIRouter:
    """One route.

    Args:
        services: behind the route.
        ids: for what would be made.
        budget: of bytes that are being taken.
    """
    router = APIRouter(prefix="/check", tags=["messages"])
    limit, may_write = services.settings.api.max_body_bytes, requires(Scope.MESSAGES_WRITE)

    @router.post("", summary="Check documents without sending", response_model=CheckModel, openapi_extra=BODY)
    async def check(request: Request, _: Annotated[Caller, may_write]) -> Any:
        """Takes the same body as `POST /messages`, and says everything that is wrong with it at once.

        The documents are taken, prepared and proved as they would be, and thrown away: nothing is stored, nothing
        leaves, and a later request knows nothing of it. `refused` is the verdict; duplicates are not looked for.
        """
        with budget.reserve(announced(request, limit)):
            asked = await read_body(request, SUBMISSION)
            return await to_thread.run_sync(try_submission, services, ids, asked)

    return router
