"""``/api/v1/pairing``: an application asks to be let in. Needs no token: the person decides, on the page."""

from fastapi import APIRouter

from connector.api.pairing import Pairing, PairingRequest
from connector.client.models.pairing import AskPairingModel, PairingModel
from connector.domain.ports import Clock

__all__ = ["routes"]


def routes(pairing: Pairing, clock: Clock) -> APIRouter:
    """Ask, and fetch the answer.

    Args:
        pairing: the requests of this moment.
        clock: the one that ``pairing`` uses.
    """
    router = APIRouter(prefix="/pairing", tags=["pairing"])

    @router.post("", summary="Ask to be let in", status_code=202)
    def ask(asked: AskPairingModel) -> PairingModel:
        """Show ``code`` to the person, then ask for the answer every second or two, for five minutes at most."""
        return _model(pairing.ask(asked.name.strip(), asked.scopes), "", clock)

    @router.get("/{request_id}", summary="What became of it?")
    def answer(request_id: str) -> PairingModel:
        """Gives the token once; afterwards the request is unknown."""
        request, token = pairing.answer(request_id)
        return _model(request, token, clock)

    return router


def _model(request: PairingRequest, token: str, clock: Clock) -> PairingModel:
    return PairingModel(
        id=request.id, code=request.code, status=request.state.value, token=token,
        scopes=sorted(scope.value for scope in request.scopes) if token else [],
        seconds_left=max(0, round(request.until - clock.monotonic())),
    )  # fmt: skip
