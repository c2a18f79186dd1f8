"""The benchmarks: `python tests/benchmarks`, in an environment where fsm is installed.

Every figure is measured side by side with a bare hand-written loop (`bare.py`) that does the same spawns
and one durable commit a step, on the same file system, in interleaved rounds. A ratio is fsm over bare;
CPU is user and system time with that of children. "The work itself" leaves out imports and the loading of
the plan; "whole process" counts everything from its start to its end. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from appends import measure_stores
from checkpoint import measure_checkpoint
from explore import measure_explored
from parallel import measure_layers, measure_naps
from result import Result, as_json, table
from resumed import measure_resumed
from rounds import Folders
from sequential import measure_noops, measure_trues, measure_undone
from startup import measure_startup
from takeover import measure_takeover
from validated import measure_validated

import fsm

_WORKS: dict[str, Callable[[int, Folders], Iterator[Result]]] = {
    "true": measure_trues,
    "noop": measure_noops,
    "naps": measure_naps,
    "layers": measure_layers,
    "undo": measure_undone,
    "resume": measure_resumed,
    "checkpoint": measure_checkpoint,
    "stores": measure_stores,
    "takeover": measure_takeover,
    "explore": measure_explored,
    "startup": measure_startup,
    "validate": measure_validated,
}


def main() -> int:
    options = _options()
    machine = _machine(folders := Folders())
    if not options.json:
        print(" · ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    rounds = 3 if options.quick else 7
    results: list[Result] = []
    for name, work in _WORKS.items():
        if options.only in (None, name):
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            results += work(rounds, folders)
    if options.json:
        document = {"machine": machine, "results": [as_json(result) for result in results]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(table(results))
    return int(any(result.passed is False for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python tests/benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="three rounds instead of seven")
    parser.add_argument("--only", choices=_WORKS, help="measure one work alone")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def _machine(folders: Folders) -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "fsm": f"{fsm.__version__} from {Path(fsm.__file__).parent}",
        "tmpfs": f"{folders.memory} ({_kind(folders.memory)})",
        "disk": f"{folders.disk} ({_kind(folders.disk)})",
    }


def _kind(folder: Path) -> str:
    """The type of the file system that the folder is on."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    kinds = {Path(point): kind for point, kind in mounts}
    return next(kinds[parent] for parent in (folder, *folder.parents) if parent in kinds)


if __name__ == "__main__":
    sys.exit(main())
