"""Crash injection from the command line, run from the top of the repository:

    python -m tests.crash                       the sample that the tests take
    python -m tests.crash --full                every crossing of every point, recovery killed over and over
    python -m tests.crash --full --store json   the same, with one of the stores alone
    python -m tests.crash --full -j 2           the same, two cases at a time
    python -m tests.crash --full --kills 500    about so many kills with each store, here and there
    python -m tests.crash --outside             by strace at every durable system call, and at any moment
    python -m tests.crash --races 1000          two runners want one run, over and over: one gets it
    python -m tests.crash 'forward@json: begin append:write 3'          one case, told in full

`--full` runs each plan of `plans/` as often as its processes cross kill points: the nth time it is killed at
the nth crossing, until there is none left. It leads every run to its goal by the real command line, checks
RELIABILITY.md's invariants after every death, and counts only deaths that were verified. At last, engines
that are broken on purpose must be caught. Exits with 1 if anything was violated, or a control got through.

`--outside` does the same to the command as it is, in which nothing knows of a kill: at each system call by
which something comes to last, where it is killed, or which fails; and at random moments (see `traced.py`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from random import Random
from statistics import median

from . import sample
from .backends import BACKENDS
from .case import Case, Verdict, run_case
from .races import WITHIN_MS, race
from .reaper import become_reaper
from .sweep import Track, sweep, tracks, tracks_outside
from .traced import can_trace

_TOLD_IN_FULL = 5
_SEED = 20250601
_ENOUGH = get_context("fork").Event()
"""No further track is begun; those begun end by themselves, so that none leaves a server behind."""


def main() -> int:
    options = _options()
    if options.outside and not can_trace():
        print("from outside there is nothing to see: strace is not here, or may not trace")
        return 1
    become_reaper()
    if options.cases:
        return 1 if _is_violated("", map(run_case, map(Case.parse, options.cases))) else 0
    failed = False
    if options.races:
        for store in _stores(options):
            failed |= _races_fail(store, options.races)
        return 1 if failed else 0
    for store in _stores(options):
        failed |= _is_violated(store, _verdicts(store, options))
        controls = sample.CONTROLS[store]
        caught = [name for name in controls if _is_caught(store, name)]
        print(f"{store}: {len(caught)} of {len(controls)} controls caught", flush=True)
        failed |= len(caught) < len(controls)
    return 1 if failed else 0


def _stores(options: argparse.Namespace) -> list[str]:
    return [options.store] if options.store else list(BACKENDS)


def _races_fail(store: str, times: int) -> bool:
    races = race(store, times)
    print(races, *races.problems, sep="\n    ", flush=True)
    is_slow = median(races.after_death or [0.0]) > WITHIN_MS
    if is_slow:
        print(f"    a takeover from the dead takes longer than {WITHIN_MS:g} ms")
    caught = race(store, times, broken=True).problems
    print(f"    {'caught' if caught else 'NOT CAUGHT'}  a lock that keeps nobody out: {caught[:1]}")
    return bool(races.problems) or is_slow or not caught


def _is_violated(store: str, verdicts: Iterable[Verdict]) -> bool:
    """Tell of each verdict that has problems; of a case that was asked for (no `store`), whatever it has."""
    began = time.monotonic()
    bad, killed, torn, failed, cases = 0, 0, 0, 0, 0
    for verdict in verdicts:
        cases, killed, torn = cases + 1, killed + verdict.killed, torn + verdict.torn
        failed += verdict.failed
        bad += bool(verdict.problems)
        if verdict.problems or not store:
            print(verdict.case, *verdict.problems, sep="\n    ")
            if bad <= _TOLD_IN_FULL or not store:
                print("   ", *verdict.lives, sep="\n    ", flush=True)
    print(
        f"{store or 'in all'}: {killed} verified kills, {torn} half-written writes and {failed} failed calls "
        f"in {cases} cases, {bad} with a violation, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return bool(bad)


def _verdicts(store: str, options: argparse.Namespace) -> Iterator[Verdict]:
    if not options.full and not options.outside:
        yield from map(run_case, map(Case.parse, sample.CASES[store]))
        return
    ways, killed = tracks_outside(store) if options.outside else tracks(store), 0
    _ENOUGH.clear()
    if options.kills:
        Random(_SEED).shuffle(ways)
    with get_context("fork").Pool(options.jobs, become_reaper) as pool:
        for number, verdicts in enumerate(pool.imap_unordered(_along, ways), 1):
            yield from verdicts
            if sys.stderr.isatty():
                print(f"\r{number} of {len(ways)}", end="", file=sys.stderr, flush=True)
            killed += sum(verdict.happened for verdict in verdicts)
            if options.kills and killed >= options.kills:
                _ENOUGH.set()


def _along(track: Track) -> list[Verdict]:
    return [] if _ENOUGH.is_set() else list(sweep(track))


def _is_caught(store: str, control: str) -> bool:
    case, blamed = sample.CONTROLS[store][control]
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
    parser.add_argument(
        "--outside",
        action="store_true",
        help="every durable system call, by strace, and any moment",
    )
    parser.add_argument(
        "--races", type=int, metavar="N", help="N races of two runners, and no kills else"
    )
    parser.add_argument("--store", choices=BACKENDS, help="with this store alone")
    parser.add_argument(
        "--kills", type=int, metavar="N", help="of such a sweep, about N kills, of all kinds"
    )
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="cases at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
