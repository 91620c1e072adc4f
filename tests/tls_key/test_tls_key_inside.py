"""Inside of the TLS key room: what is refused and why, signals at the border to C, interpreters that cannot do it."""

import ctypes
import os
import platform
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import ConfigurationError
from connector.identities.tls_key import TlsKey, attach, self_test
from connector.identities.tls_key import openssl as openssl_module
from connector.identities.tls_key import provider as provider_module
from connector.identities.tls_key import self_check as self_check_module
from connector.identities.tls_key.failure import keep, with_causes
from connector.identities.tls_key.interrupt import at_border, signals_deferred
from connector.identities.tls_key.openssl import openssl, ssl_ctx
from tests.servers.pki import Pki
from tests.tls_key.contract import ROOT, Watched, greeted
from tests.tls_key.keys import HOLDER, Profile, SoftwareSigner, certify, private_key, software_key
from tests.tls_key.peer import V12, V13, Peer, client_context, demanding

# --- keys and certificates ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("curve", "hash_name"), [(ec.SECP256R1, "sha256"), (ec.SECP384R1, "sha384"), (ec.SECP521R1, "sha512")]
)
@pytest.mark.parametrize("highest", [V12, V13])
def test_each_curve_signs_with_the_hash_that_tls13_ties_to_it(
    pki: Pki, curve: type[ec.EllipticCurve], hash_name: str, highest: ssl.TLSVersion
) -> None:
    key = private_key(curve)
    watched = Watched(SoftwareSigner(key))
    context = client_context(pki)
    attach(context, TlsKey(*_named(certify(pki, key.public_key()), watched)))
    with Peer(demanding(pki, highest=highest)) as peer, greeted(context, peer) as (_, name):
        assert name == HOLDER
    assert watched.asked == [(hash_name, None, None)]


def test_a_context_takes_a_renewed_key(pki: Pki) -> None:
    context = client_context(pki)
    attach(context, software_key(pki, Profile.CPS3))
    first = context.sslsocket_class
    attach(context, software_key(pki, Profile.CPS3))
    assert context.sslsocket_class is first  # the classes do not pile up
    with Peer(demanding(pki)) as peer, greeted(context, peer) as (secure, name):
        assert (name, secure.version()) == (HOLDER, "TLSv1.2")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda pki: TlsKey(b"nothing", _signer()), "unreadable"),
        (lambda pki: TlsKey(_self_signed(ed25519.Ed25519PrivateKey.generate(), None), _signer()), "Ed25519"),
        (lambda pki: TlsKey(_self_signed(ec.generate_private_key(ec.SECP256K1())), _signer()), "secp256k1"),
        (lambda pki: TlsKey(certify(pki, private_key().public_key())[0], _signer(), (b"nothing",)), "issuer"),
        (lambda pki: TlsKey(_self_signed(rsa.generate_private_key(65537, 1024)), _signer()), "refuses"),
    ],
    ids=["unreadable", "Ed25519", "curve", "issuer", "too small for the security level"],
)
def test_a_certificate_that_cannot_be_used_is_told(pki: Pki, make: Callable[[Pki], TlsKey], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refusal:
        attach(client_context(pki), make(pki))
    assert refusal.value.code == "CERTIFICAT_INVALIDE"


def test_no_secret_and_no_certificate_shows_in_a_representation(pki: Pki) -> None:
    shown = repr(software_key(pki, Profile.CPS4))
    assert "private" not in shown.lower()
    assert "b'" not in shown


# --- what a refusal means ---------------------------------------------------------------------


def test_no_suite_in_common_is_not_taken_for_a_card_that_is_too_old(pki: Pki) -> None:
    context = client_context(pki)
    attach(context, software_key(pki, Profile.CPS3))
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    server = demanding(pki, highest=V12)
    server.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
    with Peer(server) as peer, pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
        pass
    assert failure.value.__cause__ is None


@pytest.mark.parametrize(
    ("reason", "chosen", "signed", "explained"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", None, False, True),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", ("suite", "TLSv1.2", 128), False, True),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", None, False, False),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", ("suite", "TLSv1.2", 128), True, False),
        ("TLSV1_ALERT_UNKNOWN_CA", ("suite", "TLSv1.2", 128), False, False),
        (None, ("suite", "TLSv1.2", 128), False, False),
    ],
)
def test_only_the_right_refusal_is_explained_by_the_missing_pss(
    reason: str | None, chosen: tuple[str, str, int] | None, signed: bool, explained: bool
) -> None:
    class Refused:
        def do_handshake(self) -> None:
            error = ssl.SSLError(1, "refused")
            error.reason = reason  # type: ignore[assignment]
            raise error

        def cipher(self) -> tuple[str, str, int] | None:
            return chosen

    connection = with_causes(Refused, needs_tls12=True)()
    connection.key_has_signed = signed
    with pytest.raises(ssl.SSLError) as failure:
        connection.do_handshake()
    assert getattr(failure.value.__cause__, "code", "") == ("CARTE_SANS_PSS" if explained else "")


# --- signals --------------------------------------------------------------------------------


def test_a_handler_at_the_border_waits_and_elsewhere_does_not() -> None:
    seen: list[str] = []

    def handler(_number: int, frame: FrameType | None) -> None:
        assert frame is not None
        seen.append(frame.f_code.co_name)

    def border() -> None:
        signal.raise_signal(signal.SIGINT)
        seen.append("border goes on")

    at_border(border)
    before = signal.signal(signal.SIGINT, handler)
    try:
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            border()
        seen.append("after")
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [test_a_handler_at_the_border_waits_and_elsewhere_does_not.__name__, "border goes on",
                    "signals_deferred", "after"]  # fmt: skip


def test_other_threads_never_run_handlers_and_change_none() -> None:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    seen: list[dict[signal.Signals, Any]] = []

    def look() -> None:
        with signals_deferred():
            seen.append({number: signal.getsignal(number) for number in signal.valid_signals()})

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_a_storm_of_interruptions_loses_none_and_crashes_nothing(tmp_path: Path) -> None:
    """An interruption at the first instruction of a callback made OpenSSL crash within some hundred handshakes."""
    program = tmp_path / "storm.py"
    program.write_text(_STORM)
    command = [sys.executable, "-X", "faulthandler", str(program)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))}
    ended = subprocess.run(command, capture_output=True, timeout=300, check=False, env=environment, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    sent, came = map(int, ended.stdout.split())
    assert sent == came > 200


_STORM = """
import contextlib, random, signal, ssl
from tests.servers.pki import Pki
from tests.tls_key.keys import Profile, software_key
from tests.tls_key.peer import client_context, demanding
from connector.identities.tls_key import attach

armed, sent, came = False, 0, 0


def interrupt(*_):
    global sent
    if armed:
        sent += 1
        raise KeyboardInterrupt


def storm(longest, work):
    global armed, came
    try:
        try:
            armed = True
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, longest))
            work()
        finally:
            armed = False
    except KeyboardInterrupt:
        came += 1


def step(side):
    with contextlib.suppress(ssl.SSLWantReadError):
        side.do_handshake()


signal.signal(signal.SIGALRM, interrupt)
pki = Pki()
key, server, client = software_key(pki, Profile.CPS4), demanding(pki), client_context(pki)
attach(client, key)
for _ in range(700):
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname="localhost")
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(2):
        before = came
        storm(0.0012, lambda: step(ours))
        if came > before:
            break
        step(theirs)
    storm(0.0006, lambda: attach(client_context(pki), key))
signal.setitimer(signal.ITIMER_REAL, 0)
print(sent, came)
"""


# --- interpreters that cannot do it ---------------------------------------------------------------


def test_this_python_can_and_says_what_carries_the_key() -> None:
    assert self_test() == f"{ssl.OPENSSL_VERSION} under CPython {platform.python_version()}"


@pytest.mark.parametrize(
    ("target", "name", "value", "reason"),
    [
        (sys, "implementation", SimpleNamespace(name="pypy"), "pypy"),
        (ssl, "OPENSSL_VERSION", "LibreSSL 3.3.6", "LibreSSL"),
        (ssl, "OPENSSL_VERSION_INFO", (1, 1, 1, 23, 15), "too old"),
        (openssl_module, "_ssl", SimpleNamespace(), "linked into"),
        (openssl_module, "_CRYPTO", {"EVP_no_such_function": (ctypes.c_int,)}, "EVP_no_such_function"),
        (ssl, "OPENSSL_VERSION", "OpenSSL 3.9.9", "another OpenSSL answers"),
    ],
    ids=["PyPy", "LibreSSL", "old", "static", "hidden symbols", "another copy"],
)
def test_an_interpreter_that_cannot_carry_a_key_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, target: Any, name: str, value: Any, reason: str
) -> None:
    monkeypatch.setattr(target, name, value)
    if name == "_CRYPTO":
        monkeypatch.setattr(openssl_module, "_SSL", {})
    with pytest.raises(ConfigurationError, match=reason) as refusal:
        openssl_module.openssl.__wrapped__()
    assert refusal.value.code == "TLS_CLE_IMPOSSIBLE"
    assert "python.org" in refusal.value.detail


@pytest.mark.parametrize(("function", "answer"), [("SSL_CTX_get_options", 12345), ("SSL_CTX_get_verify_mode", 0)])
def test_a_context_that_is_laid_out_differently_is_refused_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: int
) -> None:
    monkeypatch.setattr(openssl(), function, lambda _context: answer)
    with pytest.raises(ConfigurationError, match="does not answer like one"):
        ssl_ctx(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_no_context_where_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl_module, "P", SimpleNamespace(from_address=lambda _: SimpleNamespace(value=None)))
    with pytest.raises(ConfigurationError, match="there is no SSL_CTX"):
        ssl_ctx(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("EVP_PKEY_todata", "TLS_CLE_IMPOSSIBLE"),
        ("EVP_PKEY_fromdata", "TLS_CLE_IMPOSSIBLE"),
        ("SSL_CTX_use_PrivateKey", "TLS_CLE_IMPOSSIBLE"),
        ("SSL_CTX_ctrl", "CERTIFICAT_INVALIDE"),
    ],
)
def test_an_openssl_that_does_not_play_along_is_told(
    pki: Pki, monkeypatch: pytest.MonkeyPatch, function: str, code: str
) -> None:
    monkeypatch.setattr(openssl(), function, lambda *_: 0)
    with pytest.raises(ConfigurationError) as refusal:
        attach(client_context(pki), software_key(pki, Profile.CPS4))
    assert refusal.value.code == code


def test_an_openssl_that_takes_no_provider_or_no_algorithms_is_told(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(openssl(), "OSSL_PROVIDER_load", lambda *_: None)
        with pytest.raises(ConfigurationError, match="does not take a provider"):
            provider_module._provider.__wrapped__(openssl())
    control = openssl().SSL_CTX_ctrl
    monkeypatch.setattr(openssl(), "SSL_CTX_ctrl", lambda c, which, *rest: which != 102 and control(c, which, *rest))
    with pytest.raises(ConfigurationError, match="RSA\\+SHA256"):
        attach(client_context(pki), software_key(pki, Profile.CPS3))


def test_an_openssl_that_cannot_take_the_public_half_is_told(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    original = provider_module._from_data

    def refuse(library: int | None, kind: bytes, properties: bytes | None, **rest: Any) -> int:
        return original(library, kind, properties, **rest) if library else 0

    monkeypatch.setattr(provider_module, "_from_data", refuse)
    with pytest.raises(ConfigurationError) as refusal:
        attach(client_context(pki), software_key(pki, Profile.CPS4))
    assert refusal.value.code == "TLS_CLE_IMPOSSIBLE"


def test_the_provider_itself_takes_no_signature_that_does_not_fit(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[attach.__module__], "CheckedSigner", lambda signer, _public: signer)
    assert _cause_of_a_failure(pki, Watched(_signer(), after=lambda signature: signature + b"!")) == "ValueError"


def test_another_salt_than_tls_wants_is_not_signed(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "_text", lambda _param: "max")
    watched = Watched(_signer())
    assert _cause_of_a_failure(pki, watched) == "ValueError"
    assert watched.asked == []


def _cause_of_a_failure(pki: Pki, signer: Watched) -> str:
    context, key = client_context(pki), software_key(pki, Profile.CPS4)
    attach(context, replace(key, signer=signer))
    with Peer(demanding(pki)) as peer, pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
        pass
    cause = failure.value.__cause__
    assert getattr(cause, "code", "") == "SIGNATURE_IMPOSSIBLE"
    return type(cause.__cause__ if cause else None).__name__


def test_the_first_cause_counts() -> None:
    class Refused:
        def do_handshake(self) -> None:
            keep(ConfigurationError("CARTE_TLS12", "first"))
            keep(ConfigurationError("CARTE_SANS_PSS", "second"))
            raise ssl.SSLError(1, "refused")

    with pytest.raises(ssl.SSLError) as failure:
        with_causes(Refused, needs_tls12=False)().do_handshake()
    assert getattr(failure.value.__cause__, "detail", "") == "first"


def test_an_unknown_function_is_no_guess() -> None:
    with pytest.raises(AttributeError, match="EVP_unheard_of"):
        openssl().EVP_unheard_of  # noqa: B018


@pytest.mark.parametrize(
    ("machine", "loaded", "found"),
    [
        ("AMD64", "libssl-3.dll", "libssl-3.dll"),
        ("AMD64", "libssl-3-x64.dll", "libssl-3-x64.dll"),
        ("ARM64", "libssl-3-arm64.dll", "libssl-3-arm64.dll"),
        ("AMD64", "other.dll", ""),
    ],
)
def test_on_windows_the_dlls_that_ssl_has_loaded_are_taken(
    monkeypatch: pytest.MonkeyPatch, machine: str, loaded: str, found: str
) -> None:
    class Look:
        """``GetModuleHandleW``."""

        def __call__(self, path: str) -> int | None:
            return 7 if Path(path).name == loaded else None

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(ssl, "OPENSSL_VERSION_INFO", (3, 0, 13, 0, 0))
    kernel = SimpleNamespace(GetModuleHandleW=Look())
    monkeypatch.setattr(ctypes, "WinDLL", lambda _: kernel, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda path, handle: (Path(path).name, handle))
    if found:
        dll: Any = openssl_module._loaded_dll("libssl", str(Path("C") / "_ssl.pyd"))
        assert dll == (found, 7)
        return
    with pytest.raises(ConfigurationError, match="is not a DLL of its own"):
        openssl_module._libraries()


def test_both_libraries_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(openssl_module, "_loaded_dll", lambda stem, _: stem)
    libraries: Any = openssl_module._libraries()
    assert libraries == ("libssl", "libcrypto")


@pytest.mark.parametrize(
    ("function", "value", "reason"),
    [
        ("_shake_hands", lambda *_: b"another certificate", "did not come out"),
        ("_FLIGHTS", 1, "did not come out"),
        ("_Signer", lambda key: SimpleNamespace(sign=lambda *_, **__: b"", signatures=0), "failed"),
    ],
)
def test_the_self_test_fails_when_the_handshake_does(
    monkeypatch: pytest.MonkeyPatch, function: str, value: Any, reason: str
) -> None:
    monkeypatch.setattr(self_check_module, function, value)
    with pytest.raises(ConfigurationError, match=reason) as refusal:
        self_test.__wrapped__()
    assert refusal.value.code == "TLS_CLE_IMPOSSIBLE"


def _signer() -> SoftwareSigner:
    return SoftwareSigner(private_key())


def _named(certified: tuple[bytes, tuple[bytes, ...]], signer: Watched) -> tuple[bytes, Watched, tuple[bytes, ...]]:
    return certified[0], signer, certified[1]


def _self_signed(key: Any, algorithm: hashes.SHA256 | None = hashes.SHA256()) -> bytes:  # noqa: B008
    name, now = x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)
