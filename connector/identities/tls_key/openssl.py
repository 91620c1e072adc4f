"""The OpenSSL that this Python's ``ssl`` module uses, reached by ctypes: never another copy in the process.

Objects of one OpenSSL must not reach another one, so nothing is looked up by name on a search path: the handle is
that of ``_ssl`` itself (dlsym then searches what it was linked with), on Windows the two DLLs that it has loaded.
"""

import _ssl
import ctypes as C  # noqa: N812 - C types everywhere
import functools
import platform
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connector.domain.errors import ConfigurationError

__all__ = ["OpenSsl", "Param", "impossible", "openssl", "ssl_ctx"]

P, INT, SIZE, TEXT = C.c_void_p, C.c_int, C.c_size_t, C.c_char_p
SUPPORTED = (
    "use the Python of python.org (Windows, macOS) or of the distribution (Linux), with OpenSSL 3; "
    "one that uv or python-build-standalone provides does not do"
)


class Param(C.Structure):
    """``OSSL_PARAM``: a named value of OpenSSL's provider interface (core.h)."""

    _fields_ = [("key", TEXT), ("type", C.c_uint), ("data", P), ("size", SIZE), ("ret", SIZE)]


Params = C.POINTER(Param)

_CRYPTO: dict[str, tuple[Any, ...]] = {  # name: result, arguments
    "OpenSSL_version": (TEXT, INT),
    "ERR_clear_error": (None,),
    "OSSL_LIB_CTX_new": (P,),
    "OSSL_PROVIDER_add_builtin": (INT, P, TEXT, P),
    "OSSL_PROVIDER_load": (P, P, TEXT),
    "OSSL_PARAM_locate": (Params, Params, TEXT),
    "OSSL_PARAM_get_int": (INT, Params, C.POINTER(INT)),
    "OSSL_PARAM_get_uint64": (INT, Params, C.POINTER(C.c_uint64)),
    "OSSL_PARAM_merge": (P, P, Params),
    "OSSL_PARAM_free": (None, P),
    "CRYPTO_free": (None, P, TEXT, INT),
    "CRYPTO_get_ex_new_index": (INT, INT, C.c_long, P, P, P, P),
    "EVP_PKEY_CTX_new_from_name": (P, P, TEXT, TEXT),
    "EVP_PKEY_CTX_free": (None, P),
    "EVP_PKEY_fromdata_init": (INT, P),
    "EVP_PKEY_fromdata": (INT, P, C.POINTER(P), INT, P),
    "EVP_PKEY_todata": (INT, P, INT, C.POINTER(P)),
    "EVP_PKEY_export": (INT, P, INT, P, P),
    "EVP_PKEY_new": (P,),
    "EVP_PKEY_free": (None, P),
    "EVP_PKEY_eq": (INT, P, P),
    "EVP_PKEY_get_params": (INT, P, P),
    "EVP_PKEY_get_size": (INT, P),
    "EVP_PKEY_set_ex_data": (INT, P, INT, P),
    "EVP_PKEY_get_ex_data": (P, P, INT),
    "d2i_X509": (P, P, C.POINTER(TEXT), C.c_long),
    "X509_free": (None, P),
    "X509_get_pubkey": (P, P),
}
_SSL: dict[str, tuple[Any, ...]] = {
    "SSL_CTX_get_options": (C.c_uint64, P),
    "SSL_CTX_get_verify_mode": (INT, P),
    "SSL_CTX_use_certificate": (INT, P, P),
    "SSL_CTX_use_PrivateKey": (INT, P, P),
    "SSL_CTX_ctrl": (C.c_long, P, INT, C.c_long, P),
}


class OpenSsl:
    """The functions that are used, each with its signature; an attribute is a function of that name."""

    def __init__(self, libssl: C.CDLL, libcrypto: C.CDLL) -> None:
        for library, table in ((libcrypto, _CRYPTO), (libssl, _SSL)):
            for name, (result, *arguments) in table.items():
                setattr(self, name, _bound(library, name, result, arguments))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(name)

    def address(self, name: str) -> int:
        """Where a function is, for a table of functions that OpenSSL calls."""
        return C.cast(getattr(self, name), P).value or 0


@functools.cache
def openssl() -> OpenSsl:
    """The functions of this Python's OpenSSL; found once.

    Raises:
        ConfigurationError: ``TLS_CLE_IMPOSSIBLE``: this Python cannot carry a key that only signs.
    """
    found = OpenSsl(*_libraries())
    answering = found.OpenSSL_version(0).decode()
    if answering != ssl.OPENSSL_VERSION:
        raise impossible(f"another OpenSSL answers ({answering}) than Python uses ({ssl.OPENSSL_VERSION})")
    return found


def ssl_ctx(context: ssl.SSLContext) -> int:
    """The ``SSL_CTX *`` behind a context.

    It is the first field after the object header (Modules/_ssl.c); that is no promise of CPython, so what is found is
    asked for settings that Python knows before anybody uses it.

    Raises:
        ConfigurationError: ``TLS_CLE_IMPOSSIBLE``: something else is there.
    """
    functions = openssl()
    pointer = P.from_address(id(context) + object.__basicsize__).value
    if not pointer or pointer % C.alignment(P):
        raise impossible("there is no SSL_CTX where this Python should keep it")
    options = (functions.SSL_CTX_get_options(pointer) ^ int(context.options)) & 0xFFFFFFFF
    mode = {ssl.CERT_NONE: 0, ssl.CERT_OPTIONAL: 1, ssl.CERT_REQUIRED: 3}[context.verify_mode]
    if options or functions.SSL_CTX_get_verify_mode(pointer) & 3 != mode:
        raise impossible("what this Python keeps where the SSL_CTX should be does not answer like one")
    return pointer


def impossible(reason: str) -> ConfigurationError:
    """Why this Python cannot carry a card key, and which ones can, in one sentence."""
    return ConfigurationError("TLS_CLE_IMPOSSIBLE", f"{reason}: {SUPPORTED}")


def _libraries() -> tuple[C.CDLL, C.CDLL]:
    path = getattr(_ssl, "__file__", None)
    if sys.implementation.name != "cpython" or not ssl.OPENSSL_VERSION.startswith("OpenSSL "):
        raise impossible(f"{sys.implementation.name} with {ssl.OPENSSL_VERSION} is not supported")
    if ssl.OPENSSL_VERSION_INFO < (3, 0):
        raise impossible(f"{ssl.OPENSSL_VERSION} is too old")
    if path is None:
        raise impossible("OpenSSL is linked into this Python and cannot be reached")
    if sys.platform == "win32":
        return _loaded_dll("libssl", path), _loaded_dll("libcrypto", path)
    handle = C.CDLL(path)
    return handle, handle


def _loaded_dll(stem: str, beside: str) -> C.CDLL:
    """A DLL that ``_ssl`` has loaded; nothing is loaded by name."""
    kernel = C.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    kernel.GetModuleHandleW.restype, kernel.GetModuleHandleW.argtypes = P, [C.c_wchar_p]
    tails = ("-arm64", "") if platform.machine().lower() == "arm64" else ("", "-x64")
    for tail in tails:
        name = f"{stem}-{ssl.OPENSSL_VERSION_INFO[0]}{tail}.dll"
        for path in (str(Path(beside).with_name(name)), name):
            if handle := kernel.GetModuleHandleW(path):
                return C.CDLL(path, handle=handle)
    raise impossible(f"{stem} is not a DLL of its own in this Python")


def _bound(library: C.CDLL, name: str, result: Any, arguments: list[Any]) -> Any:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise impossible(f"OpenSSL's function {name} cannot be reached") from None
    function.restype, function.argtypes = result, arguments
    return function
