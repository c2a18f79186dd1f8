"""What a command costs before it does anything: `fsm --version`, and `fsm run` of one `true`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import plans
from result import Result
from rounds import Folders, Sample, interleave, measure, ratio

__all__ = ["console_script", "measure_startup"]


def console_script() -> Path:
    """The command `fsm` as it was installed beside this Python."""
    found = Path(sys.executable).with_name("fsm")
    if not found.exists():
        sys.exit(f"there is no {found}: install fsm into this environment with `pip install -e .`")
    return found


def measure_startup(rounds: int, folders: Folders) -> Iterator[Result]:
    """Both ways of calling `fsm`, against `python -c pass`; CPU of the whole process."""
    module = [sys.executable, "-m", "fsm"]
    run = ["run", "plan.yaml", "--yes"]
    commands: tuple[Sequence[str | Path], ...] = (
        [sys.executable, "-c", "pass"],
        [console_script(), "--version"],
        [*module, "--version"],
        [console_script(), *run],
        [*module, *run],
    )
    taken = interleave(3 * rounds, folders.memory, *map(_command, commands))

    def against(side: int) -> list[tuple[Sample, ...]]:
        return [(each[0], each[side]) for each in taken]

    work = "`fsm --version`"
    others = "doit 11, Prefect 1,000"
    figure = "CPU / `python -c pass`, "
    yield Result(work, f"{figure}console script", ratio(against(1), cpu), goal=2.5, others=others)
    yield Result(work, f"{figure}python -m fsm", ratio(against(2), cpu), goal=2.5)
    work = "`fsm run` of one `true`"
    yield Result(work, f"{figure}console script", ratio(against(3), cpu), goal=20)
    yield Result(work, f"{figure}python -m fsm", ratio(against(4), cpu), goal=20)


def cpu(sample: Sample) -> float:
    """The whole process, with its children."""
    return sample.cpu


def _command(command: Sequence[str | Path]) -> Callable[[Path], Sample]:
    def side(folder: Path) -> Sample:
        (folder / "plan.yaml").write_text(plans.one_true())
        return measure(command, folder, tells=False)

    return side
