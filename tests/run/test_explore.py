"""What exploring a plan finds, and that leaving situations out loses nothing of it."""

from __future__ import annotations

from array import array
from dataclasses import replace
from random import Random

import pytest

from fsm.plan.model import Call, Plan, Rollback, Step
from fsm.run.explore import Bounds, Exploration, Finding, explore, play
from fsm.run.explore.keys import Keys
from fsm.run.explore.outputs import choices
from fsm.run.explore.position import Position
from fsm.run.explore.search import Search
from fsm.run.explore.skeleton import needs, states

from .plans import CALL, TWICE, TWICE_LATER, UNDO, UNDO_STARTED, plan, step


def naming(text: str) -> Call:
    return Call(skill="shell", action="run", params={"command": ["sh", {"$template": text}]})


def found(of: Plan, kind: str) -> list[Finding]:
    return [finding for finding in explore(of).findings if finding.kind == kind]


def only(of: Plan, kind: str) -> Finding:
    [finding] = explore(of).findings
    assert finding.kind == kind
    return finding


# What is found.


def test_nothing_is_found_of_a_plan_that_undoes_what_it_did() -> None:
    fine = plan(step("a", rollback=UNDO), step("b", "a", rollback=UNDO), step("c", read_only=True))
    assert explore(fine).findings == []


def test_a_rollback_that_nobody_asked_for_leaves_what_has_no_rollback() -> None:
    finding = only(
        plan(step("a"), step("b", rollback=UNDO), single_failure="rollback"), "left_behind"
    )
    assert finding.steps == ["a"]
    assert "rolled back by itself, with `a` done" in finding.message


def test_a_run_that_completes_although_what_proves_it_failed_is_told() -> None:
    smoke = step("smoke", "deploy", read_only=True, on_failure="continue")
    of = plan(step("deploy", rollback=UNDO), smoke)
    finding = only(of, "unproved_end")
    assert (finding.steps, finding.others) == (["smoke"], ["deploy"])
    assert "complete without `smoke`, which proves what `deploy` did" in finding.message
    assert "`on_failure`" in finding.hint
    assert finding.scenario is not None
    assert [act.fails for act in finding.scenario.acts] == [("smoke",)]
    assert explore(of, reduce=False).findings == [finding]


def test_a_run_that_completes_although_what_proves_it_was_skipped_is_told() -> None:
    deploy = step("deploy", rollback=UNDO)
    smoke = step("smoke", "deploy", read_only=True)
    smoke = replace(smoke, condition="steps.deploy.outputs.changed == 'yes'")
    finding = only(plan(deploy, smoke), "unproved_end")
    assert finding.steps == ["smoke"]
    assert "`if`" in finding.hint


def test_what_proves_is_not_forgotten_while_the_run_goes_on() -> None:
    smoke = step("smoke", "deploy", read_only=True, on_failure="continue")
    of = plan(step("deploy", rollback=UNDO), smoke, step("tell", "smoke", read_only=True))
    assert only(of, "unproved_end").steps == ["smoke"]


def test_what_proves_and_must_hold_is_no_finding() -> None:
    fine = plan(step("deploy", rollback=UNDO), step("smoke", "deploy", read_only=True))
    assert explore(fine).findings == []
    look = step("look", read_only=True, on_failure="continue")
    assert explore(plan(look, step("deploy", "look", rollback=UNDO))).findings == []


def test_giving_up_leaves_all_that_was_done() -> None:
    finding = only(plan(step("a", rollback=UNDO), step("b"), single_failure="abort"), "left_behind")
    assert finding.steps == ["a"]
    assert "failed by itself" in finding.message


def test_a_run_that_skips_dependents_ends_as_failed_and_asks_nobody() -> None:
    skipping = plan(
        step("a", rollback=UNDO, on_failure="skip_dependents"), step("b", rollback=UNDO)
    )
    assert only(skipping, "left_behind").steps == ["b"]


def test_nobody_needs_to_be_told_what_a_person_asked_for() -> None:
    assert (
        explore(plan(step("a"), step("b", rollback=UNDO), multiple_failures="pause")).findings == []
    )


def test_a_second_failure_rolls_back_although_a_person_resumed_after_the_first() -> None:
    finding = only(plan(step("a"), step("b", "a"), step("c", "b")), "left_behind")
    assert finding.steps == ["a", "b"]
    assert finding.scenario is not None
    assert [act.asked for act in finding.scenario.acts] == ["run", "resume"]


def test_a_rollback_cannot_name_the_outputs_of_its_own_failed_step() -> None:
    undo = Rollback(call=naming("{{ steps.a.outputs.id }}"), on="started")
    finding = only(plan(step("a", rollback=undo)), "rollback_cannot_run")
    assert (finding.steps, finding.others) == (["a"], ["a"])
    assert "output `id` of `a` is not there" in finding.message


def test_a_rollback_cannot_name_the_outputs_of_a_step_that_may_be_skipped() -> None:
    undo = Rollback(call=naming("{{ steps.b.outputs.id }}"))
    either = plan(
        step("a", rollback=UNDO),
        step("b", "a", rollback=UNDO, condition="steps.a.outputs.kind == 'new'"),
        step("c", "b", rollback=undo),
        step("d", "c", rollback=UNDO),
    )
    missing, undone = found(either, "rollback_cannot_run")
    assert (missing.steps, missing.others) == (["c"], ["b"])
    assert "can be undone before it" in undone.message


def test_a_rollback_with_a_default_for_what_may_be_missing_can_run() -> None:
    undo = Rollback(call=naming("{{ steps.a.outputs.id | default('') }}"), on="started")
    assert explore(plan(step("a", rollback=undo))).findings == []


def test_what_a_rollback_needs_is_undone_before_it_if_its_step_was_done_anew() -> None:
    undo = Rollback(call=naming("{{ steps.a.outputs.id }}"))
    again = plan(
        step("a", rollback=UNDO), step("b", "a", rollback=undo), step("c", "b", rollback=UNDO)
    )
    finding = only(again, "rollback_cannot_run")
    assert (finding.steps, finding.others) == (["b"], ["a"])
    assert finding.scenario is not None
    assert ("from", "a") in [(act.asked, act.step) for act in finding.scenario.acts]


def test_a_condition_on_a_failure_that_stops_the_run_is_always_false() -> None:
    never = plan(
        step("a", rollback=UNDO),
        step("b", "a", rollback=UNDO, condition="steps.a.state == 'failed'"),
    )
    finding = only(never, "always_false")
    assert finding.steps == ["b"]
    seen = plan(
        step("a", rollback=UNDO, on_failure="continue"),
        step("b", "a", rollback=UNDO, condition="steps.a.state == 'failed'"),
    )
    assert explore(seen).findings == []


@pytest.mark.parametrize(
    ("condition", "always_false"),
    [
        ("steps.a.outputs.n == '1'", False),
        ("steps.a.outputs.n | int > 41", False),
        ("steps.a.outputs.n == '1' and false", True),
        ("steps.a.state == 'skipped' or steps.a.outputs.n is defined", False),
        ("params.deep", False),
        ("not true", True),
    ],
)
def test_outputs_and_parameters_may_be_anything(condition: str, always_false: bool) -> None:
    of = plan(step("a", rollback=UNDO), step("b", "a", rollback=UNDO, condition=condition))
    of = replace(of, params={"deep": False})
    assert [f.kind for f in explore(of).findings] == ["always_false"] * always_false


def test_a_condition_that_only_these_parameters_make_false_is_a_note() -> None:
    of = replace(plan(step("a", rollback=UNDO, condition="params.deep")), params={"deep": False})
    assert explore(of).notes == ["with these parameters `a` is skipped: `if: params.deep`"]


def test_what_waits_for_a_step_that_can_never_be_concluded_never_runs() -> None:
    of = plan(step("a", rollback=UNDO, condition="params.none"), step("b", "a", rollback=UNDO))
    first, second = found(replace(of, params={"none": 3}), "never_runs") or (None, None)
    assert first is None or first.steps == ["a"]
    undecidable = plan(step("a", rollback=UNDO, condition="1"), step("b", "a", rollback=UNDO))
    first, second = found(undecidable, "never_runs")
    assert (first.steps, second.steps) == (["a"], ["b"])
    assert second.scenario is None


@pytest.mark.parametrize(
    ("likely", "because"),
    [
        (step("b", "a", retry=TWICE, rollback=UNDO), "is tried up to 2 times"),
        (
            replace(
                step("b", "a", rollback=UNDO),
                call=Call(skill="shell", action="run", params={"command": "cd x && curl -f $URL"}),
            ),
            "goes over the network (curl)",
        ),
        (
            replace(
                step("b", "a", rollback=UNDO),
                call=Call(skill="shell", action="run", params={"command": ["git", "push"]}),
            ),
            "goes over the network (git push)",
        ),
    ],
)
def test_what_cannot_be_undone_comes_before_what_is_likely_to_fail(
    likely: Step, because: str
) -> None:
    of = plan(step("a"), likely, multiple_failures="pause")
    finding = only(of, "irreversible_first")
    assert (finding.steps, finding.others) == (["b"], ["a"])
    assert because in finding.message
    assert (
        explore(plan(step("a"), replace(likely, dry_run=CALL), multiple_failures="pause")).findings
        == []
    )


def test_a_scenario_with_several_at_once_says_how_long_they_take_if_it_must() -> None:
    of = plan(step("a"), step("b"), step("c", "a"), parallel=2, single_failure="abort")
    finding = only(of, "left_behind")
    assert finding.steps == ["a", "b", "c"]


def test_a_call_that_names_what_a_skipped_step_would_have_returned_fails() -> None:
    of = plan(
        step("a", condition="params.deep", rollback=UNDO),
        replace(step("b", "a", rollback=UNDO), call=naming("{{ steps.a.outputs.id }}")),
        step("c", "b", rollback=UNDO),
    )
    skipped = replace(of, params={"deep": False})
    assert "`c` was not seen to run" in explore(skipped).notes
    assert "`c` was not seen to run" not in explore(replace(of, params={"deep": True})).notes


# That leaving out loses nothing.


def random_plan(rng: Random) -> Plan:
    """A small plan with much that is alike, and all that findings are about."""
    steps: list[Step] = []
    for index in range(rng.randint(2, 5)):
        earlier = [each.id for each in steps]
        needed = [name for name in earlier if rng.random() < 0.3]
        steps.append(_random_step(rng, f"s{index}", needed))
    answers = ("pause", "rollback", "abort", "continue")
    return plan(
        *steps,
        parallel=rng.randint(1, 3),
        single_failure=rng.choice(answers),
        multiple_failures=rng.choice(answers),
        several=rng.choice((2, 3)),
    )


def _random_step(rng: Random, name: str, needed: list[str]) -> Step:
    undo = rng.choice((None, UNDO, UNDO, UNDO_STARTED))
    call, condition = CALL, None
    if needed and rng.random() < 0.2:
        undo = Rollback(call=naming(f"{{{{ steps.{rng.choice(needed)}.outputs.id }}}}"))
    if needed and rng.random() < 0.15:
        call = naming(f"{{{{ steps.{rng.choice(needed)}.outputs.id }}}}")
    if needed and rng.random() < 0.2:
        asked = rng.choice(("outputs.n == '1'", "state == 'failed'", "state == 'completed'"))
        condition = f"steps.{rng.choice(needed)}.{asked}"
    made = step(
        name,
        *needed,
        rollback=undo,
        condition=condition,
        read_only=undo is None and rng.random() < 0.3,
        retry=rng.choice((TWICE, TWICE_LATER)) if rng.random() < 0.2 else TWICE.__class__(),
        on_failure=rng.choice(("stop", "stop", "continue", "skip_dependents")),
    )
    return replace(made, call=call)


def essence(of: Exploration) -> list[tuple[object, ...]]:
    return sorted((f.kind, *f.steps, "|", *f.others, f.message) for f in of.findings)


@pytest.mark.parametrize("seed", range(150))
def test_the_reductions_lose_no_finding_and_make_no_scenario_longer(seed: int) -> None:
    of = random_plan(Random(seed))
    bounds = Bounds(situations=30_000)
    whole, reduced = explore(of, bounds, reduce=False), explore(of, bounds)
    assert not reduced.cut
    assert reduced.situations <= whole.situations
    if not whole.cut:
        assert essence(reduced) == essence(whole)
        assert lengths(reduced) == lengths(whole)
        assert set(reduced.notes) == set(whole.notes)


def without_outputs(keys: Keys, position: Position, budget: object) -> object:
    return FORWARD(keys, position._replace(given=()), budget)  # type: ignore[arg-type]


def without_failures(keys: Keys, position: Position, budget: object) -> object:
    return FORWARD(keys, position._replace(failed=frozenset()), budget)  # type: ignore[arg-type]


def without_effects(keys: Keys, position: Position, budget: object) -> object:
    codes, rest = FORWARD(keys, position, budget)  # type: ignore[arg-type]
    return array("H", (min(code, 1) for code in codes)), rest


def without_needs(keys: Keys, position: Position) -> object:
    codes, (cancelled, given, _) = BACK(keys, position)  # type: ignore[misc]
    return array("H", (code & 3 for code in codes)), (cancelled, given)


FORWARD, BACK = Keys._going_forward, Keys._going_back
TOO_MUCH = {
    "failures": ("_going_forward", without_failures),
    "effects": ("_going_forward", without_effects),
    "needs": ("_going_back", without_needs),
}


@pytest.mark.parametrize("left_out", TOO_MUCH)
def test_leaving_out_more_than_that_is_noticed(
    left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = [random_plan(Random(seed)) for seed in range(150)]
    right = [essence(explore(each, Bounds(situations=3_000))) for each in of]
    monkeypatch.setattr(Keys, *TOO_MUCH[left_out])
    assert any(
        essence(explore(each, Bounds(situations=3_000))) != told
        for each, told in zip(of, right, strict=True)
    )


def test_leaving_out_what_conditions_ask_for_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    of = plan(
        step("a", rollback=UNDO),
        step("b", "a", rollback=UNDO),
        step("c", "b", rollback=UNDO, condition="steps.a.outputs.n == '1'"),
        step("d", "c", condition="steps.a.outputs.n == '2'"),
        step("e", "d", rollback=UNDO),
        single_failure="rollback",
    )
    right = essence(explore(of))
    monkeypatch.setattr(Keys, "_going_forward", without_outputs)
    assert essence(explore(of)) != right


def test_taking_steps_for_alike_that_are_named_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    undo = Rollback(call=naming("{{ steps.b.outputs.id }}"))
    of = plan(
        step("a", rollback=UNDO, on_failure="continue"),
        step("b", rollback=UNDO, on_failure="continue"),
        step("c", "a", "b", rollback=undo),
        parallel=2,
    )
    right = essence(explore(of))
    monkeypatch.setattr("fsm.run.explore.keys._named", lambda _: frozenset())
    assert essence(explore(of)) != right


def lengths(of: Exploration) -> list[int]:
    return sorted(len(f.scenario.acts) if f.scenario else 0 for f in of.findings)


@pytest.mark.parametrize("seed", range(150, 200))
def test_taking_a_run_apart_looks_at_all_that_changed(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = random_plan(Random(seed))
    quick = searched(of)
    monkeypatch.setattr(Search, "_touched_by", lambda self, _: range(len(self.plan.steps)))
    slow = searched(of)
    assert (quick.situations, quick.ways, quick.rests) == (slow.situations, slow.ways, slow.rests)


def searched(of: Plan) -> Search:
    comes_to, may_be = states(of)
    bounds = Bounds(situations=5_000)
    return Search(of, needs(of), choices(of, comes_to, may_be), bounds, reduce=False).run()


@pytest.mark.parametrize("seed", range(200, 300))
def test_every_scenario_can_be_played(seed: int) -> None:
    of = random_plan(Random(seed))
    told = explore(of)
    assert not [note for note in told.notes if "told by no scenario" in note]
    for finding in told.findings:
        if finding.scenario is not None:
            assert play(of, finding.scenario) is not None


# How far it looks.


def test_a_bound_on_failures_is_kept() -> None:
    of = plan(step("a"), step("b", "a"), step("c", "b"))
    assert explore(of, Bounds(failures=1)).findings == []
    assert [f.kind for f in explore(of, Bounds(failures=2)).findings] == ["left_behind"]


def test_what_was_not_looked_at_is_told() -> None:
    of = plan(*(step(f"s{n}", rollback=UNDO if n % 2 else None) for n in range(12)), parallel=4)
    cut = explore(of, Bounds(situations=100))
    assert cut.cut
    assert cut.reached < explore(of).reached
    assert not explore(of).cut


def test_twelve_steps_four_at_once_are_few_situations() -> None:
    alike = plan(*(step(f"s{n}", rollback=UNDO) for n in range(12)), parallel=4)
    assert explore(alike).situations < 500
    different = plan(
        *(
            step(
                f"s{n}",
                rollback=(None, UNDO, UNDO_STARTED)[n % 3],
                retry=(TWICE, TWICE_LATER)[n % 2],
            )
            for n in range(12)
        ),
        parallel=4,
    )
    assert explore(different).situations < 20_000


def test_a_long_plan_costs_what_its_failures_are_not_their_combinations() -> None:
    def long(count: int) -> Plan:
        return plan(
            *(step(f"s{n}", *([f"s{n - 1}"] if n else []), rollback=UNDO) for n in range(count))
        )

    one, two = (explore(long(count), Bounds(1, 1)).situations for count in (50, 100))
    assert two < 2.2 * one
