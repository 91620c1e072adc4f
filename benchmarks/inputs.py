"""What is measured with: synthetic documents of a chosen size, each with an identity of its own."""

import base64
import io
import random
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pikepdf

__all__ = ["Documents", "level1", "level3"]

_SEED = 417
_PDF_BODY = re.compile(rb'(<text mediaType="application/pdf"[^>]*>)(.*?)(</text>)', re.DOTALL)
_FIRST_ID = re.compile(rb'(?<=<id root=")[0-9.]+(?="/>\s*<code )')


@dataclass(frozen=True, slots=True)
class Documents:
    """A CDA document and as many siblings as are needed, which differ in their identifier only."""

    name: str
    content: bytes

    def numbered(self, number: int) -> bytes:
        """The same document under another identifier: neither a duplicate nor a replacement of the others."""
        changed, count = _FIRST_ID.subn(lambda match: match[0] + b".7.%d" % (number + 1), self.content, count=1)
        assert count == 1, "the identifier of the document was not found"
        return changed


@cache
def level1(size_bytes: int) -> Documents:
    """A level 1 document (PDF inside a CDA header) of about ``size_bytes``; the sample of the sandbox, grown."""
    sample = _sample("cr-consultation-n1.xml")
    found = _PDF_BODY.search(sample)
    assert found is not None, "the sample holds no PDF"
    header = len(sample) - len(found[2])
    wanted = max(0, (size_bytes - header) * 3 // 4)
    pdf = _grown(base64.b64decode(found[2]), wanted)
    body = base64.encodebytes(pdf).strip()
    return Documents(f"N1, {size_bytes // 1000} kB", sample[: found.start(2)] + body + sample[found.end(2) :])


@cache
def level3() -> Documents:
    """A structured document of a laboratory: the sample of the sandbox."""
    sample = _sample("cr-biologie-v1.xml")
    return Documents(f"N3, {len(sample) // 1000} kB", sample)


def _grown(pdf: bytes, size_bytes: int) -> bytes:
    """The PDF with a private stream that does not compress, as the scans and images of real ones do not."""
    missing = size_bytes - len(pdf) - 200
    if missing <= 0:
        return pdf
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.Root.BenchPadding = document.make_stream(random.Random(_SEED).randbytes(missing))
        document.save(output, deterministic_id=True, compress_streams=False)
    return output.getvalue()


def _sample(name: str) -> bytes:
    return (resources.files("connector.sandbox") / "samples" / name).read_bytes()
