"""One conversation with the connector of this machine.

The token, and everything said with it, goes only over a connection on which the other side has just proved that it is
the connector that wrote the discovery file. When that connection is lost in between, the proof is asked for again
instead of anything being sent to whoever has the port by then.
"""

import hmac
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from connector.client.discovery import Endpoint
from connector.client.failure import ServiceError, ServiceUnknown, ServiceUnreachable
from connector.client.models.card import CardStatusModel, CardTestModel
from connector.client.models.instance import InstanceModel
from connector.client.models.mailboxes import CodeStateModel, MailboxesModel, MailboxModel, TokenStateModel
from connector.client.proof import instance_proof, new_nonce

__all__ = ["Connection"]

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 30.0
_PERSON_SECONDS = 120.0  # the person types at the reader's own pad
_ATTEMPTS = 3
_ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)

_Model = TypeVar("_Model", bound=BaseModel)


class _NewConnection(Exception):
    """A request would have gone over a connection that has proved nothing."""


class Connection:
    """Asks the connector that a discovery file describes. Not thread-safe.

    Args:
        endpoint: where, whom, with which token.
        transport: stands in for the network in tests; it is trusted.
        language: ``fr`` or ``en``, for the ``title`` of problems.
    """

    def __init__(
        self, endpoint: Endpoint, *, transport: httpx.BaseTransport | None = None, language: str = "fr"
    ) -> None:
        self._endpoint = endpoint
        self._http = httpx.Client(
            base_url=endpoint.url,
            transport=transport or httpx.HTTPTransport(limits=_ONE_CONNECTION, trust_env=False),
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            headers={"Accept-Language": language},
            trust_env=False,
        )
        self._is_proven = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    # --- what can be asked ---

    def health(self) -> dict[str, Any]:
        """The health tree: ``status``, ``version``, ``components`` below."""
        tree = _object(self.ask("GET", "/api/v1/health"))
        if "status" not in tree:
            raise ServiceUnknown("the answer is not a health tree; another version?")
        return tree

    def card(self) -> CardStatusModel:
        """Readers and cards as they are now."""
        return self._get("/api/v1/card", CardStatusModel)

    def unlock_card(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatusModel:
        """Give one PIN to one card, once; ``None`` lets the person type it at the reader.

        Raises:
            ServiceError: as :meth:`connector.identities.card.status.CardPort.unlock`.
        """
        body = {"pin": pin, "serial": serial, "accept_last_try": accept_last_try}
        return self._send("POST", "/api/v1/card/unlock", CardStatusModel, body)

    def lock_card(self) -> CardStatusModel:
        """Forget that the PIN was typed."""
        return self._send("POST", "/api/v1/card/lock", CardStatusModel)

    def test_card(self, *, serial: str = "") -> CardTestModel:
        """Sign something meaningless and verify it."""
        return self._send("POST", "/api/v1/card/test", CardTestModel, {"serial": serial})

    def mailboxes(self) -> list[MailboxModel]:
        """The mailboxes, and what each waits for."""
        return self._get("/api/v1/mailboxes", MailboxesModel).items

    def put_token(self, box: str, token: str, *, expires_in: int | None = None) -> TokenStateModel:
        """Hand over a Pro Santé Connect access token; it is kept in memory only.

        Args:
            box: folder name or address of the mailbox.
            token: without ``Bearer``.
            expires_in: seconds, as the token came with.
        """
        body = {"access_token": token, "expires_in": expires_in}
        return self._send("PUT", f"{_mailbox(box)}/token", TokenStateModel, body)

    def forget_token(self, box: str) -> None:
        """Drop the token of a mailbox and end the sessions that it opened."""
        self.ask("DELETE", f"{_mailbox(box)}/token")

    def code_state(self, box: str) -> CodeStateModel:
        """Where the session of a mailbox stands that opens with a one-time code."""
        return self._get(f"{_mailbox(box)}/code", CodeStateModel)

    def start_code(self, box: str) -> CodeStateModel:
        """Have the operator send a code to the person."""
        return self._send("POST", f"{_mailbox(box)}/code/start", CodeStateModel)

    def give_code(self, box: str, code: str) -> CodeStateModel:
        """Give the code that the person received, once."""
        return self._send("POST", f"{_mailbox(box)}/code", CodeStateModel, {"code": code})

    def unlock_code(self, box: str) -> CodeStateModel:
        """A person has checked login and password: a code may be asked for again."""
        return self._send("POST", f"{_mailbox(box)}/code/unlock", CodeStateModel)

    # --- how it is asked ---

    def _get(self, path: str, model: type[_Model]) -> _Model:
        return _read(self.ask("GET", path), model)

    def _send(self, method: str, path: str, model: type[_Model], body: Mapping[str, Any] | None = None) -> _Model:
        return _read(self.ask(method, path, body), model)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """Send one request with the owner's token and give back an answer that is not a problem.

        Raises:
            ServiceUnreachable: ``SERVICE_ARRETE``.
            ServiceUnknown: ``SERVICE_INCONNU``: somebody else has the port.
            ServiceError: the problem that was answered.
        """
        for _ in range(_ATTEMPTS):
            if not self._is_proven:
                self._prove()
            try:
                response = self._request(method, path, body)
            except _NewConnection:
                self._is_proven = False
                continue
            if response.is_success:
                return response
            raise ServiceError(_object(response), response.status_code)
        raise ServiceUnreachable("the connection is lost each time")

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        request = self._http.build_request(
            method, path, json=body, headers={"Authorization": f"Bearer {self._endpoint.token}"},
            timeout=httpx.Timeout(_PERSON_SECONDS, connect=_CONNECT_SECONDS),
            extensions={"trace": _refuse_new_connection},
        )  # fmt: skip
        return self._reached(request)

    def _prove(self) -> None:
        """Ask for the proof, on the one connection that is then used.

        Raises:
            ServiceUnknown: ``SERVICE_INCONNU``.
        """
        nonce, endpoint = new_nonce(), self._endpoint
        response = self._reached(self._http.build_request("GET", "/api/v1/instance", params={"nonce": nonce}))
        try:
            told = InstanceModel.model_validate_json(response.content)
        except ValidationError as error:
            raise ServiceUnknown("whoever has the port does not speak our language") from error
        expected = instance_proof(
            endpoint.token, instance=endpoint.instance, host=endpoint.host, port=endpoint.port, nonce=nonce
        )
        if not endpoint.token or not hmac.compare_digest(told.proof.encode(), expected.encode()):
            raise ServiceUnknown("whoever has the port could not prove to be the connector")
        self._is_proven = True

    def _reached(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            raise ServiceUnreachable(f"no answer from port {self._endpoint.port} ({type(error).__name__})") from error


def _mailbox(box: str) -> str:
    """The address of a mailbox; whatever its name holds stays one step of the path."""
    return f"/api/v1/mailboxes/{quote(box, safe='@')}"


def _refuse_new_connection(event: str, _: Mapping[str, Any]) -> None:
    """Hook of httpcore: called before it opens a connection, when nothing has been sent yet."""
    if event.startswith("connection.connect_"):
        raise _NewConnection


def _read(response: httpx.Response, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise ServiceUnknown(f"the answer is not a {model.__name__}; another version?") from error


def _object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is something else."""
    try:
        found = response.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
