"""Where our metadata differ from those of the official packages, and why; writes ``docs/conformity-xdm.md``.

``python -m tests.xdm.conformity`` prints the page from the official packages beside the checkout. A test fails when a
difference has no reason here, and when the page is not the one that would be printed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.xdm.json_view import metadata_as_json
from connector.xdm.pack import pack
from connector.xdm.package_reader import read_xdm
from tests.shared_data import sample_files
from tests.xdm.cda_samples import NOW, SENDER, CountingIds

__all__ = ["OFFICIAL", "PAGE", "REASONS", "Difference", "Reason", "differences", "page"]

OFFICIAL = sample_files("xdm/ans/*/IHE_XDM.ZIP")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformity-xdm.md"

_NEW_WITH_EACH_SENDING = {"entryUUID", "submissionTime"}
_ACTION = "urn:action:extraMetadataSlot"


@dataclass(frozen=True)
class Difference:
    """One attribute of one package."""

    package: str
    attribute: str
    official: Any
    ours: Any


@dataclass(frozen=True)
class Reason:
    """Why an attribute may differ."""

    attribute: str
    title: str
    text: str
    applies: Callable[[Any, Any], bool]


def _only(*changed: str) -> Callable[[Any, Any], bool]:
    """True for two coded values that differ in exactly these parts."""

    def applies(official: Mapping[str, str], ours: Mapping[str, str]) -> bool:
        return {part for part in ours if official[part] != ours[part]} == set(changed)

    return applies


def _label_and_maybe_scheme(official: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    return official["code"] == ours["code"] and official["displayName"] != ours["displayName"]


REASONS = (
    Reason(
        "formatCode",
        "Coding scheme of formatCode",
        "The official packages give one and the same kind of code under four different schemes (for the PDF body even"
        " that of the document types, for the rapid test that of the templateIds). We write the scheme of table"
        " ASS_A11: 1.3.6.1.4.1.19376.1.2.3 for IHE codes, 1.2.250.1.213.1.1.4.2.282 for French ones. Readers look at"
        " the code alone.",
        _only("codingScheme"),
    ),
    Reason(
        "formatCode",
        "Label of formatCode",
        "The official packages misspell it (« 8éme jour », « urgence -Transfert ») or put the label of the document"
        " type in its place. We write the label of value set JDV_J10; where the scheme differs too, it is for the"
        " reason above.",
        _label_and_maybe_scheme,
    ),
    Reason(
        "formatCode",
        "Withdrawn formatCode",
        "The official packages of the obstetrics volume still give codes of 2012 that ended on 2023-06-30. We write"
        " the code that ASS_A11 gives for the model since then.",
        lambda official, ours: official["code"] != ours["code"] and official["code"].endswith(":2012"),
    ),
    Reason(
        "classCode",
        "Class of a document type",
        "The official packages give class 10 to a level 1 imaging report and to an obstetrics summary, although table"
        " ASS_X04 puts their types into 31 and 11 (and the level 3 form of that imaging report has 31 in its own"
        " official package). We follow the table.",
        lambda official, ours: official["code"] == "10" and ours["code"] in {"11", "31"},
    ),
    Reason(
        "referenceIdList",
        "Orders and accession numbers",
        "The official packages leave the optional referenceIdList out. The mapping of the CI-SIS derives it from"
        " inFulfillmentOf (order id, DICOM accession number), and it is what lets a receiver tie a result to its"
        " prescription: we write it.",
        lambda official, ours: official is None and bool(ours),
    ),
    Reason(
        _ACTION,
        "Deletion",
        "A deletion encloses the unchanged document: the action D comes from the sender's wish (option `deletion` of"
        " `pack`) and not from the document, which says version 2, hence C.",
        lambda official, ours: (official, ours) == ("D", "C"),
    ),
    Reason(
        _ACTION,
        "Replacement that calls itself version 1",
        "One official document has version number 1 and yet names the document that it replaces. The official package"
        " has no action slot, because its maker looks at the version number only. We write C for a later version and"
        " also for a document that says what it replaces: without it a receiver would keep both.",
        lambda official, ours: official is None and ours == "C",
    ),
)


def differences(path: Path) -> Iterator[Difference]:
    """Pack the documents of an official package again and compare every attribute."""
    (official,) = read_xdm(path.read_bytes())
    contents = [document.content for document in official.documents]
    ours = pack(contents, now=NOW, ids=CountingIds(), sender=SENDER).metadata
    theirs, mine = metadata_as_json(official.metadata), metadata_as_json(ours)
    yield from _compare(path.parent.name, theirs["submissionSet"], mine["submissionSet"], {"uniqueId"})
    for one, other in zip(theirs["documentEntries"], mine["documentEntries"], strict=True):
        yield from _compare(path.parent.name, one, other, set())


def _compare(
    package: str, official: Mapping[str, Any], ours: Mapping[str, Any], also_new: set[str]
) -> Iterator[Difference]:
    for name in sorted({*official, *ours} - _NEW_WITH_EACH_SENDING - also_new):
        if official.get(name) != ours.get(name):
            yield Difference(package, name, official.get(name), ours.get(name))


def reason_of(difference: Difference) -> Reason | None:
    """The first reason that covers a difference."""
    fitting = (one for one in REASONS if one.attribute == difference.attribute)
    return next((one for one in fitting if one.applies(difference.official, difference.ours)), None)


def page() -> str:
    """The text of ``docs/conformity-xdm.md``."""
    found = [difference for path in OFFICIAL for difference in differences(path)]
    lines = [
        "# XDM metadata compared with the official packages",
        "",
        "Each CDA of the official IHE_XDM packages of the ANS is packed again, and every attribute of document entry",
        "and submission set is compared with the official METADATA.XML. What is new with each sending",
        "(entryUUID, submissionTime, uniqueId of the submission set) is left out. All other attributes are the same,",
        "except for the differences below. The page is made by `python -m tests.xdm.conformity`, and",
        "`tests/xdm/test_official_samples.py` fails when it is not up to date.",
        "",
        f"{len(OFFICIAL)} packages compared, {len(found)} values differ.",
    ]
    for reason in REASONS:
        covered = [difference for difference in found if reason_of(difference) is reason]
        lines += ["", f"## {reason.title} (`{reason.attribute}`)", "", reason.text, ""]
        lines += [f"- {one.package}: {_shown(one.official)} → {_shown(one.ours)}" for one in covered]
    return "\n".join([*lines, ""])


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, dict):
        return f"`{value['code']}` ({value['codingScheme']}, « {value['displayName']} »)"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, ensure_ascii=False)}`"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is a command
