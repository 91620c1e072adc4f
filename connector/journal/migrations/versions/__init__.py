"""One file per revision; a released one never changes."""
