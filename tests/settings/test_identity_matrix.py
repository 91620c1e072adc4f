"""Which identity where: the order of the operator, each method once, and what is not known."""

import pytest

from connector.mail.headers import SenderKind
from connector.settings.matrix import METHOD_WORDS, matrix_as_markdown, taken_methods
from connector.settings.model import IdentityMethod as M
from connector.settings.model import IdentityRule

RULES = [
    IdentityRule(kinds=[SenderKind.PER], methods=[M.TOKEN, M.CARD]),
    IdentityRule(kinds=[SenderKind.PER, SenderKind.ORG], methods=[M.CARD, M.PASSWORD]),
]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (SenderKind.PER, [M.TOKEN, M.CARD, M.PASSWORD]),
        (SenderKind.ORG, [M.CARD, M.PASSWORD]),
        (SenderKind.APP, []),
    ],
)
def test_methods_come_in_the_order_of_the_operator_each_once(kind: SenderKind, expected: list[M]) -> None:
    assert taken_methods(RULES, kind) == expected


@pytest.mark.parametrize("kind", list(SenderKind))
def test_without_rules_nothing_is_known(kind: SenderKind) -> None:
    assert taken_methods([], kind) is None


def test_every_method_has_words_in_both_languages() -> None:
    assert set(METHOD_WORDS) == set(M)
    assert all(word.fr and word.en for word in METHOD_WORDS.values())


def test_the_table_has_a_line_for_each_preset() -> None:
    lines = matrix_as_markdown().splitlines()
    assert lines[0] == "| preset | PER | ORG | APP |"
    assert "| `mailiz` | `token`, `card` | `token` | none |" in lines
    assert "| `generique` | not known: any | not known: any | not known: any |" in lines
