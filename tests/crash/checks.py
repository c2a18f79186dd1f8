"""What must hold after every death and at the end; each violation names its invariant (RELIABILITY.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fsm.engine.ports import FINAL_STATES
from fsm.run import events as on
from fsm.run.simulate import Launch
from tests.run.invariants import check

from .ledger import BEGUN, Effect
from .look import Look, pending
from .scenarios import Scenario

__all__ = ["EXIT_CODES", "after_a_life", "after_taking_up", "at_the_end"]


EXIT_CODES = {"completed": 0, "failed": 1, "paused": 3, "rolled_back": 4, "needs_intervention": 5}
"""How a command ends that leaves the run so (DESIGN.md, "Faces")."""
_SHOWN = {None: "interrupted", 0: "completed"}


def after_a_life(scenario: Scenario, before: Look, now: Look) -> Iterator[str]:
    """What must hold of what a process left, however it ended."""
    if now.runs > 1:
        yield f"F12: {now.runs} runs were made"
    if len(now.approvals) + now.runs < len(before.approvals) + before.runs:
        yield "F12: an approval is lost"
    if scenario.approves and now.runs and now.approvals:
        yield "F12: the approval that the run goes by can be used again"
    if now.holder is not None:
        yield f"I20: process {now.holder} is dead and holds the run"
    if list(now.records[: len(before.records)]) != list(before.records):
        yield f"I21: of {len(before.records)} records not all are as they were"
    yield from _acknowledged_is_present(now)
    if now.run is None:
        if now.effects:
            yield f"I3: there is no run, but effects: {now.effects}"
        return
    if now.index != now.run.state:
        yield f"I2: the index says {now.index}, the journal {now.run.state}"
    if now.restored != now.replayed:
        yield f"I2: the newest checkpoint leads to {now.restored}, the journal to {now.replayed}"
    yield from (f"F06: a checkpoint is no shortcut: {why}" for why in now.set_aside)
    if scenario.approves and not any(
        isinstance(event, on.RunApproved) and event.how == "fsm approve" for event in now.events
    ):
        yield "F12: the run does not go by the recorded approval"
    yield from _effects_were_intended(now)
    yield from _the_settled_stays_settled(scenario, now)
    yield from _what_a_shim_saw_is_recorded(before, now)
    yield from _what_is_recorded_happened(now)
    if before.state in FINAL_STATES and before.state == now.state:
        new = now.effects[len(before.effects) :]
        if new or len(now.records) > len(before.records):
            yield f"F07: the run was {before.state}, and yet: {new}"


def after_taking_up(before: Look, shown: Mapping[str, str]) -> Iterator[str]:
    """What was in flight shows as it ended, if a shim saw that, else as interrupted; the rest as before.

    `shown` are the steps' states.
    """
    if before.run is None:
        return
    lost = pending(before.events)
    for record in before.run.steps:
        expected = record.state
        if record.id in lost.running:
            end = before.ends.get((record.id, "run", lost.running[record.id]))
            expected = _SHOWN.get(end, "failed")
        if record.id in lost.undoing:
            end = before.ends.get((record.id, "rollback", lost.undoing[record.id]))
            expected = "rolled_back" if end == 0 else "rollback_failed"
        if shown[record.id] != expected:
            yield f"I17: {record.id} must show as {expected}, and shows as {shown[record.id]}"


def at_the_end(scenario: Scenario, now: Look) -> Iterator[str]:
    """What must hold of a whole run that has come to rest."""
    if now.state != scenario.goal:
        yield f"I18: the run ended {now.state}, not {scenario.goal}"
    launches = [
        Launch(effect.step, effect.attempt, BEGUN[effect.verb], 0.0, effect.durable)  # type: ignore[arg-type]
        for effect in now.effects
        if effect.verb in BEGUN and effect.durable >= 0
    ]
    for violation in check(scenario.plan, now.events, launches=launches):
        yield f"{violation} (the judge)"
    yield from _attempts_are_counted(scenario, now.events)
    if scenario.goal == "completed":
        yield from _all_was_done(scenario, now.effects)
    elif scenario.goal == "rolled_back":
        yield from _all_was_undone(scenario, now)


def _acknowledged_is_present(now: Look) -> Iterator[str]:
    acknowledged: Counter[int] = Counter()
    for epoch, count in now.acknowledged:
        acknowledged[epoch] += count
    present = Counter(record.epoch for record in now.records)
    for epoch, count in acknowledged.items():
        if present[epoch] < count:
            yield f"I21: writer {epoch} was told of {count} records, {present[epoch]} are there"


def _effects_were_intended(now: Look) -> Iterator[str]:
    """I3, I4: each launch has its intent, durable before it, and an intent has one launch."""
    intents: dict[tuple[str, str, int], int] = {}
    for seq, event in enumerate(now.events, 1):
        match event:
            case on.StepStarted(step, attempt):
                intents["started", step, attempt] = seq
            case on.UndoStarted(step, attempt):
                intents["undoing", step, attempt] = seq
    launched: Counter[tuple[str, str, int]] = Counter()
    for effect in now.effects:
        if effect.verb not in {"started", "undoing"}:
            continue
        key = (effect.verb, effect.step, effect.attempt)
        launched[key] += 1
        if key not in intents:
            yield f"I3: {effect} happened, and nothing in the journal says so"
        elif 0 <= effect.durable < intents[key]:
            yield f"I3: {effect} happened before record {intents[key]} was there"
    for key, times in launched.items():
        if times > 1:
            yield f"I4: {key} was launched {times} times"


def _the_settled_stays_settled(scenario: Scenario, now: Look) -> Iterator[str]:
    """I6, I10: nothing recorded as done is done again, or undone again."""
    done: set[str] = set()
    undone: set[str] = set()
    for event in now.events:
        match event:
            case on.StepStarted(step) if step in done:
                yield f"I6: {step} was completed, and started again"
            case on.UndoStarted(step) if step in undone:
                yield f"I10: {step} was undone, and is undone again"
            case on.StepCompleted(step):
                done.add(step)
            case on.UndoCompleted(step):
                undone.add(step)
    times = Counter(effect.step for effect in now.effects if effect.verb == "did")
    for name, often in times.items():
        if often > 1 and not scenario.plan.step(name).idempotent:
            yield f"I5: {name} is not idempotent, and its effect happened {often} times"


def _what_a_shim_saw_is_recorded(before: Look, now: Look) -> Iterator[str]:
    """I17: no attempt is given up as interrupted whose end was known to whoever took the run up."""
    for seq, event in enumerate(now.events):
        if isinstance(event, on.RunnerLost) and seq >= len(before.events):
            for attempt in pending(now.events[:seq]).attempts:
                if attempt in before.ends:
                    yield f"I17: {attempt} ended with {before.ends[attempt]}, and is interrupted"


def _what_is_recorded_happened(now: Look) -> Iterator[str]:
    """I15: what counts as completed has had its effect, and by that very attempt."""
    happened = {effect[:3] for effect in now.effects}
    for event in now.events:
        match event:
            case on.StepCompleted(step, attempt):
                effect = ("did", step, attempt)
            case on.UndoCompleted(step, attempt):
                effect = ("undid", step, attempt)
            case _:
                continue
        if effect not in happened:
            yield f"I15: {effect} is recorded, and never happened"


def _attempts_are_counted(scenario: Scenario, events: Sequence[on.Event]) -> Iterator[str]:
    """F13: a step that failed for good had all its attempts, no more and no less."""
    tries: Counter[str] = Counter()
    for event in events:
        match event:
            case on.StepStarted(step):
                tries[step] += 1
            case on.StepFailed(step, retry_at=0.0):
                attempts = scenario.plan.step(step).retry.attempts
                if tries[step] < attempts:
                    yield f"F13: {step} failed for good after {tries[step]} of {attempts} attempts"
            case on.StepFailed(step):
                attempts = scenario.plan.step(step).retry.attempts
                if tries[step] >= attempts:
                    yield f"F13: {step} is tried again after {tries[step]} of {attempts} attempts"
            case on.RunResumed():
                # A person's --rerun counts anew, and so does a resume after a failure for good.
                failed = {s for s in tries if tries[s] >= scenario.plan.step(s).retry.attempts}
                for step in {*event.rerun, *failed}:
                    del tries[step]


def _all_was_done(scenario: Scenario, effects: Sequence[Effect]) -> Iterator[str]:
    for step in scenario.plan.steps:
        if not any(effect.verb == "did" and effect.step == step.id for effect in effects):
            yield f"I15: {step.id} counts as completed, and never happened"


def _all_was_undone(scenario: Scenario, now: Look) -> Iterator[str]:
    """I11 to I14: every effect is undone once, unless that was interrupted, and the last one first."""
    repeated: Counter[str] = Counter()
    for seq, event in enumerate(now.events):
        if isinstance(event, on.RunnerLost):
            repeated.update(pending(now.events[:seq]).undoing)
    first_undone: list[str] = []
    for step in scenario.plan.steps:
        if step.rollback is None:
            continue
        story = [e.verb for e in now.effects if e.step == step.id and e.verb in {"did", "undid"}]
        if "did" in story and story[-1] != "undid":
            yield f"I14: {step.id} happened, and was not undone: {story}"
        if "did" not in story and "undid" in story and step.rollback.on == "completed":
            yield f"I13: {step.id} never happened, and was undone"
        if story.count("undid") > 1 + repeated[step.id]:
            yield f"I10: {step.id} was undone {story.count('undid')} times"
    for effect in now.effects:
        if effect.verb == "undid" and effect.step not in first_undone:
            first_undone.append(effect.step)
    completed = [step for event in now.events for step in _completes(event) if step in first_undone]
    undone_too = [step for step in first_undone if step in completed]
    if undone_too != completed[::-1]:
        yield f"I12: completed as {completed}, undone as {undone_too}"


def _completes(event: on.Event) -> tuple[str, ...]:
    match event:
        case on.StepCompleted(step) | on.StepProbed(step, "done") | on.StepMarked(step, "done"):
            return (step,)
        case on.RunResumed(done=done):
            return done
    return ()
