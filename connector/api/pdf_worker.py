"""Draws pages of a PDF in a process of its own: nothing in it runs, and a crash takes nobody along.

Started by :mod:`connector.api.pdf_pages` as a plain script, so it imports nothing of ours. PDFium comes without
JavaScript and without XFA in these wheels; the file is only drawn.

Standard input: the PDF. Arguments: first page (from 0), number of pages, width in pixels. Standard output: the number
of pages of the document, then each drawn page, as length-prefixed PNG; all numbers are 4 bytes, big-endian.
"""

import io
import struct
import sys

_MEMORY_BYTES = 1 << 30
_CPU_SECONDS = 20
_MOST_PIXELS = 12_000_000  # of one page: a page that says it is a mile wide is drawn small


def _limit() -> None:
    """POSIX only; elsewhere the parent's time limit has to do."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # writes no file


def main() -> None:
    """Draw what was asked for."""
    import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415 - not before it is needed: the parent imports this file in tests

    first, number, width = map(int, sys.argv[1:4])
    content = sys.stdin.buffer.read()
    _limit()
    out = sys.stdout.buffer
    with pypdfium2.PdfDocument(content) as document:
        out.write(struct.pack(">I", len(document)))
        for index in range(first, min(first + number, len(document))):
            page = document[index]
            across, high = page.get_size()
            scale = min(width / max(across, 1), (_MOST_PIXELS / max(across * high, 1)) ** 0.5)
            png = io.BytesIO()
            page.render(scale=scale, may_draw_forms=False).to_pil().save(png, "PNG", compress_level=3)
            out.write(struct.pack(">I", png.tell()) + png.getvalue())


if __name__ == "__main__":
    main()
