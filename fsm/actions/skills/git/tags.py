"""Tags: made and deleted."""

from __future__ import annotations

from collections.abc import Iterator

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.memory import forget, recall, remember
from fsm.actions.skills.git.repository import Repository, plain, revised
from fsm.actions.skills.git.skill import NEEDS, RESTORE, git, lacks_repository
from fsm.plan.template import printable

__all__ = ["bring_back_tag"]


@git.action(undo="delete-tag", needs=NEEDS, outputs=("commit",))
def tag(name: str, context: Context, at: str = "HEAD", message: str = "") -> dict[str, str]:
    """Tag a commit.

    name: the tag, which must not be there
    at: the commit: a branch or any revision
    message: what an annotated tag says; without one the tag is lightweight
    """
    repository = Repository(context)
    reference = repository.tag(name)
    own = recall(context, "tag", name=name)
    there = repository.object_at(f"{reference}^{{commit}}")
    if own and there == own["commit"]:  # an earlier attempt made it
        return {"commit": there}
    _refuse_existing(repository, reference, name)
    commit = repository.commit_of(at)
    remember(context, "tag", name=name, commit=commit)
    says = ["--annotate", f"--message={plain(message)}"] if message else []
    repository.run("tag", "--no-sign", *says, "--", name, commit)
    return {"commit": commit}


@tag.check
def is_tagged(name: str, context: Context) -> bool:
    """Whether this step has made the tag."""
    repository = Repository(context)
    own = recall(context, "tag", name=name)
    there = repository.object_at(f"{repository.tag(name)}^{{commit}}")
    return bool(own) and there == own["commit"]


@tag.dry_run
def can_tag(name: str, context: Context, at: str = "HEAD", message: str = "") -> None:
    """Whether it may be called so, and is not there. A step before may still make the commit."""
    repository = Repository(context)
    _refuse_existing(repository, repository.tag(name), name)
    plain(revised(at))
    if context.is_first:
        repository.commit_of(at)
    if plain(message):
        repository.refuse_unknown_committer()


@tag.inspect
def tag_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


@git.action(undo=RESTORE, needs=NEEDS, outputs=("object",))
def delete_tag(name: str, context: Context) -> dict[str, str]:
    """Delete a tag.

    name: the tag
    """
    repository = Repository(context)
    reference = repository.tag(name)
    made, own = recall(context, "tag", name=name), recall(context, "delete-tag", name=name)
    there = repository.object_at(reference)
    if made and there and repository.object_at(f"{reference}^{{commit}}") != made["commit"]:
        raise ActionFailed(
            f"the tag `{printable(name)}` was moved since; "
            "look whose it is, delete it by hand, then mark the step undone"
        )
    if there:
        if not made:
            remember(context, "delete-tag", name=name, object=there)
        repository.run("update-ref", "-d", reference, there)
    elif not (made or own or recall(context, "undone", name=name, of="tag")):
        raise ActionFailed(f"there is no tag `{printable(name)}`")
    if made:
        forget(context, made)
    return {"object": there or own.get("object", "")}


@delete_tag.check
def is_deleted(name: str, context: Context) -> bool:
    """Whether this step has deleted the tag."""
    repository = Repository(context)
    is_gone = not repository.object_at(repository.tag(name))
    return is_gone and bool(recall(context, "delete-tag", name=name))


@delete_tag.dry_run
def can_delete(name: str, context: Context) -> None:
    """Whether a tag may be called so. A step before may still make it."""
    repository = Repository(context)
    if not repository.object_at(repository.tag(name)):
        if context.is_first:
            raise ActionFailed(f"there is no tag `{printable(name)}`")
        context.note(f"there is no tag {printable(name)} yet: a step before must make it")


@delete_tag.inspect
def delete_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)


def bring_back_tag(repository: Repository, own: dict[str, str]) -> None:
    """Make a tag again that the step deleted."""
    reference = repository.tag(own["name"])
    if repository.object_at(reference) != own["object"]:
        repository.run("update-ref", reference, own["object"], "0" * len(own["object"]))


def _refuse_existing(repository: Repository, reference: str, name: str) -> None:
    if repository.object_at(reference):
        raise ActionFailed(f"a tag called `{printable(name)}` already exists")
