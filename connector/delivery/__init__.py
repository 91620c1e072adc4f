"""Inbox folders: what arrived is given to the LPS, whole and once."""
