"""A document of ours has codes of the official sets only, and the settings give its author and structure."""

import pytest
from pydantic import ValidationError

from connector.documents.cda.model import Code, InstanceId
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.settings.author import AuthorSettings, StructureSettings
from connector.settings.model import MailboxSettings
from connector.xdm.codes import label_of_type, type_aliases
from connector.xdm.n1_codes import document_type, facility_type, practice_setting, specialty

LAB = Code("11502-2", "2.16.840.1.113883.6.1", "CR d'examens biologiques")


@pytest.mark.parametrize("given", ["11502-2", " 11502-2 ", "CR-BIO", "cr_bio", "Cr Bio", "crbio", "biologie"])
def test_a_type_is_known_by_its_code_and_by_its_short_names(given: str) -> None:
    assert document_type(given) == LAB


def test_a_code_of_the_french_system_is_known_too() -> None:
    assert document_type("presc-bio").code_system == "1.2.250.1.213.1.1.4.12"


def test_the_first_name_that_is_known_counts() -> None:
    assert document_type("", "Compte rendu du labo X", "CR-BIO", "11488-4") == LAB


@pytest.mark.parametrize("given", ["", "  "])
def test_a_document_without_type_is_refused(given: str) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        document_type(given)
    assert caught.value.code == "TYPE_DOCUMENT_ABSENT"


@pytest.mark.parametrize("given", ["99999-9", "LETTRE-AU-PERE-NOEL", "10213-7"])  # the last one has left JDV_J07
def test_a_type_outside_the_set_is_refused(given: str) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        document_type(given)
    assert caught.value.code == "TYPE_DOCUMENT_INCONNU"


def test_every_short_name_means_a_type_of_today() -> None:
    assert {name: code for name, code in type_aliases().items() if not label_of_type(code)} == {}


def test_short_names_do_not_collide() -> None:
    assert all(document_type(name).code == code for name, code in type_aliases().items())


def test_codes_of_settings_come_with_system_and_label() -> None:
    assert facility_type("SA07") == Code("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel")
    assert practice_setting("AMBULATOIRE").display_name == "Ambulatoire"
    assert specialty("G15_10/SM54").code_system == "1.2.250.1.213.1.1.4.5"


@pytest.mark.parametrize("resolve", [facility_type, practice_setting, specialty])
def test_a_code_of_a_setting_outside_its_set_is_named(resolve: object) -> None:
    assert callable(resolve)
    with pytest.raises(ConfigurationError, match=r"CODE_REGLAGE_INCONNU: mailboxes\.(structure|author)\."):
        resolve("SA99")


# --- settings -----------------------------------------------------------------------------------------------------


def mailbox(**tables: object) -> MailboxSettings:
    return MailboxSettings.model_validate(
        {
            "address": "dr.alix.exemple@cabinet.mssante.example", "operator": "essai", "title": "Dr", "given": "Alix",
            "family": "EXEMPLE", "identity": {"auth": "plain", "password": {"env": "P"}}, **tables,
        }
    )  # fmt: skip


def test_a_mailbox_starts_without_author_and_structure() -> None:
    assert mailbox().author == AuthorSettings()
    assert mailbox().structure == StructureSettings()


def test_the_author_takes_name_and_title_from_the_mailbox() -> None:
    author = mailbox(author={"rpps": "99700000017", "specialty": "G15_10/SM54"}).document_author
    assert (author.family, author.given, author.suffix) == ("EXEMPLE", "Alix", "DR")
    assert author.id == InstanceId("1.2.250.1.71.4.2.1", "899700000017")
    assert author.specialty == specialty("G15_10/SM54")


def test_the_author_may_be_another_than_the_holder() -> None:
    table = {"rpps": "99700000017", "family": "AUTRE", "given": "Noé", "prefix": "M", "suffix": "PR"}
    author = mailbox(author=table).document_author
    assert (author.family, author.given, author.prefix, author.suffix) == ("AUTRE", "Noé", "M", "PR")


def test_what_the_author_lacks_is_said_when_it_is_needed() -> None:
    with pytest.raises(ConfigurationError, match=r"AUTEUR_INCOMPLET: not set: mailboxes\.author\.rpps$"):
        _ = mailbox().document_author
    organisation = mailbox(kind="ORG", entity="Labo", family="")
    with pytest.raises(ConfigurationError, match=r"mailboxes\.author\.rpps, mailboxes\.author\.family$"):
        _ = organisation.document_author


def test_the_structure_has_number_name_and_codes() -> None:
    table = {
        "siret": "11111111100018", "name": "CABINET", "facility": "SA07", "phone": "01 00 00 00 00",
        "address": ["1 RUE", "63000 VILLE"],
    }  # fmt: skip
    structure = StructureSettings.model_validate(table).n1_structure()
    assert structure.id == InstanceId("1.2.250.1.71.4.2.2", "311111111100018")
    assert structure.telecoms == ("tel:0100000000",)
    assert structure.address_lines == ("1 RUE", "63000 VILLE")
    assert structure.setting.code == "AMBULATOIRE"


def test_the_finess_number_counts_before_the_others() -> None:
    both = StructureSettings(finess="010000017", siret="11111111100018", name="CABINET", facility="SA07")
    assert both.n1_structure().id.extension == "1010000017"


def test_what_the_structure_lacks_is_said_when_it_is_needed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        StructureSettings(name="CABINET", setting="").n1_structure()
    assert caught.value.code == "STRUCTURE_INCOMPLETE"
    assert caught.value.detail.endswith("structure.finess, mailboxes.structure.facility, mailboxes.structure.setting")


@pytest.mark.parametrize("table", [{"finess": "12"}, {"siret": "1" * 13}, {"phone": "x"}, {"address": ["x"] * 8}])
def test_a_number_of_the_wrong_shape_is_found_when_the_settings_are_read(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StructureSettings.model_validate(table)
