"""HPRIM Médecin and HPRIM Santé: decoded, read, split, written, and made from CDA documents. Pure."""
