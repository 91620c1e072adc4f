"""``python -m tests.mllp.killed FOLDER [STEP]``: a listener that dies by SIGKILL at a step; prints its port."""

import os
import signal
import sys
from pathlib import Path

from connector.domain.ports import watch_steps
from tests.mllp.mllp_scene import MllpScene


def main() -> None:
    """Listen until standard input ends, or until death."""
    folder, step = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    if step:
        watch_steps(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == step else None)
    scene = MllpScene(folder)
    with scene.listening() as port:
        sys.stdout.write(f"\nport {port}\n")  # a line of its own, whatever the log writes meanwhile
        sys.stdout.flush()
        sys.stdin.read()
    scene.journal.close()


if __name__ == "__main__":
    main()
