"""What every model of the wire has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Answer", "Question", "example"]


class Answer(BaseModel):
    """What we say. Clients ignore members that they do not know, so that we may add some."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Question(BaseModel):
    """What we are told: a member that nobody knows is an error, so that a typing mistake never goes unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


def example(*values: dict[str, Any]) -> dict[str, Any]:
    """``json_schema_extra`` with examples; a test validates each against its model."""
    return {"examples": list(values)}
