"""Any request that keeps the rules."""

from datetime import date, datetime, timedelta, timezone

from hypothesis import strategies as st

from connector.documents.cda.identifiers import professional_id, structure_id
from connector.documents.cda.model import Code, InstanceId, UnstructuredBody
from connector.documents.cda.request import BODY_MEDIA_TYPES, N1Author, N1Patient, N1Request, N1Structure
from connector.domain.patient import MatriculeINS, PatientIdentifier, key_of
from connector.xdm.codes import value_set

__all__ = ["requests"]

_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zs", "Zl", "Zp"])
_WORDS = st.text(_LETTERS, min_size=1, max_size=12)
_LINES = st.lists(_WORDS, min_size=1, max_size=3).map(" ".join)
_DAYS = st.dates(date(1890, 1, 1), date(2030, 12, 31))
_ZONES = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=_ZONES).map(  # noqa: DTZ001 - bounds are naive
    lambda moment: moment.replace(microsecond=0)
)
_OIDS = st.lists(st.integers(0, 99_999), min_size=2, max_size=6).map(
    lambda arcs: ".".join(map(str, [1, 2, 250, *arcs]))
)
_PHONES = st.from_regex(r"tel:\+33[0-9]{9}", fullmatch=True)
_COG = st.from_regex(r"([0-9]{2}|2[AB])[0-9]{3}", fullmatch=True)


def _codes(name: str) -> st.SearchStrategy[Code]:
    codes = [Code(one.code, one.coding_scheme, one.display_name) for one in value_set(name).values()]
    return st.sampled_from([code for code in codes if code.display_name])


@st.composite
def _matricules(draw: st.DrawFn) -> MatriculeINS:
    first = draw(st.from_regex(r"[12][0-9]{4}([0-9]{2}|2[AB])[0-9]{6}", fullmatch=True))
    return MatriculeINS.parse(f"{first}{key_of(first):02}", "1.2.250.1.213.1.4.10")


@st.composite
def _patients(draw: st.DrawFn) -> N1Patient:
    is_qualified = draw(st.booleans())
    all_given = tuple(draw(st.lists(_WORDS, min_size=1, max_size=3)))
    local = st.builds(PatientIdentifier, _OIDS, _WORDS)
    return N1Patient(
        ids=tuple(draw(st.lists(local, min_size=not is_qualified, max_size=2))),
        ins=draw(_matricules() if is_qualified else st.none() | _matricules()),
        ins_is_qualified=is_qualified,
        birth_family=draw(_LINES),
        used_family=draw(st.just("") | _LINES),
        all_given=all_given,
        birth_given=draw(st.sampled_from(["", all_given[0]])),
        used_given=draw(st.just("") | _LINES),
        gender=draw(st.sampled_from(["M", "F"] if is_qualified else ["M", "F", "UN"])),
        birth_date=draw(_DAYS),
        birth_place=draw(_COG if is_qualified else st.just("") | _COG),
        telecoms=tuple(draw(st.lists(_PHONES, max_size=2))),
        address_lines=tuple(draw(st.lists(_LINES, max_size=7))),
    )


_AUTHORS = st.builds(
    N1Author,
    id=st.from_regex(r"[0-9]{11}", fullmatch=True).map(professional_id),
    family=_LINES,
    given=st.just("") | _LINES,
    prefix=st.sampled_from(["", "M", "MME"]),
    suffix=st.sampled_from(["", "DR", "PR"]),
    specialty=st.none() | _codes("author_specialties"),
    telecoms=st.lists(_PHONES, max_size=2).map(tuple),
)
_STRUCTURES = st.builds(
    N1Structure,
    id=st.from_regex(r"[0-9]{14}", fullmatch=True).map(lambda number: structure_id("siret", number)),
    name=_LINES,
    facility=_codes("facility_types"),
    setting=_codes("practice_settings"),
    telecoms=st.lists(_PHONES, max_size=2).map(tuple),
    address_lines=st.lists(_LINES, max_size=7).map(tuple),
)


@st.composite
def requests(draw: st.DrawFn) -> N1Request:
    """A request for a first or a later version."""
    root = draw(_OIDS)
    version = draw(st.integers(1, 9))
    return N1Request(
        id=InstanceId(f"{root}.{version}"),
        set_id=InstanceId(root),
        version=version,
        replaces=InstanceId(f"{root}.{version - 1}") if version > 1 else None,
        type=draw(_codes("type_codes")),
        title=draw(_LINES),
        created=draw(_MOMENTS),
        act_start=draw(_DAYS | _MOMENTS),
        act_end=draw(st.none() | _MOMENTS),
        confidentiality=draw(st.sampled_from("NRV")),
        patient=draw(_patients()),
        author=draw(_AUTHORS),
        structure=draw(_STRUCTURES),
        orders=tuple(draw(st.lists(st.builds(InstanceId, _OIDS, st.just("") | _WORDS), max_size=2))),
        encounter=draw(st.none() | st.just(Code("AMB", "2.16.840.1.113883.5.4", "Ambulatoire"))),
        body=UnstructuredBody(
            draw(st.sampled_from(sorted(BODY_MEDIA_TYPES))), draw(st.binary(min_size=1, max_size=200))
        ),
    )
