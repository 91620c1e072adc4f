"""Exit codes, and how an error reaches the person at the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console
from rich.markup import escape

from connector.cli.words import say
from connector.domain.catalogue import explain
from connector.domain.errors import ConfigurationError, ConnectorError
from connector.settings.load import InvalidSettings, Problem

__all__ = ["Exit", "errors_to_person", "problem_line", "stderr", "stdout"]

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


class Exit(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    FINDINGS = 1  # it worked, and there is something to see to
    USAGE = 2  # wrong arguments, unreadable input
    SETTINGS = 3
    ALREADY_RUNNING = 4
    FAILED = 5  # a known error, named by its code
    NOT_STOPPED = 6  # a worker did not stop in time


def problem_line(problem: Problem) -> str:
    """One problem of the settings, as a line for the terminal."""
    right = say(f" ; {problem.right.fr}", f"; {problem.right.en}")
    return f"[red]{escape(problem.key)}[/red]{say(' : ', ': ')}{escape(say(*problem.wrong) + right)}"


@contextmanager
def errors_to_person() -> Iterator[None]:
    """Turn an error into one clear sentence, its code and its cure, and an exit code."""
    try:
        yield
    except InvalidSettings as error:
        for problem in error.problems:
            stderr.print(problem_line(problem), soft_wrap=True)
        raise typer.Exit(Exit.SETTINGS) from error
    except ConnectorError as error:
        texts = explain(error.code)
        stderr.print(f"[red]{say(texts.title_fr, texts.title_en)}[/red] [{error.code}]", soft_wrap=True)
        stderr.print(say(texts.cure_fr, texts.cure_en), soft_wrap=True)
        stderr.print(f"({error.detail})", style="dim", markup=False, soft_wrap=True)
        raise typer.Exit(_exit_for(error)) from error


def _exit_for(error: ConnectorError) -> Exit:
    if error.code == "DEJA_LANCE":
        return Exit.ALREADY_RUNNING
    return Exit.SETTINGS if isinstance(error, ConfigurationError) else Exit.FAILED
