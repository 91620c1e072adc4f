"""``mss-connector``: the table of commands."""

import typer

from connector import __version__
from connector.cli import (
    bundle,
    card,
    check,
    client,
    config,
    demo,
    doctor,
    inbox,
    queue,
    receipts,
    run,
    sandbox,
    session,
    status,
    trust,
    xdm,
)
from connector.cli import open as opening
from connector.cli.exits import stdout

__all__ = ["app"]

app = typer.Typer(
    name="mss-connector",
    help="Connecteur MSSanté : envoie et reçoit les documents de santé pour le logiciel du cabinet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("open")(opening.open_)
app.command("status")(status.status)
app.command("check")(check.check)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("receipts")(receipts.receipts)
app.add_typer(card.app, name="card")
app.add_typer(client.app, name="client")
app.add_typer(config.app, name="config")
app.add_typer(inbox.app, name="inbox")
app.add_typer(queue.app, name="queue")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(bundle.app, name="support")
app.add_typer(session.app, name="session")
app.add_typer(trust.app, name="trust")
app.add_typer(xdm.app, name="xdm")


@app.command("version")
def version() -> None:
    """Affiche la version."""
    stdout.print(__version__)


if __name__ == "__main__":
    app()
