"""Commands: thin callers, one file each."""
