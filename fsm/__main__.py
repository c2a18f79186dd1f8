"""The command `fsm`, and `python -m fsm`."""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]

_START_STEPS = {"run", "execute", "resume", "recover", "rollback"}


def main() -> None:
    """Run the command line; ends the process with the exit codes of DESIGN.md."""
    if sys.argv[1:] == ["--version"] and _told_version():
        return
    _fill_standard_streams()
    # Starting makes much that stays and little garbage: collecting that would take a tenth of the time.
    gc.set_threshold(100_000, 20, 100)
    if not _START_STEPS.isdisjoint(sys.argv[1:2]):
        _stand_by()
    from fsm.cli import run

    code = run(sys.argv[1:])
    gc.freeze()  # the interpreter need not walk it all once more on its way out
    sys.exit(code)


def _told_version() -> bool:
    from fsm import __version__

    try:
        print(f"fsm {__version__}", flush=True)
    except OSError:
        return False
    return sys.stdout is not None


def _fill_standard_streams() -> None:
    """Have nothing else opened in the place of one that is closed: what is printed would go into it."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _stand_by() -> None:
    from fsm.actions.processes.standby import stand_by

    try:
        stand_by()
    except OSError:
        return  # if none can be started when it is needed either, then that is told


def _here() -> str:
    """The working folder as `python -m` puts it among those of modules; "" if it is gone."""
    try:
        return os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[:1] == [_here()]:
        del sys.path[
            0
        ]  # `python -m` put it there: nothing is imported from where one happens to be (F78)
    main()
