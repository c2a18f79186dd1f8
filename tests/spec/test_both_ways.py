"""A rehearsal is worth what it has in common with the executor: every shipped feature, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_bdd.parser import FeatureParser, ScenarioTemplate

from fsm.run.events import encode
from fsm.spec.performance import Performance
from fsm.spec.stages import Opener, Rehearsal
from fsm.spec.story import Story
from fsm.spec.words import tell

from .conftest import told

SHIPPED = Path(__file__).parents[2] / "specs"


def scenarios() -> Iterator[Any]:
    """Every scenario that ships beside a plan or a machine and is not `@real`, with its examples."""
    for folder in ("plans", "machines"):
        for path in sorted((SHIPPED / folder).glob("*.feature")):
            feature = FeatureParser(str(path.parent), path.name).parse()
            for template in feature.scenarios.values():
                if "real" in template.tags | feature.tags:
                    continue
                for example in _examples(template):
                    name = (
                        f"{path.stem}: {template.render(example).name} {' '.join(example.values())}"
                    )
                    yield pytest.param(path, template, example, id=name.strip())


def _examples(template: ScenarioTemplate) -> Sequence[dict[str, str]]:
    found = [context for table in template.examples for context in table.as_contexts()]
    return found or [{}]


def told_on(
    stage: Opener, path: Path, template: ScenarioTemplate, example: dict[str, str]
) -> Story:
    """The story of the scenario, told to its end on this stage: all that it says holds."""
    story = Story(path.parent, open_stage=stage)
    for step in template.render(example).steps:
        tell(story, step.type, step.name, step.docstring)
    story.refuse_untold()
    story.close()
    return story


def facts(story: Story) -> object:
    """All that a story can tell but for the clock: what took how long, when it is tried again."""
    events = []
    for event in story.tape.events:
        kind, data = encode(event)
        clock = (
            "seconds",
            "retry_at",
            "approved_at",
            "checks",
            "cwd",
            "path",
            "folder",
            "by",
            "reason",
        )
        events.append((kind, {name: data[name] for name in data if name not in clock}))
    answers = [(a.command, a.exit_code, _steady(a.printed)) for a in story.answers]
    return events, answers


def _steady(printed: str) -> str:
    printed = re.sub(r"\d{8}-\d{6}-\w{4}", "simulated", printed)
    printed = re.sub(r" in (\d+[a-z]+)+$|^ +took .*\n", "", printed, flags=re.MULTILINE)
    printed = re.sub(r"(What you can do now:\n).*", r"\1", printed, flags=re.DOTALL)
    return printed.replace("run simulated is", "run is").replace("run  is", "run is")


@pytest.mark.parametrize(("path", "template", "example"), [*scenarios()])
def test_a_shipped_scenario_holds_on_the_executor_as_it_does_when_rehearsed(
    path: Path, template: ScenarioTemplate, example: dict[str, str]
) -> None:
    rehearsed = told_on(Rehearsal, path, template, example)
    performed = told_on(Performance, path, template, example)
    assert facts(rehearsed) == facts(performed)


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


@settings(deadline=None)
@given(
    given=st.lists(ARRANGED, max_size=5),
    when=st.lists(st.tuples(st.lists(ARRANGED, max_size=1), ASKED), max_size=4),
    parallel=st.integers(1, 3),
    single=st.sampled_from(["pause", "rollback", "abort", "continue"]),
    on_failure=st.sampled_from(["stop", "continue", "skip_dependents"]),
)
def test_any_story_goes_the_same_way_on_the_executor(
    tmp_path_factory: pytest.TempPathFactory,
    given: list[str],
    when: list[tuple[list[str], str]],
    parallel: int,
    single: str,
    on_failure: str,
) -> None:
    folder = tmp_path_factory.mktemp("story")
    text = PLAN.format(parallel=parallel, single=single, on_failure=on_failure)
    (folder / "any.yaml").write_text(text)
    stories = []
    for stage in (Rehearsal, Performance):
        story = Story(folder, open_stage=stage)
        told(story, 'Given the approved plan "any.yaml"', *(f"Given {each}" for each in given))
        told(story, "When somebody runs the plan")
        for arranged, asked in when:
            told(story, *(f"When {each}" for each in arranged), f"When {asked}")
            if story.answer.error is not None:
                told(story, "Then it is refused")
        story.close()
        stories.append(story)
    rehearsed, performed = stories
    assert facts(rehearsed) == facts(performed)
