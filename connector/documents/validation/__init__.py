"""Rules of the field that reading does not insist on: what a document should say and does not. Pure."""
