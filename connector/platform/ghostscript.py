"""PDF to PDF/A-1b with a Ghostscript that is installed on the machine; the connector brings none (it is AGPL).

It runs as a process of its own, without a shell, with ``-dSAFER``, in a private folder that is gone afterwards,
within a time; on POSIX also within bounds of memory and file size. What it makes is not trusted: whoever calls
checks it.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Ghostscript", "find_ghostscript"]

_LIMITER = Path(__file__).with_name("limited_run.py")
_MEMORY_BYTES = 2 << 30
_FILE_BYTES = 1 << 30
_SECONDS = 120.0
_OLDEST = (9, 50)  # the first version in which -dSAFER keeps programs in a document from reading files
_PLACES = ("/usr/bin/gs", "/usr/local/bin/gs", "/opt/homebrew/bin/gs", "/opt/local/bin/gs")

_OUTPUT_INTENT = b"""%!
[/_objdef {profile} /type /stream /OBJ pdfmark
[{profile} << /N 3 >> /PUT pdfmark
[{profile} (srgb.icc) (r) file /PUT pdfmark
[/_objdef {intent} /type /dict /OBJ pdfmark
[{intent} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {profile}
  /OutputConditionIdentifier (sRGB) /RegistryName (http://www.color.org) >> /PUT pdfmark
[{Catalog} << /OutputIntents [{intent}] >> /PUT pdfmark
"""

_OPTIONS = (
    "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dQUIET", "-dPDFA=1", "-dPDFACompatibilityPolicy=1", "-sDEVICE=pdfwrite",
    "-sColorConversionStrategy=RGB", "-dAutoRotatePages=/None", "-dCompatibilityLevel=1.4",
    "-dEmbedAllFonts=true", "-dSubsetFonts=true",
    "-dDownsampleColorImages=false", "-dDownsampleGrayImages=false", "-dDownsampleMonoImages=false",
    "-dAutoFilterColorImages=false", "-dAutoFilterGrayImages=false",
    "-sColorImageFilter=FlateEncode", "-sGrayImageFilter=FlateEncode",
)  # fmt: skip
"""Nothing is downsampled, and no image is compressed with loss a second time."""


class Ghostscript:
    """One installed program. Thread-safe; blocks while it works.

    Args:
        program: full path.
        profile: ICC profile of the output intent.
        folder: where the private folders are made; default: the system's.
        seconds: longest time for one document.
    """

    def __init__(
        self, program: Path, profile: bytes, *, folder: Path | None = None, seconds: float = _SECONDS
    ) -> None:
        self._program = program
        self._profile = profile
        self._folder = folder
        self._seconds = seconds

    def to_pdfa_1b(self, pdf: bytes) -> bytes | None:
        """The document as Ghostscript converts it; ``None`` when it fails or takes too long."""
        with tempfile.TemporaryDirectory(prefix="mss-pdfa-", dir=self._folder) as name:
            folder = Path(name)
            for file, data in (("in.pdf", pdf), ("srgb.icc", self._profile), ("intent.ps", _OUTPUT_INTENT)):
                (folder / file).write_bytes(data)
            command = [
                str(self._program), *_OPTIONS, "--permit-file-read=srgb.icc", "-sOutputFile=out.pdf", "intent.ps",
                "in.pdf",
            ]  # fmt: skip
            if not _ran(_limited(command, self._seconds), folder, self._seconds):
                return None
            made = folder / "out.pdf"
            return made.read_bytes() if made.is_file() else None


def find_ghostscript(setting: Path | None = None) -> Path | None:
    """The program to use: the one of the settings, else where the system's packages and installers put it.

    The search path is not looked at: on Windows it begins with folders that other people can write to.

    Returns:
        ``None`` when there is none, or one older than 9.50.
    """
    places = [setting] if setting else [*map(Path, _PLACES), *_windows_places()]
    return next((place for place in places if place.is_file() and _is_recent(place)), None)


def _windows_places() -> list[Path]:
    roots = [os.environ.get(name, "") for name in ("ProgramFiles", "ProgramFiles(x86)")]
    found = [path for root in roots if root for path in Path(root, "gs").glob("gs*/bin/gswin??c.exe")]
    return sorted(found, key=lambda path: _numbers(path.parts[-3]), reverse=True)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


def _is_recent(program: Path) -> bool:
    try:
        told = subprocess.run(  # noqa: S603 - a fixed place, or the setting
            [str(program), "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return _numbers(told.stdout.decode("ascii", "replace"))[:2] >= _OLDEST


def _limited(command: Sequence[str], seconds: float) -> list[str]:
    if sys.platform == "win32":
        return list(command)
    bounds = [str(_MEMORY_BYTES), str(int(seconds) + 1), str(_FILE_BYTES)]
    return [sys.executable, "-I", str(_LIMITER), *bounds, *command]


def _ran(command: Sequence[str], folder: Path, seconds: float) -> bool:
    """True when the program did its work; it sees nothing of our environment but where its own files go."""
    kept = {key: value for key in ("SYSTEMROOT",) if (value := os.environ.get(key))}
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell; the document is a file with a fixed name
            command, cwd=folder, env=kept | temporary, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
