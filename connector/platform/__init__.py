"""What the operating system gives us, one file per subject: time and ids, files, lock, folders, keys."""
