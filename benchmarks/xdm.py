"""XDM: one document to a package, against the bare cost of parsing, hashing and deflating the same bytes."""

import hashlib
import statistics
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from lxml import etree

from benchmarks.inputs import Documents, level1, level3
from benchmarks.stages import Stages
from benchmarks.table import show, show_ratio
from connector.documents.cda import parse
from connector.platform.system import SystemIds
from connector.xdm import pack as packing
from connector.xdm import package_writer
from connector.xdm.pack import SenderInfo, pack

__all__ = ["TYPICAL_BYTES", "run"]

AIM = 1.5
TYPICAL_BYTES = 137_000
"""Of a document with its PDF."""

_SENDER = SenderInfo(software="benchmark", version="1", editor="mssante-connector")
_IDS = SystemIds()
_NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_STAGES = {
    (parse, "clinical_document"): "parse the XML",
    (parse, "read_header"): "read the header",
    (packing, "derive_entry"): "derive the entry (SHA-1 inside)",
    (packing, "derive_submission_set"): "derive the submission set",
    (packing, "write_metadata"): "write METADATA.XML",
    (package_writer, "write_zip"): "zip (deflate, CRC-32)",
}


def run(count: int = 200) -> dict[str, float]:
    """Print the tables.

    Returns:
        Name of the document to ratio.
    """
    ratios = {}
    for documents in (level1(TYPICAL_BYTES), level3()):
        ours, bare = _interleaved(partial(_pack, documents.content), partial(_bare, documents.content), count)
        ratios[documents.name] = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
        show(
            f"XDM, {documents.name}", ["", "ms, median", "ms, best"],
            [["pack", 1000 * statistics.median(ours), 1000 * min(ours)],
             ["parse + SHA-1 + deflate", 1000 * statistics.median(bare), 1000 * min(bare)]],
        )  # fmt: skip
        show_ratio("pack / bare", ratios[documents.name], AIM, at_most=True)
        _profile(documents, count)
    return ratios


def _pack(content: bytes) -> None:
    pack([content], now=_NOW, ids=_IDS, sender=_SENDER)


def _bare(content: bytes) -> None:
    etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    hashlib.sha1(content, usedforsecurity=False).hexdigest()
    packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    packer.compress(content)
    packer.flush()


def _interleaved(
    first: Callable[[], None], second: Callable[[], None], count: int
) -> tuple[list[float], list[float]]:
    """Seconds of each call, taken in turns, so that both meet the same load of the machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(count + 3):
        for run_one, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            run_one()
            if number >= 3:  # the first ones warm caches
                taken.append(time.perf_counter() - start)
    return times


def _profile(documents: Documents, count: int) -> None:
    stages = Stages()
    with stages.watching(_STAGES):
        for _ in range(count):
            _pack(documents.content)
    stages.show(f"Where it goes: XDM, {documents.name}", count)
