"""CDA R2: the header as values, the narrative, the unwrapping of self-presenting documents."""
