"""Words and rules of the field, without I/O, clock or randomness of their own."""
