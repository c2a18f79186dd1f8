"""What people ask for: run, resume, roll back, abort, mark; and when somebody pauses."""

from __future__ import annotations

from fsm.run import events as on
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Story

__all__ = ["words"]

words = Vocabulary()


@words.when("{who:who} runs the plan", "`fsm run`; instead of somebody, a name in quotes")
def run(story: Story, who: str) -> None:
    story.start(who)


@words.arranging(
    'somebody pauses the run while "{step}" runs',
    "as ^C: when the step is next started; it has 10s to end by itself",
)
def pause(story: Story, step: str) -> None:
    story.pause_at(step, "run")


@words.arranging(
    'somebody pauses the run while attempt {number:number} of "{step}" runs',
    "the same, at that attempt",
)
def pause_attempt(story: Story, number: int, step: str) -> None:
    story.pause_at(step, "run", number)


@words.arranging(
    'somebody pauses the run while "{step}" is rolled back', "the same, while it is compensated"
)
def pause_rollback(story: Story, step: str) -> None:
    story.pause_at(step, "rollback")


@words.when("{who:who} resumes the run", "`fsm resume`: failed steps are tried again")
def resume(story: Story, who: str) -> None:
    _resume(story, who)


@words.when('{who:who} resumes the run from "{step}"', "`fsm resume --from STEP`")
def resume_from(story: Story, who: str, step: str) -> None:
    _resume(story, who, back=(story.step(step).id,))


@words.when(
    '{who:who} resumes the run, answering that "{step}" may run again',
    "`fsm resume --rerun STEP`: the answer about an interrupted step",
)
def resume_rerun(story: Story, who: str, step: str) -> None:
    _resume(story, who, rerun=(story.step(step).id,))


@words.when(
    '{who:who} resumes the run, answering that "{step}" was done',
    "`fsm resume --done STEP`: an interrupted or failed step counts as done",
)
def resume_done(story: Story, who: str, step: str) -> None:
    _resume(story, who, done=(story.step(step).id,))


@words.when("{who:who} rolls the run back", "`fsm rollback`")
def rollback(story: Story, who: str) -> None:
    rolling = story.run.state == "rolling_back"
    story.ask("fsm rollback", None if rolling else on.RollbackRequested(by=who))


@words.when("{who:who} aborts the run", "`fsm abort`: nothing is undone")
def abort(story: Story, who: str) -> None:
    aborting = story.run.state == "aborting"
    story.ask("fsm abort", None if aborting else on.RunAborted(by=who), exit_code=0)


@words.when('{who:who} marks "{step}" as done', "`fsm mark STEP done`: a person did it")
def mark_done(story: Story, who: str, step: str) -> None:
    marked = on.StepMarked(story.step(step).id, "done", who, "said so")
    story.ask("fsm mark", marked, exit_code=0)


@words.when('{who:who} marks "{step}" as undone', "`fsm mark STEP undone`: a person undid it")
def mark_undone(story: Story, who: str, step: str) -> None:
    marked = on.StepMarked(story.step(step).id, "undone", who, "said so")
    story.ask("fsm mark", marked, exit_code=0)


def _resume(
    story: Story,
    who: str,
    back: tuple[str, ...] = (),
    rerun: tuple[str, ...] = (),
    done: tuple[str, ...] = (),
) -> None:
    run = story.run
    if run.state in {"rolling_back", "aborting"}:
        story.ask("fsm resume", None)
        return
    digest = run.plan.digest
    asked = on.RunResumed(digest, by=who, from_steps=back, rerun=rerun, done=done)
    story.ask("fsm resume", asked)
