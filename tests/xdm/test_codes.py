"""The value sets that the product ships."""

import pytest

from connector.xdm import codes
from tests.shared_data import sample_files

NAMES = [
    "author_specialties", "class_codes", "confidentiality_codes", "facility_types", "format_codes",
    "practice_settings", "reference_id_types", "type_codes",
]  # fmt: skip


def official(prefix: str) -> list[list[str]]:
    """The rows of an official table beside the checkout; none without it."""
    return [
        line.split("\t")
        for path in sample_files(f"terminology/{prefix}*.tsv")
        for line in path.read_text("utf-8").splitlines()[2:]
        if line
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_code_has_a_system_and_every_set_has_labels(name: str) -> None:
    values = codes.value_set(name)
    assert len(values) >= 6
    assert all(code.coding_scheme and code.code == key for key, code in values.items())
    assert any(code.display_name for code in values.values())


def test_every_type_has_a_class_with_a_label() -> None:
    for code in codes.value_set("type_codes"):
        found = codes.class_of(code)
        assert found is not None
        assert found.display_name
    assert codes.class_of("unknown") is None
    assert codes.label_of_type("unknown") == ""


def test_every_model_has_a_format_with_a_label() -> None:
    assert codes.format_of_models(("1.2.250.1.213.1.1.1.13",)).display_name == "Synthèse médicale"
    assert codes.format_of_models(()).code == codes.UNKNOWN_FORMAT
    assert all(code.display_name for code in codes.value_set("format_codes").values())


@pytest.mark.parametrize("row", official("ASS_X04"), ids=lambda row: row[0])
def test_the_class_of_each_official_type(row: list[str]) -> None:
    if row[4] == "1.2.250.1.213.1.1.4.1":  # one row of the table maps a signature, which is no document type
        found = codes.class_of(row[0])
        assert found is not None
        assert (found.code, found.coding_scheme) == (row[3], row[4])


@pytest.mark.parametrize("row", official("JDV_J07"), ids=lambda row: row[0])
def test_the_label_of_each_official_type(row: list[str]) -> None:
    if row[0] != "E1762":
        assert codes.label_of_type(row[0]) == row[2]
        assert codes.value_set("type_codes")[row[0]].coding_scheme == row[1]


@pytest.mark.parametrize("row", official("ASS_A11"), ids=lambda row: f"{row[0]}-{row[3]}")
def test_the_format_of_each_official_model(row: list[str]) -> None:
    if row[0] == "1.3.6.1.4.1.19376.1.2.20":  # the level 1 model, told apart by its body
        assert row[3] in codes.value_set("format_codes")
    else:
        found = codes.format_of_models((row[0],))
        assert (found.code, found.coding_scheme) == (row[3], row[4])


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("JDV_J01", "author_specialties"), ("JDV_J02", "facility_types"), ("JDV_J04", "practice_settings"),
     ("JDV_J08", "confidentiality_codes"), ("JDV_J197", "reference_id_types")],
)  # fmt: skip
def test_the_other_sets_agree_with_the_official_ones(prefix: str, name: str) -> None:
    values = codes.value_set(name)
    for code, system, label, *_ in official(prefix):
        assert (values[code].coding_scheme, values[code].display_name) == (system, label)
