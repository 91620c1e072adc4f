"""The acknowledgement of an HL7 v2 message that we sent over MLLP, and nobody else's."""

from connector.documents.hl7.answer import Ack, read_ack
from connector.documents.hl7.header import peek_header
from connector.domain.errors import InvalidSubmission, Unavailable

__all__ = ["acknowledgement"]


def acknowledgement(message: bytes, data: bytes) -> Ack:
    """What came back, when it answers our message.

    Args:
        message: as it was sent.
        data: what came back.

    Raises:
        Unavailable: ``MLLP_INJOIGNABLE``: what came is no answer to it; whether it was taken is not known.
    """
    sent = peek_header(message)
    try:
        ack = read_ack(data)
    except InvalidSubmission as error:
        raise Unavailable("MLLP_INJOIGNABLE", "what came back over MLLP is no acknowledgement") from error
    if sent is None or ack.control_id != sent.control_id:
        raise Unavailable("MLLP_INJOIGNABLE", "what came back over MLLP answers another message")
    return ack
