"""What leaves in place of a PDF that is not PDF/A-1b: by setting, checked and compared."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from connector.documents.pdf.looks import COMPARED_DPI, same_look
from connector.documents.pdf.pdfa import check_pdfa_1b
from connector.domain.errors import InvalidSubmission
from connector.exchange.pdfa import FitPdf, PdfFitter
from connector.platform.ghostscript import Ghostscript, find_ghostscript
from connector.platform.raster import draw_pages
from connector.settings.model import MessageSettings, PdfAPolicy
from tests.pdfa.pdfa_samples import ORDINARY, good, locked, signed, spoiled

CONVERT = MessageSettings(pdfa=PdfAPolicy.CONVERT)
NOWHERE = Path("/nonexistent/gs")


def fitted(pdf: bytes, settings: MessageSettings) -> FitPdf:
    return PdfFitter(settings).fit(pdf, "Biologie")


def look(pdf: bytes) -> list[bytes]:
    pages = draw_pages(pdf, dpi=COMPARED_DPI)
    assert pages
    return [page.png for page in pages]


def script(folder: Path, text: str) -> Path:
    """A program that stands for Ghostscript and says that it is a recent one."""
    program = folder / "gs"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo 10.00.0; exit 0; fi\n{text}\n', encoding="utf-8"
    )
    program.chmod(stat.S_IRWXU)
    return program


@pytest.mark.parametrize("policy", list(PdfAPolicy))
def test_a_conforming_file_leaves_as_it_is(policy: PdfAPolicy) -> None:
    pdf = good()
    assert fitted(pdf, MessageSettings(pdfa=policy)) == FitPdf(pdf)


def test_by_default_it_leaves_as_it_is_with_a_warning() -> None:
    fit = fitted(ORDINARY, MessageSettings())
    assert (fit.content, fit.warning) == (ORDINARY, "PDF_NON_CONFORME")
    assert "POLICE_NON_EMBARQUEE" in {finding.code for finding in fit.findings}


def test_it_may_be_refused_with_the_reasons() -> None:
    with pytest.raises(InvalidSubmission, match=r"PDFA_REFUSE: .*a font is not embedded"):
        fitted(ORDINARY, MessageSettings(pdfa=PdfAPolicy.REFUSE))


@pytest.mark.parametrize("policy", list(PdfAPolicy))
@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.4\n", locked(user="secret")])
def test_what_nobody_can_open_is_refused(pdf: bytes, policy: PdfAPolicy) -> None:
    with pytest.raises(InvalidSubmission, match="PDF_INVALIDE"):
        fitted(pdf, MessageSettings(pdfa=policy))


def test_ghostscript_converts_and_nothing_that_is_seen_changes() -> None:
    fit = fitted(ORDINARY, CONVERT)
    assert fit.warning == "PDFA_CONVERTI"
    assert check_pdfa_1b(fit.content) == ()
    assert same_look(look(ORDINARY), look(fit.content))


def transparent(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Resources.ExtGState = pikepdf.Dictionary(G=pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0.5))
    pdf.pages[0].contents_add(b"/G gs 1 0 0 rg 100 300 200 200 re f", prepend=False)


def with_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


@pytest.mark.parametrize("change", [transparent, with_script])
@pytest.mark.parametrize("program", [None, NOWHERE])
def test_transparency_and_scripts_are_gone_afterwards(
    change: Callable[[pikepdf.Pdf], None], program: Path | None
) -> None:
    pdf = spoiled(change, ORDINARY)
    fit = fitted(pdf, MessageSettings(pdfa=PdfAPolicy.CONVERT, ghostscript=program))
    assert fit.warning.startswith("PDFA_CONVERTI")
    assert check_pdfa_1b(fit.content) == ()


def test_without_ghostscript_pages_become_pictures() -> None:
    fit = fitted(ORDINARY, MessageSettings(pdfa=PdfAPolicy.CONVERT, ghostscript=NOWHERE))
    assert fit.warning == "PDFA_CONVERTI_IMAGES"
    assert check_pdfa_1b(fit.content) == ()
    assert same_look(look(ORDINARY), look(fit.content))


def test_pages_become_pictures_only_when_that_is_wanted() -> None:
    settings = MessageSettings(pdfa=PdfAPolicy.CONVERT, ghostscript=NOWHERE, pdfa_as_images=False)
    fit = fitted(ORDINARY, settings)
    assert (fit.content, fit.warning) == (ORDINARY, "PDFA_NON_CONVERTI")


def embedding(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["x.txt"] = b"x"


@pytest.mark.parametrize("pdf", [signed(), spoiled(embedding, ORDINARY)])
def test_a_signed_file_and_one_with_files_in_it_are_never_rewritten(pdf: bytes) -> None:
    fit = fitted(pdf, CONVERT)
    assert (fit.content, fit.warning) == (pdf, "PDFA_NON_CONVERTI")


def test_a_file_that_is_protected_against_changes_loses_its_protection() -> None:
    fit = fitted(locked(), CONVERT)
    assert fit.warning.startswith("PDFA_CONVERTI")
    assert check_pdfa_1b(fit.content) == ()


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize(
    "text",
    [
        "exit 1",  # it fails
        "exit 0",  # it says that it worked and makes nothing
        "cp in.pdf out.pdf",  # what it makes is still not PDF/A-1b
    ],
)
def test_a_conversion_that_went_wrong_is_thrown_away(tmp_path: Path, text: str) -> None:
    settings = MessageSettings(pdfa=PdfAPolicy.CONVERT, ghostscript=script(tmp_path, text), pdfa_as_images=False)
    assert fitted(ORDINARY, settings).content == ORDINARY


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_conversion_that_loses_something_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "other.pdf").write_bytes(good("Autre chose"))
    program = script(tmp_path, f"cp '{tmp_path / 'other.pdf'}' out.pdf")
    fit = fitted(ORDINARY, MessageSettings(pdfa=PdfAPolicy.CONVERT, ghostscript=program, pdfa_as_images=False))
    assert (fit.content, fit.warning) == (ORDINARY, "PDFA_NON_CONVERTI")


# --- the program --------------------------------------------------------------------------------------------------


def test_the_program_leaves_no_file_behind(tmp_path: Path) -> None:
    program = find_ghostscript()
    assert program, "Debian's ghostscript is one of the packages that the tests need"
    assert Ghostscript(program, b"no profile", folder=tmp_path).to_pdfa_1b(b"no pdf") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    program = script(tmp_path, f"echo $$ > '{tmp_path / 'pid'}'; exec sleep 600")
    assert Ghostscript(program, b"", seconds=3.0).to_pdfa_1b(b"") is None
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no such bounds there")
def test_a_program_is_bound_in_what_it_may_use(tmp_path: Path) -> None:
    program = script(tmp_path, f"ulimit -v -t -f -c > '{tmp_path / 'bounds'}'")
    Ghostscript(program, b"", seconds=30.0).to_pdfa_1b(b"")
    bounds = (tmp_path / "bounds").read_text(encoding="ascii")
    assert "unlimited" not in bounds


def test_a_document_cannot_read_other_files(tmp_path: Path) -> None:
    """A program in the document itself, which -dSAFER must stop: PostScript in place of the PDF."""
    secret = tmp_path / "secret.txt"
    secret.write_text("(found) show", encoding="ascii")
    program = find_ghostscript()
    assert program
    attack = f"%!PS\n({secret}) (r) file pop showpage\n".encode()
    assert Ghostscript(program, b"").to_pdfa_1b(attack) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize(("version", "is_taken"), [("9.27", False), ("9.50", True), ("10.03.1", True), ("", False)])
def test_a_program_that_is_too_old_is_not_used(tmp_path: Path, version: str, is_taken: bool) -> None:
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    program.chmod(stat.S_IRWXU)
    assert (find_ghostscript(program) == program) is is_taken


def test_pages_that_cannot_be_drawn_are_none() -> None:
    assert draw_pages(b"nothing", dpi=50) is None
    assert draw_pages(locked(user="secret"), dpi=50) is None


def test_a_drawing_has_the_size_of_its_page() -> None:
    pages = draw_pages(ORDINARY, dpi=72)
    assert pages
    assert [(page.width, page.height) for page in pages] == [(595.0, 842.0)]
