"""Stories of whatever may be arranged, and of whatever people may ask for then, of one plan of five steps."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from fsm.spec.story import Story

from .conftest import told

__all__ = ["AnyStory", "any_story"]

PLAN = """\
plan:
  id: any
  parallel: {parallel}
  error_handling: {{single_failure: {single}}}
  steps:
    - {{id: a, run: a, rollback: {{run: a, retry: 2}}}}
    - {{id: b, run: b, check: b, retry: {{attempts: 2, delay: 1h}},
       rollback: {{run: b, timeout: 1m, on: started}}}}
    - {{id: c, run: c, depends_on: [a], timeout: 1m, on_failure: {on_failure}, rollback: c}}
    - {{id: d, run: [d, "{{{{ steps.b.outputs.x }}}}"], depends_on: [b], idempotent: true}}
    - {{id: e, run: e, depends_on: [c, d], if: steps.a.outputs.go == "yes", rollback: e}}
"""

STEPS = st.sampled_from("abcde")
UNDONE = st.sampled_from("abce")
ENDS = st.sampled_from(
    [
        "fails",
        "fails 1 time, then succeeds",
        "is interrupted",
        "takes 3s",
        "takes 2h",
        "succeeds",
        "returns nothing",
    ]
)
UNDO_ENDS = st.sampled_from(
    ["fails", "fails 1 time, then succeeds", "is interrupted", "takes 30s", "succeeds"]
)
CHECK_ENDS = st.sampled_from(["finds it done", "finds it not done", "cannot tell"])
ARRANGED = st.one_of(
    st.builds('the step "{}" {}'.format, STEPS, ENDS),
    st.just('the step "c" times out'),
    st.builds('the step "a" returns "go" as "{}"'.format, st.sampled_from(["yes", "no"])),
    st.builds('the rollback of "{}" {}'.format, UNDONE, UNDO_ENDS),
    st.builds('the check of "b" {}'.format, CHECK_ENDS),
    st.builds('somebody pauses the run while "{}" runs'.format, STEPS),
    st.builds('somebody pauses the run while "{}" is rolled back'.format, UNDONE),
)
ASKED = st.one_of(
    st.just("somebody resumes the run"),
    st.just("somebody rolls the run back"),
    st.just("somebody aborts the run"),
    st.builds('somebody resumes the run from "{}"'.format, STEPS),
    st.builds('somebody resumes the run, answering that "{}" may run again'.format, STEPS),
    st.builds('somebody resumes the run, answering that "{}" was done'.format, STEPS),
    st.builds('somebody marks "{}" as {}'.format, STEPS, st.sampled_from(["done", "undone"])),
)


@dataclass(frozen=True)
class AnyStory:
    """What is arranged before the plan runs, and then before each thing that somebody asks for."""

    plan: str
    given: list[str]
    when: list[tuple[list[str], str]]

    def told(self, story: Story) -> Story:
        """The story of the plan, which is written to its folder."""
        (story.folder / "any.yaml").write_text(self.plan)
        told(story, 'Given the approved plan "any.yaml"', *(f"Given {each}" for each in self.given))
        told(story, "When somebody runs the plan")
        for arranged, asked in self.when:
            told(story, *(f"When {each}" for each in arranged), f"When {asked}")
            if story.answer.error is not None:
                told(story, "Then it is refused")
        return story


def any_story() -> st.SearchStrategy[AnyStory]:
    return st.builds(
        AnyStory,
        plan=st.builds(
            PLAN.format,
            parallel=st.integers(1, 3),
            single=st.sampled_from(["pause", "rollback", "abort", "continue"]),
            on_failure=st.sampled_from(["stop", "continue", "skip_dependents"]),
        ),
        given=st.lists(ARRANGED, max_size=5),
        when=st.lists(st.tuples(st.lists(ARRANGED, max_size=1), ASKED), max_size=4),
    )
