"""The first inputs of each target, all synthetic. ``python -m tests.fuzz.seeds`` writes those that are missing."""

import sys
from collections.abc import Callable, Iterator, Mapping

from connector.sandbox.samples import sample
from tests.fuzz.targets import CORPUS
from tests.hl7.hl7_messages import classic_oru, mdm
from tests.opening.opened import attached, forwarded, hprim, message, text, unzipped, xdm, zipped
from tests.xdm.cda_samples import cda, level_1

__all__ = ["SEEDS", "write_missing"]

_NARRATIVE = (
    "<component><structuredBody><component><section><title>Biochimie</title><text><table><thead><tr><th>Analyse</th>"
    '<th>Résultat</th></tr></thead><tbody><tr><td rowspan="2">Potassium</td><td styleCode="Bold">6,9</td></tr>'
    "<tr><td>x</td></tr></tbody></table><list><item>un<sub>2</sub></item></list></text><entry><observation>"
    '<code code="6298-4"/><interpretationCode code="HH" codeSystem="2.16.840.1.113883.5.83"/></observation></entry>'
    "</section></component></structuredBody></component>"
)
_SMALL = cda()
_STRUCTURED = cda(body=_NARRATIVE)
_REPORT = (
    b"From: <postmaster@op.mssante.fr>\r\nTo: <a@b.mssante.fr>\r\nReturn-Path: <>\r\nSubject: Undelivered\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nNon remis.\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; op\r\nOriginal-Envelope-Id: 1\r\n\r\n"
    b"Final-Recipient: rfc822; c@d.mssante.fr\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
)


def _mime() -> Iterator[bytes]:
    yield message(text("Bonjour.\nÀ vous."))
    yield message(text("Un \ndeux", "text/plain; format=flowed"), attached("IHE_XDM.zip", xdm(_SMALL)))
    yield message(forwarded(message(text("x"), attached("cr.xml", _STRUCTURED), boundary="z")))
    yield message(attached("r.hpr", hprim()), attached("winmail.dat", b"\x78\x9f\x3e\x22"))
    yield _REPORT


def _zip() -> Iterator[bytes]:
    yield xdm(_SMALL)
    yield xdm(_SMALL, cda(document_id='<id root="1.2.3.4"/>'))
    yield zipped({"cr.xml": _STRUCTURED, "a.txt": b"a"})
    yield zipped({})


def _ebxml() -> Iterator[bytes]:
    for archive in (xdm(_SMALL), xdm(_STRUCTURED)):
        yield next(content for name, content in unzipped(archive).items() if name.endswith("METADATA.XML"))


def _cda() -> Iterator[bytes]:
    yield _SMALL
    yield _STRUCTURED
    yield cda(body=level_1("Qm9uam91cg==", "text/plain"))
    yield sample("lot-2-synthese.xml")
    yield sample("cr-autopresentable.xml")


def _hl7() -> Iterator[bytes]:
    yield mdm(document="PGEvPg==")
    yield classic_oru("^AP^PDF^Base64^JVBERi0xLjQK")
    yield b"MSH|^~\\&|A|B|C|D|20261120||ACK^T02^ACK|1|P|2.6\rMSA|AE|1\rERR||PID^1^3|101^x^HL70357|E\r"


def _hprim() -> Iterator[bytes]:
    yield hprim()
    yield hprim(coded=b"RES|Kali|K|N|6.9|mmol/l|3.5|5.0|HH|F\r\nTEX|x\r\n", end=b"") + hprim(family=b"\x82T\x90")
    yield b"H|~^\\&|f||A|B||ORU||x||P|H2.1|C\rP|1|2\r"


SEEDS: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "mime": _mime, "zip": _zip, "ebxml": _ebxml, "cda": _cda, "hl7": _hl7, "hprim": _hprim,
}  # fmt: skip
"""By target."""


def write_missing() -> int:
    """Write the seeds that are not kept yet; gives back how many."""
    count = 0
    for name, seeds in SEEDS.items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(seeds(), start=1):
            path = folder / f"seed-{number}.bin"
            if not path.exists():
                path.write_bytes(content)
                count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{write_missing()} files written\n")
