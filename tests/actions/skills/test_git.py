"""The skill `git-operations`, on real repositories."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.skill import Context
from fsm.actions.skills.git import git
from fsm.actions.skills.git.repository import Repository
from fsm.engine.ports import Failed, Succeeded

from .conftest import Steps

REFERENCE = "fsm.actions.skills.git:git"
SAMPLE = Path(__file__).parent / "samples" / "git-v1.json"


@dataclass
class Clone:
    """A repository with two branches, a tag, a remote, and a file that is changed and not committed."""

    folder: Path
    env: dict[str, str]

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=at or self.folder, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.strip()

    def make(self) -> None:
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("README", "a project\n")
        self.git("branch", "side")
        self.git("tag", "v1")
        self.commit("more", "more\n")
        self.git("switch", "--quiet", "side")
        self.commit("beside", "beside\n")
        self.git("switch", "--quiet", "main")
        self.git("init", "--quiet", "--bare", str(self.folder.parent / "remote"))
        self.git("remote", "add", "origin", str(self.folder.parent / "remote"))
        self.git("push", "--quiet", "origin", "main")
        (self.folder / "README").write_text("changed\n")
        (self.folder / "new").write_text("new\n")

    def commit(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        self.git("add", "--", name)
        self.git("commit", "--quiet", "--message", f"Add {name}")

    def picture(self) -> dict[str, object]:
        remote = self.folder.parent / "remote"
        return {
            "refs": self.git("for-each-ref", "refs/heads", "refs/tags"),
            "head": (self.folder / ".git/HEAD").read_text(),
            "index": self.git("ls-files", "--stage"),
            "status": self.git("status", "--porcelain"),
            "upstreams": self.git("for-each-ref", "--format=%(refname) %(upstream)", "refs/heads"),
            "remote": self.git("for-each-ref", at=remote),
            "files": {
                path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()
            },
        }


@pytest.fixture
def clone(folder: Path) -> Clone:
    return make_clone(folder)


def make_clone(folder: Path) -> Clone:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
    }
    made = Clone(folder, env)
    made.make()
    (folder / ".git/info/exclude").write_text(".fsm/\n")
    return made


@pytest.fixture
def steps(clone: Clone) -> Iterator[Steps]:
    steps = Steps(git, clone.folder, REFERENCE, env=clone.env)
    yield steps
    steps.shell.close()


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "create a branch": ("create-branch", {"name": "feature/x"}),
    "create a branch at a tag": ("create-branch", {"name": "hotfix", "from": "v1"}),
    "delete a branch": ("delete-branch", {"name": "side", "force": True}),
    "check out a branch": ("checkout", {"to": "side"}),
    "check out a tag": ("checkout", {"to": "v1"}),
    "commit all": ("commit", {"message": "All of it", "all": True}),
    "commit a file": ("commit", {"message": "-m 'it'\n\n# $(touch pwned)", "paths": ["new"]}),
    "tag": ("tag", {"name": "v2"}),
    "tag with a message": ("tag", {"name": "v2", "at": "side", "message": "-d v1"}),
    "delete a tag": ("delete-tag", {"name": "v1"}),
    "merge": ("merge", {"from": "side"}),
    "merge a tag": ("merge", {"from": "v1"}),
    "push": ("push", {"branch": "side"}),
    "push what is checked out": ("push", {}),
}
UNDO = {"create-branch": "delete-branch", "tag": "delete-tag", "push": "unpush"}


def prepare(clone: Clone, case: str) -> None:
    if case == "create a branch at a tag":
        clone.git("checkout", "--quiet", "--", "README")  # v1 has no `more`, and README as it is
    if case == "push what is checked out":
        clone.git("commit", "--quiet", "--all", "--message", "Change it")
    if case == "merge a tag":
        clone.git("switch", "--quiet", "--detach", "v1")
        clone.git("switch", "--quiet", "--create", "ahead")
        clone.commit("ahead", "ahead\n")
        clone.git("tag", "--force", "v1")
        clone.git("switch", "--quiet", "main")
    if case == "delete a branch":
        clone.git("push", "--quiet", "--set-upstream", "origin", "side")


def undo(action: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What undoes it, with what it inherits."""
    name = UNDO.get(action, "restore")
    known = [parameter.name for parameter in git.actions[name].spec.params]
    return name, {key: value for key, value in params.items() if key in known and key != "force"}


@pytest.mark.parametrize("case", CASES)
def test_each_action_is_tried_done_probed_and_undone_exactly(
    clone: Clone, steps: Steps, case: str
) -> None:
    action, params = CASES[case]
    prepare(clone, case)
    before = clone.picture()
    assert isinstance(steps.perform(action, params, "check"), Failed)
    assert isinstance(tried := steps.perform(action, params, "dry_run"), Succeeded), tried
    assert clone.picture() == before, "its dry run changed something"
    assert isinstance(done := steps.perform(action, params), Succeeded), done
    after = clone.picture()
    assert after != before
    assert isinstance(steps.perform(action, params, "check"), Succeeded)
    assert isinstance(again := steps.perform(action, params), Succeeded), again
    assert clone.picture() == after, "done again it is something else"
    assert isinstance(undone := steps.perform(*undo(action, params), "rollback"), Succeeded), undone
    assert clone.picture() == before
    assert isinstance(undone := steps.perform(*undo(action, params), "rollback"), Succeeded), undone
    assert clone.picture() == before
    assert not (clone.folder / "pwned").exists()


def test_what_is_remembered_is_of_the_format_of_the_sample(tmp_path: Path) -> None:
    """A change here is a change of the format: then what an older fsm remembered must be read as well.

    That it is read, and undone by, is what the other tests show of what is written.
    """
    sample, found = json.loads(SAMPLE.read_text()), {}
    assert {CASES[case][0] for case in sample} == {action for action, _ in CASES.values()}
    for number, case in enumerate(sample):
        folder = tmp_path / str(number) / "plan"
        folder.mkdir(parents=True)
        clone = make_clone(folder)
        prepare(clone, case)
        steps, (action, params) = Steps(git, folder, REFERENCE, env=clone.env), CASES[case]
        memory = folder / ".fsm/logs/run/step@kept/git.json"
        found[case] = []
        for name, given, purpose in ((action, params, "run"), (*undo(action, params), "rollback")):
            done = steps.perform(name, given, purpose)  # type: ignore[arg-type]
            assert isinstance(done, Succeeded), done
            found[case].append(
                json.loads(re.sub(r"\b[0-9a-f]{40}\b", "OBJECT", memory.read_text()))
            )
        steps.shell.close()
    assert found == sample


class Killed(BaseException):
    """The step's process is gone."""


def after_calls(monkeypatch: pytest.MonkeyPatch, most: int, work: Callable[[], object]) -> bool:
    """Do it, and let it be killed before one more call of git; whether it was."""
    ask, calls = Repository.ask, 0

    def counted(self: Repository, *arguments: str) -> tuple[int, str, str]:
        nonlocal calls
        calls += 1
        if calls > most:
            raise Killed
        return ask(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "ask", counted)
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("case", CASES)
def test_killed_between_any_two_calls_of_git_it_is_known_whether_it_was_done(
    tmp_path: Path, clone: Clone, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    action, params = CASES[case]
    prepare(clone, case)
    before, most = clone.picture(), 0
    own = {"from_" if k == "from" else "all_" if k == "all" else k: v for k, v in params.items()}
    function, probe = git.actions[action].function, git.actions[action].probe
    assert probe is not None
    taken = probe.__code__.co_varnames[: probe.__code__.co_argcount]
    back, inherited = undo(action, params)
    while True:
        kept = tmp_path / f"kept-{most}"
        context = Context(cwd=clone.folder, folder=clone.folder, env=clone.env, kept=kept)
        killed = after_calls(monkeypatch, most, partial(function, context=context, **own))
        is_done = probe(context=context, **{k: v for k, v in own.items() if k in taken})
        assert is_done is not None, f"unknown after {most} calls"
        assert is_done or killed
        if not is_done:
            function(context=context, **own)
            assert probe(context=context, **{k: v for k, v in own.items() if k in taken})
        restore = partial(git.actions[back].function, context=context, **inherited)
        after_calls(monkeypatch, most, restore)
        restore()
        assert clone.picture() == before, f"after {most} calls"
        if not killed:
            break
        most += 1
    assert most > 2


def test_a_branch_with_later_commits_is_not_deleted_by_undoing(clone: Clone, steps: Steps) -> None:
    steps.perform("create-branch", {"name": "feature"})
    clone.commit("work", "work\n")
    before = clone.picture()
    said = steps.error("delete-branch", "rollback", name="feature")
    assert "has commits that are nowhere else" in said
    assert clone.picture() == before
    clone.git("branch", "saved")
    assert isinstance(steps.perform("delete-branch", {"name": "feature"}, "rollback"), Succeeded)
    assert clone.git("branch", "--show-current") == "main"


def test_a_branch_that_was_there_is_not_made(clone: Clone, steps: Steps) -> None:
    for purpose in ("dry_run", "run"):
        said = steps.error("create-branch", purpose, name="side")  # type: ignore[arg-type]
        assert "a branch called `side` already exists" in said


def test_a_branch_that_is_checked_out_is_deleted_from_where_one_came(
    clone: Clone, steps: Steps
) -> None:
    clone.git("switch", "--quiet", "--create", "other")
    assert isinstance(steps.perform("delete-branch", {"name": "other"}), Succeeded)
    assert clone.git("branch", "--show-current") == "main"
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert clone.git("branch", "--show-current") == "other"


def test_a_commit_that_others_built_on_is_not_taken_back(clone: Clone, steps: Steps) -> None:
    steps.perform("commit", {"message": "Mine", "all": True})
    clone.commit("theirs", "x\n")
    before = clone.picture()
    said = steps.error("restore", "rollback")
    assert "no longer the commit that this step made" in said
    assert "mark the step undone" in said
    assert clone.picture() == before


def test_the_first_commit_of_all_is_taken_back(tmp_path: Path, clone: Clone) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    clone.git("init", "--quiet", at=folder)
    (folder / "file").write_text("x")
    steps = Steps(git, folder, REFERENCE, env=clone.env)
    try:
        given = {"message": "Begin", "paths": ["file"]}
        assert isinstance(steps.perform("commit", given), Succeeded)
        assert isinstance(undone := steps.perform("restore", {}, "rollback"), Succeeded), undone
        assert clone.git("status", "--porcelain", "--", "file", at=folder) == "?? file"
    finally:
        steps.shell.close()


def test_nothing_to_commit_is_a_failure(clone: Clone, steps: Steps) -> None:
    assert "there is nothing to commit" in steps.error("commit", message="Nothing")


def test_a_conflict_leaves_everything_as_it_was(clone: Clone, steps: Steps) -> None:
    clone.git("stash", "--quiet")
    clone.git("switch", "--quiet", "side")
    clone.commit("more", "otherwise\n")
    clone.git("switch", "--quiet", "main")
    before = clone.picture()
    said = steps.error("merge", **{"from": "side"})
    assert "has conflicts: more; merge it by hand" in said
    assert clone.picture() == before


def test_a_merge_that_others_built_on_is_not_taken_back(clone: Clone, steps: Steps) -> None:
    assert isinstance(steps.perform("merge", {"from": "side"}), Succeeded)
    clone.commit("theirs", "x\n")
    assert "no longer the commit" in steps.error("restore", "rollback")


def test_what_others_pushed_since_is_not_overwritten(clone: Clone, steps: Steps) -> None:
    assert isinstance(steps.perform("push", {"branch": "side"}), Succeeded)
    clone.git("push", "--quiet", "--force", "origin", "main:side")
    before = clone.picture()
    assert "git push: " in steps.error("unpush", "rollback")
    assert clone.picture() == before


def test_a_push_is_tried_without_an_effect(clone: Clone, steps: Steps) -> None:
    clone.git("remote", "add", "gone", str(clone.folder.parent / "gone"))
    said = steps.error("push", "dry_run", remote="gone")
    assert "git push: " in said
    assert "no remote `elsewhere`; it has `gone`, `origin`" in steps.error(
        "push", remote="elsewhere"
    )


def test_a_push_that_would_need_force_fails(clone: Clone, steps: Steps) -> None:
    clone.git("push", "--quiet", "origin", "main:side")
    clone.git("switch", "--quiet", "--detach", "v1")
    assert "git push: " in steps.error("push", branch="side")


def test_a_tree_is_clean_or_its_changes_are_named(clone: Clone, steps: Steps) -> None:
    said = steps.error("check-clean")
    assert "README" in said
    assert "new" in said
    clone.git("checkout", "--quiet", "--", "README")
    assert isinstance(steps.perform("check-clean", {"untracked": False}), Succeeded)
    (clone.folder / "new").unlink()
    assert isinstance(steps.perform("check-clean", {}), Succeeded)


def test_who_commits_must_be_known(clone: Clone, steps: Steps) -> None:
    for name in list(steps.env):
        if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER")):
            del steps.env[name]
    clone.git("config", "user.useConfigOnly", "true")
    said = steps.error("commit", "dry_run", message="x")
    assert "git does not know who commits" in said


def test_tags_that_were_moved_are_left_alone(clone: Clone, steps: Steps) -> None:
    steps.perform("tag", {"name": "v2"})
    clone.git("tag", "--force", "v2", "side")
    assert "was moved since" in steps.error("delete-tag", "rollback", name="v2")


NAMES = ["$(id)", "`id`", ";id", "'\"", "a|id", "&"]
"""What git does allow as names, and a shell would not take for one."""

HOSTILE = [
    *NAMES,
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "two\nlines",
    "-D",
    "--force",
    "--output=pwned",
    "--upload-pack=touch pwned",
    "..",
    "a..b",
    "@{-1}",
    "HEAD",
    "",
    "a\0b",
    "\ud800",
    "ext::sh -c touch% pwned",
    "../remote",
    "refs/heads/../main",
    "x.lock",
]
TEXTS: list[tuple[str, str, dict[str, Any]]] = [
    ("create-branch", "name", {}),
    ("create-branch", "from", {"name": "fresh"}),
    ("delete-branch", "name", {}),
    ("checkout", "to", {}),
    ("tag", "name", {}),
    ("tag", "at", {"name": "fresh"}),
    ("delete-tag", "name", {}),
    ("merge", "from", {}),
    ("push", "remote", {}),
    ("push", "branch", {}),
]


@pytest.mark.parametrize(("action", "parameter", "more"), TEXTS)
def test_hostile_values_are_refused_and_change_nothing(
    clone: Clone, action: str, parameter: str, more: dict[str, Any]
) -> None:
    before = clone.picture()
    harmless = {
        ("create-branch", "from"): {"HEAD"},
        ("tag", "at"): {"HEAD"},
        ("push", "branch"): {""},
    }
    harmless |= {("checkout", "to"): {"HEAD"}, ("merge", "from"): {"HEAD"}}
    # `@{-1}` is the branch before, for git; a plan may say so where it takes a revision.
    revisions = {("create-branch", "from"), ("tag", "at"), ("checkout", "to"), ("merge", "from")}
    context = Context(
        cwd=clone.folder, folder=clone.folder, env=clone.env, kept=clone.folder.parent / "kept"
    )
    function = git.actions[action].function
    named = (action, parameter) in {("create-branch", "name"), ("tag", "name")}
    for value in HOSTILE:
        if value in harmless.get((action, parameter), ()):
            continue
        if value == "@{-1}" and (action, parameter) in revisions:
            continue
        own = {**more, "from_" if parameter == "from" else parameter: value}
        if named and value in NAMES:
            function(context=context, **own)
            refs = clone.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
            assert f"refs/{'tags' if action == 'tag' else 'heads'}/{value}" in refs.splitlines()
            git.actions[UNDO[action]].function(context=context, name=value)
            assert clone.picture() == before, value
            continue
        with pytest.raises(Exception) as failure:  # noqa: PT011 - of which kind, is looked at
            function(context=context, **own)
        assert type(failure.value).__name__ == "ActionFailed", (value, failure.value)
        assert clone.picture() == before, value
    assert not (clone.folder / "pwned").exists()


@pytest.mark.parametrize(
    "value", [v for v in HOSTILE if v.strip() and "\0" not in v and v != "\ud800"]
)
def test_hostile_messages_and_paths_are_messages_and_paths(
    clone: Clone, steps: Steps, value: str
) -> None:
    name = value.replace("/", "_").replace("..", "dots")
    (clone.folder / name).write_text("x")
    given = {"message": value, "paths": [name]}
    assert isinstance(done := steps.perform("commit", given), Succeeded), done
    assert clone.git("log", "-1", "--format=%B") == value.strip()
    shown = clone.git("show", "-z", "--format=", "--name-only", "HEAD", "--").strip("\0\n")
    assert shown == name
    assert isinstance(steps.perform("restore", {}, "rollback"), Succeeded)
    assert not (clone.folder / "pwned").exists()


def test_a_path_outside_of_the_repository_is_refused(clone: Clone, steps: Steps) -> None:
    (clone.folder.parent / "theirs").write_text("x")
    assert "git add: " in steps.error("commit", message="x", paths=["../theirs"])


def test_where_there_is_no_repository_inspection_says_so(tmp_path: Path, clone: Clone) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    context = Context(cwd=elsewhere, folder=elsewhere, env=clone.env)
    for name, action in git.actions.items():
        if name in ("restore", "unpush"):
            continue
        assert action.inspection is not None, name
        first = next(iter(action.inspection(context=context)))
        assert "git cannot work in" in first.message
        assert "not a git repository" in first.message
        assert "git init" in first.hint


@pytest.mark.parametrize(
    ("action", "params", "said"),
    [
        ("create-branch", {"name": "x", "from": "later"}, "there is no commit `later`"),
        ("delete-branch", {"name": "later"}, "there is no branch `later`"),
        ("checkout", {"to": "later"}, "there is no commit `later`"),
        ("tag", {"name": "x", "at": "later"}, "there is no commit `later`"),
        ("delete-tag", {"name": "later"}, "there is no tag `later`"),
        ("merge", {"from": "later"}, "there is no commit `later`"),
        ("check-clean", {}, "changes that are not committed"),
        ("commit", {"message": "m", "paths": ["later"]}, "did not match any files"),
        ("push", {"branch": "later"}, "there is no branch `later`"),
    ],
)
def test_what_a_step_before_may_still_make_is_missed_only_if_there_is_none(
    steps: Steps, action: str, params: dict[str, Any], said: str
) -> None:
    assert isinstance(tried := steps.perform(action, params, "dry_run"), Succeeded), tried
    steps.is_first = True
    assert said in steps.error(action, "dry_run", **params)


def test_a_first_step_that_has_nothing_to_commit_is_told_before(clone: Clone, steps: Steps) -> None:
    clone.git("stash", "--include-untracked", "--quiet")
    steps.is_first = True
    (clone.folder / "new").write_text("new")
    before = clone.picture()
    assert "there is nothing to commit" in steps.error("commit", "dry_run", message="m")
    for more in ({"paths": ["new"]}, {"all": True}):
        tried = steps.perform("commit", {"message": "m", **more}, "dry_run")
        assert isinstance(tried, Succeeded), tried
    assert clone.picture() == before
    (clone.folder / "new").unlink()
    assert "there is nothing to commit" in steps.error("commit", "dry_run", message="m", all=True)
