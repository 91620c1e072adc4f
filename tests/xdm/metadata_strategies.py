"""Hypothesis strategies for XDS metadata that can be written and read again."""

import re

from hypothesis import strategies as st

from connector.xdm.model import Association, AuthorEntry, CodedValue, DocumentEntry, Metadata, SubmissionSet
from connector.xdm.vocabulary import APPROVED, HAS_MEMBER, RPLC

__all__ = ["any_metadata"]

_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")


def _is_plain(text: str) -> bool:
    """Readers trim values and unescape twice-escaped ones; generated texts need neither."""
    return text == text.strip() and "&amp;" not in text


_optional = st.text(_CHARACTERS, max_size=12).map(str.strip).filter(_is_plain)
_text = _optional.filter(bool)
_texts = st.lists(_text, max_size=3).map(tuple)
_uri = _optional.filter(lambda text: not re.match(r"\d+\|", text)) | st.integers(129, 400).map(
    lambda size: "A" * size
)
_status = st.sampled_from(["", APPROVED, "Approved"])
_code = st.builds(CodedValue, _text, _optional, _optional)
_codes = st.lists(_code, max_size=3).map(tuple)
_author = st.builds(
    AuthorEntry, person=_text, institutions=_texts, roles=_texts, specialties=_texts, telecommunications=_texts
)
_authors = st.lists(_author, max_size=2).map(tuple)
_extra = st.dictionaries(
    st.text("abcdef", min_size=1).map(lambda name: f"urn:x:{name}"), _texts.filter(bool), max_size=2
).map(lambda slots: tuple(slots.items()))
_ids = st.uuids().map(lambda number: f"urn:uuid:{number}")

_entry = st.builds(
    DocumentEntry,
    entry_uuid=_ids,
    unique_id=_optional,
    mime_type=_optional,
    availability_status=_status,
    uri=_uri,
    hash=_optional,
    size=_optional,
    creation_time=_optional,
    language_code=_optional,
    service_start_time=_optional,
    service_stop_time=_optional,
    legal_authenticator=_optional,
    source_patient_id=_optional,
    source_patient_info=_texts,
    reference_id_list=_texts,
    repository_unique_id=_optional,
    title=_optional,
    comments=_optional,
    authors=_authors,
    class_code=st.none() | _code,
    confidentiality_codes=_codes,
    event_code_list=_codes,
    format_code=st.none() | _code,
    healthcare_facility_type_code=st.none() | _code,
    practice_setting_code=st.none() | _code,
    type_code=st.none() | _code,
    patient_id=_optional,
    action=_optional,
    extra_slots=_extra,
)
_set = st.builds(
    SubmissionSet,
    entry_uuid=_ids,
    unique_id=_optional,
    availability_status=_status,
    submission_time=_optional,
    title=_optional,
    comments=_optional,
    authors=_authors,
    content_type_code=st.none() | _code,
    patient_id=_optional,
    source_id=_optional,
    intended_recipients=_texts,
    extra_slots=_extra,
)
_association = st.builds(Association, st.sampled_from([HAS_MEMBER, RPLC]), _ids, _ids, _ids)


def any_metadata() -> st.SearchStrategy[Metadata]:
    """Metadata with one or two sets and up to three entries."""
    return st.builds(
        Metadata,
        submission_sets=st.lists(_set, min_size=1, max_size=2).map(tuple),
        document_entries=st.lists(_entry, max_size=3).map(tuple),
        associations=st.lists(_association, max_size=3).map(tuple),
    )
