"""Plans that nobody should write, by what is wrong with them."""

from __future__ import annotations

import os

from pytest_bdd import given, parsers

from ..place import Place


def _one_step(id_: str) -> str:
    return f'plan:\n  id: bad\n  steps: [{{id: {id_}, run: "true"}}]\n'


def _laughs() -> str:
    first = "plan:\n  id: laughs\n  params:\n    l0: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"
    lines = [f"    l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join([first, *lines, '  steps: [{id: a, run: "true"}]'])


_PLANS: dict[str, str | bytes] = {
    "waits for itself": """\
plan:
  id: bad
  steps:
    - {id: a, run: "true", depends_on: a}
""",
    "waits in a circle": """\
plan:
  id: bad
  steps:
    - {id: a, run: "true", depends_on: b}
    - {id: b, run: "true", depends_on: a}
""",
    "waits for an unknown step": """\
plan:
  id: bad
  steps:
    - {id: build, run: "true"}
    - {id: test, run: "true", depends_on: [buidl]}
""",
    "laughs a billion times": _laughs(),
    "nests 100,000 brackets": "[" * 100_000,
    "nests 40 lists": f"plan:\n  id: bad\n  params: {{p: {'[' * 40}{']' * 40}}}\n",
    "is 9 MB long": _one_step("a") + "# padding\n" * 900_000,
    "says one key twice": """\
plan:
  id: bad
  steps: [{id: a, run: "true"}]
  id: worse
""",
    "has a number of 5,000 digits": f"plan:\n  id: bad\n  parallel: {'9' * 5000}\n  steps: []\n",
    "has a python tag": "plan:\n  id: bad\n  name: !!python/object/apply:os.system [touch evil]\n",
    "holds a NUL": "plan:\n  id: b\0d\n",
    "holds a lone surrogate": b"plan:\n  id: b\xed\xa0\x80d\n",
    "is UTF-16": _one_step("a").encode("utf-16"),
    "is indented by a tab": 'plan:\n\tid: bad\n\tsteps: [{id: a, run: "true"}]\n',
    "is two documents": f"{_one_step('a')}---\n{_one_step('b')}",
    "is empty": "",
    "is not text at all": bytes(range(128, 256)) * 8,
    "has the id ../x": _one_step("../x"),
    "has the id -rf": _one_step("'-rf'"),
    "has an id that ends in a line break": _one_step(r'"a\n"'),
    "has an id of 300 letters": _one_step("a" * 300),
    "has an id with an accent": _one_step("café"),
    "has ids that differ in case alone": """\
plan:
  id: bad
  steps:
    - {id: build, run: "true"}
    - {id: BUILD, run: "true"}
""",
    "begins with a byte order mark": b"\xef\xbb\xbf" + _one_step("a").encode(),
}


@given(parsers.parse("a plan that {is_}"))
def a_plan_that(place: Place, is_: str) -> None:
    path = place.path("plan.yaml")
    if is_ == "is an endless device":
        path.symlink_to("/dev/zero")
        return
    if is_ == "is a named pipe":
        os.mkfifo(path)
        return
    plan = _PLANS[is_]
    path.write_bytes(plan if isinstance(plan, bytes) else plan.encode())
