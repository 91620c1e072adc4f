"""Who answers."""

from pydantic import ConfigDict, Field

from connector.client.models.base import Answer, example

__all__ = ["AliveModel", "ComponentModel", "HealthModel", "InstanceModel"]

_COMPONENT = {
    "name": "send",
    "status": "waiting",
    "code": "PIN",
    "since": "2026-11-20T09:00:00+00:00",
    "detail": "",
    "title_fr": "Le code de la carte CPS est demandé.",
    "cure_fr": "Saisissez le code de la carte.",
    "components": [],
}


class InstanceModel(Answer):
    """One start of the connector, and its proof to be the one of the discovery file."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "product": "mssante-connector",
                "version": "0.1.0",
                "instance": "6f1ed002-ab55-4c56-8d0e-3b0f7a1c9b3e",
                "proof": "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184",
            }
        )
    )

    product: str
    version: str
    instance: str
    """New at every start."""
    proof: str
    """HMAC-SHA-256 under the owner token, see docs/rest.md."""


class AliveModel(Answer):
    """Whether it works; nothing else, for anybody on this machine."""

    model_config = ConfigDict(json_schema_extra=example({"status": "ok", "version": "0.1.0"}))

    status: str
    """``ok``, ``waiting`` or ``error``."""
    version: str


class ComponentModel(Answer):
    """One part of the connector, as well as itself and everything below it."""

    model_config = ConfigDict(json_schema_extra=example(_COMPONENT))

    name: str
    status: str
    code: str | None = None
    since: str | None = None
    detail: str = ""
    title_fr: str | None = None
    cure_fr: str | None = None
    components: list["ComponentModel"] = Field(default_factory=list)


class HealthModel(ComponentModel):
    """The whole tree."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_COMPONENT,
                "version": "0.1.0",
                "name": "connector",
                "code": None,
                "since": None,
                "title_fr": None,
                "cure_fr": None,
                "components": [_COMPONENT],
            }
        )
    )

    version: str
