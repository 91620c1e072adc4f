"""The two state machines at work: outgoing (prepare, send, follow up) and incoming (fetch, open, deliver).

Each class here does one step for one mailbox, once per call, and keeps nothing in memory that the journal does not
hold: the supervisor may throw it away and make a new one at any moment.
"""
