"""Which runs may be forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fsm.engine.ports import FINAL_STATES, RunSummary
from fsm.engine.retention import choose, recent

NOW = 1_000_000.0
DAY = 86_400.0


def run(name: str, state: str = "completed", plan: str = "p", days_ago: float = 0.0) -> RunSummary:
    at = NOW - days_ago * DAY
    return RunSummary(name, plan, plan, "d", state, at, at)


def names(
    runs: list[RunSummary], held: tuple[str, ...] = (), **how: float | None
) -> tuple[list[str], dict[str, str]]:
    """The ids of those to remove, and of those kept with the reason."""
    removed, kept = choose(
        runs,
        keep=how.get("keep"),  # type: ignore[arg-type]
        older_than_seconds=how.get("older"),
        now=NOW,
        holder=lambda run_id: 7 if run_id in held else None,
    )
    return [r.run_id for r in removed], {r.run_id: why for r, why in kept}


def test_the_newest_finished_runs_of_each_plan_are_kept() -> None:
    runs = [run("c"), run("b", plan="q"), run("x", "paused"), run("a"), run("z", "failed")]
    removed, kept = names(runs, keep=1)
    assert removed == ["a", "z"]
    assert kept == {
        "c": "among the newest 1 finished of its plan",
        "b": "among the newest 1 finished of its plan",
        "x": "unfinished (paused)",
    }


def test_what_ended_within_the_time_is_kept() -> None:
    runs = [run("new", days_ago=1), run("edge", days_ago=30), run("old", days_ago=30.01)]
    removed, kept = names(runs, older=30 * DAY)
    assert removed == ["old"]
    assert set(kept.values()) == {"ended within 30d"}


def test_with_both_what_either_keeps_stays() -> None:
    runs = [run("a", days_ago=90), run("b", days_ago=1), run("c", days_ago=90)]
    assert names(runs, keep=1, older=30 * DAY)[0] == ["c"]


def test_a_held_run_is_kept_and_its_holder_named() -> None:
    removed, kept = names([run("a"), run("b")], ("a",), keep=0)
    assert removed == ["b"]
    assert kept == {"a": "held by a process (pid 7)"}


def test_a_run_of_the_future_is_kept() -> None:
    assert names([run("a", days_ago=-1)], older=0.0)[0] == []


summaries = st.lists(
    st.builds(
        run,
        st.uuids().map(str),
        st.sampled_from(["completed", "failed", "rolled_back", "paused", "running"]),
        st.sampled_from("pq"),
        st.floats(-5, 100),
    ),
    max_size=12,
)


@given(summaries, st.none() | st.integers(0, 4), st.none() | st.floats(0, 50), st.data())
def test_every_run_is_removed_or_kept_and_only_what_may_go_goes(
    runs: list[RunSummary], keep: int | None, days: float | None, data: st.DataObject
) -> None:
    held = tuple(data.draw(st.sets(st.sampled_from([r.run_id for r in runs] or [""]))))
    older = None if days is None else days * DAY
    removed, kept = names(runs, held, keep=keep, older=older)
    assert sorted([*removed, *kept]) == sorted(r.run_id for r in runs)
    by_id = {r.run_id: r for r in runs}
    for name in removed:
        gone = by_id[name]
        assert gone.state in FINAL_STATES
        assert name not in held
        assert older is None or NOW - gone.updated_at > older
        newer = runs[: runs.index(gone)]
        same = [r for r in newer if r.plan_id == gone.plan_id and r.state in FINAL_STATES]
        assert keep is None or len(same) >= keep
    for name, why in kept.items():
        assert (why.startswith("unfinished")) == (by_id[name].state not in FINAL_STATES)


def test_the_list_has_the_newest_runs_and_every_unfinished_one() -> None:
    runs = [run("a"), run("b"), run("c"), run("d", "paused"), run("e", "failed")]
    assert [r.run_id for r in recent(runs, newest=2)] == ["a", "b", "d"]
    assert recent(runs, newest=5) == runs
