"""A plan's file that is swapped for another all the time: only what was approved runs (F51)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLAN = "plan: {id: swapped, steps: [{id: only, run: 'echo %s >> happened'}]}\n"


def fsm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fsm", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@contextmanager
def swapping(folder: Path, swaps: Counter[str]) -> Iterator[None]:
    """As long as the context lasts, plan.yaml is one plan and the other, by turns."""
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for name in ("approved", "other"):
                shutil.copy(folder / name, folder / "next")
                (folder / "next").replace(folder / "plan.yaml")
                swaps[name] += 1

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        yield
    finally:
        done.set()
        swapper.join()


def test_a_plan_that_is_swapped_while_it_is_read_never_runs_without_approval(
    tmp_path: Path,
) -> None:
    for name in ("approved", "other", "plan.yaml"):
        (tmp_path / name).write_text(PLAN % ("other" if name == "other" else "approved"))
    digest = json.loads(fsm(tmp_path, "plan", "plan.yaml", "--json").stdout)["digest"]
    ended, swaps = Counter[int](), Counter[str]()
    with swapping(tmp_path, swaps):
        while len(ended) < 2 or ended.total() < 12:
            ended[fsm(tmp_path, "run", "plan.yaml", "--approve", digest).returncode] += 1
            assert ended.total() < 100, "it was always the same plan"
    assert set(ended) == {0, 6}
    assert (tmp_path / "happened").read_text().split() == ["approved"] * ended[0]
    assert swaps["other"] > 500
