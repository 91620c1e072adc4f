"""``mss-connector demo``: the whole round trip on this machine."""

import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from connector.cli.exits import Exit, errors_to_person, stderr, stdout
from connector.cli.words import say

if TYPE_CHECKING:
    from connector.demo import Stage

__all__ = ["demo"]


def demo(
    once: Annotated[bool, typer.Option("--once", help="S'arrête après l'aller-retour.")] = False,
    card: Annotated[
        bool, typer.Option("--card", help="Le médecin s'identifie par une carte (SoftHSM à la place d'une CPS).")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Dossier des essais ; chacun y reçoit le sien.")] = Path("demo-run"),
) -> None:
    """Montre l'aller-retour complet d'un document, avec un opérateur embarqué ; aucun compte n'est nécessaire."""
    from connector.demo import DemoFailed, round_trip, stage  # noqa: PLC0415 - heavy, and needed by this command only

    with errors_to_person():
        try:
            with stage(folder, with_card=card) as scene:
                _introduce(scene)
                same = round_trip(scene, partial(_tell, scene.folder))
                if not once:
                    _stay(scene)
        except DemoFailed as failure:
            stderr.print(f"[red]{escape(str(failure))}[/red]", soft_wrap=True)
            raise typer.Exit(Exit.FAILED) from failure
    raise typer.Exit(Exit.OK if same else Exit.FINDINGS)


def _introduce(scene: "Stage") -> None:
    stdout.print(say("[bold]Connecteur MSSanté – démonstration[/bold]", "[bold]MSSanté connector – demo[/bold]"))
    stdout.print(
        say("  dossier de cet essai", "  folder of this run"), f": {scene.folder}", soft_wrap=True, markup=False
    )
    ports = f"SMTP {scene.operator.smtp_port}, IMAP {scene.operator.imap_port}"
    stdout.print(say(f"  opérateur embarqué : {ports}", f"  embedded operator: {ports}"))


def _tell(folder: Path, fr: str, en: str, path: Path | None) -> None:
    stdout.print(f"[green]✓[/green] {escape(say(fr, en))}", soft_wrap=True)
    if path is not None:
        stdout.print(f"    {path.relative_to(folder)}", style="dim", markup=False, soft_wrap=True)


def _stay(scene: "Stage") -> None:
    stdout.print(
        say(
            f"\nLe connecteur reste en marche. Déposez un CDA ici :\n  {scene.outbox}\n"
            f"et regardez là :\n  {scene.inbox}\nCtrl-C pour arrêter.",
            f"\nThe connector keeps running. Drop a CDA here:\n  {scene.outbox}\n"
            f"and look there:\n  {scene.inbox}\nCtrl-C stops it.",
        ),
        markup=False,
        soft_wrap=True,
    )
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
