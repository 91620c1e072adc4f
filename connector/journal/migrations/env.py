"""Alembic's entry: runs the revisions on the connection that the journal hands over, inside its transaction."""

from alembic import context

from connector.journal.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
