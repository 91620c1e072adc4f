"""Giving HL7 v2 messages to a software that listens (MLLP), instead of writing them into its folder.

Source rules: IG "Transmission au LPS d'un document CDA provenant d'un courriel MSSanté" 1.1 (acknowledgement, ERR-5);
lps-folder-conventions 8.6. A message is frozen before it is sent, and sent with the same bytes and the same control
id until it is answered; its answer is kept beside it [``deliver.message_answered``] before it goes. So a crash
repeats a message that was not answered, as the same one, and never one that was.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from connector.documents.hl7.answer import Ack
from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.ports import reach
from connector.exchange.acknowledged import acknowledgement
from connector.exchange.notices import FAILURE_LABELS
from connector.platform.files import write_atomic

__all__ = ["LpsLine", "Refusal"]

_log = structlog.get_logger(__name__)

_ANSWER = ".reponse"
_OTHER_FAILURE = "906"
_REST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the software says of a document that it does not integrate."""

    code: str  # 900 to 906
    detail: str = field(repr=False)


@dataclass(slots=True)
class LpsLine:
    """One software that listens.

    Args:
        exchange: sends a message and gives what came back; raises :class:`connector.domain.errors.Unavailable`.
        refused: tells the sender of a mail, by its row id, which of its documents were not integrated.
        accepted: tells that all were.
        monotonic: seconds; after it was away the software is left alone for a moment, so that a hundred messages do
            not each wait for it.
    """

    exchange: Callable[[bytes], bytes]
    refused: Callable[[str, Sequence[Refusal]], object]
    accepted: Callable[[str], object]
    monotonic: Callable[[], float] = time.monotonic
    _rests_until: float = field(default=0.0, init=False)

    def give(self, message: Path) -> None:
        """Send one message and keep its answer; then the message goes.

        Raises:
            Unavailable: ``MLLP_INJOIGNABLE``: it is still there.
            OSError: the same, or its answer is there too.
        """
        content = message.read_bytes()
        answer = message.with_name(message.name + _ANSWER)
        if not answer.exists():
            ack = self._ask(content)
            write_atomic(answer, json.dumps(_told(ack)).encode())
            reach("deliver.message_answered")
        message.unlink()

    def _ask(self, content: bytes) -> Ack:
        if self.monotonic() < self._rests_until:
            raise Unavailable("MLLP_INJOIGNABLE", "the software that listens was away a moment ago")
        try:
            return acknowledgement(content, self.exchange(content))
        except Unavailable:
            self._rests_until = self.monotonic() + _REST_SECONDS
            raise

    def refusals(self, messages: Sequence[Path]) -> list[Refusal]:
        """What the software refused of these messages, all of which were answered."""
        answers = (message.with_name(message.name + _ANSWER) for message in messages)
        read: list[dict[str, Any]] = [json.loads(answer.read_text("utf-8")) for answer in answers]
        return [Refusal(one["ko"], one["detail"]) for one in read if one["ko"]]

    def conclude(self, incoming_id: str, refusals: Sequence[Refusal]) -> None:
        """All documents of a mail were answered: its sender hears what became of them.

        That nobody can be told never holds up what was received.

        Raises:
            Unavailable: the journal; call again.
        """
        try:
            if refusals:
                self.refused(incoming_id, refusals)
            else:
                self.accepted(incoming_id)
        except Unavailable:
            raise
        except ConnectorError as error:
            _log.warning("answer_not_told", id=incoming_id, code=error.code, detail=error.detail)


def _told(ack: Ack) -> dict[str, str]:
    """What is kept of an answer; ``ko`` is empty when the document was integrated."""
    if ack.is_positive:
        return {"answer": ack.code, "ko": "", "detail": ""}
    named = next((one for one in ack.problems if one.application_code in FAILURE_LABELS), None)
    texts = (text for one in ack.problems for text in (one.application_text, one.text))
    detail = (named.application_text if named else "") or next(filter(None, texts), ack.text)
    return {"answer": ack.code, "ko": named.application_code if named else _OTHER_FAILURE, "detail": detail}
