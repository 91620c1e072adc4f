"""The SMTP code that a business acknowledgement (ZAM) may carry for a recipient who was not reached.

Source rule: HL7 v2 volet of the CI-SIS, coding system ``SMTPERRORCODE``: a closed list. Which listed code stands for
which enhanced status (RFC 3463) is our choice.
"""

import re

__all__ = ["LISTED_CODES", "listed_code"]

LISTED_CODES = frozenset({
    101, 111, 251, 252, 420, 421, 422, 431, 432, 441, 442, 450, 451, 452, 500, 501, 502, 503, 504, 510, 512, 513, 523,
    530, 541, 550, 551, 552, 553, 554,
})  # fmt: skip
"""Everything that ``SMTPERRORCODE`` holds."""

_STATUS = re.compile(r"([45])\.(\d{1,3})\.(\d{1,3})")
_FINAL = {
    "1.0": 553, "1.1": 550, "1.2": 512, "1.3": 501, "1.4": 553, "1.6": 550, "1.10": 550, "2.1": 550, "2.2": 552,
    "2.3": 523, "3.4": 523, "4.1": 554, "4.4": 512, "4.7": 554, "5.0": 503, "7.0": 541, "7.1": 541,
}  # fmt: skip
_PASSING = {"2.2": 422, "3.1": 431, "3.2": 432, "4.1": 441, "4.2": 442, "4.7": 420, "5.3": 452, "7.1": 450}


def listed_code(*, smtp_code: int, status: str) -> int:
    """The code of the list that comes nearest to what a server said.

    Args:
        smtp_code: its reply code, 0 when unknown.
        status: its enhanced status code, ``""`` when unknown.

    Returns:
        The reply code itself when it is listed; else what stands for the status; else 450 for a passing failure and
        554 for a final one.
    """
    if smtp_code in LISTED_CODES:
        return smtp_code
    found = _STATUS.search(status)
    if found is None:
        return 450 if 400 <= smtp_code < 500 else 554
    known, default = (_PASSING, 450) if found[1] == "4" else (_FINAL, 554)
    return known.get(f"{found[2]}.{found[3]}", default)
