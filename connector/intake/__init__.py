"""Outbox folders: what an LPS drops becomes a submission in the journal, and status files tell what became of it."""
