"""Pushes. What was pushed has been seen by others: by itself no rollback takes it back.

A plan that wants that nevertheless says `rollback: {action: unpush}`: then the remote branch is put back to
where it was, or deleted if it was not there, as long as nobody else has pushed to it since.
"""

from __future__ import annotations

from collections.abc import Iterator

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.memory import forget, recall, remember
from fsm.actions.skills.git.repository import Repository
from fsm.actions.skills.git.skill import NEEDS, git, lacks_repository
from fsm.plan.skill import Needs
from fsm.plan.template import printable

__all__: list[str] = []

_NEEDS = Needs(commands=("git",), permissions=("push to the remote",))


@git.action(risk="irreversible", idempotent=True, needs=_NEEDS, outputs=("commit", "former"))
def push(context: Context, remote: str = "origin", branch: str = "") -> dict[str, str]:
    """Push a branch to the branch of the same name at a remote; never by force.

    remote: the name of a remote of the repository
    branch: the branch; else the one that is checked out
    """
    repository = Repository(context)
    _refuse_unknown(repository, remote)
    reference = _reference(repository, branch)
    commit = repository.object_at(reference)
    if not commit:
        raise ActionFailed(f"there is no branch `{printable(branch)}`")
    former = _at(repository, remote, reference)
    own = recall(context, "push", remote=remote, reference=reference)
    if own and former == own["commit"] == commit:
        return {"commit": commit, "former": own["former"]}
    remember(context, "push", remote=remote, reference=reference, commit=commit, former=former)
    repository.run("push", "--quiet", "--", remote, f"{commit}:{reference}")
    return {"commit": commit, "former": former}


@push.check
def is_pushed(context: Context, remote: str = "origin", branch: str = "") -> bool | None:
    """Whether the remote has what this step was about to push; `None` if it has something else."""
    repository = Repository(context)
    _refuse_unknown(repository, remote)
    own = recall(context, "push", remote=remote, reference=_reference(repository, branch))
    if not own:
        return False
    there = _at(repository, remote, own["reference"])
    return True if there == own["commit"] else False if there == own["former"] else None


@push.dry_run
def can_push(context: Context, remote: str = "origin", branch: str = "") -> None:
    """Whether the remote answers and lets itself be pushed to; it is asked, and nothing is sent."""
    repository = Repository(context)
    _refuse_unknown(repository, remote)
    reference = _reference(repository, branch)
    there = repository.object_at(reference)
    if branch and not there and context.is_first:
        raise ActionFailed(f"there is no branch `{printable(branch)}`")
    # By force, for what is on the branch may still be made by steps before; and without the hooks of a push.
    what = reference if there else "HEAD"
    trial = ["push", "--dry-run", "--force", "--no-verify", "--quiet"]
    repository.run(*trial, "--", remote, f"{what}:{reference}")


@push.inspect
def lacks(context: Context, remote: str = "origin") -> Iterator[Lack]:
    """A repository, and the remote."""
    yield from lacks_repository(context)
    try:
        _refuse_unknown(Repository(context), remote)
    except ActionFailed as error:
        yield Lack("targets", str(error))


@git.action(needs=NEEDS)
def unpush(context: Context) -> None:
    """Put the remote branch back to where it was before this step's `push`, unless others pushed since."""
    own = recall(context, "push")
    if not own:
        if recall(context, "undone"):
            return
        raise ActionFailed("nothing is remembered of a push of this step")
    repository = Repository(context)
    remote, reference = own["remote"], own["reference"]
    _refuse_unknown(repository, remote)
    if _at(repository, remote, reference) != own["former"]:
        lease = f"--force-with-lease={reference}:{own['commit']}"
        repository.run("push", "--quiet", lease, "--", remote, f"{own['former']}:{reference}")
    forget(context, own)


def _refuse_unknown(repository: Repository, remote: str) -> None:
    """Only what the repository calls a remote: no address, which could name a command to be run."""
    known = repository.run("remote").splitlines()
    if remote not in known:
        listed = ", ".join(f"`{printable(name)}`" for name in known) or "none"
        raise ActionFailed(
            f"the repository has no remote `{printable(remote[:200])}`; it has {listed}"
        )


def _reference(repository: Repository, branch: str) -> str:
    if branch:
        return repository.branch(branch)
    head = repository.head()
    if not head.startswith("refs/heads/"):
        raise ActionFailed("no branch is checked out; say which `branch` to push")
    return head


def _at(repository: Repository, remote: str, reference: str) -> str:
    """The commit of that branch at the remote now; "" if it is not there."""
    for line in repository.run("ls-remote", "--quiet", "--", remote, reference).splitlines():
        commit, _, name = line.partition("\t")
        if name == reference:
            return commit
    return ""
