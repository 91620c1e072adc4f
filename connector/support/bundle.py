"""The support bundle: what a vendor needs to see, and nothing that is nobody's business.

No content, no address, no name, no secret. Nothing of the journal's rows gets in but counts; settings are taken field
by field, and only what is known to be harmless keeps its value; log lines and details of findings go through
:class:`connector.support.scrub.Scrubber`, which keeps words of a fixed vocabulary only.
"""

import io
import json
import platform
import sqlite3
import ssl
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from connector import __version__
from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.intake.layout import folders_of
from connector.journal.journal import Journal
from connector.platform.share import is_share
from connector.settings.model import Settings
from connector.support.doctor.report import Report
from connector.support.doctor.world import World
from connector.support.log_lines import scrubbed_lines
from connector.support.masking import labels_of, masked_settings, setting_names
from connector.support.scrub import Scrubber

__all__ = ["Bundle", "BundleFile", "make_bundle"]

MANIFEST = "LISEZMOI.txt"
LOG_BYTES = 400_000  # of the end of each log file
_TRACES = 20_000
_PACKAGES = (
    "aiosmtplib", "alembic", "apscheduler", "cryptography", "fastapi", "httpx", "imapclient", "keyring", "lxml",
    "pikepdf", "pydantic", "python-pkcs11", "sqlalchemy", "sslcontext", "structlog", "typst", "uvicorn", "watchdog",
)  # fmt: skip
_HOSTS = ("127.0.0.1", "localhost", "igc-sante.esante.gouv.fr", "ocsp.esante.gouv.fr", "fr.pool.ntp.org")


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file of the bundle."""

    name: str
    about: Text  # for the manifest
    content: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything, before it is packed: so that a person can read it first."""

    files: tuple[BundleFile, ...]
    made_at: datetime

    def zipped(self) -> bytes:
        """The archive."""
        memory = io.BytesIO()
        when = self.made_at.timetuple()[:6]
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in self.files:
                entry = zipfile.ZipInfo(file.name, when)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, file.content.encode())
        return memory.getvalue()


def make_bundle(world: World, report: Report) -> Bundle:
    """Gather everything; what cannot be had is said in its place.

    Args:
        world: what the doctor looked at.
        report: what it found.
    """
    scrubber = _scrubber(world.settings)
    health = world.ask_health()
    files = [
        _file("versions.json", "versions des logiciels", "versions of the software", _versions()),
        _file("reglages.json", "réglages, valeurs privées masquées", "settings, private values masked",
              masked_settings(world.settings, scrubber) if world.settings else _problems(world, scrubber)),
        _file("sante.json", "état du service", "state of the service", _health(health, scrubber)),
        _file("diagnostic.json", "résultats du diagnostic", "findings of the doctor", _findings(report, scrubber)),
        _file("comptages.json", "nombres d'envois, de réceptions et de traces, par état",
              "how many messages and trace entries, by state", _journal(world, scrubber)),
        _file("dossiers.json", "nombres de fichiers, sans leurs noms", "how many files, without their names",
              _folders(world, scrubber)),
        BundleFile("technique.log", Text("fin du journal technique, filtrée", "end of the technical log, filtered"),
                   "\n".join(_log(world.paths.logs, scrubber)) + "\n"),
    ]  # fmt: skip
    now = world.clock.now()
    manifest = BundleFile(MANIFEST, Text("cette notice", "this note"), _manifest(files, now))
    return Bundle((manifest, *files), now)


def _file(name: str, fr: str, en: str, content: object) -> BundleFile:
    return BundleFile(name, Text(fr, en), json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _scrubber(settings: Settings | None) -> Scrubber:
    if settings is None:
        return Scrubber(hosts=frozenset(_HOSTS), keys=setting_names())
    servers = [server for operator in settings.operators.values() for server in (operator.smtp, operator.imap)]
    hosts = frozenset((*_HOSTS, *(server.host.lower() for server in servers)))
    return Scrubber(labels_of(settings), hosts, setting_names())


def _versions() -> dict[str, Any]:
    packages = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return {
        "connector": __version__, "python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION,
        "sqlite": sqlite3.sqlite_version, "system": platform.system(), "release": platform.release(),
        "machine": platform.machine(), "bits": 64 if sys.maxsize > 1 << 32 else 32,
        "frozen": bool(getattr(sys, "frozen", False)), "packages": packages,
    }  # fmt: skip


def _problems(world: World, scrubber: Scrubber) -> dict[str, Any]:
    """Settings that cannot be used: what is wrong with them."""
    return {"problems": [scrubber.text(f"{problem.key} {problem.wrong.en}") for problem in world.problems]}


def _health(component: Mapping[str, Any] | None, scrubber: Scrubber) -> dict[str, Any]:
    if component is None:
        return {"status": "not running"}
    return {
        "name": scrubber.text(str(component.get("name", ""))),
        "status": scrubber.text(str(component.get("status", ""))),
        "code": scrubber.text(str(component.get("code") or "")),
        "since": scrubber.text(str(component.get("since") or "")),
        "detail": scrubber.text(str(component.get("detail") or "")),
        "components": [_health(part, scrubber) for part in component.get("components") or []],
    }


def _findings(report: Report, scrubber: Scrubber) -> dict[str, Any]:
    """Codes as they are, what goes with them scrubbed; the texts of the catalogue are known to the vendor."""
    rows = [
        {
            "check": one.check.name, "code": finding.code, "severity": finding.severity.value,
            "subject": scrubber.text(finding.subject), "detail": scrubber.text(finding.detail),
        }
        for one in report.examined
        for finding in one.findings
    ]  # fmt: skip
    left_out = [{"check": one.check.name, "needs": one.need.value} for one in report.left_out]
    return {"status": report.worst.value, "findings": rows, "left_out": left_out}


def _journal(world: World, scrubber: Scrubber) -> dict[str, Any]:
    if world.settings is None:
        return {"problem": "no settings"}
    try:
        with world.open_journal() as journal:
            return _counts(journal, scrubber) if journal is not None else {"problem": "no journal"}
    except ConnectorError as failure:
        return {"problem": failure.code}


def _counts(journal: Journal, scrubber: Scrubber) -> dict[str, Any]:
    counts = {scrubber.text(box): dict(states) for box, states in sorted(journal.counts().items())}
    entries = journal.trace(limit=_TRACES)
    kinds = Counter((entry.action, entry.outcome) for entry in entries)
    return {
        "messages": counts,
        "trace": {
            "entries": len(entries),
            "oldest": entries[0].at.isoformat() if entries else None,
            "newest": entries[-1].at.isoformat() if entries else None,
            "kinds": [
                {"action": scrubber.text(action), "outcome": scrubber.text(outcome), "count": count}
                for (action, outcome), count in sorted(kinds.items())
            ],
        },
    }


def _folders(world: World, scrubber: Scrubber) -> dict[str, Any]:
    data = {path.name: path.stat().st_size for path in _of_ours(world.paths.root)}
    boxes = {}
    for mailbox in world.mailboxes:
        layout = folders_of(world.known.spool, mailbox)
        named = {
            "outbox": layout.outbox, "sent": layout.sent, "errors": layout.errors, "statuses": layout.statuses,
            "received": layout.received, "work": layout.work,
        }  # fmt: skip
        boxes[scrubber.text(mailbox.folder)] = {name: _number_in(folder) for name, folder in named.items()}
    share = is_share(world.settings.spool.root) if world.settings is not None else None
    return {"data_bytes": data, "files": boxes, "spool_on_share": share}


def _of_ours(root: Path) -> Iterator[Path]:
    """Files of the data folder whose names are ours."""
    for name in ("journal.sqlite", "journal.sqlite-wal", "logs/connector.log"):
        if (root / name).is_file():
            yield root / name


def _number_in(folder: Path) -> int | None:
    """How many entries; ``None`` when the folder cannot be read."""
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return None


def _log(folder: Path, scrubber: Scrubber) -> Iterator[str]:
    """The end of the log before this one, then of this one."""
    for name in ("connector.log.1", "connector.log"):
        try:
            with (folder / name).open("rb") as file:
                size = file.seek(0, io.SEEK_END)
                file.seek(max(0, size - LOG_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        yield from scrubbed_lines(lines[1:] if size > LOG_BYTES else lines, scrubber)


def _manifest(files: Iterable[BundleFile], now: datetime) -> str:
    rows = [(file.name, file.about, len(file.content.encode())) for file in files]
    french = "\n".join(f"  {name:<16} {size:>8} octets  {about.fr}" for name, about, size in rows)
    english = "\n".join(f"  {name:<16} {size:>8} bytes   {about.en}" for name, about, size in rows)
    return _MANIFEST.format(version=__version__, now=f"{now:%Y-%m-%d %H:%M} UTC", french=french, english=english)


_MANIFEST = """\
Dossier d'assistance du connecteur MSSanté {version}, {now}

Ce dossier est destiné à votre éditeur. Lisez-le avant de l'envoyer : chaque fichier est du texte.

{french}

Ce qui n'y est pas : documents, messages, noms et matricules de patients, destinataires, noms de fichiers, adresses
de boîtes, noms de personnes, mots de passe, codes, jetons, clés, certificats, chemins de cette machine.
Les boîtes, dossiers et chemins sont remplacés par boite-1, chemin-1… ; tout mot qui n'est pas un mot technique connu
est remplacé par […].
Le dossier reste sur cette machine tant que vous ne l'envoyez pas vous-même.

--------------------------------------------------------------------------------------------------------------------

Support bundle of the MSSanté connector {version}, {now}

This bundle is meant for your vendor. Read it before you send it: each file is text.

{english}

What is not in it: documents, messages, names and matricules of patients, recipients, names of files, addresses of
mailboxes, names of persons, passwords, PINs, tokens, keys, certificates, paths of this machine.
Mailboxes, folders and paths are replaced by boite-1, chemin-1…; every word that is not a known technical word is
replaced by […].
The bundle stays on this machine until you send it yourself.
"""
