"""Texts of requests: one line, file names; what nobody writes on purpose is refused, not repaired."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["FileName", "Line", "Lines"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')


def _text(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("control characters")
    return value.strip()


def _line(value: str) -> str:
    if len(value.splitlines()) > 1:
        raise ValueError("several lines")
    return _text(value)


def _file_name(value: str) -> str:
    if _FORBIDDEN.search(value) or value.startswith((".", "~$")) or value != value.strip():
        raise ValueError("not a simple file name")
    return value


Line = Annotated[str, AfterValidator(_line)]
Lines = Annotated[str, AfterValidator(_text)]
FileName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_file_name)]
