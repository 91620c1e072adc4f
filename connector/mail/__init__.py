"""Compose and read mail: MIME, the MSSanté headers and subject, delivery and read receipts. Pure."""
