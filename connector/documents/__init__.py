"""What the LPS gives and what arrives: CDA R2, PDF and the recognition of a file by its content. Pure."""
