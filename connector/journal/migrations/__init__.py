"""Migrations of the journal; run by :func:`connector.journal.store.open_store`, never by hand."""
