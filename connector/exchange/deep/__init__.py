"""Documents held against the official schemas and schematrons, which the person has on the disk."""
