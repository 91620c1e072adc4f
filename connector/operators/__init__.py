"""One port to the mail operators, and its implementations."""
