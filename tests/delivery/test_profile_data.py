"""Profiles as data: what may be written in one, and what is said of what may not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.naming import NameShelf, fitted, numbered
from connector.delivery.pattern import NAME_FIELDS, BadPattern, Pattern, folder_parts
from connector.delivery.profile import InvalidProfile, load_profile, profile_names
from connector.exchange.arrival import PartRole
from connector.platform.names import folded
from connector.settings.lps import LpsOptions

FILES = '[[fichiers]]\nroles = ["pdf"]\nnom = "{prefixe}_{n:02}.pdf"\n'


def said(folder: Path, text: str, options: LpsOptions | None = None) -> str:
    """The one sentence about a profile."""
    (folder / "essai.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidProfile) as refused:
        load_profile("essai", folder, options)
    (problem,) = refused.value.problems
    return f"{problem.key} {problem.wrong.fr} ; {problem.right.fr}"


def test_every_profile_of_ours_can_be_used_and_says_what_it_is_for() -> None:
    names = sorted(profile_names())
    assert {"dossier", "hprim", "par_type", "pdf_seul", "plat", "texte_f"} <= set(names)
    assert all(load_profile(name).description for name in names)


def test_an_unknown_profile_is_named_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "mien.toml").write_text("", "utf-8")
    with pytest.raises(InvalidProfile) as refused:
        load_profile("../plat", tmp_path)
    (problem,) = refused.value.problems
    assert problem.wrong.fr == "'../plat' est inconnu"
    assert "mien" in problem.right.fr
    assert "plat" in problem.right.fr


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (f'description = "x"\n[options]\nencodage = "utf-7"\n{FILES}', "essai.toml: options.encodage", "'utf-7'"),
        (f'description = "x"\n[options]\nencodge = "cp850"\n{FILES}', "essai.toml: options.encodge", "'encodage' ?"),
        (f'description = "x"\nprefixe = "{{stamp}}"\n{FILES}', "essai.toml: prefixe", "de la forme"),
        (f'description = "x"\nprefixe = "{{id}}/.."\n{FILES}', "essai.toml: prefixe", "interdit"),
        (f'description = "x"\nhors_profil = "../x"\n{FILES}', "essai.toml: hors_profil", "de la forme"),
        (f'description = "x"\nindex_dossier = "/etc"\n{FILES}', "essai.toml: index_dossier", "sous RECUS"),
        (f'description = "x"\n[options]\ndrapeau = ".pdf"\n{FILES}', "essai.toml", "extension"),
        ('description = "x"\nfichiers = []', "essai.toml: fichiers", "at least 1 item"),
        (FILES, "essai.toml: description", "manque"),
        ("description = ", "essai.toml", "TOML"),
    ],
)
def test_a_wrong_value_is_said_in_one_sentence(tmp_path: Path, text: str, key: str, words: str) -> None:
    sentence = said(tmp_path, text)
    assert sentence.startswith(f"{key} ")
    assert words in sentence


@pytest.mark.parametrize(
    "changed",
    [
        'nom = "{patient}.pdf"',
        'nom = "a/{n}.pdf"',
        'nom = "{n:99}.pdf"',
        'nom = "{stamp:02}.pdf"',
        'dossier = ".."',
        'dossier = "A/../B"',
        'dossier = ".cache"',
        'dossier = "CON"',
        'dossier = "{n}"',
        'dossier = "A/B/C/D"',
        'dossier = "A\\\\B"',
        'roles = ["courrier"]',
    ],
)
def test_no_name_and_no_folder_leads_out(tmp_path: Path, changed: str) -> None:
    key = changed.partition(" ")[0]
    lines = [line for line in FILES.splitlines() if not line.startswith(key)]
    assert f"fichiers[0].{key}" in said(tmp_path, "\n".join(['description = "x"', *lines, changed]))


def test_what_is_to_be_made_needs_a_place(tmp_path: Path) -> None:
    head = f'description = "x"\n{FILES}'
    assert "'html'" in said(tmp_path, head, LpsOptions.model_validate({"cda_lisible": "html"}))
    assert "'hprim'" in said(tmp_path, head, LpsOptions.model_validate({"hprim_synthese": "si_absent"}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("noms_8_3 = true\nindex = false", "huit caractères"),
        ("noms_8_3 = true", "huit caractères"),
        ('noms_8_3 = true\nindex = false\ndrapeau = ".ok"', "drapeau"),
        ("longueur_nom_max = 3", "≥ 12"),
        ("ligne1 = 'TROP LONGUE'", "de la forme"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, options: str, words: str) -> None:
    assert words in said(tmp_path, f'description = "x"\n[options]\n{options}\n{FILES}')


def test_options_of_a_mailbox_stand_above_those_of_the_profile(tmp_path: Path) -> None:
    (tmp_path / "essai.toml").write_text(
        f'description = "x"\n[options]\nencodage = "utf-8"\ncolonnes = 80\n{FILES}', "utf-8"
    )
    options = load_profile("essai", tmp_path, LpsOptions(colonnes=0)).options
    assert (options.encodage, options.colonnes, options.index) == ("utf-8", 0, True)


def test_the_first_rule_for_a_role_counts() -> None:
    rule = load_profile("par_type").rule(PartRole.PDF)
    assert rule is not None
    assert rule.dossier == "PDF"
    assert load_profile("hprim").rule(PartRole.PDF) is None


@given(st.text(max_size=40))
def test_a_pattern_is_refused_or_gives_one_name(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except BadPattern:
        return
    filled = pattern.fill(dict.fromkeys(NAME_FIELDS, "x") | {"n": 7})
    name = fitted(filled, LpsOptions())
    assert "/" not in name
    assert not name.startswith(".")
    assert name


@given(st.text(alphabet="A./\\{}idprefxe -", max_size=20))
def test_a_path_of_folders_is_refused_or_stays_below(text: str) -> None:
    try:
        parts = folder_parts(text)
    except BadPattern:
        return
    for part in parts:
        name = part.fill({"id": "K3QF2X", "prefixe": "P", "stamp": "T"})
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\\" not in name


@given(st.lists(st.text(alphabet="abAB.é", min_size=1, max_size=14), max_size=12), st.booleans())
def test_names_of_a_package_differ_whatever_their_case_and_fit(names: list[str], short: bool) -> None:
    options = LpsOptions(noms_8_3=short, longueur_nom_max=12)
    shelf = NameShelf()
    placed = [shelf.place("", fitted(name, options), 12) for name in names]
    assert len({folded(name) for name in placed}) == len(placed)
    assert all(len(name) <= 12 for name in placed)
    if short:
        assert all(name == name.upper() and name.isascii() for name in placed)


def test_numbers_stand_before_the_extension() -> None:
    names = numbered("ABCDEFGH.HPM", 12)
    assert [next(names), next(names), next(names)] == ["ABCDEFGH.HPM", "ABCDEF-2.HPM", "ABCDEF-3.HPM"]
