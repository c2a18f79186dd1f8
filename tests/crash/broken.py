"""The command `fsm`, broken on purpose: `python -m tests.crash.broken CONTROL WORDS…`."""

from __future__ import annotations

import sys

from fsm.cli import run as fsm_command

from .controls import CONTROLS


def main() -> int:
    control, *words = sys.argv[1:]
    for each in CONTROLS[control]():
        each.__enter__()
    return fsm_command(words)


if __name__ == "__main__":
    sys.exit(main())
