"""``python -m connector`` is ``mss-connector``."""

from connector.cli.main import app

app()
