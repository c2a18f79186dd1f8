"""A git repository, real."""

from __future__ import annotations

import hashlib
import subprocess

from pytest_bdd import given, parsers, then

from ..place import Place


@given("a git repository with one commit on its branch main")
def a_repository(place: Place) -> None:
    _git(place, "init", "--quiet", "--initial-branch", "main")
    place.path("README").write_text("a project\n")
    _git(place, "add", "README")
    _git(place, "commit", "--quiet", "--message", "Begin")


@given("its files are committed")
def files_committed(place: Place) -> None:
    _git(place, "add", "--all")
    _git(place, "commit", "--quiet", "--message", "Add files")


@given(parsers.parse('the repository has a branch "{name}"'))
def has_a_branch(place: Place, name: str) -> None:
    _git(place, "branch", name)


@given(parsers.parse('the repository holds whoever checks something out, as "{name}"'))
def holds_whoever_checks_out(place: Place, name: str) -> None:
    hook = place.path(".git/hooks/post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec hold {name}\n")
    hook.chmod(0o755)


@given("I note how the repository is")
def note_the_repository(place: Place) -> None:
    place.noted["repository"] = _picture(place)


@then("the repository is exactly as it was")
def as_it_was(place: Place) -> None:
    assert _picture(place) == place.noted["repository"], place.answer


@then(parsers.parse('its branches are "{names}", and it is on "{current}"'))
def branches(place: Place, names: str, current: str) -> None:
    found = _git(place, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert found == sorted(names.split()), place.answer
    assert _git(place, "branch", "--show-current").strip() == current, place.answer


@then(parsers.re('its tags are "(?P<names>.*)"'))
def tags(place: Place, names: str) -> None:
    assert _git(place, "tag").split() == names.split(), place.answer


@then(parsers.parse('the newest commits of "{branch}" are "{subjects}"'))
def commits(place: Place, branch: str, subjects: str) -> None:
    wanted = [subject.strip() for subject in subjects.split(",")]
    found = _git(place, "log", "--first-parent", f"-{len(wanted)}", "--format=%s", branch)
    assert found.splitlines() == wanted, place.answer


def _picture(place: Place) -> dict[str, object]:
    """All that a person can see of a repository: refs, HEAD, index, status, and every file."""
    files = {
        str(path.relative_to(place.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.folder.rglob("*"))
        if path.is_file() and not {".git", ".fsm"} & set(path.relative_to(place.folder).parts)
    }
    return {
        "refs": _git(place, "for-each-ref"),
        "head": place.path(".git/HEAD").read_text(),
        "index": _git(place, "ls-files", "--stage"),
        "status": _git(place, "status", "--porcelain", "--untracked-files=no"),
        "files": files,
    }


def _git(place: Place, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=place.folder, env=place.env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
