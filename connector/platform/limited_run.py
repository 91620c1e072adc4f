"""Becomes another program, within bounds of memory, time and file size that it cannot lift (POSIX).

Started as a plain script, so it imports nothing of ours. Arguments: bytes of memory, seconds of processor time, bytes
of one file, then the program with its arguments. The process id stays the same: who started it can stop it.
"""

import os
import sys


def main() -> None:
    """Set the bounds, then become the program."""
    import resource  # noqa: PLC0415 - not there on Windows, where nobody starts this

    memory, seconds, file_bytes = map(int, sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
