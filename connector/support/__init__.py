"""What helps people see what the connector does: log, health."""
