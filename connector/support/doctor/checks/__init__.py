"""The checks, one file per subject; each has its ``CHECKS``."""
