"""``mss-connector xdm``: make, show and check IHE XDM packages.

Exit codes: 0 fine, 1 findings with an error among them (``check``), 2 unreadable input or wrong call.
"""

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID, uuid4

import typer

from connector.domain.errors import ConnectorError
from connector.domain.limits import Limits
from connector.xdm.check import Severity, check_xdm
from connector.xdm.ebrim_reader import read_metadata
from connector.xdm.json_view import metadata_as_json
from connector.xdm.model import Metadata
from connector.xdm.pack import PackOptions, SenderInfo, pack
from connector.xdm.package_reader import read_xdm

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Archives IHE XDM : fabriquer, montrer, contrôler.")

_LIMITS = Limits()


class _RandomIds:
    """Identifiers for a package made by hand."""

    def uuid(self) -> UUID:
        return uuid4()

    def ulid(self) -> str:
        raise NotImplementedError("a package holds no ULID")


@app.command("pack")
def pack_command(
    documents: Annotated[list[Path], typer.Argument(help="Documents CDA d'un seul patient.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="L'archive à écrire.")],
    oid_root: Annotated[str, typer.Option(help="Racine d'OID de l'expéditeur, pour l'identifiant de l'envoi.")] = "",
) -> None:
    """Emballe des documents CDA dans un IHE_XDM.ZIP."""
    contents = [_read(path) for path in documents]
    sender = SenderInfo(software="mssante-connector", version=_product_version(), editor="The MSSanté connector team")
    try:
        packed = pack(
            contents, now=datetime.now(UTC), ids=_RandomIds(), sender=sender, options=PackOptions(oid_root=oid_root)
        )
    except ConnectorError as failure:
        _fail(failure.code, failure.detail)
    try:
        output.write_bytes(packed.content)
    except OSError as failure:
        _fail("ECRITURE", f"{output.name} cannot be written ({failure.strerror})")
    typer.echo(f"{output}: {len(contents)} document(s), {len(packed.content)} bytes")


@app.command("show")
def show_command(
    source: Annotated[Path, typer.Argument(help="Une archive XDM ou un METADATA.XML.")],
    as_json: Annotated[bool, typer.Option("--json", help="Métadonnées en JSON.")] = False,
) -> None:
    """Affiche les métadonnées d'une archive."""
    try:
        shown = metadata_as_json(_metadata(_read(source)))
    except ConnectorError as failure:
        _fail(failure.code, failure.detail)
    if as_json:
        _print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _print_object("submissionSet", shown["submissionSet"])
    for number, other in enumerate(shown.get("otherSubmissionSets", ()), 2):
        _print_object(f"submissionSet {number}", other)
    for number, entry in enumerate(shown["documentEntries"], 1):
        _print_object(f"documentEntry {number}", entry)


@app.command("check")
def check_command(source: Annotated[Path, typer.Argument(help="Une archive XDM.")]) -> None:
    """Affiche ce qui ne va pas dans une archive."""
    try:
        findings = check_xdm(_read(source), _LIMITS)
    except ConnectorError as failure:
        _fail(failure.code, failure.detail)
    for finding in findings:
        _print(f"{finding.severity.value}: {finding.code}: {finding.where or source.name}: {finding.text}")
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    _print(f"{source}: {errors} error(s), {len(findings) - errors} warning(s)")
    raise typer.Exit(1 if errors else 0)


def _metadata(data: bytes) -> Metadata:
    """The metadata of a package, all its sets together, or of a METADATA.XML alone."""
    if not data.startswith(b"PK"):
        return read_metadata(data, _LIMITS)
    packages = [package.metadata for package in read_xdm(data, _LIMITS, verify=False)]
    return Metadata(
        submission_sets=tuple(one for metadata in packages for one in metadata.submission_sets),
        document_entries=tuple(one for metadata in packages for one in metadata.document_entries),
        associations=tuple(one for metadata in packages for one in metadata.associations),
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LIMITS.max_expanded_bytes:
            _fail("TROP_GROS", f"{path} has more than {_LIMITS.max_expanded_bytes} bytes")
        return path.read_bytes()
    except OSError as failure:
        _fail("LECTURE", f"{path} cannot be read ({failure.strerror})")


def _fail(code: str, detail: str) -> NoReturn:
    typer.echo(f"{code}: {detail}", err=True)
    raise typer.Exit(2)


def _product_version() -> str:
    try:
        return version("mssante-connector")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0"


def _print(text: str) -> None:
    """UTF-8 whatever the console speaks, so that redirected output is always the same."""
    sys.stdout.flush()
    typer.echo(text.encode("utf-8"))


def _print_object(title: str, shown: dict[str, object]) -> None:
    _print(title)
    for name, value in shown.items():
        lines = value if isinstance(value, list) else [value]
        for line in lines:
            _print(f"  {name}: {_line(line)}")


def _line(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "code" in value:
        return f"{value['code']} ({value['codingScheme']}) {value['displayName']}"
    return "; ".join(f"{name} {text}" for name, text in value.items())


if __name__ == "__main__":
    app()
