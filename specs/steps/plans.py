"""Plans: written, shared, approved, edited."""

from __future__ import annotations

from pytest_bdd import given, parsers, step, when

from ..place import SPECS, Place

PLAN = "plan.yaml"


@given("the plan:")
def the_plan(place: Place, docstring: str) -> None:
    place.path(PLAN).write_text(docstring + "\n", encoding="utf-8")


@given(parsers.parse('the plan "{name}" of the specs'))
def the_plan_of_the_specs(place: Place, name: str) -> None:
    place.path(PLAN).write_bytes((SPECS / "plans" / f"{name}.yaml").read_bytes())


@given("the approved plan:")
def the_approved_plan(place: Place, docstring: str) -> None:
    the_plan(place, docstring)
    it_is_approved(place)


@given(parsers.parse('the approved plan "{name}" of the specs'))
def the_approved_plan_of_the_specs(place: Place, name: str) -> None:
    the_plan_of_the_specs(place, name)
    it_is_approved(place)


@given(parsers.parse("a plan of {count:d} steps, every third of which cannot be undone"))
def a_long_plan(place: Place, count: int) -> None:
    steps = [
        f'    - {{id: s{n}, run: ["true"]{f", rollback: [undo-s{n}]" if n % 3 else ""}}}\n'
        for n in range(1, count + 1)
    ]
    place.path(PLAN).write_text(f"plan:\n  id: long\n  steps:\n{''.join(steps)}")


@given("the plan is approved")
@when("I approve the plan")
def it_is_approved(place: Place) -> None:
    done = place.run(f"fsm approve {PLAN}")
    assert done.exit_code == 0, done


@when(parsers.parse('I change "{old}" to "{new}" in the plan'))
@given(parsers.parse('"{old}" is changed to "{new}" in the plan'))
def i_change_the_plan(place: Place, old: str, new: str) -> None:
    text = place.path(PLAN).read_text(encoding="utf-8")
    assert old in text, f"the plan has no {old}"
    place.path(PLAN).write_text(text.replace(old, new), encoding="utf-8")


@given("the plan goes on with:")
def the_plan_goes_on(place: Place, docstring: str) -> None:
    path = place.path(PLAN)
    lines = "".join(f"    {line}\n" for line in docstring.splitlines())
    path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")


@given(parsers.parse('the plan is in the folder "{folder}"'))
def the_plan_is_in(place: Place, folder: str) -> None:
    place.path(PLAN).rename(place.path(folder) / PLAN)


@given(parsers.parse('its step "{step}" has "{line}"'))
def its_step_has(place: Place, step: str, line: str) -> None:
    i_change_the_plan(place, f"- id: {step}\n", f"- id: {step}\n      {line}\n")


@step(parsers.parse('the plan says "{line}"'))
def the_plan_says(place: Place, line: str) -> None:
    i_change_the_plan(place, "plan:\n", f"plan:\n  {line}\n")
