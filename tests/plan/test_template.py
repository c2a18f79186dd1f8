from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan.template import (
    References,
    TemplateError,
    as_text,
    evaluate,
    expression_references,
    has_template,
    is_template,
    references,
    render,
    render_env,
    render_text,
    templates,
    with_sources,
)


class Steps:
    """Steps as a run shows them: looked up when asked for, and no mapping."""

    def __getitem__(self, step_id: str) -> dict[str, object]:
        outputs = {"build": {"sha": "abc123", "count": "3", "ok": "true"}, "step-1": {"x": "y"}}
        return {"state": "completed", "outputs": outputs[step_id]}

    def __iter__(self) -> Iterator[str]:
        return iter(("build", "step-1"))


CONTEXT: dict[str, object] = {
    "params": {
        "name": "Foo/Bar",
        "count": 3,
        "ratio": 1.5,
        "on": True,
        "nothing": None,
        "list": ["a", "b"],
        "map": {"k": "v", "items": "own"},
        "evil": "{{ params.count }}",
    },
    "steps": Steps(),
    "run": {"id": "run-1"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ params.count }}", 3),
        ("{{params.ratio}}", 1.5),
        ("{{ params.on }}", True),
        ("{{ params.nothing }}", None),
        ("{{ params.list }}", ["a", "b"]),
        ("{{ params.map }}", {"k": "v", "items": "own"}),
        ("{{ params.list | map('upper') }}", ["A", "B"]),
        ("{{ params.count + 1 }}", 4),
        ("{{ params.count if params.on else 0 }}", 3),
        ("{{ '{{' }}", "{{"),
    ],
)
def test_one_expression_alone_keeps_its_type(text: str, value: object) -> None:
    rendered = render_text(text, CONTEXT)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n={{ params.count }}", "n=3"),
        ("{{ params.count }} ", "3 "),
        ("{{ params.count }}{{ params.count }}", "33"),
        ("{{ params.on }}!", "true!"),
        ("{{ params.on ~ 1 }}", "true1"),
        ("{{ steps.build.outputs.sha[:3] }}-{{ run.id }}", "abc-run-1"),
        ("{{ steps['step-1'].outputs.x }}{{ steps.build.state }}", "ycompleted"),
        ("{{ params.map.items }}", "own"),
        ("{{ params.name.lower().replace('/', '-') }}", "foo-bar"),
        ("{{ params.name | lower | replace('/', '-') }}", "foo-bar"),
        ("{% for x in params.list %}{{ loop.index }}{{ x }}{% endfor %}", "1a2b"),
        ("{% for k, v in params.map | items %}{{ k }}={{ v }} {% endfor %}", "k=v items=own "),
        ("{% if params.on %}yes{% else %}no{% endif %}", "yes"),
        ("{{ params.list | join(',') }} {{ params.list | tojson }}", 'a,b ["a", "b"]'),
        ("{{ params.zzz | default('none') }}!", "none!"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("\n{{ params.count }}\n", "\n3\n"),
        ("${#list} {{ run.id }} {# text #}", "${#list} run-1 {# text #}"),
        ("<{{ params.name }}> & 'x'", "<Foo/Bar> & 'x'"),
    ],
)
def test_anything_else_becomes_text(text: str, value: str) -> None:
    assert render_text(text, CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{{ steps.build.outputs.zzz }}",
            "nothing is called `zzz` here; there is: `sha`, `count`, `ok`",
        ),
        (
            "{{ params.map.keys() }}",
            "nothing is called `keys` here; write `| items` for the pairs of a mapping",
        ),
        ("{{ params.list[9] }}", "a list has no `9`"),
        ("{{ params.nothing.x }}", "`none` has no `x`"),
        (
            "a {{ params.list }}",
            "a list cannot stand for text; write `{{ … | join(' ') }}` or `| tojson`",
        ),
        (
            "a {{ params.map }}",
            "a mapping cannot stand for text; write `{{ … | join(' ') }}` or `| tojson`",
        ),
        ("a {{ params.nothing }}", "an empty value cannot stand for text; write `{{ … or '' }}`"),
        ("a {{ params.name.upper }}", "a method cannot stand for text; call it with `()`"),
        ("{{ params.name.upper }}", "the template becomes a method; call it with `()`"),
        ("{{ {1: 2} }}", "the keys of a mapping must be text"),
        ("{{ 1 / 0 }}", "cannot be rendered: division by zero"),
        ("{{ 1e308 * 10 }}", "`inf` is not a number that a plan can hold"),
        ('{{ "\\ud800" }}', "the template becomes text that is not valid Unicode"),
        ('x {{ "\\0" }}', "the template becomes text with a NUL character"),
        ('{{ {"\\ud800": 1} }}', "the template becomes text that is not valid Unicode"),
        ("{{ params.name() }}", "only methods of text can be called; use a filter: `… | lower`"),
        (
            "{{ params.map.zzz() }}",
            "nothing is called `zzz` here; there is: `k`, `items`",
        ),
    ],
)
def test_what_cannot_be_rendered_says_why_in_one_line(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text(text, CONTEXT)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ parms.x }}", "nothing is called `parms`; did you mean `params`?"),
        ("{{ range(3) }}", "nothing is called `range`; there is `params`, `steps` and `run`"),
        ("{{ loop.index }}", "nothing is called `loop`; there is `params`, `steps` and `run`"),
        (
            "{{ steps.step-1.outputs.x }}",
            '`-` within a name is a subtraction here; write `steps["step-1"]`',
        ),
        (
            "{{ steps.a - 1 }}",
            "`steps.a` has two parts; write `.outputs.NAME` or `.state` after it",
        ),
        (
            "{{ params.my-name }}",
            '`-` within a name is a subtraction here; write `params["my-name"]`',
        ),
        ("{{ steps.v1.2.outputs.x }}", '`steps.v1` has no `2`; write `steps["v1.2"]`'),
        ("{{ steps.a.output.x }}", "`steps.a` has no `output`; did you mean `outputs`?"),
        (
            "{{ steps[run.id].outputs.x }}",
            "a template must name its steps plainly; write `steps.ID.outputs.NAME`",
        ),
        (
            "{{ steps | length }}",
            "a template must name its steps plainly; write `steps.ID.outputs.NAME`",
        ),
        ("{{ run.state }}", "of `run` there is only `run.id`"),
        ("{{ 'a' | lowre }}", "there is no filter `lowre`; did you mean `lower`?"),
        (
            "{% set x = 1 %}",
            "a plan's templates have no `{% set %}`; they have `{{ … }}`, `{% if %}` and `{% for %}`",
        ),
        (
            "{% include 'x' %}",
            "a plan's templates have no `{% include %}`; they have `{{ … }}`, `{% if %}` and `{% for %}`",
        ),
        (
            "{% import 'x' as y %}",
            "a plan's templates have no `{% import %}`; they have `{{ … }}`, `{% if %}` and `{% for %}`",
        ),
        (
            "{% macro x() %}{% endmacro %}",
            "a plan's templates have no `{% macro %}`; they have `{{ … }}`, `{% if %}` and `{% for %}`",
        ),
        ("{% for x in params.l recursive %}{% endfor %}", "a plan's loops cannot be `recursive`"),
        ("{{ x", "cannot be read: unexpected end of template, expected `end of print statement`"),
        ("{{ " + "9" * 5000 + " }}", "a number in it is too large"),
        ("{{ 1e999 }}", "a number in it is too large"),
        ("{{ " + "(" * 5000 + "1", "the template is nested too deeply"),
        ("{{ " + "1 + " * 500 + "1 }}", "the template is nested too deeply"),
        ("{{ " + "[" * 150 + "]" * 150 + " }}", "the template is nested too deeply"),
    ],
)
def test_what_a_plan_cannot_mean_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        references(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10000000 }}",
        "{{ 10000000 * 'a' }}",
        "{{ 99999 ** 99999 }}",
        "{{ ('a' * 999999).replace('a', 'a' * 999999) }}",
        "{{ ('a' * 999999) | replace('a', 'bb') }}",
        "{% for a in params.l %}" * 3 + "{% endfor %}" * 3,
        "{% for a in params.l %}{{ 'a' * 99999 }}{% endfor %}",
        "{{ ('a' * 999).join(params.l + params.l + params.l + params.l + params.l + params.l) }}",
    ],
)
def test_what_would_fill_the_memory_or_never_end_is_refused(text: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text(text, {"params": {"l": list(range(200))}})
    assert str(error.value) == "the template becomes too large"


@pytest.mark.parametrize(
    "text",
    [
        "{{ '%999999999d' % 1 }}",
        "{{ params.l * 1000 }}",
        "{{ params.s.format(1) }}",
        "{{ params.s.ljust(999999999) }}",
        "{{ params.s.__class__ }}",
        "{{ params['__class__'] }}",
        "{{ ().__class__.__mro__ }}",
        "{{ params.l.append(1) }}",
        "{{ params.s | attr('upper') }}",
        "{{ params.l | random }}",
        "{{ params.s | center(999999999) }}",
        "{{ lipsum() }}",
        "{{ self }}",
        "{{ params.l | map(attribute='__class__') | list }}",
        "{% for x in params.l %}{{ loop.__init__ }}{% endfor %}",
        "{% for x in params.l %}{{ loop.cycle(1, 2) }}{% endfor %}",
        "{{ params.s.upper.__self__ }}",
        "{{ params.s.upper.func }}",
        "{{ params.l | tojson(indent=999999999) }}",
    ],
)
def test_nothing_leads_out_of_the_sandbox(text: str) -> None:
    with pytest.raises(TemplateError):
        render_text(text, {"params": {"l": [1], "s": "text"}})


def test_the_tree_of_a_resolved_value_is_walked_and_only_markers_are_rendered() -> None:
    value = {
        "plain": "{{ params.count }}",
        "list": [{"$template": "{{ params.count }}"}, 1, None],
        "text": {"$template": "{{ run.id }}!"},
    }
    assert render(value, CONTEXT) == {  # type: ignore[arg-type]
        "plain": "{{ params.count }}",
        "list": [3, 1, None],
        "text": "run-1!",
    }
    assert list(templates(value)) == ["{{ params.count }}", "{{ run.id }}!"]  # type: ignore[arg-type]
    assert with_sources(value) == {  # type: ignore[arg-type]
        "plain": "{{ params.count }}",
        "list": ["{{ params.count }}", 1, None],
        "text": "{{ run.id }}!",
    }


def test_rendered_text_is_never_rendered_again() -> None:
    once = render({"x": {"$template": "{{ params.evil }}"}}, CONTEXT)
    assert once == {"x": "{{ params.count }}"}
    assert render(once, CONTEXT) == once


def test_an_output_that_looks_like_a_marker_is_not_opened() -> None:
    evil = {"params": {"x": {"$template": "{{ run.id }}"}}}
    assert render({"$template": "{{ params.x }}"}, evil) == {"$template": "{{ run.id }}"}


def test_a_rendered_value_shares_nothing_with_what_it_was_read_from() -> None:
    params = {"l": [[1]]}
    rendered = render_text("{{ params.l }}", {"params": params})
    assert isinstance(rendered, list)
    rendered.append(2)
    assert params == {"l": [[1]]}


def test_an_environment_is_text() -> None:
    env = {
        "A": "{{ params.count }}",
        "B": {"$template": "{{ params.count }}"},
        "C": {"$template": "{{ params.on }}"},
    }
    assert render_env(env, CONTEXT) == {"A": "{{ params.count }}", "B": "3", "C": "true"}  # type: ignore[arg-type]
    with pytest.raises(TemplateError, match="a list cannot stand for text"):
        render_env({"A": {"$template": "{{ params.list }}"}}, CONTEXT)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{{ params.a }}{{ params['b'].c }}", ({"params"}, set(), {"a", "b"})),
        ("{{ params[params.a] }}", ({"params"}, set(), {"a"})),
        (
            "{{ steps.build.outputs.x ~ steps['step-1'].state }}",
            ({"steps"}, {"build", "step-1"}, set()),
        ),
        ("{{ steps.7.outputs.x }}", ({"steps"}, {"7"}, set())),
        ("{{ run.id }}", ({"run"}, set(), set())),
        (
            "{% for x in params.l %}{{ x.params }}{{ params.y }}{% endfor %}",
            ({"params"}, set(), {"l", "y"}),
        ),
        ("{% for params in run.id %}{{ params.y }}{% endfor %}", ({"run"}, set(), set())),
        ("{{ 'params.a' }} params.b", (set(), set(), set())),
        ("{{ (params.a | default(params.b)).c }}", ({"params"}, set(), {"a", "b"})),
        (
            "{{ params.a is defined and not params.b == params.c[params.d:] }}",
            ({"params"}, set(), set("abcd")),
        ),
    ],
)
def test_references_are_read_from_the_tree(text: str, named: tuple[set[str], ...]) -> None:
    assert references(text) == References(*map(frozenset, named))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("true", True),
        ("params.on", True),
        ("not params.on", False),
        ("steps.build.outputs.ok", True),
        ("steps.build.outputs.count | int > 2", True),
        ("steps.build.state == 'completed' and params.count == 3", True),
        ("params.zzz is defined", False),
        ("'a' in params.list", True),
        ("run.id == 'run-2'", False),
    ],
)
def test_a_condition_holds_or_not(expression: str, holds: bool) -> None:
    assert evaluate(expression, CONTEXT) is holds


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("params.count", "`3`"),
        ("steps.build.outputs.sha", "`abc123`"),
        ("params.list", "a list"),
        ("params.map", "a mapping"),
        ("params.nothing", "an empty value"),
    ],
)
def test_a_condition_that_is_neither_true_nor_false_is_refused(expression: str, shown: str) -> None:
    with pytest.raises(TemplateError) as error:
        evaluate(expression, CONTEXT)
    assert error.value.message == f"the condition is neither true nor false but {shown}"
    assert error.value.hint == "compare it, such as `… == 'x'`, `… | int > 0` or `… is defined`"


@pytest.mark.parametrize(
    "expression", ["", "x ==", "1 2", "{{ params.on }}", "params.on %}", "lambda: 1"]
)
def test_a_condition_that_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(TemplateError):
        evaluate(expression, CONTEXT)
    with pytest.raises(TemplateError):
        expression_references(expression)


def test_what_is_a_template_is_told_by_its_braces() -> None:
    assert has_template("a {{ b }}")
    assert has_template("{% if x %}")
    assert not has_template("${#x} { { {# c #} } }")
    assert is_template({"$template": "x"})
    assert not is_template("{{ x }}")


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (True, "true"), (False, "false"), (7, "7"), (0.5, "0.5")]
)
def test_a_scalar_stands_for_text_as_a_shell_would_write_it(value: str | float, text: str) -> None:
    assert as_text(value) == text


@given(st.text(alphabet="{}%#abparms.steps[]'\"-|()0123456789 \n~*+", max_size=40))
def test_any_text_either_renders_or_is_refused(text: str) -> None:
    try:
        named = references(text)
        render_text(text, CONTEXT)
    except TemplateError as error:
        told = str(error)
    else:
        told = ""
        assert named.roots <= {"params", "steps", "run"}
    assert "\n" not in told


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_a_parameter_is_rendered_as_it_is_whatever_it_holds(text: str) -> None:
    context = {"params": {"x": text}}
    assert render_text("{{ params.x }}", context) == text
    assert render_text("[{{ params.x }}]", context) == f"[{text}]"
    assert render_text("[{{ params.x ~ '' }}]", context) == f"[{text}]"
