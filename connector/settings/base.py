"""What every table of the settings file is made of: strictness, addresses, references to secrets."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.text import Text

__all__ = ["Address", "BadSetting", "SecretRef", "Section"]


class BadSetting(ValueError):  # pydantic lets a ValueError through to whoever reads the settings
    """A value that fits its type but not its purpose."""

    def __init__(self, wrong: Text, right: Text) -> None:
        super().__init__(f"{wrong.en}; {right.en}")
        self.wrong = wrong
        self.right = right


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _address(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return MailboxAddress.parse(value)
        except InvalidSubmission:
            raise BadSetting(
                Text("ce n'est pas une adresse de boîte", "is not a mailbox address"),
                Text("attendu : une adresse comme dr.modele@exemple.mssante.fr",
                     "expected an address such as dr.modele@exemple.mssante.fr"),
            ) from None  # fmt: skip
    return value


Address = Annotated[MailboxAddress, BeforeValidator(_address), PlainSerializer(str)]


class SecretRef(Section):
    """Where a secret is; the file itself never holds one."""

    keyring: str | None = None
    """Name of the entry in the system's key store (service ``mssante-connector``)."""
    file: Path | None = None
    """A file that only its owner can read; its first line is the secret."""
    env: str | None = None
    """Name of an environment variable, for containers and tests."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.keyring, self.file, self.env)) != 1:
            raise BadSetting(
                Text("il faut un seul endroit", "needs exactly one place"),
                Text("attendu : keyring, file ou env", "expected one of keyring, file, env"),
            )
        return self
