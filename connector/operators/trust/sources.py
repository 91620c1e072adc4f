"""Getting the authorities of IGC-Santé: from Cryptolib's folder, from the ANS, from a file that a person gives.

In that order, and each only by its fingerprint. What Cryptolib has costs nothing and is always looked at; the ANS is
asked only for what is still missing, and never by itself: its host shuts out those who ask too often (rules 10.3).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from connector.domain.errors import ConfigurationError, ConnectorError
from connector.operators.trust.certificates import common_name, fingerprint, plain_fingerprint, read_certificates
from connector.operators.trust.download import Fetch
from connector.operators.trust.pins import Igc, Pin, cryptolib_folders
from connector.operators.trust.store import Authority, TrustStore

__all__ = ["Gained", "gather", "import_file"]

MAX_FILE_BYTES = 200_000
MAX_FILES = 200
_SUFFIXES = frozenset({".cer", ".crt", ".der", ".pem", ".p7b"})


@dataclass(frozen=True, slots=True)
class Gained:
    """What became of one authority in one round; ``authority`` is ``None`` when it could not be had."""

    name: str
    authority: Authority | None
    is_new: bool = False
    code: str = ""
    detail: str = ""


Tell = Callable[[Gained], None]


def gather(
    store: TrustStore, igcs: Iterable[Igc], fetch: Fetch, *, folders: Sequence[Path] | None = None,
    tell: Tell = lambda _: None,
) -> list[Gained]:  # fmt: skip
    """Get every pinned authority that can be had. Blocks while it downloads.

    Args:
        store: where they go.
        igcs: hierarchies in use; nothing is asked of the ANS for another.
        fetch: how files are fetched.
        folders: of Cryptolib; default: those of this system.
        tell: called with each outcome as it comes.

    Returns:
        One outcome per pinned authority of these hierarchies; those that only persons need, and that nobody has,
        are left out.

    Raises:
        OSError: the store cannot be written.
    """
    before = {authority.sha256 for authority in store.authorities()}
    wanted = [pin for pin in store.pins if pin.igc in set(igcs)]
    _from_folders(store, cryptolib_folders() if folders is None else folders)
    failures = _from_addresses(store, wanted, fetch)
    held = {authority.sha256: authority for authority in store.authorities()}
    outcomes = []
    for pin in wanted:
        found = held.get(pin.sha256)
        if found is not None or pin.address:
            error = failures.get(pin.address)
            code, detail = (error.code, error.detail) if error is not None and found is None else ("", "")
            outcomes.append(Gained(pin.name, found, pin.sha256 not in before, code, detail))
            tell(outcomes[-1])
    return outcomes


def _from_folders(store: TrustStore, folders: Iterable[Path]) -> None:
    for path in _files(folders):
        for certificate in _readable(path):
            if store.pin_of(certificate) is not None:
                store.add(certificate, source=str(path.parent))


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        except OSError:  # not installed, or not for us
            continue
        yield from found[:MAX_FILES]


def _readable(path: Path) -> list[x509.Certificate]:
    """What is in a file of Cryptolib; nothing when it cannot be read: it is one source of three."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return []
        return read_certificates(path.read_bytes())
    except (OSError, ValueError):
        return []


def _from_addresses(store: TrustStore, wanted: Sequence[Pin], fetch: Fetch) -> dict[str, ConnectorError]:
    """Each missing one from its own address.

    Returns:
        Why an address gave nothing.
    """
    failures: dict[str, ConnectorError] = {}
    held = {authority.sha256 for authority in store.authorities()}
    for pin in wanted:
        if pin.address and pin.sha256 not in held:
            _from_address(store, pin.address, fetch, failures)
    return failures


def _from_address(store: TrustStore, address: str, fetch: Fetch, failures: dict[str, ConnectorError]) -> None:
    try:
        found = read_certificates(fetch(address, MAX_FILE_BYTES))
        pinned = [certificate for certificate in found if store.pin_of(certificate) is not None]
        if not pinned:
            raise _unknown(found[0])
        for certificate in pinned:
            store.add(certificate, source=address)
    except ValueError:
        failures[address] = ConfigurationError("AUTORITE_INCONNUE", f"{address} gives no certificate")
    except ConnectorError as error:
        failures[address] = error


def _unknown(certificate: x509.Certificate) -> ConfigurationError:
    text = f"{common_name(certificate.subject)} is not one of the pinned ones: SHA-256 {fingerprint(certificate)}"
    return ConfigurationError("AUTORITE_INCONNUE", text)


def import_file(
    store: TrustStore, path: Path, *, accepted: Iterable[str] = (), igc: Igc = "production"
) -> list[Authority]:
    """Accept the authorities of a file: the pinned ones, and those whose fingerprint a person names on purpose.

    Args:
        store: where they go.
        path: PEM, DER or PKCS#7.
        accepted: fingerprints, in any spelling.
        igc: hierarchy of those that are not pinned.

    Returns:
        All authorities of the file that are accepted now, also those that were before.

    Raises:
        ConfigurationError: ``TRUST_ILLISIBLE``; ``AUTORITE_INCONNUE`` when nothing in the file is accepted, or an
            accepted fingerprint is not in it. Nothing has been added then.
        OSError: the file cannot be read, or the store not be written.
    """
    try:
        found = read_certificates(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} holds no readable certificate") from error
    by_hand = {plain_fingerprint(text) for text in accepted}
    absent = by_hand - {fingerprint(certificate) for certificate in found}
    if absent:
        raise ConfigurationError("AUTORITE_INCONNUE", f"{path.name} holds no certificate with SHA-256 {absent.pop()}")
    taken = [one for one in found if fingerprint(one) in by_hand or store.pin_of(one) is not None]
    if not taken:
        raise _unknown(found[0])
    for certificate in taken:
        store.vouch(certificate, by_hand)
    return [store.add(certificate, source=str(path), accepted=by_hand, igc=igc) for certificate in taken]
