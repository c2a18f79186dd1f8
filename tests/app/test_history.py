"""Which runs are listed as abandoned by their process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fsm.app.history import died
from fsm.app.workspace import Workspace
from fsm.engine.ports import RunSummary

if TYPE_CHECKING:
    from fsm.engine.ports import Store

RUN = RunSummary("run-1", "release", "Release", "0" * 64, "running", 1.0, 2.0)


class Listing:
    """A store that lists `now`, and in which nobody holds a run that is not named in `held`."""

    def __init__(self, *now: RunSummary, held: str = "") -> None:
        self.now, self.held = now, held

    def holder(self, run_id: str) -> int | None:
        return 0 if run_id == self.held else None

    def runs(self) -> tuple[RunSummary, ...]:
        return self.now


def told(workspace: Workspace, store: Listing, *runs: RunSummary) -> frozenset[str]:
    cast("dict[str, Any]", workspace.__dict__)["store"] = cast("Store", store)
    return died(workspace, runs)


@pytest.mark.parametrize("state", ["running", "rolling_back", "aborting"])
def test_a_run_that_would_go_on_and_that_nobody_holds_has_lost_its_process(
    workspace: Workspace, state: str
) -> None:
    run = replace(RUN, state=state)
    assert told(workspace, Listing(run), run) == {"run-1"}


@pytest.mark.parametrize("state", ["pending", "paused", "needs_intervention", "completed"])
def test_a_run_that_rests_needs_no_process(workspace: Workspace, state: str) -> None:
    run = replace(RUN, state=state)
    assert not told(workspace, Listing(run), run)


def test_a_run_that_is_held_somewhere_is_not_abandoned(workspace: Workspace) -> None:
    assert not told(workspace, Listing(RUN, held="run-1"), RUN)


@pytest.mark.parametrize(
    "now", [(replace(RUN, state="completed"),), (replace(RUN, updated_at=3.0),), ()]
)
def test_a_run_that_ended_or_went_on_while_the_list_was_made_is_not_abandoned(
    workspace: Workspace, now: tuple[RunSummary, ...]
) -> None:
    assert not told(workspace, Listing(*now), RUN)
