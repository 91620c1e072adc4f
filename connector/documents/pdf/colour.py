"""The colour profile that our own PDF/A files carry, for files that others convert."""

import io
from functools import cache

import pikepdf

from connector.documents.pdf.sheets import text_to_pdf

__all__ = ["srgb_profile"]


@cache
def srgb_profile() -> bytes:
    """The sRGB profile (ICC version 2, as PDF/A-1 asks) that typst puts into its output intent."""
    with pikepdf.open(io.BytesIO(text_to_pdf("", ""))) as pdf:
        return bytes(pdf.Root["/OutputIntents"][0]["/DestOutputProfile"].read_bytes())
