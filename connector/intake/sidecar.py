"""The sidecar: what the LPS says about the files that it drops (version 1).

Source rule: ``docs/folders.md``. JSON is the reference; INI and XML have the same names and give an equal value.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.domain.submission import SendOptions
from connector.intake.problem import BadDrop
from connector.intake.sidecar_ini import read_ini
from connector.intake.sidecar_json import read_json
from connector.intake.sidecar_values import Keys, wrong
from connector.intake.sidecar_xml import read_xml

__all__ = [
    "SIDECAR_SUFFIXES", "Sidecar", "SidecarFile", "SidecarPatient", "SidecarRecipient", "listed_names",
    "read_sidecar",
]  # fmt: skip

SIDECAR_SUFFIXES = (".mss.json", ".mss.ini", ".mss.xml")
"""What follows the base name; compared without case."""

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
    if len(data) > limits.max_sidecar_bytes:
        raise BadDrop("TROP_GROS", f"the sidecar has {len(data)} bytes", "Le fichier d'accompagnement est trop gros.")
    read = _FORMS.get(PurePath(name).suffix.lower(), read_json)
    return _sidecar(Keys(read(data)))


def listed_names(sidecar: Sidecar) -> tuple[str, ...]:
    """The files that the sidecar demands, in its order, each once."""
    return tuple(dict.fromkeys(file.name for file in sidecar.files))


def _sidecar(keys: Keys) -> Sidecar:
    version = keys.text("version", max_chars=10)
    if version not in (None, "1"):
        wrong("version", "1", version)
    options = keys.inner("options")
    sidecar = Sidecar(
        reference=keys.text("reference", max_chars=64),
        sender=_sender(keys),
        recipients=_recipients(keys, "destinataires"),
        copies=_recipients(keys, "copie"),
        to_patient=keys.yes("patient_mes", default=False),
        subject=keys.text("objet", max_chars=200),
        body=keys.text("corps", max_chars=100_000, lines=True),
        files=tuple(_file(keys, name, item) for name, item in keys.items("fichiers")),
        patient=_patient(keys.inner("patient")),
        options=_options(options),
        sha256=_hashes(keys.inner("sha256")),
        replaces=options.text("remplace", max_chars=200),
        withdraws=options.text("annule", max_chars=200),
    )
    return replace(sidecar, unknown_keys=keys.unknown())


def _sender(keys: Keys) -> MailboxAddress | None:
    text = keys.text("expediteur", max_chars=320)
    return None if text is None else _address(keys.name("expediteur"), text)


def _address(key: str, text: str) -> MailboxAddress:
    try:
        return MailboxAddress.parse(text)
    except InvalidSubmission as error:
        sentence = f"Rubrique « {key} » : ce n'est pas une adresse de messagerie ({len(text)} caractères)."
        raise BadDrop(error.code, error.detail, sentence) from None


def _recipients(keys: Keys, key: str) -> tuple[SidecarRecipient, ...]:
    return tuple(_recipient(keys, name, item) for name, item in keys.items(key))


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


def _patient(keys: Keys) -> SidecarPatient | None:
    if not keys:
        return None
    ins, local = keys.inner("ins"), keys.inner("identifiant")
    return SidecarPatient(
        ins=_ins(ins), ins_is_qualified=ins.yes("qualifiee", default=False),
        ins_is_unqualified=not ins.yes("qualifiee", default=True),
        local_number=local.text("valeur", max_chars=64), local_root=local.text("oid", max_chars=64),
        birth_family=keys.text("nom_naissance", max_chars=100), used_family=keys.text("nom_utilise", max_chars=100),
        all_given=tuple(str(item).strip() for _, item in keys.items("prenoms") if str(item).strip()),
        given=keys.text("prenom", max_chars=100), birth_date=keys.date("naissance"),
        gender=keys.text("sexe", max_chars=10), birth_place=keys.text("lieu_naissance", max_chars=10),
    )  # fmt: skip


def _ins(keys: Keys) -> MatriculeINS | None:
    value, oid = keys.text("valeur", max_chars=40), keys.text("oid", max_chars=64)
    if value is None:
        return None
    try:
        return MatriculeINS.parse(value, oid or INS_NIR)
    except InvalidSubmission as error:
        sentence = f"Rubrique « {keys.name('valeur')} » : la clé, la longueur ou l'OID ne convient pas."
        raise BadDrop(error.code, error.detail, sentence) from None


def _options(keys: Keys) -> SendOptions:
    return SendOptions(
        delivery_receipt=keys.yes("accuse_reception", default=True),
        read_receipt=keys.yes("accuse_lecture", default=False),
        urgent=keys.yes("urgent", default=False),
        no_reply_from_patient=keys.yes("sans_reponse", default=False),
        hide_from_professionals=keys.yes("masque_ps", default=False),
        hide_from_patient=keys.yes("invisible_patient", default=False),
        hide_from_legal_representatives=keys.yes("invisible_representants", default=False),
        allow_duplicate=keys.yes("doublon_autorise", default=False),
        file_number=keys.text("numero_dossier", max_chars=40),
    )


def _hashes(keys: Keys) -> dict[str, str]:
    hashes = {}
    for name, value in keys.all().items():
        if value in (None, ""):
            continue
        if not isinstance(value, str) or not _SHA256.fullmatch(value.strip().lower()):
            wrong(keys.name("…"), "une empreinte de 64 chiffres hexadécimaux", value)
        hashes[_inside("sha256", name)] = value.strip().lower()
    return hashes
