"""Custody of the journal's key, and of the secrets that the settings refer to.

One rule above all: *cannot read* is never *absent*. A locked key store, a missing D-Bus, a share that is gone raise
:class:`~connector.domain.errors.Unavailable`; only a store that answered "no such entry" counts as absent. A new key
is only ever made when there is no journal yet: a key made too early would make every payload unreadable.
"""

import base64
import binascii
import importlib
import os
import secrets
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, cast

from connector.domain.errors import ConfigurationError, Unavailable
from connector.platform.files import rename_durable, write_atomic
from connector.settings.model import SecretRef

__all__ = [
    "KEY_BYTES",
    "SERVICE",
    "FileKey",
    "KeyPlace",
    "KeyringBackend",
    "KeyringKey",
    "journal_key",
    "resolve_secret",
]

SERVICE = "mssante-connector"
KEY_BYTES = 32  # AES-256
_ENTRY = "journal"


class KeyringBackend(Protocol):
    """The two calls of :mod:`keyring` that we need."""

    def get_password(self, service: str, username: str) -> str | None:
        """The entry, or ``None`` when the store answered that there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the entry."""
        ...


class KeyPlace(Protocol):
    """One place that can hold the key."""

    def read(self) -> bytes | None:
        """The key; ``None`` only when it is certainly absent.

        Raises:
            Unavailable: ``SECRET_INDISPONIBLE``: it cannot be told now.
            ConfigurationError: ``CLE_PERMISSIONS`` or ``CLE_INVALIDE``.
        """
        ...

    def create(self) -> bytes:
        """Make a new key and store it durably. Raises as :meth:`read`."""
        ...


class KeyringKey:
    """The key in the system's key store."""

    def __init__(self, backend: KeyringBackend | None = None, *, entry: str = _ENTRY) -> None:
        self._backend = backend
        self._entry = entry

    def read(self) -> bytes | None:
        """See :class:`KeyPlace`."""
        text = _keyring_get(self._entry, self._backend)
        return None if text is None else _decoded(text)

    def create(self) -> bytes:
        """See :class:`KeyPlace`."""
        key = secrets.token_bytes(KEY_BYTES)
        try:
            _keyring(self._backend).set_password(SERVICE, self._entry, _encoded(key))
        except Exception as error:
            raise _locked(error) from error
        if self.read() != key:
            raise Unavailable("SECRET_INDISPONIBLE", "the key store did not keep the new key")
        return key


class FileKey:
    """The key in a file that only its owner can read: 64 bytes of base64 text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """See :class:`KeyPlace`."""
        try:
            return _decoded(_owner_only_text(self._path))
        except FileNotFoundError:
            return None

    def create(self) -> bytes:
        """See :class:`KeyPlace`; an existing file is never touched."""
        key = secrets.token_bytes(KEY_BYTES)
        written = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}.part")
        try:
            write_atomic(written, _encoded(key).encode("ascii") + b"\n")
            try:
                _protect(written)
                rename_durable(written, self._path)
            except BaseException:
                written.unlink(missing_ok=True)
                raise
        except FileExistsError as error:
            raise Unavailable("SECRET_INDISPONIBLE", "the key file appeared meanwhile") from error
        except OSError as error:
            raise Unavailable("SECRET_INDISPONIBLE", f"the key file cannot be written: {error.strerror}") from error
        return key


def _protect(path: Path) -> None:
    if sys.platform == "win32":
        from connector.platform.windows import protect_file  # noqa: PLC0415 - one operating system only

        protect_file(path)


def journal_key(
    kind: Literal["auto", "keyring", "file"], path: Path, *, journal_exists: bool,
    backend: KeyringBackend | None = None, platform: str = sys.platform,
) -> bytes:  # fmt: skip
    """The 32-byte key of the journal; made on the first start.

    ``auto`` takes the key file if there is one, else the key store on Windows and macOS (Credential Manager,
    Keychain: open whenever the user is logged in) and the file on Linux (a Secret Service is often absent or locked
    when a service starts at boot).

    Args:
        kind: the setting ``journal.key_store``.
        path: of the key file.
        journal_exists: True when there are payloads already: then no key is ever made.
        backend: a double of :mod:`keyring`.
        platform: ``sys.platform``.

    Raises:
        Unavailable: ``SECRET_INDISPONIBLE``: locked, try again later.
        ConfigurationError: ``CLE_ABSENTE`` when the journal exists without its key, ``CLE_PERMISSIONS``,
            ``CLE_INVALIDE``.
    """
    place = _place(kind, path, backend, platform)
    key = place.read()
    if key is not None:
        return key
    if journal_exists:
        raise ConfigurationError("CLE_ABSENTE", f"no key in the {kind} key store, but the journal exists")
    return place.create()


def _place(kind: str, path: Path, backend: KeyringBackend | None, platform: str) -> KeyPlace:
    prefers_file = platform not in ("win32", "darwin") or path.exists()
    if kind == "file" or (kind == "auto" and prefers_file):
        return FileKey(path)
    return KeyringKey(backend)


def resolve_secret(
    ref: SecretRef, *, backend: KeyringBackend | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """The secret that a setting refers to.

    Raises:
        Unavailable: ``SECRET_INDISPONIBLE``: it cannot be read now.
        ConfigurationError: ``SECRET_ABSENT`` when there is none, ``CLE_PERMISSIONS`` when others can read its file.
    """
    if ref.keyring is not None:
        secret = _keyring_get(ref.keyring, backend)
        where = f"the key store has no entry {ref.keyring!r} for {SERVICE}"
    elif ref.env is not None:
        secret = environment.get(ref.env)
        where = f"the environment variable {ref.env} is not set"
    else:
        secret = _first_line(cast("Path", ref.file))
        where = "the secret file is missing or its first line is empty"
    if not secret:
        raise ConfigurationError("SECRET_ABSENT", where)
    return secret


def _first_line(path: Path) -> str | None:
    try:
        return _owner_only_text(path).partition("\n")[0].removesuffix("\r")
    except FileNotFoundError:
        return None


def _owner_only_text(path: Path) -> str:
    """Read a file after having made sure, on the same handle, that nobody else can (POSIX)."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
                raise ConfigurationError(
                    "CLE_PERMISSIONS", f"{path.name} has mode {stat.S_IMODE(mode):04o}, not 0600"
                )
            return file.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable("SECRET_INDISPONIBLE", f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError("CLE_INVALIDE", f"{path.name} is not a text file") from error


def _keyring(backend: KeyringBackend | None) -> KeyringBackend:
    """The real module is imported late: it looks for its backends, which takes a while."""
    return backend or cast("KeyringBackend", importlib.import_module("keyring"))


def _keyring_get(entry: str, backend: KeyringBackend | None) -> str | None:
    try:
        return _keyring(backend).get_password(SERVICE, entry)
    except Exception as error:  # backends let errors of D-Bus, ctypes and COM through: all mean "locked"
        raise _locked(error) from error


def _locked(error: Exception) -> Unavailable:
    return Unavailable("SECRET_INDISPONIBLE", f"the system's key store does not answer ({type(error).__name__})")


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("CLE_INVALIDE", "the stored key is not base64") from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError("CLE_INVALIDE", f"the stored key has {len(key)} bytes, not {KEY_BYTES}")
    return key
