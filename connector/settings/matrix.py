"""Which identity opens which kind of mailbox at which operator: the presets' word on it, and its table for people."""

import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from connector.domain.text import Text
from connector.mail.headers import SenderKind
from connector.settings.data import data_folder
from connector.settings.identity import IdentityMethod
from connector.settings.operator import IdentityRule

__all__ = ["METHOD_WORDS", "matrix_as_markdown", "taken_methods"]

METHOD_WORDS: Mapping[IdentityMethod, Text] = MappingProxyType({
    IdentityMethod.CARD: Text("une carte CPS", "a CPS card"),
    IdentityMethod.CERTIFICATE: Text("un certificat logiciel", "a software certificate"),
    IdentityMethod.PASSWORD: Text("un identifiant et un mot de passe", "login and password"),
    IdentityMethod.CODE: Text("un code à usage unique", "a one-time code"),
    IdentityMethod.TOKEN: Text("Pro Santé Connect", "Pro Santé Connect"),
})  # fmt: skip


def taken_methods(rules: Iterable[IdentityRule], kind: SenderKind) -> list[IdentityMethod] | None:
    """What an operator takes for one kind of mailbox, in the order that it prefers.

    Args:
        rules: ``identities`` of its settings.
        kind: PER, ORG or APP.

    Returns:
        ``None`` when nothing is known of this operator; an empty list when it opens no such mailbox.
    """
    rules = list(rules)
    if not rules:
        return None
    found = [method for rule in rules if kind in rule.kinds for method in rule.methods]
    return list(dict.fromkeys(found))


def matrix_as_markdown() -> str:
    """One line per preset, one column per kind of mailbox: what ``docs/identities.md`` shows."""
    kinds = list(SenderKind)
    lines = [f"| preset | {' | '.join(kind.value for kind in kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    for path in sorted(data_folder().joinpath("operators").iterdir(), key=lambda path: path.name):
        operator = tomllib.loads(path.read_text(encoding="utf-8"))["operator"]
        rules = [IdentityRule.model_validate(rule) for rule in operator.get("identities", [])]
        cells = [_cell(taken_methods(rules, kind)) for kind in kinds]
        lines.append(f"| `{path.name.removesuffix('.toml')}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(methods: list[IdentityMethod] | None) -> str:
    if methods is None:
        return "not known: any"
    return ", ".join(f"`{method.value}`" for method in methods) or "none"
