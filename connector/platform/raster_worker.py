"""Draws every page of a PDF in a process of its own: nothing in it runs, and a crash takes nobody along.

Started by :mod:`connector.platform.raster` as a plain script, so it imports nothing of ours. PDFium comes without
JavaScript and without XFA in these wheels; pages are drawn as they are printed: with annotations and form fields.

Standard input: the PDF. Arguments: dots per inch, most pages. Standard output, for each page: width and height in
points (two 8-byte floats), length (4 bytes), all big-endian, and the page as PNG, grey when it has no colour.
"""

import io
import struct
import sys

_MEMORY_BYTES = 1 << 30
_CPU_SECONDS = 120
_MOST_PIXELS = 20_000_000  # of one page: a page that says it is a mile wide is drawn small


def _limit() -> None:
    """POSIX only; elsewhere the parent's time limit has to do."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Draw all pages, or fail when there are too many."""
    import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415 - not before it is needed

    dpi, most_pages = map(int, sys.argv[1:3])
    content = sys.stdin.buffer.read()
    _limit()
    with pypdfium2.PdfDocument(content) as document:
        document.init_forms()
        if not 0 < len(document) <= most_pages:
            sys.exit(2)
        for page in document:
            width, height = page.get_size()
            scale = min(dpi / 72, (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
            image = page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
            red, green, blue = image.split()
            if red.tobytes() == green.tobytes() == blue.tobytes():
                image = red
            png = io.BytesIO()
            image.save(png, "PNG", compress_level=3)
            sys.stdout.buffer.write(struct.pack(">ddI", width, height, png.tell()) + png.getvalue())
            page.close()


if __name__ == "__main__":
    main()
