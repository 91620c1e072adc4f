"""A card without a card: a SoftHSM token in a folder of its own, with the certificates of a practitioner.

For the demo (``make demo CARD=1``), the tests, and vendors without a CPS. Whoever uses the card loads
:attr:`SoftCard.module` as its middleware with :attr:`SoftCard.environment` in its environment::

    card = make_soft_card(folder, practitioner_objects(hierarchy.persons, DOCTOR, now=now))
    subprocess.Popen([...], env=os.environ | card.environment)    # settings: [card] module = card.module

Writing happens in a process of its own, because a process can start a PKCS#11 module only once, and so that the keys
pass through a pipe instead of a file.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from connector.sandbox.authority import Authority
from connector.sandbox.person import Holder, issue_person

__all__ = [
    "AUTHENTICATION_LABEL", "SIGNATURE_LABEL", "CardObject", "SoftCard", "SoftCardError", "make_soft_card",
    "practitioner_objects", "softhsm_module",
]  # fmt: skip

AUTHENTICATION_LABEL = "Certificat d'Authentification CPS"
SIGNATURE_LABEL = "Certificat de Signature CPS"
_AUTHENTICATION_ID, _SIGNATURE_ID = b"\xe8\x20", b"\xe8\x10"  # on a CPS they end so
_SO_PIN = "12345678"
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)  # fmt: skip
_CONFIG = """directories.tokendir = {folder}/tokens
objectstore.backend = file
log.level = ERROR
slots.removable = true
"""


class SoftCardError(Exception):
    """No SoftHSM here, or it fails; the message says which."""


@dataclass(frozen=True)
class CardObject:
    """A certificate on a card, and its key unless it has none there."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = field(default=None, repr=False)
    label: str = AUTHENTICATION_LABEL
    id: bytes = _AUTHENTICATION_ID
    key_id: bytes | None = None  # when it is another one than that of the certificate
    pin_each_time: bool = False  # CKA_ALWAYS_AUTHENTICATE


@dataclass(frozen=True, slots=True)
class SoftCard:
    """A folder with tokens, readable by its owner only."""

    folder: Path
    module: Path

    @property
    def environment(self) -> dict[str, str]:
        """For the process that uses the card."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}


def practitioner_objects(authority: Authority, holder: Holder, *, now: datetime) -> tuple[CardObject, ...]:
    """What is on the card of a practitioner: authentication, signature, and the authority that issued them.

    Args:
        authority: of persons.
        holder: whose card it is.
        now: aware.
    """
    authentication = issue_person(authority, holder, "auth", now=now)
    signature = issue_person(authority, holder, "sign", now=now)
    return (
        CardObject(authentication.certificate, authentication.key),
        CardObject(signature.certificate, signature.key, SIGNATURE_LABEL, _SIGNATURE_ID),
        CardObject(authority.certificate, label="AC", id=b"\x01"),
    )


def softhsm_module() -> Path:
    """The library of SoftHSM 2.

    Raises:
        SoftCardError: it is not installed.
    """
    for place in _PLACES:
        if Path(place).is_file():
            return Path(place)
    raise SoftCardError("SoftHSM is not installed (Debian: apt install softhsm2)")


def make_soft_card(folder: Path, objects: Sequence[CardObject], *, pin: str = "1234", label: str = "CPS") -> SoftCard:
    """Make a token, or one more in the same folder.

    Args:
        folder: made when it is not there; the path is written into SoftHSM's configuration.
        objects: what lies on the card.
        pin: of the card; one that means nothing, it stands in the arguments of a process for a moment.
        label: of the token.

    Raises:
        SoftCardError: SoftHSM is not installed, or refuses.
    """
    card = SoftCard(folder, softhsm_module())
    (folder / "tokens").mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "softhsm2.conf").write_text(_CONFIG.format(folder=folder.resolve()), encoding="utf-8")
    tool = shutil.which("softhsm2-util")
    if tool is None:
        raise SoftCardError("softhsm2-util is not installed (Debian: apt install softhsm2)")
    _run([tool, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", _SO_PIN], card, b"")
    work = {"module": str(card.module), "label": label, "pin": pin, "objects": [_as_json(one) for one in objects]}
    _run([sys.executable, "-m", "connector.sandbox.soft_card"], card, json.dumps(work).encode())
    return card


def _run(command: list[str], card: SoftCard, given: bytes) -> None:
    environment = os.environ | card.environment
    ended = subprocess.run(command, input=given, capture_output=True, env=environment, check=False)  # noqa: S603 - ours
    if ended.returncode != 0:
        raise SoftCardError(f"{Path(command[0]).name} failed: {ended.stderr.decode('utf-8', 'replace').strip()}")


def _as_json(one: CardObject) -> dict[str, Any]:
    key = one.key and one.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()
    return {
        "certificate": one.certificate.public_bytes(Encoding.DER).hex(), "key": key, "label": one.label,
        "id": one.id.hex(), "key_id": (one.id if one.key_id is None else one.key_id).hex(),
        "pin_each_time": one.pin_each_time,
    }  # fmt: skip


# --- in the process that writes ------------------------------------------------------------------------------------


def _write(work: Mapping[str, Any]) -> None:
    import pkcs11  # noqa: PLC0415 - nobody but this process needs it

    token = pkcs11.lib(work["module"]).get_token(token_label=work["label"])
    with token.open(rw=True, user_pin=work["pin"]) as session:
        for one in work["objects"]:
            session.create_object(_certificate_attributes(one))
            if one["key"]:
                session.create_object(_key_attributes(one))


def _certificate_attributes(one: Mapping[str, Any]) -> dict[Any, Any]:
    from pkcs11 import Attribute, CertificateType, ObjectClass  # noqa: PLC0415 - as above

    der = bytes.fromhex(one["certificate"])
    certificate = x509.load_der_x509_certificate(der)
    return {
        Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True, Attribute.PRIVATE: False, Attribute.LABEL: one["label"],
        Attribute.ID: bytes.fromhex(one["id"]), Attribute.VALUE: der,
        Attribute.SUBJECT: certificate.subject.public_bytes(), Attribute.ISSUER: certificate.issuer.public_bytes(),
    }  # fmt: skip


def _key_attributes(one: Mapping[str, Any]) -> dict[Any, Any]:
    from pkcs11 import Attribute  # noqa: PLC0415 - as above
    from pkcs11.util.ec import decode_ec_private_key  # noqa: PLC0415 - as above
    from pkcs11.util.rsa import decode_rsa_private_key  # noqa: PLC0415 - as above

    key = load_der_private_key(bytes.fromhex(one["key"]), None)
    decode = decode_rsa_private_key if isinstance(key, rsa.RSAPrivateKey) else decode_ec_private_key
    attributes = decode(key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return attributes | {
        Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True, Attribute.LABEL: one["label"], Attribute.ID: bytes.fromhex(one["key_id"]),
        Attribute.ALWAYS_AUTHENTICATE: one["pin_each_time"],
    }  # fmt: skip


if __name__ == "__main__":
    _write(json.load(sys.stdin))
