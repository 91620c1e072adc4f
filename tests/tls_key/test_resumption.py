"""TLS sessions that are taken up again: no signature, the client still known, and no harm where servers cannot."""

import _ssl
import asyncio
import ctypes
import socket
import ssl
from dataclasses import replace

import pytest

from connector.domain.errors import ConfigurationError
from connector.identities.tls_key import attach
from connector.identities.tls_key.openssl import ssl_ctx
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, UntrustedServer
from connector.operators.resumption import ResumingContext, may_try_without
from tests.servers.moody import Wire
from tests.servers.pki import Pki
from tests.tls_key.contract import PATIENCE_SECONDS, Watched, greeted, open_once
from tests.tls_key.keys import HOLDER, Profile, software_key
from tests.tls_key.peer import V12, V13, Peer, Visit, client_context, demanding, greet

VERSIONS = pytest.mark.parametrize("highest", [V12, V13], ids=["TLS 1.2", "TLS 1.3"])


def resuming(pki: Pki, kind: type[ssl.SSLContext] = ResumingContext) -> tuple[ssl.SSLContext, Watched]:
    key = software_key(pki, Profile.CPS4)
    watched, context = Watched(key.signer), client_context(pki, kind)
    attach(context, replace(key, signer=watched))
    return context, watched


def resumed(peer: Peer) -> list[bool]:
    """What the server saw, in order."""
    found = []
    while not peer.visits.empty():
        found.append(peer.visits.get(timeout=PATIENCE_SECONDS).resumed)
    return found


@VERSIONS
@pytest.mark.parametrize("late", [False, True], ids=["implicit", "STARTTLS"])
def test_the_second_connection_costs_no_signature_and_the_client_is_still_known(
    pki: Pki, highest: ssl.TLSVersion, late: bool
) -> None:
    context, watched = resuming(pki)
    with Peer(demanding(pki, highest=highest), late=late) as peer:
        for _ in range(3):
            with greeted(context, peer) as (_, name):
                assert name == HOLDER
        assert resumed(peer) == [False, True, True]
    assert len(watched.asked) == 1


@VERSIONS
def test_the_same_over_asyncio(pki: Pki, highest: ssl.TLSVersion) -> None:
    context, watched = resuming(pki)

    async def three_times(port: int) -> list[str]:
        return [await open_once(port, context) for _ in range(3)]

    with Peer(demanding(pki, highest=highest)) as peer:
        assert asyncio.run(three_times(peer.port)) == [HOLDER] * 3
        assert resumed(peer) == [False, True, True]
    assert len(watched.asked) == 1


def test_a_goodbye_in_order_leaves_the_session(pki: Pki) -> None:
    context, watched = resuming(pki)
    with Peer(demanding(pki), talk=_part_politely) as peer:
        for _ in range(2):
            with greeted(context, peer) as (secure, _):
                secure.unwrap().close()
    assert len(watched.asked) == 1


def test_an_ordinary_context_resumes_nothing(pki: Pki) -> None:
    context, watched = resuming(pki, ssl.SSLContext)
    with Peer(demanding(pki)) as peer:
        for _ in range(2):
            with greeted(context, peer):
                pass
    assert len(watched.asked) == 2
    assert not may_try_without(context, "localhost", ConnectionFailed("OPERATEUR_INJOIGNABLE", "gone"))


def test_sessions_die_with_their_context(pki: Pki) -> None:
    with Peer(demanding(pki)) as peer:
        for _ in range(2):
            context, watched = resuming(pki)
            with greeted(context, peer):
                pass
            assert len(watched.asked) == 1


def test_a_session_that_is_given_wins(pki: Pki) -> None:
    context, _ = resuming(pki)
    with Peer(demanding(pki, highest=V12)) as peer:
        with greeted(context, peer) as (secure, _):
            session = secure.session
        assert session is not None
        assert isinstance(context, ResumingContext)
        assert context.forget("localhost")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        made = context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=session)
        assert made.session is not None
        assert made.session.id == session.id


def test_without_a_host_name_nothing_is_remembered(pki: Pki) -> None:
    context, watched = resuming(pki)
    context.check_hostname = False
    assert context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO()).server_hostname is None
    with Peer(demanding(pki)) as peer:
        for _ in range(2):
            plain = socket.create_connection(("127.0.0.1", peer.port), timeout=PATIENCE_SECONDS)
            with context.wrap_socket(plain) as secure:
                assert secure.recv(100).decode().strip() == HOLDER
    assert len(watched.asked) == 2


@VERSIONS
@pytest.mark.parametrize("over_asyncio", [False, True])
def test_a_server_that_drops_who_resumes_is_asked_once_more_without(
    pki: Pki, highest: ssl.TLSVersion, over_asyncio: bool
) -> None:
    context, watched = resuming(pki)

    def connect(peer: Peer) -> str:
        try:
            if over_asyncio:
                return asyncio.run(open_once(peer.port, context)) or _lost()
            with greeted(context, peer) as (_, name):
                return name or _lost()
        except OSError as error:
            raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "the connection was lost") from error

    server = demanding(pki, highest=highest)
    _without_name(server)
    with Peer(server, talk=_drop_who_resumes) as peer:
        assert connect(peer) == HOLDER
        with pytest.raises(ConnectionFailed) as failure:
            connect(peer)
        assert may_try_without(context, "localhost", failure.value)
        assert connect(peer) == HOLDER
    assert len(watched.asked) == 2


@pytest.mark.parametrize(
    ("failure", "again"),
    [
        (ConnectionFailed("OPERATEUR_INJOIGNABLE", "EOF"), True),
        (ConnectionFailed("TLS_INTERROMPU", "EOF"), True),
        (ConnectionFailed("JETON_DIFFERE", "two in a row"), False),
        (UntrustedServer("SERVEUR_AUTORITE", "unknown"), False),
        (AuthenticationRefused("AUTHENTIFICATION", "no"), False),
        (ConfigurationError("CARTE_SANS_PSS", "no"), False),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_only_a_lost_connection_is_tried_again_and_only_once(
    pki: Pki, failure: ConnectionFailed, again: bool
) -> None:
    context, watched = resuming(pki)
    with Peer(demanding(pki)) as peer:
        with greeted(context, peer):
            pass
        assert may_try_without(context, "localhost", failure) is again
        assert not may_try_without(context, "localhost", failure)
        with greeted(context, peer):
            pass
    assert len(watched.asked) == 2  # forgotten, whatever the failure was


def _part_politely(wire: Wire, _: Visit) -> None:
    wire.say("goodbye")
    assert isinstance(wire.socket, ssl.SSLSocket)
    wire.socket.unwrap()


def _lost() -> str:
    raise ConnectionResetError("the server hung up")


def _drop_who_resumes(wire: Wire, visit: Visit) -> None:
    if not visit.resumed:
        greet(wire, visit)


def _without_name(server: ssl.SSLContext) -> None:
    """Like Dovecot 2.3 with ``service_count = 0``: OpenSSL drops whoever resumes (Python 3.13 sets a name again)."""
    library = ctypes.CDLL(_ssl.__file__)
    function = library.SSL_CTX_set_session_id_context
    function.restype, function.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint]
    assert function(ssl_ctx(server), b"", 0) == 1
