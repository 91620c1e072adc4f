"""Secrets typed by a person or piped by a program: never an argument, which others could see in the process list."""

import sys
from getpass import getpass

import typer

from connector.cli.words import say

__all__ = ["piped_secret", "typed_secret"]

_LONGEST = 20_000


def typed_secret(prompt: str) -> str:
    """What a person types, without echo, which is off before the question shows: nothing can come too early.

    Raises:
        typer.Abort: the person gives up.
        typer.BadParameter: there is no terminal to type at.
    """
    if not _is_terminal():
        raise typer.BadParameter(
            say("il faut un terminal pour saisir un code secret", "a secret has to be typed at a terminal")
        )
    try:
        return getpass(f"{prompt}{say(' : ', ': ')}").strip()
    except EOFError:
        raise typer.Abort from None


def piped_secret(prompt: str) -> str:
    """The first line of standard input; typed without echo when that is a terminal.

    Raises:
        typer.BadParameter: nothing came.
    """
    secret = typed_secret(prompt) if _is_terminal() else sys.stdin.readline(_LONGEST).strip()
    if not secret:
        raise typer.BadParameter(say("rien n'a été donné sur l'entrée standard", "nothing came on standard input"))
    return secret


def _is_terminal() -> bool:
    return sys.stdin.isatty()
