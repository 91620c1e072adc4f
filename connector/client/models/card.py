"""Readers and cards."""

from datetime import datetime

from pydantic import ConfigDict, Field, SecretStr

from connector.client.models.base import Answer, Question, example

__all__ = ["CardCertificateModel", "CardStatusModel", "CardTestModel", "TestModel", "TokenViewModel", "UnlockModel"]

_CERTIFICATE = {
    "common_name": "899700012345",
    "name": "ALIX MODELE",
    "surname": "MODELE",
    "given_name": "ALIX",
    "holder": "899700012345",
    "profession": "Médecin",
    "organization": "CABINET EXEMPLE",
    "issuer": "TEST AC IGC-SANTE ELEMENTAIRE PERSONNES",
    "label": "Certificat Authentification CPS",
    "not_before": "2026-01-05T00:00:00Z",
    "not_after": "2029-01-04T23:59:59Z",
    "days_left": 777,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_TOKEN = {
    "reader": "Generic Smart Card Reader 00 00",
    "serial": "2800001234",
    "label": "CPS3v1-2800001234",
    "presence": "pin_needed",
    "certificate": _CERTIFICATE,
    "tries_left_low": False,
    "pin_pad": False,
    "can_pss": False,
    "code": "PIN",
}
_STATUS = {
    "presence": "pin_needed",
    "readers": ["Generic Smart Card Reader 00 00"],
    "tokens": [_TOKEN],
    "middleware": "/opt/santesocial/libcps3_pkcs11_lux.so",
    "code": "PIN",
    "detail": "",
    "title_fr": "Le code de la carte CPS est demandé.",
    "cure_fr": "Saisissez le code de la carte.",
    "title_en": "The PIN of the CPS card is needed.",
    "cure_en": "Type the PIN of the card.",
    "signatures": 12,
}


class CardCertificateModel(Answer):
    """The authentication certificate of a card."""

    model_config = ConfigDict(json_schema_extra=example(_CERTIFICATE))

    common_name: str
    name: str
    """The holder as a person says it."""
    surname: str = ""
    given_name: str = ""
    holder: str
    """National identifier (RPPS with its leading 8)."""
    profession: str
    organization: str
    issuer: str
    label: str
    not_before: datetime
    not_after: datetime
    days_left: int
    """Whole days until it expires; negative when it has."""
    sha256: str


class TokenViewModel(Answer):
    """One card in one reader."""

    model_config = ConfigDict(json_schema_extra=example(_TOKEN))

    reader: str
    serial: str
    label: str
    presence: str
    """``no_middleware``, ``no_reader``, ``no_card``, ``unknown_card``, ``locked``, ``pin_needed``, ``open``,
    ``last_try``, ``blocked``, ``failed``."""
    certificate: CardCertificateModel | None = None
    tries_left_low: bool = False
    """A wrong PIN was typed since the last right one."""
    pin_pad: bool = False
    """The PIN is typed at the reader: leave ``pin`` out."""
    can_pss: bool = False
    """False: TLS 1.2 only."""
    code: str = ""


class CardStatusModel(Answer):
    """All readers and cards at one moment; ``presence`` is that of the most useful one."""

    model_config = ConfigDict(json_schema_extra=example(_STATUS))

    presence: str
    readers: list[str] = Field(default_factory=list)
    tokens: list[TokenViewModel] = Field(default_factory=list)
    middleware: str = ""
    """Path of the PKCS#11 library; empty when none was found."""
    code: str = ""
    """What hinders everything; empty while open or merely locked."""
    detail: str = ""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""
    signatures: int = 0
    """How often a card has signed since the start."""


class UnlockModel(Question):
    """One PIN for one card, given to it once."""

    model_config = ConfigDict(
        json_schema_extra=example({"pin": "1234", "serial": "", "accept_last_try": False}, {"pin": None})
    )

    pin: SecretStr | None = Field(default=None, max_length=64)
    """``null`` lets the person type it at the reader's own pad."""
    serial: str = Field(default="", max_length=64)
    """Which card, when there are several."""
    accept_last_try: bool = False
    """The person knows that one more wrong PIN blocks the card."""


class TestModel(Question):
    """Which card is to be tried."""

    __test__ = False  # not a test of pytest
    model_config = ConfigDict(json_schema_extra=example({"serial": ""}))

    serial: str = Field(default="", max_length=64)


class CardTestModel(Answer):
    """A signature was made and verified."""

    model_config = ConfigDict(json_schema_extra=example({"mechanism": "SHA256_RSA_PKCS"}))

    mechanism: str
    """PKCS#11 mechanism that was used."""
