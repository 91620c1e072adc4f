"""The sidecar: what the LPS says about the files that it drops (version 1).

Source rule: ``docs/folders.md``. JSON is the reference; INI and XML have the same names and give an equal value.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.domain.submission import SendOptions
from connector.intake.problem import BadDrop
from connector.intake.sidecar_ini import read_ini
from connector.intake.sidecar_json import read_json
from connector.intake.sidecar_values import Attempts, Keys, wrong
from connector.intake.sidecar_xml import read_xml

__all__ = [
    "Sidecar", "SidecarFile", "SidecarPatient", "SidecarRecipient", "listed_names",
    "read_sidecar", "sidecar_problems",
]  # fmt: skip

_FORMS: Mapping[str, Callable[[bytes], object]] = {".json": read_json, ".ini": read_ini, ".xml": read_xml}
_RPPS = re.compile(r"\d{11}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SidecarRecipient:
    """One addressee: an address, or an RPPS number for which the directory would be needed."""

    address: MailboxAddress | None
    rpps: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class SidecarFile:
    """One file of the drop as the sidecar describes it."""

    name: str
    type: str | None = None
    loinc: str | None = None
    title: str | None = None
    date: str | None = None  # YYYY-MM-DD


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarPatient:
    """The patient as the sidecar describes it; a CDA's own header always wins."""

    ins: MatriculeINS | None = None
    ins_is_qualified: bool = False
    ins_is_unqualified: bool = False  # somebody said so; silence is neither
    local_number: str | None = None  # as the LPS numbers its patients
    local_root: str | None = None  # OID of these numbers
    birth_family: str | None = None
    used_family: str | None = None
    all_given: tuple[str, ...] = ()
    given: str | None = None
    birth_date: str | None = None  # YYYY-MM-DD
    gender: str | None = None
    birth_place: str | None = None  # COG code


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """Everything that a sidecar can say."""

    reference: str | None = None
    sender: MailboxAddress | None = None
    recipients: tuple[SidecarRecipient, ...] = ()
    copies: tuple[SidecarRecipient, ...] = ()
    to_patient: bool = False  # also to the patient's own mailbox
    subject: str | None = None
    body: str | None = None
    files: tuple[SidecarFile, ...] = ()
    patient: SidecarPatient | None = field(default=None, repr=False)
    replaces: str | None = None  # reference of an earlier sending
    withdraws: str | None = None  # the same; beside a CDA any text means that very document
    options: SendOptions = field(default_factory=SendOptions)
    sha256: Mapping[str, str] = field(default_factory=dict)  # file name to lower-case hex
    unknown_keys: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()  # known, but without effect on this kind of drop


def read_sidecar(name: str, data: bytes, limits: Limits) -> Sidecar:
    """Read a sidecar of any form.

    Args:
        name: its file name; the last suffix tells the form.
        data: its bytes.
        limits: ``max_sidecar_bytes``.

    Raises:
        BadDrop: ``TROP_GROS``, ``ENCODAGE``, ``SIDECAR_INVALIDE``, ``DESTINATAIRE_INVALIDE``, ``INS_INVALIDE``.
    """
    sidecar, problems = _read(name, data, limits)
    for problem in problems:
        raise problem
    return sidecar


def sidecar_problems(name: str, data: bytes, limits: Limits) -> tuple[BadDrop, ...]:
    """Everything that is wrong with a sidecar; :func:`read_sidecar` raises the first of them.

    Args:
        name: its file name.
        data: its bytes.
        limits: ``max_sidecar_bytes``.
    """
    try:
        return tuple(_read(name, data, limits)[1])
    except BadDrop as unreadable:
        return (unreadable,)


def _read(name: str, data: bytes, limits: Limits) -> tuple[Sidecar, list[BadDrop]]:
    if len(data) > limits.max_sidecar_bytes:
        raise BadDrop("TROP_GROS", f"the sidecar has {len(data)} bytes", "Le fichier d'accompagnement est trop gros.")
    read = _FORMS.get(PurePath(name).suffix.lower(), read_json)
    attempts = Attempts()
    return _sidecar(Keys(read(data)), attempts), attempts.problems


def listed_names(sidecar: Sidecar) -> tuple[str, ...]:
    """The files that the sidecar demands, in its order, each once."""
    return tuple(dict.fromkeys(file.name for file in sidecar.files))


def _sidecar(keys: Keys, attempts: Attempts) -> Sidecar:
    attempts(lambda: _check_version(keys), None)
    options = attempts.inner(keys, "options")
    sidecar = Sidecar(
        reference=attempts.text(keys, "reference", max_chars=64),
        sender=attempts(lambda: _sender(keys), None),
        recipients=attempts.each(keys, "destinataires", partial(_recipient, keys)),
        copies=attempts.each(keys, "copie", partial(_recipient, keys)),
        to_patient=attempts.yes(keys, "patient_mes"),
        subject=attempts.text(keys, "objet", max_chars=200),
        body=attempts.text(keys, "corps", max_chars=100_000, lines=True),
        files=attempts.each(keys, "fichiers", partial(_file, keys)),
        patient=_patient(attempts.inner(keys, "patient"), attempts),
        options=_options(options, attempts),
        sha256=_hashes(attempts.inner(keys, "sha256"), attempts),
        replaces=attempts.text(options, "remplace", max_chars=200),
        withdraws=attempts.text(options, "annule", max_chars=200),
    )
    return replace(sidecar, unknown_keys=keys.unknown())


def _check_version(keys: Keys) -> None:
    version = keys.text("version", max_chars=10)
    if version not in (None, "1"):
        wrong("version", "1", version)


def _sender(keys: Keys) -> MailboxAddress | None:
    text = keys.text("expediteur", max_chars=320)
    return None if text is None else _address(keys.name("expediteur"), text)


def _address(key: str, text: str) -> MailboxAddress:
    try:
        return MailboxAddress.parse(text)
    except InvalidSubmission as error:
        sentence = f"Rubrique « {key} » : ce n'est pas une adresse de messagerie ({len(text)} caractères)."
        raise BadDrop(error.code, error.detail, sentence) from None


def _recipient(keys: Keys, name: str, item: object) -> SidecarRecipient:
    if isinstance(item, str):
        item = {"rpps" if _RPPS.fullmatch(item.strip()) else "adresse": item}
    inner = keys.adopt(Keys(item, name))
    address, rpps = inner.text("adresse", max_chars=320), inner.text("rpps", max_chars=20)
    label = inner.text("nom", max_chars=200)
    if rpps is not None and not _RPPS.fullmatch(rpps):
        wrong(f"{name}.rpps", "un numéro RPPS de 11 chiffres", rpps)
    if address is None and rpps is None:
        wrong(name, "une adresse", item)
    return SidecarRecipient(None if address is None else _address(f"{name}.adresse", address), rpps, label)


def _file(keys: Keys, name: str, item: object) -> SidecarFile:
    inner = keys.adopt(Keys({"nom": item} if isinstance(item, str) else item, name))
    file_name = inner.text("nom", max_chars=255)
    if file_name is None:
        wrong(f"{name}.nom", "un nom de fichier", None)
    return SidecarFile(
        _inside(f"{name}.nom", file_name), inner.text("type", max_chars=64), inner.text("loinc", max_chars=64),
        inner.text("titre", max_chars=200), inner.date("date"),
    )  # fmt: skip


def _inside(key: str, name: str) -> str:
    """The name, when it can only mean a file of the drop's own folder."""
    if any(c in name for c in '/\\:*?"<>|') or name.startswith((".", "~$")) or name != name.strip():
        wrong(key, "un simple nom de fichier, sans dossier,", name)
    return unicodedata.normalize("NFC", name)


def _patient(keys: Keys, attempts: Attempts) -> SidecarPatient | None:
    if not keys:
        return None
    ins, local = attempts.inner(keys, "ins"), attempts.inner(keys, "identifiant")
    qualified = attempts(lambda: _qualified(ins), None)
    names = attempts.items(keys, "prenoms")
    return SidecarPatient(
        ins=attempts(lambda: _ins(ins), None),
        ins_is_qualified=qualified is True,
        ins_is_unqualified=qualified is False,
        local_number=attempts.text(local, "valeur", max_chars=64),
        local_root=attempts.text(local, "oid", max_chars=64),
        birth_family=attempts.text(keys, "nom_naissance", max_chars=100),
        used_family=attempts.text(keys, "nom_utilise", max_chars=100),
        all_given=tuple(str(item).strip() for _, item in names if str(item).strip()),
        given=attempts.text(keys, "prenom", max_chars=100),
        birth_date=attempts(lambda: keys.date("naissance"), None),
        gender=attempts.text(keys, "sexe", max_chars=10),
        birth_place=attempts.text(keys, "lieu_naissance", max_chars=10),
    )  # fmt: skip


def _qualified(ins: Keys) -> bool | None:
    """What was said; silence is neither yes nor no."""
    return None if ins.get("qualifiee") is None else ins.yes("qualifiee", default=False)


def _ins(keys: Keys) -> MatriculeINS | None:
    value, oid = keys.text("valeur", max_chars=40), keys.text("oid", max_chars=64)
    if value is None:
        return None
    try:
        return MatriculeINS.parse(value, oid or INS_NIR)
    except InvalidSubmission as error:
        sentence = f"Rubrique « {keys.name('valeur')} » : la clé, la longueur ou l'OID ne convient pas."
        raise BadDrop(error.code, error.detail, sentence) from None


def _options(keys: Keys, attempts: Attempts) -> SendOptions:
    return SendOptions(
        delivery_receipt=attempts.yes(keys, "accuse_reception", default=True),
        read_receipt=attempts.yes(keys, "accuse_lecture"),
        urgent=attempts.yes(keys, "urgent"),
        no_reply_from_patient=attempts.yes(keys, "sans_reponse"),
        hide_from_professionals=attempts.yes(keys, "masque_ps"),
        hide_from_patient=attempts.yes(keys, "invisible_patient"),
        hide_from_legal_representatives=attempts.yes(keys, "invisible_representants"),
        allow_duplicate=attempts.yes(keys, "doublon_autorise"),
        file_number=attempts.text(keys, "numero_dossier", max_chars=40),
    )


def _hashes(keys: Keys, attempts: Attempts) -> dict[str, str]:
    given = [(name, value) for name, value in keys.all().items() if value not in (None, "")]
    return dict(filter(None, (attempts(partial(_hash, keys, name, value), None) for name, value in given)))


def _hash(keys: Keys, name: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, str) or not _SHA256.fullmatch(value.strip().lower()):
        wrong(keys.name("…"), "une empreinte de 64 chiffres hexadécimaux", value)
    return _inside("sha256", name), value.strip().lower()
