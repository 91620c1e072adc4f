"""Mailboxes, and the sessions that a person or an LPS opens for them."""

from datetime import datetime

from pydantic import ConfigDict, Field, SecretStr

from connector.client.models.base import Answer, Question, example

__all__ = ["CodeStateModel", "GiveCodeModel", "MailboxModel", "MailboxesModel", "PutTokenModel", "TokenStateModel"]

_TOKEN_STATE = {"usable": True, "expires_at": "2026-11-20T09:02:00Z", "code": ""}
_MAILBOX = {
    "box": "dr-modele",
    "address": "dr.modele@exemple.mssante.fr",
    "kind": "PER",
    "operator": "mailiz",
    "identity": "token",
    "status": "waiting",
    "waiting_for": ["token"],
    "code": "JETON_EXPIRE",
    "since": "2026-11-20T09:00:00+00:00",
    "title_fr": "La connexion Pro Santé Connect de la boîte est arrivée à son terme.",
    "cure_fr": "Gardez votre logiciel ouvert, ou reconnectez-vous à Pro Santé Connect ; tout reprendra seul.",
    "title_en": "The Pro Santé Connect session of the mailbox has run out.",
    "cure_en": "Keep your software open, or log in to Pro Santé Connect again; everything resumes by itself.",
    "waiting_messages": 2,
    "token": {"usable": False, "expires_at": "2026-11-20T09:02:00Z", "code": "JETON_EXPIRE"},
}


class TokenStateModel(Answer):
    """What may be told of the Pro Santé Connect token of a mailbox: never the token."""

    model_config = ConfigDict(json_schema_extra=example(_TOKEN_STATE))

    usable: bool
    expires_at: datetime | None = None
    code: str = ""
    """Why there is none that can be used."""


class MailboxModel(Answer):
    """One mailbox: who it is, how it is, what it waits for."""

    model_config = ConfigDict(json_schema_extra=example(_MAILBOX))

    box: str
    """Name of its folder; names it in addresses of the API."""
    address: str
    kind: str
    """``PER``, ``ORG`` or ``APP``."""
    operator: str
    identity: str
    """``card``, ``certificate``, ``password``, ``code`` or ``token``."""
    status: str
    """``ok``, ``waiting`` or ``error``."""
    waiting_for: list[str] = Field(default_factory=list)
    """What its messages wait for: ``card``, ``pin``, ``code``, ``token``, ``credentials``, ``network``,
    ``operator``, ``approval``, ``settings``."""
    code: str = ""
    since: str = ""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""
    waiting_messages: int = 0
    token: TokenStateModel | None = None
    """Only for ``identity`` = ``token``."""


class MailboxesModel(Answer):
    """All mailboxes, in the order of the settings."""

    model_config = ConfigDict(json_schema_extra=example({"items": [_MAILBOX]}))

    items: list[MailboxModel]


class PutTokenModel(Question):
    """A Pro Santé Connect access token, as the LPS received it; kept in memory only."""

    model_config = ConfigDict(
        json_schema_extra=example({"access_token": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "expires_in": 120})
    )

    access_token: SecretStr = Field(min_length=1, max_length=16_000)
    expires_in: int | None = Field(default=None, ge=1, le=86_400)
    """Seconds that it lives, as it came with; without it the token's own word counts, up to an hour."""


class CodeStateModel(Answer):
    """Where the session of a mailbox stands that is opened with a one-time code."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "state": "code_expected",
                "expires_at": "2026-11-20T09:04:00Z",
                "sent_to": "06 ** ** ** 12",
                "start_at": "2026-11-20T09:00:30Z",
                "code": "",
            }
        )
    )

    state: str
    """``needs_start``, ``code_expected``, ``open``, ``refused``, ``expired``, ``locked``."""
    expires_at: datetime | None = None
    """Of the code that is awaited, or of the session that is open."""
    sent_to: str = ""
    """A hint of the operator for the person."""
    start_at: datetime | None = None
    """A code can be asked for again from here on."""
    code: str = ""
    """Code of the last refusal."""


class GiveCodeModel(Question):
    """The one-time code that the person received; it is given to the operator once."""

    model_config = ConfigDict(json_schema_extra=example({"code": "123456"}))

    code: SecretStr = Field(min_length=1, max_length=64)
