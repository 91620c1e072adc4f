"""Text that may leave the practice: what is known to be harmless stays, everything else becomes ``[…]``.

By allow-list, never by search and replace: a name, a matricule, a file name, an address, a token cannot be recognised
for certain, but the words in which programs speak can. What is private and known (mailboxes, folders, paths) gets a
label instead, always the same, so that lines can be compared.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from connector import __version__
from connector.domain.catalogue import CATALOGUE
from connector.support.vocabulary import VOCABULARY

__all__ = ["MASK", "Scrubber"]

MASK = "[…]"

_WORDS_KEPT = VOCABULARY | {"boite", "chemin", "operateur"}  # of the labels, see connector.support.masking
_NAMES = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_UNITS = frozenset({"MB", "bytes", "days", "entries", "h", "s"})
_MEASURE = re.compile(r"\d{1,7}")
_WORDS = re.compile(r"[^\W_]+")
_EDGES = " \t\"'()[]{}<>,;:.!?=«»“”’`"
_PARTS_OF_KEY = re.compile(r"[.,\[\]]+")
_HARMLESS = re.compile(
    r"""
      [0-7][0-9A-HJKMNP-TV-Z]{25}                      # ULID: ours
    | 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)   # of a log line or a node of the health tree
    | [245]\.\d{1,3}\.\d{1,3}                          # enhanced status code, RFC 3463
    | 0x[0-9A-Fa-f]{1,8}                               # error of a library
    | \d{1,3}                                          # a reply code, a count
    | TLSv1\.[0-3] | TLS_[A-Z0-9_]+ | (ECDHE|DHE)-[A-Z0-9-]+
    """,
    re.VERBOSE,
)
_LONGEST_RUN = 2  # numbers one after the other: more may be a matricule or a telephone number
_EXCEPTION = re.compile(r"[A-Z][A-Za-z]+(Error|Exception|Interrupt|Exit|Warning|Refused|Failed|Invalid|Corrupt)")
_FRAME = re.compile(r'\s*File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>[\w<>.]+)')
_OWN_CODE = re.compile(r"(connector|site-packages)[/\\](.+\.py)$")
_TRACEBACK_HEADS = (
    "Traceback (most recent call last):",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Makes text harmless.

    Args:
        labels: private text to what stands for it; longer ones are replaced first.
        keys: names of settings, which may stay where one is named whole (``mailboxes[0].identity.key``).
        hosts: names of servers that may stay.
    """

    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """Free text, one line or several."""
        return "\n".join(" ".join(self._tokens(line)) for line in self._labelled(text).splitlines())

    def traceback(self, text: str) -> str:
        """Where the code was, and what kind of error it was; no line of source, no value."""
        return "\n".join(self._frames(text.splitlines()))

    def _labelled(self, text: str) -> str:
        for private in sorted(self.labels, key=len, reverse=True):
            pattern = rf"(?<![\w@.-]){re.escape(private)}(?![\w@-])"
            text = re.sub(pattern, self.labels[private], text, flags=re.IGNORECASE)
        return text

    def _tokens(self, line: str) -> Iterator[str]:
        """Token by token; neighbours that are left out become one mark."""
        kept = ""
        tokens = [self._relabelled(token) for token in self._without_runs(line.split())]
        for token, after in pairwise([*tokens, ""]):
            before, kept = kept, token if self._is_harmless(token, after) else MASK
            if not kept == before == MASK:
                yield kept

    def _relabelled(self, token: str) -> str:
        """Private names inside an identifier of ours: ``dr-modele:send``, ``operators.mailiz.tls``."""
        known = {private.casefold(): label for private, label in self.labels.items()}
        return _NAMES.sub(lambda name: known.get(name[0].casefold(), name[0]), token)

    @staticmethod
    def _without_runs(tokens: list[str]) -> Iterator[str]:
        """Numbers in a row are no reply codes."""
        for is_number, group in groupby(tokens, key=lambda token: token.strip(_EDGES).isdecimal()):
            run = list(group)
            yield from [MASK] * len(run) if is_number and len(run) > _LONGEST_RUN else run

    def _is_harmless(self, token: str, after: str) -> bool:
        core = token.strip(_EDGES)
        if not any(char.isalnum() for char in token):
            return token.isprintable()
        if core in CATALOGUE or core == __version__ or _HARMLESS.fullmatch(core) or self._is_host(core):
            return True
        if after.strip(_EDGES) in _UNITS and _MEASURE.fullmatch(core):
            return True
        return self._is_words(core) or self._is_exception(core) or self._is_key(core)

    def _is_key(self, core: str) -> bool:
        """A setting with the table that it is in; its parts alone could be words about people (``family``)."""
        first, *rest = _PARTS_OF_KEY.split(core)
        harmless = (not part or part in self.keys or part in self.labels.values() or part.isdigit() for part in rest)
        return first in self.keys and bool(rest) and all(harmless)

    def _is_exception(self, core: str) -> bool:
        """The name of a class of errors, with its module or without."""
        module, _, kind = core.rpartition(".")
        return bool(_EXCEPTION.fullmatch(kind)) and (not module or self._is_words(module))

    def _is_host(self, core: str) -> bool:
        host, _, port = core.partition(":")
        return host.lower() in self.hosts and (not port or port.isdigit())

    @staticmethod
    def _is_words(core: str) -> bool:
        """Words of the vocabulary, also joined (``revocation_list``, ``prepare-1``); never numbers alone."""
        parts = _WORDS.findall(core)
        words = [part for part in parts if not part.isdigit()]
        numbers = [part for part in parts if part.isdigit()]
        return (
            bool(words) and all(word.lower() in _WORDS_KEPT for word in words) and all(len(n) <= 3 for n in numbers)
        )

    def _frames(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if (frame := _FRAME.match(line)) is not None:
                yield f'  File "{_code_file(frame["path"])}", line {frame["line"]}, in {frame["name"]}'
            elif line in _TRACEBACK_HEADS:
                yield line
            elif line and not line.startswith(" "):
                yield self._raised(line)

    def _raised(self, line: str) -> str:
        kind, colon, message = line.partition(": ")
        if not self._is_exception(kind):
            return self.text(line)
        return f"{kind}: {self.text(message)}" if colon else kind


def _code_file(path: str) -> str:
    """A file of code without the folders above it, which may name a person."""
    if (found := _OWN_CODE.search(path)) is not None:
        return f"{found[1]}/{found[2]}"
    name = re.split(r"[/\\]", path)[-1]
    return name if name.endswith(".py") else MASK
