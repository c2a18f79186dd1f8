"""Branches: made, deleted, checked out."""

from __future__ import annotations

from collections.abc import Iterator

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.memory import forget, recall, remember
from fsm.actions.skills.git.repository import Repository, revised
from fsm.actions.skills.git.skill import NEEDS, RESTORE, git, lacks_repository
from fsm.plan.template import printable

__all__ = ["bring_back_branch", "go_back"]


@git.action(undo="delete-branch", needs=NEEDS, outputs=("branch", "commit", "former"))
def create_branch(name: str, context: Context, from_: str = "HEAD") -> dict[str, str]:
    """Make a branch and check it out. Undone, what was checked out before is checked out again.

    name: the branch, which must not be there
    from: the commit it begins at: a branch, a tag, or any revision
    """
    repository = Repository(context)
    branch = repository.branch(name)
    own = recall(context, "create-branch", name=name)
    if own and repository.object_at(branch):  # an earlier attempt made it
        repository.switch(branch)
        return {"branch": name, "commit": own["commit"], "former": own["head"]}
    _refuse_existing(repository, branch, name)
    head, commit = repository.head(), repository.commit_of(from_)
    remember(context, "create-branch", name=name, head=head, commit=commit)
    repository.run("switch", "--quiet", "--no-track", "--create", name, commit)
    return {"branch": name, "commit": commit, "former": head}


@create_branch.check
def is_created(name: str, context: Context) -> bool:
    """Whether this step has made it, and it is checked out."""
    repository = Repository(context)
    branch = repository.branch(name)
    return (
        bool(recall(context, "create-branch", name=name))
        and bool(repository.object_at(branch))
        and repository.head() == branch
    )


@create_branch.dry_run
def can_create(name: str, context: Context, from_: str = "HEAD") -> None:
    """Whether it may be called so, is not there, and can be checked out."""
    repository = Repository(context)
    _refuse_existing(repository, repository.branch(name), name)
    commit = _commit_if_there(repository, from_, context)
    if commit:
        repository.refuse_blocked_switch(commit)


@create_branch.inspect
def create_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


@git.action(undo=RESTORE, needs=NEEDS, outputs=("commit",))
def delete_branch(name: str, context: Context, force: bool = False) -> dict[str, str]:
    """Delete a branch. If it is checked out, what was checked out before it is checked out again.

    name: the branch; commits that are on no other branch and on no tag keep it from being deleted
    force: whether it is deleted all the same
    """
    repository = Repository(context)
    branch = repository.branch(name)
    made = recall(context, "create-branch", name=name)
    undone = recall(context, "undone", name=name, of="create-branch")
    own = made or undone or recall(context, "delete-branch", name=name)
    tip = repository.object_at(branch)
    if not tip:
        if not own:
            raise ActionFailed(f"there is no branch `{printable(name)}`")
        if made:
            forget(context, made)
        return {"commit": own["commit"]}
    if not force:
        _refuse_loss(repository, branch, name, tip, made.get("commit", ""))
    head = repository.head()
    if not made:
        remember(
            context,
            "delete-branch",
            name=name,
            commit=tip,
            head=head,
            upstream=_upstream(repository, branch),
        )
    if head == branch:
        repository.switch(made["head"] if made else _former(repository, name))
    repository.run("branch", "--quiet", "-D", "--", name)
    if made:
        forget(context, made)
    return {"commit": tip}


@delete_branch.check
def is_deleted(name: str, context: Context) -> bool:
    """Whether it is gone, and this step remembers having been about to delete it."""
    repository = Repository(context)
    is_gone = not repository.object_at(repository.branch(name))
    return is_gone and bool(recall(context, "delete-branch", name=name))


@delete_branch.dry_run
def can_delete(name: str, context: Context, force: bool = False) -> None:
    """Whether it may be called so, and nothing would be lost with it. A step before may still make it."""
    repository = Repository(context)
    branch = repository.branch(name)
    tip = repository.object_at(branch)
    if not tip:
        if context.is_first:
            raise ActionFailed(f"there is no branch `{printable(name)}`")
        context.note(f"there is no branch {printable(name)} yet: a step before must make it")
        return
    if not force:
        _refuse_loss(repository, branch, name, tip, "")


@delete_branch.inspect
def delete_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


@git.action(undo=RESTORE, needs=NEEDS, outputs=("head", "former"))
def checkout(to: str, context: Context) -> dict[str, str]:
    """Check out a branch; or a tag or any other commit, detached. Local changes are kept.

    to: the branch, the tag, or any revision
    """
    repository = Repository(context)
    wanted = _wanted(repository, to)
    own = recall(context, "checkout", to=to)
    former = own["head"] if own else repository.head()
    remember(context, "checkout", to=to, head=former, wanted=wanted)
    repository.switch(wanted)
    return {"head": wanted, "former": former}


@checkout.check
def is_checked_out(to: str, context: Context) -> bool:
    """Whether this step has checked it out, and it still is."""
    own = recall(context, "checkout", to=to)
    return bool(own) and Repository(context).head() == own["wanted"]


@checkout.dry_run
def can_check_out(to: str, context: Context) -> None:
    """Whether it can be checked out. A step before may still make it."""
    repository = Repository(context)
    commit = _commit_if_there(repository, to, context)
    if commit:
        repository.refuse_blocked_switch(commit)


@checkout.inspect
def checkout_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


def bring_back_branch(repository: Repository, own: dict[str, str]) -> None:
    """Make a branch again that the step deleted, and check it out if it was."""
    branch = repository.branch(own["name"])
    there = repository.object_at(branch)
    if there and there != own["commit"]:
        raise ActionFailed(
            f"there is another branch `{own['name']}` now; what was deleted was at {own['commit']}"
        )
    if not there:
        repository.run("branch", "--quiet", "--no-track", "--", own["name"], own["commit"])
    if own["upstream"] != _upstream(repository, branch):
        repository.run(
            "branch", "--quiet", f"--set-upstream-to={own['upstream']}", "--", own["name"]
        )
    repository.switch(own["head"])


def go_back(repository: Repository, own: dict[str, str]) -> None:
    """Check out what was before the step, unless something else has been since."""
    now = repository.head()
    if now not in (own["wanted"], own["head"]):
        raise ActionFailed(
            f"{now} has been checked out since; check out {own['head']} by hand, then mark the step undone"
        )
    repository.switch(own["head"])


def _wanted(repository: Repository, to: str) -> str:
    """What HEAD will say: a branch of that name goes before a tag."""
    branch = f"refs/heads/{revised(to)}"
    if repository.holds("check-ref-format", branch) and repository.object_at(branch):
        return branch
    return repository.commit_of(to)


def _refuse_existing(repository: Repository, branch: str, name: str) -> None:
    if repository.object_at(branch):
        raise ActionFailed(f"a branch called `{printable(name)}` already exists")


def _commit_if_there(repository: Repository, revision: str, context: Context) -> str:
    revised(revision)
    try:
        return repository.commit_of(revision)
    except ActionFailed as error:
        if "\0" in revision or context.is_first:
            raise
        context.note(f"{error} yet: a step before must make it")
        return ""


def _refuse_loss(repository: Repository, branch: str, name: str, tip: str, made_at: str) -> None:
    """Raises `ActionFailed` if commits would be on no branch and no tag any more."""
    known = [f"--exclude={name}", "--branches", "--tags", "--remotes"]
    if repository.head() != branch:
        known.append("HEAD")
    if made_at:
        known.append(made_at)
    lost = repository.run("rev-list", "--max-count=1", tip, "--not", *known)
    if lost:
        raise ActionFailed(
            f"branch `{printable(name)}` has commits that are nowhere else, the last one {lost[:12]}; "
            f"merge or push them, or delete it by hand: git branch -D {printable(name)}"
        )


def _former(repository: Repository, name: str) -> str:
    """What was checked out before what is now."""
    code, branch, _ = repository.ask("rev-parse", "--symbolic-full-name", "@{-1}")
    if code == 0 and branch.startswith("refs/heads/") and repository.object_at(branch):
        return branch
    code, commit, _ = repository.ask("rev-parse", "--verify", "--quiet", "@{-1}^{commit}")
    if code == 0:
        return commit
    raise ActionFailed(f"branch `{printable(name)}` is checked out; check out another one before")


def _upstream(repository: Repository, branch: str) -> str:
    return repository.run("for-each-ref", "--format=%(upstream:short)", branch)
