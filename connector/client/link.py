"""One conversation with the connector of this machine: the connection itself.

The owner's token, and everything said with it, goes only over a connection on which the other side has just proved
that it is the connector that wrote the discovery file. When that connection is lost in between, the proof is asked
for again instead of anything being sent to whoever has the port by then.
"""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from connector.client.discovery import Endpoint
from connector.client.failure import ServiceError, ServiceUnknown, ServiceUnreachable
from connector.client.models.instance import InstanceModel
from connector.client.pinning import PinnedContext, is_refusal
from connector.client.proof import instance_proof, new_nonce

__all__ = ["Link", "as_object", "read_as"]

_CONNECT_SECONDS = 3.0
_PERSON_SECONDS = 120.0  # the person types at the reader's own pad
_SILENCE_SECONDS = 45.0  # of a stream: it says at least "still here" every 15 seconds
_ATTEMPTS = 3
_ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)

_Model = TypeVar("_Model", bound=BaseModel)


class _NewConnection(Exception):
    """A request would have gone over a connection that has proved nothing."""


class Link:
    """Asks the connector. Not thread-safe.

    Args:
        endpoint: where, whom, with which token.
        language: ``fr`` or ``en``, for the ``title`` of problems.
        proves: the other side has to prove who it is before it gets the token; only the owner's token can tell.
    """

    def __init__(self, endpoint: Endpoint, *, language: str = "fr", proves: bool = True) -> None:
        self._endpoint = endpoint
        self._http = httpx.Client(
            base_url=endpoint.url,
            transport=_transport(endpoint),
            timeout=httpx.Timeout(_PERSON_SECONDS, connect=_CONNECT_SECONDS),
            headers={"Accept-Language": language},
            trust_env=False,
        )
        self._proves = proves
        self._is_proven = not proves

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> httpx.Response:
        """Send one request with the token and give back an answer that is not a problem.

        Args:
            method: of HTTP.
            path: below the root, e.g. ``/api/v1/card``.
            body: sent as JSON.
            options: further ones of ``httpx.Client.build_request``: ``params``, ``files``, ``headers``.

        Raises:
            ServiceUnreachable: ``SERVICE_ARRETE``.
            ServiceUnknown: ``SERVICE_INCONNU``: somebody else has the port.
            ServiceError: the problem that was answered.
        """
        response = self._send_proven(method, path, stream=False, json=body, **options)
        if not response.is_success:
            raise ServiceError(as_object(response), response.status_code)
        return response

    @contextmanager
    def stream(self, path: str, **options: Any) -> Iterator[Iterator[str]]:
        """The lines of an answer while they come; the conversation serves nothing else meanwhile.

        Raises:
            ServiceError, ServiceUnknown, ServiceUnreachable: as :meth:`ask`.
        """
        silence = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        response = self._send_proven("GET", path, stream=True, timeout=silence, **options)
        try:
            if not response.is_success:
                response.read()
                raise ServiceError(as_object(response), response.status_code)
            yield self._lines(response)
        finally:
            response.close()

    def _lines(self, response: httpx.Response) -> Iterator[str]:
        try:
            yield from response.iter_lines()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _send_proven(self, method: str, path: str, *, stream: bool, **options: Any) -> httpx.Response:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self._endpoint.token}"}
        if self._proves:
            options["extensions"] = {"trace": _refuse_new_connection}
        for _ in range(_ATTEMPTS):
            if not self._is_proven:
                self._prove()
            request = self._http.build_request(method, path, headers=headers, **options)
            try:
                return self._reached(request, stream=stream)
            except _NewConnection:
                self._is_proven = False
        raise ServiceUnreachable("the connection is lost each time")

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

    def _reached(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        try:
            return self._http.send(request, stream=stream)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> ServiceUnreachable | ServiceUnknown:
        if is_refusal(error):
            return ServiceUnknown("whoever has the port does not show the certificate of the connector")
        return ServiceUnreachable(f"no answer from port {self._endpoint.port} ({type(error).__name__})")


def _transport(endpoint: Endpoint) -> httpx.HTTPTransport:
    if endpoint.scheme == "http":
        return httpx.HTTPTransport(limits=_ONE_CONNECTION, trust_env=False)
    pinned = PinnedContext(endpoint.certificate_sha256)
    return httpx.HTTPTransport(verify=pinned, limits=_ONE_CONNECTION, trust_env=False)


def _refuse_new_connection(event: str, _: Mapping[str, Any]) -> None:
    """Hook of httpcore: called before it opens a connection, when nothing has been sent yet."""
    if event.startswith("connection.connect_"):
        raise _NewConnection


def read_as(response: httpx.Response, model: type[_Model]) -> _Model:
    """The answer as a model.

    Raises:
        ServiceUnknown: ``SERVICE_INCONNU``: it is something else.
    """
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise ServiceUnknown(f"the answer is not a {model.__name__}; another version?") from error


def as_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is something else."""
    try:
        found = response.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
