"""How many fsyncs and forks a step costs: counted by `strace`, or by the process itself without it.

Two runs of different length are counted, and their difference divided by the steps between them: so what
happens once a run does not blur what happens every step.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from result import Result
from rounds import Spread, measure, python

__all__ = ["per_step"]

_CALLS = "fsync,fdatasync,sync_file_range,msync,fork,vfork,clone,clone3"
_CALL = re.compile(r"^\d+ +(\w+)\((.*)", re.MULTILINE)


def per_step(
    work: str, plan: Callable[[int], str], *, few: int, many: int, forks: int, where: Path
) -> list[Result]:
    """The fsyncs and forks a step; of forks, `forks` are wanted. A checkpoint of the log counts too."""
    with tempfile.TemporaryDirectory(prefix="fsm-bench-", dir=where) as name:
        short, how = _count(plan(few), Path(name) / "few")
        long, _ = _count(plan(many), Path(name) / "many")
    written, forked = ((long[what] - short[what]) / (many - few) for what in ("fsync", "fork"))
    assert written >= 0.99, "it was not seen how the steps are written down"
    assert forked >= forks - 0.01, "it was not seen how the steps are begun"
    return [
        _result(work, f"fsyncs a step ({how})", written, 1),
        _result(work, f"forks a step ({how})", forked, forks),
    ]


def _result(work: str, figure: str, value: float, wanted: int) -> Result:
    # Hundredths over one are checkpoints: two more fsyncs whenever the log has grown by 1,000 pages.
    return Result(work, figure, Spread.of([value]), "", wanted + 0.05)


def _count(text: str, folder: Path) -> tuple[Counter[str], str]:
    folder.mkdir(mode=0o700)
    plan = folder / "plan.yaml"
    plan.write_text(text)
    traced = folder / "trace"
    if strace := shutil.which("strace"):
        command = [strace, "-f", "-qq", "-o", str(traced), "-e", f"trace={_CALLS}"]
        ended = subprocess.run([*command, *python("driven.py", plan, folder)], capture_output=True)
        if ended.returncode == 0:
            return _read(traced.read_text()), "strace"
        shutil.rmtree(folder / "state", ignore_errors=True)
    said = measure(python("driven.py", plan, folder, "--count"), folder).said
    counts = Counter({"fsync": int(said["durable writes"]), "fork": int(said["forks"])})
    return counts, "calls and audit events"


def _read(trace: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for call, arguments in _CALL.findall(trace):
        if "sync" in call:
            counts["fsync"] += 1
        elif "CLONE_THREAD" not in arguments:
            counts["fork"] += 1
    return counts
