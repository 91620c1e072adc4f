"""What each format means for a sending: its documents, for whom, with which wishes. Pure."""
