"""The demonstration: an operator, the connector and one document, on this machine and without any account.

A laboratory drops a CDA document in its outbox folder; the connector wraps it, sends it to the embedded operator,
fetches it for the practitioner and delivers it in the inbox folder. Each step is told when it really happened: the
story is read from the journal, the folders and the operator, not from a script.
"""

from connector.demo.stage import Stage, stage
from connector.demo.story import round_trip
from connector.demo.waiting import DemoFailed

__all__ = ["DemoFailed", "Stage", "round_trip", "stage"]
