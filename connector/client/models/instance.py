"""Who answers."""

from pydantic import ConfigDict

from connector.client.models.base import Answer, example

__all__ = ["InstanceModel"]


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
