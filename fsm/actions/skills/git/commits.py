"""Commits and merges: made on what is checked out, and taken back as long as nothing came after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.memory import recall, remember
from fsm.actions.skills.git.repository import Repository, plain, revised
from fsm.actions.skills.git.skill import NEEDS, RESTORE, git, lacks_repository
from fsm.plan.template import printable

__all__ = ["take_back_commit", "take_back_merge"]


@git.action(undo=RESTORE, needs=NEEDS, outputs=("commit", "former"))
def commit(
    message: str, context: Context, paths: list[str] | None = None, all_: bool = False
) -> dict[str, str]:
    """Commit what is staged, and the files that are named. Undone, the index is as it was, and files stay.

    message: what the commit says
    paths: files and folders to stage before, as they are named from where the step works
    all: whether to stage every change, new files included
    """
    repository = Repository(context)
    _refuse_empty(message)
    own = recall(context, "commit")
    if own and (made := _made(repository, own)):
        return {"commit": made, "former": own["former"]}
    former, head = repository.object_at("HEAD"), _branch_or_commit(repository)
    if not own or own["former"] != former:
        own = {"former": former, "head": head, "index": repository.run("write-tree"), "tree": ""}
        remember(context, "commit", **own)
    if all_:
        repository.run("add", "--all")
    if paths:
        repository.run("--literal-pathspecs", "add", "--", *paths)
    own["tree"] = repository.run("write-tree")
    if former and own["tree"] == repository.run("rev-parse", "--verify", f"{former}^{{tree}}"):
        raise ActionFailed("there is nothing to commit")
    remember(context, "commit", **own)
    repository.run("commit", "--quiet", f"--message={message}")
    made = repository.object_at("HEAD")
    remember(context, "commit", **(own | {"made": made}))
    return {"commit": made, "former": former}


@commit.check
def is_committed(message: str, context: Context) -> bool | None:  # noqa: ARG001 - hooks may change it
    """Whether HEAD is the commit that this step was about to make; `None` if it is another one."""
    repository = Repository(context)
    own = recall(context, "commit")
    if not own or repository.object_at("HEAD") == own["former"]:
        return False
    return True if _made(repository, own) else None


@commit.dry_run
def can_commit(
    message: str, context: Context, paths: list[str] | None = None, all_: bool = False
) -> None:
    """Whether git knows who commits. What there is to commit, steps before may still change."""
    _refuse_empty(message)
    for path in paths or ():
        plain(path)
    repository = Repository(context)
    repository.refuse_unknown_committer()
    if all_ or paths:
        repository.run("ls-files", "--unmerged")
    if context.is_first and not _is_something(repository, paths or (), all_=all_):
        raise ActionFailed("there is nothing to commit")


@commit.inspect
def commit_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


@git.action(undo=RESTORE, needs=NEEDS, outputs=("commit", "former"))
def merge(
    from_: str, context: Context, message: str = "", fast_forward: bool = True
) -> dict[str, str]:
    """Merge into what is checked out. A conflict is a failure, after which all is as it was before.

    from: what is merged: a branch, a tag, or any revision
    message: what the commit says; else as git words it
    fast_forward: whether no commit is made if none is needed
    """
    repository = Repository(context)
    merged = repository.commit_of(from_)
    own = recall(context, "merge", merged=merged)
    if own and (made := _merged(repository, own)):
        return {"commit": made, "former": own["former"]}
    _refuse_merging(repository)
    former, head = repository.object_at("HEAD"), _branch_or_commit(repository)
    remember(context, "merge", former=former, head=head, merged=merged)
    options = ["--ff" if fast_forward else "--no-ff", "--no-edit", "--no-rerere-autoupdate"]
    if message:
        options.append(f"--message={plain(message)}")
    try:
        repository.run("merge", "--quiet", *options, _nameable(repository, from_, merged))
    except ActionFailed as error:
        if not repository.object_at("MERGE_HEAD"):
            raise
        files = repository.run("diff", "--name-only", "--diff-filter=U").splitlines()
        repository.run("merge", "--abort")
        listed = ", ".join(map(printable, files[:10])) or str(error)
        raise ActionFailed(
            f"merging `{printable(from_)}` has conflicts: {listed}; merge it by hand, then mark the step done"
        ) from None
    made = repository.object_at("HEAD")
    remember(context, "merge", former=former, head=head, merged=merged, made=made)
    return {"commit": made, "former": former}


@merge.check
def is_merged(from_: str, context: Context) -> bool | None:
    """Whether HEAD is what this step was about to make; `None` if something else happened to it."""
    repository = Repository(context)
    own = recall(context, "merge", merged=repository.commit_of(from_))
    if not own:
        return False
    if _merged(repository, own):
        return True
    is_before = repository.object_at("HEAD") == own["former"]
    return False if is_before and not repository.object_at("MERGE_HEAD") else None


@merge.dry_run
def can_merge(from_: str, context: Context, message: str = "", fast_forward: bool = True) -> None:
    """Whether git knows who commits, and no merge is going on. Conflicts show when it is merged."""
    plain(revised(from_))
    plain(message)
    repository = Repository(context)
    if context.is_first:
        repository.commit_of(from_)
    _refuse_merging(repository)
    if message or not fast_forward:
        repository.refuse_unknown_committer()


@merge.inspect
def merge_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


def _is_something(repository: Repository, paths: Sequence[str], *, all_: bool) -> bool:
    """Whether there is something to commit now. Raises `ActionFailed` for a path that is not there."""
    would_stage = ""
    if paths:
        would_stage = repository.run("--literal-pathspecs", "add", "--dry-run", "--", *paths)
    if all_:
        would_stage += repository.run("status", "--porcelain")
    is_first_commit = not repository.object_at("HEAD")
    return bool(
        would_stage or is_first_commit or not repository.holds("diff", "--cached", "--quiet")
    )


def take_back_commit(repository: Repository, own: dict[str, str]) -> None:
    """Take the commit off its branch, as long as it is the last one there; files stay as they are."""
    now = repository.object_at("HEAD")
    if now != own["former"]:
        _refuse_unless_last(repository, own, own.get("made") or _made(repository, own))
        if own["former"]:
            repository.run("update-ref", "-m", "fsm: undo", "HEAD", own["former"], now)
        else:
            repository.run("update-ref", "-m", "fsm: undo", "-d", "HEAD", now)
    repository.run("read-tree", own["index"])


def take_back_merge(repository: Repository, own: dict[str, str]) -> None:
    """Put the branch back to where it was, as long as the merge is the last thing there."""
    if repository.object_at("MERGE_HEAD") and repository.object_at("HEAD") == own["former"]:
        repository.run("merge", "--abort")
    if repository.object_at("HEAD") != own["former"]:
        _refuse_unless_last(repository, own, own.get("made") or _merged(repository, own))
        repository.run("reset", "--quiet", "--keep", own["former"])


def _refuse_unless_last(repository: Repository, own: dict[str, str], made: str) -> None:
    now, head = repository.object_at("HEAD"), _branch_or_commit(repository)
    is_on_it = head == own["head"] or not head.startswith("refs/")
    if not made or now != made or not is_on_it:
        raise ActionFailed(
            f"HEAD is {now[:12]}, and no longer the commit that this step made ({made[:12] or 'unknown'}); "
            f"take it back by hand, to {own['former'][:12]}, then mark the step undone"
        )


def _made(repository: Repository, own: dict[str, str]) -> str:
    """The commit at HEAD, if it is what the step was about to make."""
    now = repository.object_at("HEAD")
    if not now or not own["tree"]:
        return ""
    if own.get("made"):
        return now if now == own["made"] else ""
    parents = list(repository.parents(now))
    tree = repository.run("rev-parse", "--verify", "HEAD^{tree}")
    wanted = [own["former"]] if own["former"] else []
    return now if parents == wanted and tree == own["tree"] else ""


def _merged(repository: Repository, own: dict[str, str]) -> str:
    """The commit at HEAD, if it is the merge that the step was about to make."""
    now = repository.object_at("HEAD")
    if own.get("made"):
        return now if now == own["made"] else ""
    if now == own["merged"] or list(repository.parents(now)) == [own["former"], own["merged"]]:
        return now
    return ""


def _branch_or_commit(repository: Repository) -> str:
    code, branch, _ = repository.ask("symbolic-ref", "--quiet", "HEAD")
    return branch if code == 0 else repository.object_at("HEAD")


def _nameable(repository: Repository, name: str, commit: str) -> str:
    """A branch by its name, for git words the message after it; anything else by its commit."""
    branch = f"refs/heads/{name}"
    is_branch = repository.holds("check-ref-format", branch) and repository.object_at(branch)
    return name if is_branch == commit and not name.startswith("-") else commit


def _refuse_merging(repository: Repository) -> None:
    if repository.object_at("MERGE_HEAD"):
        raise ActionFailed(
            "a merge is going on already; end it with: git merge --continue, or --abort"
        )


def _refuse_empty(message: str) -> None:
    if not plain(message).strip():
        raise ActionFailed("the commit has no message")
