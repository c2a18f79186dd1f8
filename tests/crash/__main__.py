"""Crash injection from the command line, run from the top of the repository:

    python -m tests.crash               the sample that the tests take
    python -m tests.crash --full        every crossing of every point, and recovery killed again and again
    python -m tests.crash --full -j 2   the same, two cases at a time
    python -m tests.crash 'forward: begin append:COMMIT 3'          one case, told in full

`--full` runs each plan of `plans/` as often as its processes cross kill points: the nth time it is killed at
the nth crossing, until there is none left. It leads every run to its goal by the real command line, checks
RELIABILITY.md's invariants after every death, and counts only deaths that were verified. At last, engines
that are broken on purpose must be caught. Exits with 1 if anything was violated, or a control got through.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from multiprocessing import get_context

from . import sample
from .case import Case, Verdict, run_case
from .reaper import become_reaper
from .sweep import Track, sweep, tracks

_SAMPLE = (
    *(*sample.BETWEEN_WRITES, *sample.TORN, *sample.RECOVERY),
    *(*sample.BACK_OFF, *sample.COMMANDS, *sample.UNENDED),
)
_TOLD_IN_FULL = 5


def main() -> int:
    options = _options()
    become_reaper()
    began = time.monotonic()
    bad, killed, torn, cases = 0, 0, 0, 0
    for verdict in _verdicts(options.cases or _SAMPLE, options.full, options.jobs):
        cases, killed, torn = cases + 1, killed + verdict.killed, torn + verdict.torn
        if verdict.problems or options.cases:
            bad += bool(verdict.problems)
            print(verdict.case, *verdict.problems, sep="\n    ")
            if bad <= _TOLD_IN_FULL or options.cases:
                print("   ", *verdict.lives, sep="\n    ", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{killed} verified kills and {torn} half-written writes in {cases} cases, {seconds:.0f} s"
    )
    print(f"{bad} cases with a violation")
    escaped = [] if options.cases else [name for name in sample.CONTROLS if not _is_caught(name)]
    if not options.cases:
        print(f"{len(sample.CONTROLS) - len(escaped)} of {len(sample.CONTROLS)} controls caught")
    return 1 if bad or escaped else 0


def _verdicts(cases: Iterable[str], full: bool, jobs: int) -> Iterator[Verdict]:
    if not full:
        yield from map(run_case, map(Case.parse, cases))
        return
    ways = tracks()
    with get_context("fork").Pool(jobs, become_reaper) as pool:
        for number, verdicts in enumerate(pool.imap_unordered(_along, ways), 1):
            yield from verdicts
            if sys.stderr.isatty():
                print(f"\r{number} of {len(ways)}", end="", file=sys.stderr, flush=True)


def _along(track: Track) -> list[Verdict]:
    return list(sweep(track))


def _is_caught(control: str) -> bool:
    case, blamed = sample.CONTROLS[control]
    verdict = run_case(Case.parse(case), control)
    caught = any(problem.startswith(blamed) for problem in verdict.problems)
    print(f"    {'caught' if caught else 'NOT CAUGHT'}  {control}: {verdict.problems[:1]}")
    return caught


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description="Kill runs at every point, and take them up again.",
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these cases, told in full")
    parser.add_argument("--full", action="store_true", help="every point, every crossing")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="cases at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
