"""The rules of good practice: each has an example that breaks it, and it alone, and one that keeps all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan import resolve
from fsm.plan.lint import RULES, Finding, example, lint

EXAMPLES = Path(example("names", "keeps")).parent


def found(text: str, *ignore: str) -> list[Finding]:
    document = parse_document(text, "plan.yaml")
    return list(lint(resolve(document), document, ignore))


@pytest.mark.parametrize("rule", RULES)
def test_its_example_breaks_the_rule_and_no_other(rule: str) -> None:
    broken = found(example(rule, "breaks").read_text())
    assert {finding.rule.name for finding in broken} == {rule}
    for finding in broken:
        assert finding.problem.hint == RULES[rule].hint
        assert finding.problem.line > 0


@pytest.mark.parametrize("rule", RULES)
def test_its_other_example_keeps_every_rule(rule: str) -> None:
    assert found(example(rule, "keeps").read_text()) == []


def test_every_example_is_of_a_rule() -> None:
    files = {path.name for path in EXAMPLES.iterdir()}
    assert files == {f"{rule}.{kind}.yaml" for rule in RULES for kind in ("breaks", "keeps")}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_ignored_is_not_told(rule: str) -> None:
    assert found(example(rule, "breaks").read_text(), rule) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_comment_before_the_plan_silences_a_rule(rule: str) -> None:
    text = example(rule, "breaks").read_text()
    assert found(f"# fsm: ignore {rule}\n{text}") == []


TWO = """\
plan:
  id: two
  description: Two folders.
  steps:
    - {id: look, run: test -d ., read_only: true, timeout: 1m}
    - {id: one, depends_on: [look], run: mkdir one, check: test -d one, timeout: 1m}%s
    %s
    - {id: two, depends_on: [look], run: mkdir two, check: test -d two, timeout: 1m}
"""


def test_a_comment_silences_a_rule_for_its_own_line_or_the_next() -> None:
    def lines(*comments: str) -> list[int]:
        return [finding.problem.line for finding in found(TWO % comments, "error-handling")]

    assert lines("", "# nothing") == [6, 8]
    assert lines("  # fsm: ignore contingency", "#") == [8]
    assert lines("", "# fsm: ignore order, contingency") == [6]
    assert lines("", "# fsm: ignore recovery") == [6, 8]


def test_a_rule_that_there_is_not_is_refused_with_a_similar_one() -> None:
    with pytest.raises(Invalid) as told:
        found(TWO % ("  # fsm: ignore contingencies", "#"), "timeouts")
    assert str(told.value) == (
        "there is no rule `timeouts`; did you mean `timeout`?\n"
        "plan.yaml:6:87  there is no rule `contingencies`; did you mean `contingency`?"
    )


def test_a_specification_of_phases_is_held_to_what_it_can_say() -> None:
    phases = '{"workflow_id": "w", "phases": [{"name": "a", "command": "x"}, {"name": "b", "command": "x"}'
    assert [f.rule.name for f in found(f"{phases}]}}")] == ["order", "order"]
    assert found(f'{phases}, {{"name": "c", "command": "x", "depends_on": ["a", "b"]}}]}}') == []


def test_every_rule_says_what_why_and_where_it_comes_from() -> None:
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.what.endswith(".")
        assert rule.why.endswith(".")
        assert rule.source.startswith("S2, ")
