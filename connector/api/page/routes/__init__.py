"""The routes of the page, one file per subject: look, decide, show."""
