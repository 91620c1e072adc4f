"""A small OpenSSL 3 provider: private keys whose signature comes from a Python object.

OpenSSL hashes and speaks TLS; only the one signature of a full handshake comes here. Rules, each paid for:

* The provider lives in a library context of its own. In the default one it would be asked about every algorithm that
  anything in the process looks for, the server's certificate included.
* The key data is an ordinary public ``EVP_PKEY`` that carries the number of its signer (ex_data). So OpenSSL's own
  functions make, free, compare and describe it, and no Python runs when the last context goes at shut-down.
* The private half refuses to be exported: only then does OpenSSL ask this provider to sign.
* What OpenSSL holds (tables, callbacks) is immortal. What it holds of ours are numbers, never addresses of objects.
* No exception leaves a callback: it is kept for the thread (see ``failure``) and OpenSSL gets a plain "no".
* No lock is taken in here: a context may be collected at any instant, also in the middle of a callback.

The numbers are those of ``core_dispatch.h``, ``core_names.h`` and ``evp.h`` (OpenSSL 3.0 and later).
"""

import ctypes as C  # noqa: N812 - C types everywhere
import functools
import hashlib
import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connector.identities.tls_key.failure import keep
from connector.identities.tls_key.interrupt import at_border
from connector.identities.tls_key.openssl import INT, SIZE, TEXT, OpenSsl, P, Param, Params, impossible, openssl
from connector.identities.tls_key.port import Padding, Signer

__all__ = ["make_private_key"]

_NAME, _PROPERTIES = b"mss-key", b"provider=mss-key"
_SIGNER = b"mss-signer"  # our own parameter beside those of the public key
_OP_KEYMGMT, _OP_SIGNATURE = 10, 12
_SELECT_PRIVATE, _SELECT_PUBLIC = 0x01, 0x86  # the latter with the parameters of the domain
_TYPE_INT, _TYPE_UNSIGNED, _TYPE_TEXT, _TYPE_OCTETS, _UNSET = 1, 2, 4, 5, SIZE(-1).value
_EX_INDEX_EVP_PKEY = 17
_PADDINGS = {1: Padding.PKCS1V15, 6: Padding.PSS}
_ALGORITHM_NAMES = {b"RSA": b"RSA:rsaEncryption:1.2.840.113549.1.1.1", b"EC": b"EC:id-ecPublicKey:1.2.840.10045.2.1"}

_immortal: list[Any] = []
_signers: dict[int, Signer] = {}
_numbers = itertools.count(1)


class _Dispatch(C.Structure):
    _fields_ = [("id", INT), ("function", P)]


class _Algorithm(C.Structure):
    _fields_ = [("names", TEXT), ("properties", TEXT), ("dispatch", P), ("description", TEXT)]


@dataclass(slots=True)
class _Operation:
    """One signature under way."""

    padding: Padding | None  # None: ECDSA
    key: int = 0  # EVP_PKEY *, of which OpenSSL holds a reference meanwhile
    hash: str = "sha256"
    digest: Any = None


_operations: dict[int, _Operation] = {}


def make_private_key(public: int, kind: bytes, signer: Signer, *, lives_as_long_as: object) -> int:
    """A private key for OpenSSL that asks ``signer`` for each signature.

    Args:
        public: ``EVP_PKEY *`` of the certificate.
        kind: ``b"RSA"`` or ``b"EC"``.
        signer: called in the thread that shakes hands.
        lives_as_long_as: the SSL context; ``signer`` is let go when it is collected.

    Returns:
        ``EVP_PKEY *``, owned by the caller.

    Raises:
        ConfigurationError: ``TLS_CLE_IMPOSSIBLE``.
    """
    functions = openssl()
    number = C.c_uint64(next(_numbers))
    described = P()
    if functions.EVP_PKEY_todata(public, _SELECT_PUBLIC, C.byref(described)) != 1:
        raise impossible("OpenSSL does not describe the public key")
    extra = (Param * 2)(Param(_SIGNER, _TYPE_UNSIGNED, C.addressof(number), C.sizeof(number), _UNSET))
    merged = functions.OSSL_PARAM_merge(described, extra)
    try:
        made = _from_data(_provider(functions), kind, _PROPERTIES, key=P(), params=merged)
    finally:
        functions.OSSL_PARAM_free(merged)
        functions.OSSL_PARAM_free(described)
    if not made:
        raise impossible("OpenSSL takes no key whose private half is elsewhere")
    _signers[number.value] = signer
    weakref.finalize(lives_as_long_as, _signers.pop, number.value, None).atexit = False
    return made


def _from_data(library: int | None, kind: bytes, properties: bytes | None, *, key: C.c_void_p, params: int) -> int:
    """Fill ``key`` (made when null) from a description; gives back its address, 0 when that fails."""
    functions = openssl()
    maker = functions.EVP_PKEY_CTX_new_from_name(library, kind, properties)
    try:
        ready = functions.EVP_PKEY_fromdata_init(maker) == 1
        filled = ready and functions.EVP_PKEY_fromdata(maker, C.byref(key), _SELECT_PUBLIC, params) == 1
    finally:
        functions.EVP_PKEY_CTX_free(maker)
    return key.value or 0 if filled else 0


@functools.cache
def _provider(functions: OpenSsl) -> int:
    """The library context with the provider in it; made once and never freed."""
    library: int = functions.OSSL_LIB_CTX_new()
    start = _Tables(functions).provider_init
    added = functions.OSSL_PROVIDER_add_builtin(library, _NAME, start) == 1
    if not added or not functions.OSSL_PROVIDER_load(library, _NAME):
        raise impossible("OpenSSL does not take a provider")
    return library


def _forever(thing: Any) -> Any:
    """OpenSSL keeps raw pointers to it; it must not die even while Python shuts down."""
    C.pythonapi.Py_IncRef(C.py_object(thing))
    _immortal.append(thing)
    return thing


def _callback(function: Callable[..., Any], result: Any, *arguments: Any) -> int:
    """The address of a C function that calls ``function``, and says 0 when that raises."""

    def guarded(*given: Any) -> Any:
        try:
            return function(*given)
        except BaseException as cause:  # noqa: BLE001 - must not cross into C, not even Ctrl-C
            keep(cause)
            return 0

    at_border(guarded)
    return C.cast(_forever(C.CFUNCTYPE(result, *arguments)(guarded)), P).value or 0


def _dispatch(*entries: tuple[int, int]) -> int:
    return C.addressof(_forever((_Dispatch * (len(entries) + 1))(*(_Dispatch(*entry) for entry in entries))))


def _described(*items: tuple[bytes, int]) -> int:
    """A list of parameters that gives names and types only."""
    return C.addressof(_forever((Param * (len(items) + 1))(*(Param(k, t, None, 0, _UNSET) for k, t in items))))


def _algorithms(*entries: tuple[bytes, int]) -> int:
    rows = (_Algorithm(names, _PROPERTIES, table, None) for names, table in entries)
    return C.addressof(_forever((_Algorithm * (len(entries) + 1))(*rows)))


class _Tables:
    """The tables that OpenSSL reads; one object for the life of the process."""

    def __init__(self, functions: OpenSsl) -> None:
        self.functions = functions
        self.number_index: int = functions.CRYPTO_get_ex_new_index(_EX_INDEX_EVP_PKEY, 0, None, None, None, None)
        self.ecdsa = _forever(C.create_string_buffer(b"ECDSA"))
        self.settable = _described(
            (b"digest", _TYPE_TEXT), (b"pad-mode", _TYPE_INT), (b"saltlen", _TYPE_TEXT), (b"mgf1-digest", _TYPE_TEXT)
        )  # libssl fails before it asks us when these are missing
        rsa, ecdsa = self._signature(Padding.PKCS1V15), self._signature(None)
        self.answers = {
            _OP_KEYMGMT: _algorithms(*((names, self._management(kind)) for kind, names in _ALGORITHM_NAMES.items())),
            _OP_SIGNATURE: _algorithms((_ALGORITHM_NAMES[b"RSA"], rsa), (b"ECDSA", ecdsa)),
        }
        self.table = _dispatch((1027, _callback(self._query, P, P, INT, C.POINTER(INT))))
        self.provider_init = _callback(self._init, INT, P, P, C.POINTER(P), C.POINTER(P))

    def _init(self, handle: int, _core: int, out: Any, context: Any) -> int:
        out[0], context[0] = self.table, handle
        return 1

    def _query(self, _context: int, operation: int, no_cache: Any) -> int:
        no_cache[0] = 0
        return self.answers.get(operation, 0)

    # --- keys -------------------------------------------------------------------------------

    def _management(self, kind: bytes) -> int:
        """Key management; OpenSSL's own functions treat the key data as the EVP_PKEY that it is."""
        parts = _described((b"n", _TYPE_UNSIGNED), (b"e", _TYPE_UNSIGNED), (b"group", _TYPE_TEXT),
                           (b"pub", _TYPE_OCTETS), (_SIGNER, _TYPE_UNSIGNED))  # fmt: skip
        answers = _described((b"bits", _TYPE_INT), (b"security-bits", _TYPE_INT), (b"max-size", _TYPE_INT),
                             (b"default-digest", _TYPE_TEXT), (b"group", _TYPE_TEXT))  # fmt: skip
        address = self.functions.address
        types = _callback(lambda _selection: parts, P, INT)
        entries = [
            (1, address("EVP_PKEY_new")),
            (10, address("EVP_PKEY_free")),
            (11, address("EVP_PKEY_get_params")),
            (12, _callback(lambda _context: answers, P, P)),
            (21, _callback(lambda _key, _selection: 1, INT, P, INT)),  # has: whatever is asked for
            (23, address("EVP_PKEY_eq")),
            (40, _callback(functools.partial(self._import, kind), INT, P, INT, P)),
            (41, types),
            (42, _callback(self._export, INT, P, INT, P, P)),
            (43, types),
        ]
        if kind == b"EC":
            entries.append((20, _callback(lambda _operation: C.addressof(self.ecdsa), P, INT)))
        return _dispatch(*entries)

    def _import(self, kind: bytes, key: int, _selection: int, params: int) -> int:
        if not _from_data(None, kind, None, key=P(key), params=params):
            return 0
        number, found = C.c_uint64(), self.functions.OSSL_PARAM_locate(C.cast(params, Params), _SIGNER)
        if not found:
            return 1  # a bare public key, to be compared
        self.functions.OSSL_PARAM_get_uint64(found, C.byref(number))
        return int(self.functions.EVP_PKEY_set_ex_data(key, self.number_index, number.value))

    def _export(self, key: int, selection: int, receive: int, argument: int) -> int:
        if selection & _SELECT_PRIVATE and self.functions.EVP_PKEY_get_ex_data(key, self.number_index):
            return 0
        return int(self.functions.EVP_PKEY_export(key, selection, receive, argument))

    # --- signatures -------------------------------------------------------------------------

    def _signature(self, padding: Padding | None) -> int:
        size = C.POINTER(SIZE)
        return _dispatch(
            (1, _callback(lambda _context, _query: _kept(_Operation(padding)), P, P, P)),
            (8, _callback(self._start, INT, P, TEXT, P, P)),
            (9, _callback(self._update, INT, P, P, SIZE)),
            (10, _callback(self._finish, INT, P, P, size, SIZE)),
            (16, _callback(lambda operation: _operations.pop(operation, None) and None, None, P)),
            (17, _callback(_duplicated, P, P)),
            (20, _callback(lambda operation, params: self._set(_operations[operation], params), INT, P, P)),
            (21, _callback(lambda _operation, _context: self.settable, P, P, P)),
        )

    def _start(self, operation: int, hash_name: bytes | None, key: int | None, params: int | None) -> int:
        one = _operations[operation]
        one.key = key or one.key
        one.hash = _hash(hash_name) if hash_name else one.hash
        self._set(one, params)
        one.digest = hashlib.new(one.hash)
        return 1

    def _update(self, operation: int, data: int, size: int) -> int:
        _operations[operation].digest.update(C.string_at(data, size))
        return 1

    def _finish(self, operation: int, out: int | None, size: Any, room: int) -> int:
        """Without ``out`` only the length is asked for: the key is not touched."""
        one = _operations[operation]
        if not out:
            size[0] = self.functions.EVP_PKEY_get_size(one.key)
            return 1
        signature = self._sign(one)
        if len(signature) > room:
            raise ValueError(f"a signature of {len(signature)} bytes does not fit into {room}")
        C.memmove(out, signature, len(signature))
        size[0] = len(signature)
        return 1

    def _sign(self, one: _Operation) -> bytes:
        number = self.functions.EVP_PKEY_get_ex_data(one.key, self.number_index)
        digest = one.digest.digest()
        salt_length = len(digest) if one.padding is Padding.PSS else None
        return _signers[number].sign(digest, hash=one.hash, padding=one.padding, salt_length=salt_length)

    def _set(self, one: _Operation, params: int | None) -> int:
        """What libssl sets for RSA: ``pad-mode`` as a number, ``saltlen`` as the text ``digest`` (RFC 8446 4.2.3)."""
        if not params:
            return 1
        mode = INT()
        if found := self._locate(params, b"pad-mode"):
            self.functions.OSSL_PARAM_get_int(found, C.byref(mode))
            one.padding = _PADDINGS[mode.value]
        if (found := self._locate(params, b"saltlen")) and _text(found) != "digest":
            raise ValueError("the salt is to be as long as the digest")
        return 1

    def _locate(self, params: int, name: bytes) -> Any:
        return self.functions.OSSL_PARAM_locate(C.cast(params, Params), name)


def _kept(operation: _Operation) -> int:
    number = next(_numbers)
    _operations[number] = operation
    return number


def _duplicated(operation: int) -> int:
    one = _operations[operation]
    return _kept(replace(one, digest=one.digest and one.digest.copy()))


def _text(param: Any) -> str:
    return C.string_at(param.contents.data, param.contents.size).rstrip(b"\0").decode()


def _hash(name: bytes) -> str:
    """``SHA2-256`` and ``SHA256`` are what hashlib calls ``sha256``."""
    return name.decode().lower().replace("sha2-", "sha")
