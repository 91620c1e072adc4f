"""The durable store: schema, migrations, encrypted payloads, claims, recovery, trace."""
