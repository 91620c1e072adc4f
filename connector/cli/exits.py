"""Exit codes, and how an error reaches the person at the terminal."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from connector.cli.quiet import quiet_log
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
    """Turn an error into one clear sentence, its code and its cure, and an exit code; never a traceback.

    Standard output belongs to the answer meanwhile: the technical log goes to standard error.
    """
    try:
        with quiet_log():
            yield
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):  # typer's own ways out
        raise
    except InvalidSettings as error:
        for problem in error.problems:
            stderr.print(problem_line(problem), soft_wrap=True)
        raise typer.Exit(Exit.SETTINGS) from error
    except ConnectorError as error:
        _tell(error.code, error.detail)
        raise typer.Exit(_exit_for(error)) from error
    except OSError as error:
        stderr.print(
            f"[red]{say('Le système refuse :', 'The system refuses:')}[/red] {escape(str(error))}", soft_wrap=True
        )
        raise typer.Exit(Exit.FAILED) from error
    except Exception as error:
        _tell("INTERNE", f"{type(error).__name__}, {_place(error)}")
        raise typer.Exit(Exit.FAILED) from error


def _tell(code: str, detail: str) -> None:
    texts = explain(code)
    stderr.print(f"[red]{escape(say(texts.title_fr, texts.title_en))}[/red] [{code}]", soft_wrap=True)
    stderr.print(say(texts.cure_fr, texts.cure_en), soft_wrap=True, markup=False)
    stderr.print(f"({detail})", style="dim", markup=False, soft_wrap=True)


def _place(error: Exception) -> str:
    """Where our own fault is, for the vendor: file and line, never a value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _exit_for(error: ConnectorError) -> Exit:
    if error.code == "DEJA_LANCE":
        return Exit.ALREADY_RUNNING
    return Exit.SETTINGS if isinstance(error, ConfigurationError) else Exit.FAILED
