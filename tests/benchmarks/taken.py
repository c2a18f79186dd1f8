"""Taking the run of a process that was killed, or of one that let it go: `python taken.py KIND FOLDER COUNT`.

Both are taken by turns; the time is that of `acquire` alone, begun when the former holder has gone.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from hashlib import sha256
from pathlib import Path

from backends import placed
from meter import say

from fsm.engine.ports import RunSummary, Store
from fsm.run.events import RunCreated
from fsm.stores import open_store

RUN = "run-1"


def main(kind: str, folder: Path, count: int) -> None:
    took: dict[bool, list[float]] = {True: [], False: []}
    with placed(kind, folder) as url:
        store = open_store(url, folder)
        digest = sha256(b"{}").hexdigest()
        summary = RunSummary(RUN, "plan", "plan", digest, "running", 0.0, 0.0)
        store.create(summary, b"{}", [RunCreated(digest)]).close()
        for number in range(2 * count):
            dies = number % 2 == 0
            hold(url, folder, dies=dies)
            took[dies].append(milliseconds(store))
        store.close()
    say({"dead": statistics.median(took[True]), "free": statistics.median(took[False])})


def milliseconds(store: Store) -> float:
    began = time.perf_counter()
    journal = store.acquire(RUN)
    ended = time.perf_counter()
    journal.close()
    return (ended - began) * 1000


def hold(url: str, folder: Path, *, dies: bool) -> None:
    """Let another process have the run, and be gone when this returns."""
    told, telling = os.pipe()
    if not (pid := os.fork()):
        journal = open_store(url, folder).acquire(RUN)
        if not dies:
            journal.close()
        os.write(telling, b"!")
        if dies:
            signal.pause()
        os._exit(0)
    os.close(telling)
    os.read(told, 1)
    os.close(told)
    if dies:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if dies else 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
