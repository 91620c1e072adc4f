"""What every key that signs TLS handshakes must do, whatever holds it.

Another implementation runs the whole suite by subclassing it in a test module of its own::

    from tests.tls_key.contract import KeyMaker, TlsKeyContract
    from tests.tls_key.keys import Profile, certify

    class TestCardAsTlsKey(TlsKeyContract):
        profiles = (Profile.CPS3, Profile.CPS4)          # what it can imitate; default: all

        @pytest.fixture
        def make_key(self, pki: Pki, ...) -> KeyMaker:   # profile -> TlsKey, ready to sign (PIN given)
            ...  # certify(pki, public_key) gives a certificate (and its issuers) that the servers take

        @pytest.fixture
        def process_source(self, ...) -> str:            # for the tests of a whole process
            return "...Python that defines key: TlsKey..."

Faults (errors, wrong signatures, slowness, Ctrl-C) are put in front of the signer by the suite itself.
"""

import asyncio
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import aiosmtplib
import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from imapclient import IMAPClient

from connector.domain.errors import ConfigurationError, ConnectorError, NeedsPerson
from connector.identities.tls_key import Padding, Signer, TlsKey, attach
from tests.servers.moody import ScriptedImap, ScriptedSmtp, Wire
from tests.servers.pki import Pki
from tests.tls_key.keys import HOLDER, Profile
from tests.tls_key.peer import V12, V13, Peer, SecureImap, Visit, client_context, demanding, greet, see, serve_http

__all__ = ["KeyMaker", "TlsKeyContract", "Watched", "Way", "greeted"]

KeyMaker = Callable[[Profile], TlsKey]
PATIENCE_SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Watched:
    """A signer in front of the real one: counts, and misbehaves on demand."""

    inner: Signer
    before: Callable[[], object] = lambda: None
    after: Callable[[bytes], Any] = lambda signature: signature
    asked: list[tuple[str, Padding | None, int | None]] = field(default_factory=list)

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        self.asked.append((hash, padding, salt_length))
        self.before()
        signature: bytes = self.after(self.inner.sign(digest, hash=hash, padding=padding, salt_length=salt_length))
        return signature


@dataclass(frozen=True)
class Way:
    """A server and what is negotiated with it."""

    profile: Profile
    version: str
    asked: tuple[str, Padding | None, int | None]
    algorithms: str = ""

    @property
    def highest(self) -> ssl.TLSVersion:
        return V13 if self.version == "TLSv1.3" else V12


_PKCS1, _PSS, _ECDSA = ("sha256", Padding.PKCS1V15, None), ("sha256", Padding.PSS, 32), ("sha256", None, None)
WAYS = (
    Way(Profile.CPS3, "TLSv1.2", _PKCS1),
    Way(Profile.CPS4, "TLSv1.2", _PKCS1, "RSA+SHA256"),
    Way(Profile.CPS4, "TLSv1.2", _PSS, "rsa_pss_rsae_sha256"),
    Way(Profile.CPS4, "TLSv1.3", _PSS),
    Way(Profile.EC, "TLSv1.2", _ECDSA),
    Way(Profile.EC, "TLSv1.3", _ECDSA),
)


@contextmanager
def greeted(context: ssl.SSLContext, peer: Peer) -> Iterator[tuple[ssl.SSLSocket, str]]:
    """A TLS connection (late when the peer is), and the name by which the peer greets us."""
    with socket.create_connection(("127.0.0.1", peer.port), timeout=PATIENCE_SECONDS) as plain:
        if peer.late:
            plain.sendall(b"STARTTLS\r\n")
            assert plain.recv(10) == b"go\r\n"
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            yield secure, secure.recv(1000).decode().strip()


class TlsKeyContract:
    """See the module."""

    profiles: ClassVar[tuple[Profile, ...]] = tuple(Profile)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "way" in metafunc.fixturenames:
            ways = [way for way in WAYS if way.profile in self.profiles]
            ids = [f"{way.profile.name} {way.version} {way.algorithms}" for way in ways]
            metafunc.parametrize("way", ways, ids=ids)
        elif "profile" in metafunc.fixturenames:
            metafunc.parametrize("profile", self.profiles, ids=[profile.name for profile in self.profiles])

    @pytest.fixture
    def make_key(self) -> KeyMaker:
        raise NotImplementedError

    @pytest.fixture
    def process_source(self) -> str:
        raise NotImplementedError

    # --- handshakes that work ----------------------------------------------------------------

    @pytest.mark.parametrize("late", [False, True], ids=["implicit", "STARTTLS"])
    def test_each_full_handshake_costs_exactly_one_signature(
        self, pki: Pki, make_key: KeyMaker, way: Way, late: bool
    ) -> None:
        context, watched = _watched(pki, make_key(way.profile))
        with Peer(demanding(pki, highest=way.highest, algorithms=way.algorithms), late=late) as peer:
            for number in (1, 2):
                with greeted(context, peer) as (secure, name):
                    assert (secure.version(), name) == (way.version, HOLDER)
                assert watched.asked == [way.asked] * number
                assert not peer.visits.get(timeout=PATIENCE_SECONDS).resumed

    def test_a_server_that_wants_no_certificate_costs_no_signature(
        self, pki: Pki, make_key: KeyMaker, profile: Profile
    ) -> None:
        context, watched = _watched(pki, make_key(profile))
        tls = demanding(pki)
        tls.verify_mode = ssl.CERT_NONE
        with Peer(tls) as peer, greeted(context, peer) as (_, name):
            assert name == ""
        assert watched.asked == []

    def test_a_server_may_ask_for_the_certificate_later(self, pki: Pki, make_key: KeyMaker, way: Way) -> None:
        if way.version != "TLSv1.3":
            return  # TLS 1.2 does it by renegotiation, which Python's server cannot ask for
        context, watched = _watched(pki, make_key(way.profile))
        context.post_handshake_auth = True
        tls = demanding(pki)
        tls.verify_mode = ssl.CERT_OPTIONAL
        tls.post_handshake_auth = True
        with Peer(tls, talk=_ask_late) as peer:
            with greeted(context, peer) as (secure, name):
                assert (name, watched.asked) == ("", [])
                assert _told(secure) == HOLDER
                assert watched.asked == [way.asked]
            watched.before = _absent
            with greeted(context, peer) as (secure, _), pytest.raises(ssl.SSLError) as failure:
                _told(secure)
        assert _code(failure.value) == "CARTE_ABSENTE"

    # --- unmodified clients ------------------------------------------------------------------

    @pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
    def test_imapclient(self, pki: Pki, make_key: KeyMaker, way: Way, implicit: bool) -> None:
        context, watched = _watched(pki, make_key(way.profile))
        kind = SecureImap if implicit else ScriptedImap
        with kind(demanding(pki, highest=way.highest, algorithms=way.algorithms)) as server:
            client = IMAPClient("localhost", server.port, ssl=implicit, ssl_context=context, timeout=PATIENCE_SECONDS)
            if not implicit:
                client.starttls(context)
            client.sasl_login("EXTERNAL", lambda _: b"")
            client.logout()
        assert watched.asked == [way.asked]

    @pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
    def test_aiosmtplib(self, pki: Pki, make_key: KeyMaker, way: Way, implicit: bool) -> None:
        context, watched = _watched(pki, make_key(way.profile))
        tls = demanding(pki, highest=way.highest, algorithms=way.algorithms)
        with ScriptedSmtp(tls, implicit=implicit) as server:
            asyncio.run(_submit(server.port, context, implicit=implicit))
        assert watched.asked == [way.asked]
        assert [command for command in server.commands if command == "NOOP"] == ["NOOP"]

    def test_httpx(self, pki: Pki, make_key: KeyMaker, way: Way) -> None:
        context, watched = _watched(pki, make_key(way.profile))
        with Peer(demanding(pki, highest=way.highest, algorithms=way.algorithms), talk=serve_http) as peer:
            url = f"https://localhost:{peer.port}/"
            with httpx.Client(verify=context) as client:
                assert client.get(url).text == HOLDER
            assert asyncio.run(_get(url, context)) == HOLDER
        assert watched.asked == [way.asked] * 2

    # --- servers that want what the key cannot do ----------------------------------------------

    @pytest.mark.parametrize(
        "server", [{"lowest": V13}, {"highest": V12, "algorithms": "rsa_pss_rsae_sha256"}], ids=["TLS 1.3", "PSS"]
    )
    @pytest.mark.parametrize("through_bio", [False, True])
    def test_a_server_that_wants_more_than_a_cps3_can_do_is_told_apart(
        self, pki: Pki, make_key: KeyMaker, server: dict[str, Any], through_bio: bool
    ) -> None:
        if Profile.CPS3 not in self.profiles:
            return
        context, watched = _watched(pki, make_key(Profile.CPS3))
        connect = _open_and_close if through_bio else _greet_and_close
        with Peer(demanding(pki, **server)) as peer, pytest.raises(ssl.SSLError) as failure:
            connect(peer, context)
        assert isinstance(failure.value.__cause__, ConfigurationError)
        assert _code(failure.value) == "CARTE_SANS_PSS"
        assert "TLS 1.3 or PSS" in failure.value.__cause__.detail
        assert watched.asked == []

    def test_a_context_that_demands_tls13_is_refused_at_once(
        self, pki: Pki, make_key: KeyMaker, profile: Profile
    ) -> None:
        context = client_context(pki)
        context.minimum_version = V13
        key = make_key(profile)
        if not key.needs_tls12:
            attach(context, key)
            return
        with pytest.raises(ConfigurationError) as refusal:
            attach(context, key)
        assert refusal.value.code == "CARTE_TLS12"

    # --- signers that fail ---------------------------------------------------------------------

    def test_what_the_signer_raises_is_the_cause_and_the_next_handshake_works(
        self, pki: Pki, make_key: KeyMaker, way: Way
    ) -> None:
        context, watched = _watched(pki, make_key(way.profile))
        with Peer(demanding(pki, highest=way.highest, algorithms=way.algorithms)) as peer:
            watched.before = _absent
            with pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
                pass
            assert isinstance(failure.value.__cause__, NeedsPerson)
            assert _code(failure.value) == "CARTE_ABSENTE"
            assert peer.visits.get(timeout=PATIENCE_SECONDS).refusal
            watched.before = lambda: None
            with greeted(context, peer) as (_, name):
                assert name == HOLDER
        assert len(watched.asked) == 2  # nothing was tried again

    @pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
    def test_the_cause_comes_through_aiosmtplib(
        self, pki: Pki, make_key: KeyMaker, profile: Profile, implicit: bool
    ) -> None:
        context, watched = _watched(pki, make_key(profile))
        watched.before = _absent
        with ScriptedSmtp(demanding(pki), implicit=implicit) as server, pytest.raises(Exception) as failure:  # noqa: PT011
            asyncio.run(_submit(server.port, context, implicit=implicit))
        error: BaseException | None = failure.value
        while error is not None and not isinstance(error, ssl.SSLError):
            error = error.__cause__
        assert error is not None
        assert _code(error) == "CARTE_ABSENTE"
        assert len(watched.asked) == 1

    def test_connections_of_one_loop_do_not_mix_up_their_causes(
        self, pki: Pki, make_key: KeyMaker, profile: Profile
    ) -> None:
        context, watched = _watched(pki, make_key(profile))
        codes = iter(["CARTE_ABSENTE", "", "PIN_FAUX", ""])

        def sometimes() -> None:
            if code := next(codes):
                raise NeedsPerson(code, "for the test")

        watched.before = sometimes

        async def together(port: int) -> list[str]:
            ends = await asyncio.gather(*(open_once(port, context) for _ in range(4)), return_exceptions=True)
            return sorted(_code(end) if isinstance(end, ssl.SSLError) else str(end) for end in ends)

        with Peer(demanding(pki)) as peer:
            assert asyncio.run(together(peer.port)) == sorted([HOLDER, HOLDER, "CARTE_ABSENTE", "PIN_FAUX"])

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    def test_a_wish_to_stop_comes_through_as_itself(
        self, pki: Pki, make_key: KeyMaker, profile: Profile, stop: type[BaseException]
    ) -> None:
        def interrupted() -> None:
            raise stop

        context, watched = _watched(pki, make_key(profile))
        watched.before = interrupted
        with Peer(demanding(pki)) as peer:
            with pytest.raises(stop), greeted(context, peer):
                pass
            watched.before = lambda: None
            with greeted(context, peer) as (_, name):
                assert name == HOLDER

    def test_a_real_ctrl_c_inside_the_signer(self, pki: Pki, make_key: KeyMaker, profile: Profile) -> None:
        context, watched = _watched(pki, make_key(profile))
        watched.before = lambda: signal.raise_signal(signal.SIGINT)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with Peer(demanding(pki)) as peer, pytest.raises(KeyboardInterrupt), greeted(context, peer):
                pass
        finally:
            signal.signal(signal.SIGINT, before)

    @pytest.mark.parametrize(
        "spoil",
        [lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda s: s[:-1], lambda s: s + b"\0", lambda s: b"",
         lambda s: None, lambda s: s.hex()],
        ids=["wrong", "short", "long", "empty", "nothing", "text"],
    )  # fmt: skip
    def test_a_wrong_signature_is_not_sent(
        self, pki: Pki, make_key: KeyMaker, profile: Profile, spoil: Callable[[bytes], Any]
    ) -> None:
        context, watched = _watched(pki, make_key(profile))
        watched.after = spoil
        with Peer(demanding(pki)) as peer:
            with pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
                pass
            assert _code(failure.value) == "SIGNATURE_IMPOSSIBLE"
            watched.after = lambda signature: signature
            with greeted(context, peer) as (_, name):
                assert name == HOLDER

    def test_an_error_that_is_not_ours_gets_a_code(self, pki: Pki, make_key: KeyMaker, profile: Profile) -> None:
        context, watched = _watched(pki, make_key(profile))
        watched.before = lambda: 1 // 0
        with Peer(demanding(pki)) as peer, pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
            pass
        assert _code(failure.value) == "SIGNATURE_IMPOSSIBLE"
        assert isinstance(failure.value.__cause__, ConnectorError)
        assert isinstance(failure.value.__cause__.__cause__, ZeroDivisionError)

    # --- many, slow, for long ------------------------------------------------------------------

    def test_sixteen_threads_share_one_context(self, pki: Pki, make_key: KeyMaker, profile: Profile) -> None:
        context, watched = _watched(pki, make_key(profile))

        def visit(_: int) -> str:
            with greeted(context, peer) as (_secure, name):
                return name

        with Peer(demanding(pki)) as peer, ThreadPoolExecutor(16) as pool:
            assert list(pool.map(visit, range(64))) == [HOLDER] * 64
        assert len(watched.asked) == 64

    def test_a_slow_card_does_not_hold_up_the_loop_of_another_thread(
        self, pki: Pki, make_key: KeyMaker, profile: Profile
    ) -> None:
        """The signature is not given before the other loop has run a thousand turns meanwhile."""
        context, watched = _watched(pki, make_key(profile))
        signing, turned = threading.Event(), threading.Event()
        in_time: list[bool] = []

        def slow() -> None:
            signing.set()
            in_time.append(turned.wait(PATIENCE_SECONDS))

        watched.before = slow

        async def turn(peer: Peer) -> str:
            worker = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(open_once(peer.port, context))))
            await asyncio.to_thread(signing.wait, PATIENCE_SECONDS)
            for _ in range(1000):
                await asyncio.sleep(0)
            turned.set()
            return await worker

        with Peer(demanding(pki)) as peer:
            assert asyncio.run(turn(peer)) == HOLDER
        assert in_time == [True]

    def test_contexts_come_and_go_without_growth(self, pki: Pki, make_key: KeyMaker, profile: Profile) -> None:
        key = make_key(profile)

        def churn(count: int) -> None:
            for _ in range(count):
                attach(client_context(pki), key)
            gc.collect()

        churn(100)
        before = _resident_kib()
        churn(400)
        assert _resident_kib() - before < 4096  # one leaked SSL_CTX is some 30 KiB

    def test_a_context_lets_its_signer_go(self, pki: Pki, make_key: KeyMaker, profile: Profile) -> None:
        context, watched = _watched(pki, make_key(profile))
        with Peer(demanding(pki)) as peer, greeted(context, peer) as (secure, _):
            secure.context.options |= 0
        del context, secure
        gc.collect()
        assert not [one for one in gc.get_referrers(watched) if type(one).__name__ == "CheckedSigner"]

    def test_a_process_ends_well_with_everything_open(self, pki: Pki, process_source: str, tmp_path: Path) -> None:
        trust = tmp_path / "root.pem"
        trust.write_bytes(pki.root.certificate.public_bytes(Encoding.PEM))
        with Peer(demanding(pki), talk=greet) as peer:
            program = tmp_path / "program.py"
            program.write_text(f"{process_source}\nTRUST, PORT = {str(trust)!r}, {peer.port}\n{_BUSY}")
            for _ in range(3):
                command = [sys.executable, "-X", "faulthandler", str(program)]
                environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))}
                ended = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment)
                assert (ended.returncode, ended.stderr) == (0, b"")


_BUSY = """
import dataclasses, socket, ssl, threading
from connector.identities.tls_key import attach

started = threading.Semaphore(0)


class Slow:
    def __init__(self, inner, stuck):
        self.inner, self.stuck = inner, stuck

    def sign(self, digest, **how):
        signature = self.inner.sign(digest, **how)
        started.release()
        if self.stuck:
            threading.Event().wait()
        return signature


def context(stuck):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(TRUST)
    attach(made, dataclasses.replace(key, signer=Slow(key.signer, stuck)))
    return made


def connect(context):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", PORT)), server_hostname="localhost")


def again_and_again(context):
    while True:
        connect(context)


free, stuck = context(False), context(True)
kept = [connect(free) for _ in range(3)]
for target in (free, free, free, stuck, stuck, stuck):
    threading.Thread(target=again_and_again, args=(target,), daemon=True).start()
for _ in range(40):
    started.acquire()
"""


def _watched(pki: Pki, key: TlsKey) -> tuple[ssl.SSLContext, Watched]:
    watched = Watched(key.signer)
    context = client_context(pki)
    attach(context, replace(key, signer=watched))
    return context, watched


def _absent() -> None:
    raise NeedsPerson("CARTE_ABSENTE", "the card was pulled")


def _code(error: BaseException) -> str:
    return getattr(error.__cause__, "code", "")


def _ask_late(wire: Wire, visit: Visit) -> None:
    """Ask for the certificate after the handshake; it comes with the next thing that the client says."""
    greet(wire, visit)
    assert isinstance(wire.socket, ssl.SSLSocket)
    wire.socket.verify_client_post_handshake()
    wire.say("who are you?")
    wire.line()
    wire.say(see(wire.socket).name)


def _told(secure: ssl.SSLSocket) -> str:
    secure.sendall(b"\n")
    assert secure.recv(1000) == b"who are you?\r\n"
    secure.sendall(b"\n")
    return secure.recv(1000).decode().strip()


def _open_and_close(peer: Peer, context: ssl.SSLContext) -> None:
    asyncio.run(open_once(peer.port, context))


def _greet_and_close(peer: Peer, context: ssl.SSLContext) -> None:
    with greeted(context, peer):
        pass


async def open_once(port: int, context: ssl.SSLContext) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
        await writer.wait_closed()


async def _get(url: str, context: ssl.SSLContext) -> str:
    async with httpx.AsyncClient(verify=context) as client:
        return (await client.get(url)).text


async def _submit(port: int, context: ssl.SSLContext, *, implicit: bool) -> None:
    client = aiosmtplib.SMTP(
        hostname="localhost", port=port, tls_context=context, use_tls=implicit, start_tls=not implicit,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    async with client:
        await client.noop()


def _resident_kib() -> int:
    """Memory in use; where the system does not tell, its high-water mark."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
