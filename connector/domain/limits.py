"""Bounds that every reader of outside bytes takes, so that nothing is expanded before it is measured."""

from dataclasses import dataclass

__all__ = ["Limits"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of an archive, of a MIME tree or of an XML document we are ready to look at."""

    max_members: int = 200  # entries of an archive, directories included
    max_expanded_bytes: int = 100 * MEBIBYTE  # sum over an archive
    max_member_bytes: int = 60 * MEBIBYTE
    max_ratio: int = 100  # expanded / compressed of one member, above a floor of 1 MiB expanded
    max_name_chars: int = 255
    max_xml_bytes: int = 60 * MEBIBYTE
    max_xml_depth: int = 256
    max_mime_bytes: int = 60 * MEBIBYTE
    max_mime_parts: int = 500
    max_mime_depth: int = 20
    max_sidecar_bytes: int = 1 * MEBIBYTE
    max_hl7_bytes: int = 90 * MEBIBYTE  # a document of 60 MiB in Base64, and what surrounds it
    max_hl7_segments: int = 5_000  # of one message
    max_hl7_fields: int = 250  # of one segment, and repetitions of one field
    max_hprim_bytes: int = 30 * MEBIBYTE  # text only
    max_hprim_records: int = 20_000  # of HPRIM Médecin, or patients of HPRIM Santé
