"""Where skills come from: installed packages, folders, names; and what is refused of them."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fsm.actions.shell import ShellAction
from fsm.app.python_skills import approved_skill, python_spec
from fsm.app.skills import Library, actions_of, load
from fsm.errors import Invalid
from fsm.plan import Plan
from fsm.plan.model import Call, Step

PLAN = "plan: {id: p, steps: [{id: a, skill: greetings, action: greet, params: {who: Ann}}]}"
MODULE = """
from fsm import Skill

greetings = Skill("NAME", "Greet people.")

@greetings.action(risk="read")
def greet(who: str) -> str:
    '''Greet somebody.'''
    print("hello " + who)
    return "hello " + who
"""


def installed(folder: Path, name: str = "greetings") -> Path:
    """A folder into which pip has installed a package that brings a skill, as `greetings`."""
    wheel = folder / "greeter-1.0-py3-none-any.whl"
    about = "greeter-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("greeter.py", MODULE.replace("NAME", name))
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/entry_points.txt", "[fsm.skills]\ngreetings = greeter:greetings\n")
        file.writestr(f"{about}/RECORD", "")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", target, wheel], check=True)
    return target


def fsm(folder: Path, *arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fsm", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path), "HOME": str(folder)},
        capture_output=True,
        text=True,
    )


def test_an_installed_package_brings_its_skill_along(tmp_path: Path) -> None:
    site, work = installed(tmp_path), tmp_path / "work"
    work.mkdir()
    (work / "plan.yaml").write_text(PLAN)
    # Whoever can write into the working directory cannot stand in for it.
    (work / "greeter.py").write_text("raise SystemExit('hacked')")
    done = fsm(work, "run", "plan.yaml", "--yes", path=site)
    assert (done.returncode, done.stderr) == (0, "")
    (work / "skills").mkdir()
    (work / "skills" / "greetings.yaml").write_text(
        "skill: {name: greetings, actions: {greet: {run: 'true'}}}"
    )
    done = fsm(work, "plan", "plan.yaml", path=site)
    assert done.returncode == 2
    assert (
        "two skills are called `greetings`: in the package greeter (greeter:greetings) and in "
        "skills/greetings.yaml; rename one"
    ) in done.stderr


def test_a_package_that_names_its_skill_otherwise_is_refused(tmp_path: Path) -> None:
    site = installed(tmp_path, "welcome")
    (tmp_path / "plan.yaml").write_text(PLAN)
    done = fsm(tmp_path, "plan", "plan.yaml", path=site)
    assert done.returncode == 2
    assert (
        "the skill greeter:greetings is called `welcome`, but installed as `greetings`; give both"
    ) in done.stderr


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    folder = tmp_path / "home" / ".config" / "fsm" / "skills"
    folder.mkdir(parents=True)
    return folder


SKILL = "skill: {name: greetings, actions: {greet: {params: {who: text}, run: [echo, 'x']}}}"


def test_a_skill_of_the_user_s_configuration_is_found_from_every_plan(
    tmp_path: Path, at_home: Path
) -> None:
    (at_home / "greetings.yaml").write_text(SKILL)
    (tmp_path / "plan.yaml").write_text(PLAN)
    plan = load(tmp_path / "plan.yaml")
    assert plan.skills["greetings"]["source"] == "declared"  # type: ignore[index, call-overload]
    assert plan.folder == tmp_path


def test_where_a_plan_lies_is_no_part_of_what_it_is(tmp_path: Path, at_home: Path) -> None:
    digests = set()
    for name in ("one", "other"):
        scripts = tmp_path / name / "skills" / "greetings" / "scripts"
        scripts.mkdir(parents=True)
        (scripts.parent / "SKILL.md").write_text("---\nname: greetings\ndescription: Greet.\n---\n")
        (scripts / "greet.sh").write_text("echo hello")
        plan = tmp_path / name / "plan.yaml"
        plan.write_text(PLAN.replace("who: Ann", "args: [Ann]"))
        digests.add(load(plan).digest)
    assert len(digests) == 1
    (tmp_path / "one" / "skills" / "greetings" / "scripts" / "more.txt").write_text("a table")
    digests.add(load(tmp_path / "one" / "plan.yaml").digest)
    assert len(digests) == 2


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(Invalid) as refused:
        Library(tmp_path).find("greetings")
    assert str(refused.value.problems[0]).startswith(
        f"{at_home}  cannot be read: Permission denied; "
    )


def test_only_the_skills_that_are_used_are_read(tmp_path: Path, at_home: Path) -> None:
    (at_home / "greetings.yaml").write_text(SKILL)
    (at_home / "broken.yaml").write_text("][")
    library = Library(tmp_path)
    assert library.find("greetings") is not None
    assert {"broken", "greetings", "files"} <= set(library.names())
    with pytest.raises(Invalid):
        library.find("broken")


def test_a_broken_skill_is_told_once_beside_what_is_wrong_with_the_plan(
    tmp_path: Path, at_home: Path
) -> None:
    (at_home / "greetings.yaml").write_text("skill: {name: greetings}")
    (tmp_path / "plan.yaml").write_text(
        """
plan:
  id: p
  steps:
    - {id: a, skill: greetings, action: greet}
    - {id: b, skill: greetings, action: greet, depends_on: [nowhere]}
"""
    )
    with pytest.raises(Invalid) as refused:
        load(tmp_path / "plan.yaml")
    assert sorted(str(problem).partition(": ")[0] for problem in refused.value.problems) == [
        f"{at_home}/greetings.yaml:1:1  the skill has no `actions`; it needs one or more",
        f"{tmp_path}/plan.yaml:6:61  step `b` depends on `nowhere`, which the plan does not have; there is",
    ]


def test_a_skill_is_run_as_it_was_when_it_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who swaps the file between the look and the import gains nothing."""
    path = tmp_path / "greeter.py"
    path.write_text(MODULE.replace("NAME", "greetings"))
    spec = python_spec("greeter.py:greetings", tmp_path)
    read = Path.read_bytes

    def swapped(self: Path) -> bytes:
        found = read(self)
        if self == path:
            path.write_text("raise SystemExit('smuggled')")
        return found

    monkeypatch.setattr(Path, "read_bytes", swapped)
    assert approved_skill(spec, tmp_path).name == "greetings"
    with pytest.raises(Invalid, match="has changed since the plan was approved"):
        approved_skill(spec, tmp_path)


def test_a_skill_that_shipped_with_another_version_is_withheld_in_words(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN.replace("greetings", "files").replace(
        "action: greet, params: {who: Ann}", "action: remove, params: {path: x}"
    ))  # fmt: skip
    document = load(tmp_path / "plan.yaml").document.replace(b'"files"', b'"flies"')
    plan = Plan.from_document(document).found_in(tmp_path)
    action = actions_of(plan, tmp_path, ShellAction())["flies"]
    seen = asyncio.run(action.inspect("remove", {"path": "x"}, tmp_path, {}, ()))
    assert [str(problem) for problem in seen["permissions"]] == [
        "fsm has no skill `flies` here; use the fsm that the plan was approved with"
    ]


OWN = """
from fsm import Skill

own = Skill("own")


@own.action(undo="unmake", idempotent=True)
def make() -> None:
    pass


@make.check
def is_made() -> bool:
    return True


@make.dry_run
def can_make() -> None:
    pass


@own.action
def unmake() -> None:
    pass


@own.action(risk="read")
def look() -> None:
    pass
"""


def own_step(folder: Path, step: str) -> Step:
    """The step `a` of a plan that uses that skill; `step` is the rest of it."""
    (folder / "own.py").write_text(OWN)
    (folder / "plan.yaml").write_text(
        f"plan: {{id: p, skills: ['own.py:own'], steps: [{{id: a, skill: own, {step}}}]}}"
    )
    (found,) = load(folder / "plan.yaml").steps
    return found


def test_a_step_is_as_its_skill_says_where_the_plan_says_nothing(tmp_path: Path) -> None:
    step = own_step(tmp_path, "action: make")
    assert step.rollback is not None
    assert step.rollback.call == Call(skill="own", action="unmake")
    assert step.check == step.dry_run == step.call
    assert (step.timeout_seconds, step.idempotent, step.read_only) == (None, True, False)
    look = own_step(tmp_path, "action: look")
    assert (look.rollback, look.read_only) == (None, True)


def test_what_the_plan_says_of_a_step_counts_more_than_what_its_skill_says(tmp_path: Path) -> None:
    said = "rollback: undo, check: 'test -e x', dry_run: try, timeout: 7s, idempotent: false"
    step = own_step(tmp_path, f"action: make, {said}")
    assert step.rollback is not None
    calls = (step.rollback.call, step.check, step.dry_run)
    assert [call and call.params["command"] for call in calls] == ["undo", "test -e x", "try"]
    assert (step.timeout_seconds, step.idempotent) == (7.0, False)


def test_a_step_that_the_plan_says_changes_nothing_is_not_undone_by_its_skill(
    tmp_path: Path,
) -> None:
    step = own_step(tmp_path, "action: make, read_only: true")
    assert (step.rollback, step.read_only) == (None, True)
    look = own_step(tmp_path, "action: look, rollback: undo")
    assert look.rollback is not None
    assert not look.read_only
