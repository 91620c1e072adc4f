"""Keys and secrets: what cannot be read is never taken for absent, and nothing is ever replaced."""

import importlib
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from connector.domain.errors import ConfigurationError, Unavailable
from connector.platform import keystore
from connector.platform.keystore import FileKey, KeyringKey, journal_key, resolve_secret
from connector.settings.model import SecretRef

Kind = Literal["auto", "keyring", "file"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


class FakeKeyring:
    """A key store in memory that can be locked, or forget what it was given."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgets = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise RuntimeError("the collection is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise RuntimeError("the collection is locked")
        if not self.forgets:
            self.entries[service, username] = password


@pytest.mark.parametrize("kind", ["keyring", "file"])
def test_a_key_is_made_once_and_found_again(tmp_path: Path, kind: Kind) -> None:
    backend = FakeKeyring()
    key = journal_key(kind, tmp_path / "key", journal_exists=False, backend=backend)
    assert len(key) == 32
    assert journal_key(kind, tmp_path / "key", journal_exists=True, backend=backend) == key
    assert (tmp_path / "key").exists() == (kind == "file")


@pytest.mark.parametrize("kind", ["keyring", "file"])
def test_no_key_is_ever_made_for_a_journal_that_exists(tmp_path: Path, kind: Kind) -> None:
    backend = FakeKeyring()
    with pytest.raises(ConfigurationError) as caught:
        journal_key(kind, tmp_path / "key", journal_exists=True, backend=backend)
    assert caught.value.code == "CLE_ABSENTE"
    assert backend.entries == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("journal_exists", [True, False])
def test_a_locked_key_store_is_waited_for(tmp_path: Path, journal_exists: bool) -> None:
    backend = FakeKeyring()
    backend.locked = True
    with pytest.raises(Unavailable) as caught:
        journal_key("keyring", tmp_path / "key", journal_exists=journal_exists, backend=backend)
    assert caught.value.code == "SECRET_INDISPONIBLE"
    with pytest.raises(Unavailable):
        KeyringKey(backend).create()


def test_a_key_store_that_keeps_nothing_is_not_trusted() -> None:
    backend = FakeKeyring()
    backend.forgets = True
    with pytest.raises(Unavailable):
        KeyringKey(backend).create()


@pytest.mark.parametrize(
    ("platform", "file_exists", "in_file"),
    [("linux", False, True), ("win32", False, False), ("darwin", False, False), ("win32", True, True)],
)
def test_auto_takes_the_place_that_is_open_at_boot(
    tmp_path: Path, platform: str, file_exists: bool, in_file: bool
) -> None:
    backend = FakeKeyring()
    if file_exists:
        FileKey(tmp_path / "key").create()
    journal_key("auto", tmp_path / "key", journal_exists=False, backend=backend, platform=platform)
    assert (backend.entries == {}) is in_file
    assert (tmp_path / "key").exists() is in_file


def test_the_real_key_store_is_asked_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeKeyring()
    monkeypatch.setattr(importlib, "import_module", lambda name: backend if name == "keyring" else None)
    assert KeyringKey().create() == KeyringKey().read()


@posix
def test_a_key_file_is_only_for_its_owner(tmp_path: Path) -> None:
    key = FileKey(tmp_path / "key").create()
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigurationError) as caught:
        FileKey(tmp_path / "key").read()
    assert caught.value.code == "CLE_PERMISSIONS"
    (tmp_path / "key").chmod(0o400)
    assert FileKey(tmp_path / "key").read() == key


def test_an_existing_key_file_is_never_replaced(tmp_path: Path) -> None:
    key = FileKey(tmp_path / "key").create()
    with pytest.raises(Unavailable):
        FileKey(tmp_path / "key").create()
    assert FileKey(tmp_path / "key").read() == key
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        FileKey(tmp_path / "none" / "key").create()
    assert caught.value.code == "SECRET_INDISPONIBLE"


def test_a_key_file_that_cannot_be_read_is_not_absent(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(Unavailable):
        FileKey(tmp_path / "key").read()


@pytest.mark.parametrize("content", [b"", b"short", b"AAAA", b"\xff\xfe\x00"])
def test_a_damaged_key_file_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        journal_key("file", tmp_path / "key", journal_exists=False)
    assert caught.value.code == "CLE_INVALIDE"
    assert (tmp_path / "key").read_bytes() == content


def test_on_windows_the_key_file_gets_its_rights_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[tuple[str, bool]]()
    monkeypatch.setattr(keystore, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(
        "connector.platform.windows.protect_file", lambda path: seen.append((path.name, (tmp_path / "key").exists()))
    )
    FileKey(tmp_path / "key").create()
    ((name, existed),) = seen
    assert name.startswith(".key.")
    assert not existed


# --- secrets of the settings ---


def test_a_secret_is_found_where_the_settings_say(tmp_path: Path) -> None:
    backend = FakeKeyring()
    backend.set_password("mssante-connector", "bal", "in the store")
    (tmp_path / "s").write_bytes("\ufeffpremière ligne\r\nsecond\n".encode())
    (tmp_path / "s").chmod(0o600)
    assert resolve_secret(SecretRef(keyring="bal"), backend=backend) == "in the store"
    assert resolve_secret(SecretRef(file=tmp_path / "s")) == "première ligne"
    assert resolve_secret(SecretRef(env="BAL"), environment={"BAL": "from outside"}) == "from outside"


def test_a_secret_that_is_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(mode=0o600)
    for ref in (
        SecretRef(keyring="bal"), SecretRef(env="BAL"), SecretRef(file=tmp_path / "no"),
        SecretRef(file=tmp_path / "empty"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            resolve_secret(ref, backend=FakeKeyring(), environment={})
        assert caught.value.code == "SECRET_ABSENT"


@posix
def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("secret")
    (tmp_path / "s").chmod(0o604)
    with pytest.raises(ConfigurationError) as caught:
        resolve_secret(SecretRef(file=tmp_path / "s"))
    assert caught.value.code == "CLE_PERMISSIONS"
    assert "secret" not in str(caught.value)


def test_a_locked_store_does_not_make_a_secret_absent() -> None:
    backend = FakeKeyring()
    backend.locked = True
    with pytest.raises(Unavailable):
        resolve_secret(SecretRef(keyring="bal"), backend=backend)
