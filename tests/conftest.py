"""Fixtures of the whole test tree, and what to do without the official samples."""

import pytest

from tests.servers.fixtures import mailbox, operator, password_operator, pki, token_operator

__all__ = ["mailbox", "operator", "password_operator", "pki", "token_operator"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that are only about official samples where there are none.

    Our own fixtures test the same rules. pytest would call an empty parametrisation "skipped", which here is reserved
    for tests that the operating system cannot run.
    """
    empty = [item for item in items if _is_without_cases(item)]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]


def _is_without_cases(item: pytest.Item) -> bool:
    reasons = (str(mark.kwargs.get("reason", "")) for mark in item.iter_markers("skip"))
    return any(reason.startswith("got empty parameter set") for reason in reasons)
