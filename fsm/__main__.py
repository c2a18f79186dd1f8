"""The command `fsm`, and `python -m fsm`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process with the exit codes of DESIGN.md."""
    if sys.argv[1:] == ["--version"]:
        from fsm import __version__

        print(f"fsm {__version__}")
        return
    from fsm.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
