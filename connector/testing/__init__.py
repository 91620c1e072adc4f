"""Published doubles of our ports: clock, identifiers, operator, faulty files, and the crash harness."""
