"""`diagrams/` holds what the tables, the example plans and one run give.

`python tests/views/test_diagrams.py` writes it anew. Painted by `graphviz-pure`, which writes the same bytes
on every machine, also where Graphviz is installed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from fsm.machine import load_machine, load_table
from fsm.plan import load_plan
from fsm.run import Run
from fsm.run import events as on
from fsm.run.timeline import Timeline
from fsm.views.drawings.chart import ChartSheet
from fsm.views.drawings.drawing import MOST_ARROWS
from fsm.views.drawings.machine import machine_drawing
from fsm.views.drawings.picture import paint, pure_painter
from fsm.views.drawings.plan import plan_drawing
from fsm.views.drawings.run import run_drawing
from fsm.views.drawings.sheet import DrawingSheet, Sheet
from fsm.views.drawings.timeline import run_chart

ROOT = Path(__file__).parents[2]
DIAGRAMS = ROOT / "diagrams"
MACHINES = ("door", "order")
PLANS = ("deploy.yaml", "hello.yaml", "reference.yaml", "release.yaml", "s0.yaml", "workflow.json")
AS_PNG = ("door", "release")
"""A picture for those who see no SVG; two are enough."""


@cache
def generated() -> dict[str, bytes]:
    """What `diagrams/` must hold: file names and contents."""
    files = {}
    for name, sheet in sheets():
        files[f"{name}.mmd"] = sheet.mermaid().encode()
        files[f"{name}.svg"] = paint(sheet.dot(), "svg", pure_painter())
        if name in AS_PNG:
            files[f"{name}.png"] = paint(sheet.dot(), "png", pure_painter())
    return files


def sheets() -> Iterator[tuple[str, Sheet]]:
    """The picture of every table, example machine and example plan, and of one run."""
    for name in ("plan", "step"):
        yield f"{name}-machine", DrawingSheet(machine_drawing(load_table(name)))
    for name in MACHINES:
        spec = load_machine(ROOT / "specs" / "machines" / f"{name}.yaml")
        yield name, DrawingSheet(machine_drawing(spec))
    for file in PLANS:
        plan = load_plan(ROOT / "specs" / "plans" / file)
        drawing = plan_drawing(plan, MOST_ARROWS["mermaid"])
        yield file.partition(".")[0], DrawingSheet(drawing)
    run, timeline = a_release_that_failed()
    yield "release-run", DrawingSheet(run_drawing(run, timeline, MOST_ARROWS["mermaid"]))
    with utc():
        yield "release-timeline", ChartSheet(run_chart(run, timeline))


def a_release_that_failed() -> tuple[Run, Timeline]:
    """The run of the README at invented times: its tests fail twice, and an hour later it is rolled back."""
    plan = load_plan(ROOT / "specs" / "plans" / "release.yaml")
    run, timeline = Run(plan, "20261121-085308-7xfb"), Timeline()
    at = 1795251188.0
    facts: list[tuple[float, on.Event]] = [
        (0, on.RunCreated(plan.digest)),
        (0, on.RunApproved(plan.digest, "you", "yes")),
        (0, on.RunValidated(plan.digest)),
        (0, on.RunStarted()),
    ]
    for step, seconds in (("clean-tree", 0.4), ("branch", 1.2), ("bump", 0.6), ("changelog", 2.1)):
        facts += [(0, on.StepStarted(step, 1)), (seconds, on.StepCompleted(step, 1, seconds))]
    facts += [
        (0, on.StepStarted("test", 1)),
        (9.5, on.StepFailed("test", 1, "exit code 1", 9.5, 1, "", at)),
    ]
    facts += [
        (1.0, on.StepStarted("test", 2)),
        (9.8, on.StepFailed("test", 2, "exit code 1", 9.8, 1)),
    ]
    facts += [(3600.0, on.RollbackRequested("you"))]
    for step, seconds in (("changelog", 0.9), ("bump", 0.5), ("branch", 1.6)):
        facts += [(0, on.UndoStarted(step, 1)), (seconds, on.UndoCompleted(step, 1, seconds))]
    for after, event in facts:
        at += after
        run.apply(event)
        timeline.observe(run, at, event)
    timeline.finish()
    assert run.state == "rolled_back"
    return run, timeline


@contextmanager
def utc() -> Iterator[None]:
    """Local time is that of Greenwich."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("name", sorted(path.name for path in DIAGRAMS.iterdir()))
def test_each_diagram_is_what_its_table_gives(name: str) -> None:
    assert name in generated(), "nothing gives it any more: remove it"
    stored = (DIAGRAMS / name).read_bytes()
    assert stored == generated()[name], "write it anew: python tests/views/test_diagrams.py"


def test_no_diagram_is_missing() -> None:
    missing = generated().keys() - {path.name for path in DIAGRAMS.iterdir()}
    assert not missing, "write them: python tests/views/test_diagrams.py"


def test_the_readme_shows_diagrams_that_are_there() -> None:
    shown = re.findall(r"\(diagrams/([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert {name for name in shown if name} <= {path.name for path in DIAGRAMS.iterdir()}


if __name__ == "__main__":
    for old in DIAGRAMS.iterdir():
        old.unlink()
    for file_name, content in generated().items():
        (DIAGRAMS / file_name).write_bytes(content)
