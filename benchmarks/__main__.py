"""``python -m benchmarks [NAME …] [--quick] [--minutes N]``: run and print tables in Markdown."""

import argparse
import os
import platform
import time
from collections.abc import Callable

from benchmarks import api, idle, latency, mailbox, night, receive, send, validation, xdm

_ALL: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "xdm": (xdm.run, lambda: xdm.run(20)),
    "validation": (validation.run, lambda: validation.run(5)),
    "send": (send.run, lambda: send.run(30, 1)),
    "receive": (receive.run, lambda: receive.run(50, 1)),
    "mailbox": (mailbox.run, lambda: mailbox.run(300)),
    "night": (night.run, lambda: night.run(200)),
    "latency": (latency.run, lambda: latency.run(3)),
    "api": (api.run, lambda: api.run(2.0, 60, 20)),
    "idle": (idle.run, lambda: idle.run(2.0, 1000, 5)),
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*_ALL, []], metavar="NAME", help=f"of {', '.join(_ALL)}")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all")
    parser.add_argument("--minutes", type=float, metavar="N", help="how long the local API is under load")
    chosen = parser.parse_args()
    python = platform.python_version()
    print(f"{time.strftime('%Y-%m-%d')}, Python {python}, {os.cpu_count()} cores, {platform.system()}")
    for name in chosen.names or _ALL:
        full, quick = _ALL[name]
        if name == "api" and chosen.minutes is not None:
            api.run(60 * chosen.minutes)
        else:
            (quick if chosen.quick else full)()


if __name__ == "__main__":
    main()
