"""The skill `jira-write`: changes of issues by Jira's REST API v3, each with its way back.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/ says what is asked and answered. The site and
the account come from the environment: JIRA_BASE_URL, JIRA_EMAIL and the secret JIRA_TOKEN.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, JsonValue
from pydantic_core import PydanticCustomError

from fsm.actions.net.values import ISSUE
from fsm.actions.python.skill import ActionFailed, Context, Lack, Skill
from fsm.plan.skill import Needs, Undo

if TYPE_CHECKING:
    from fsm.actions.net.jira import Jira

__all__ = ["jira"]

jira = Skill("jira-write", "Change issues in Jira: their status, their comments.")

_ENVIRONMENT: Final = ("JIRA_BASE_URL", "JIRA_EMAIL")
_MARK: Final = "fsm.step"
_MOST_COMMENT: Final = 32_767


def _issue(text: str) -> str:
    if not ISSUE.fullmatch(text):
        raise PydanticCustomError("issue", "must be the key of an issue, such as `PROJ-123`")
    return text


def _status(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("status", "must be the name of a status, such as `In Progress`")
    return text.strip()


def _body(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("body", "must not be empty")
    if len(text) > _MOST_COMMENT:
        raise PydanticCustomError("body", "must not be longer than 32767 characters")
    return text


def _number(text: str) -> str:
    if not (text.isascii() and text.isdecimal()):
        raise PydanticCustomError("comment", "must be the id of a comment, a number")
    return text


Issue = Annotated[str, AfterValidator(_issue)]
Status = Annotated[str, AfterValidator(_status)]
Body = Annotated[str, AfterValidator(_body)]
CommentId = Annotated[str, AfterValidator(_number)]


def _needs(*permissions: str) -> Needs:
    return Needs(env=_ENVIRONMENT, secrets=("JIRA_TOKEN",), permissions=permissions)


@jira.action(
    idempotent=True,
    undo=Undo(
        action="transition",
        params={
            "issue": "{{ params.issue }}",
            "status": "{{ outputs.previous_status }}",
            "only_from": "{{ params.status }}",
        },
    ),
    needs=_needs("BROWSE_PROJECTS", "TRANSITION_ISSUES"),
    outputs=["previous_status"],
)
async def transition(
    issue: Issue, status: Status, context: Context, only_from: str = ""
) -> dict[str, JsonValue]:
    """Move an issue into a status, by the transition that leads there from where it is.

    issue: the key of the issue
    status: the status it shall have, by name; one that has it already is left alone
    only_from: the status it must have before; in any other one it is left alone, and the step fails
    """
    async with _jira(context) as site:
        before = await site.status_of(issue)
        context.note(f"{issue} is in {before}")
        if not _same(before, status):
            if only_from and not _same(before, only_from):
                raise ActionFailed(
                    f"{issue} is in `{before}`, no longer in `{only_from}`: somebody moved it; "
                    f"move it to `{status}` by hand if that is right"
                )
            way = await site.way_to(issue, before, status)
            await site.take(issue, way)
            context.note(f"{issue} was moved by the transition `{way.name}` to {way.status}")
    return {"previous_status": before}


@transition.check
async def has_status(issue: Issue, status: Status, context: Context) -> bool | dict[str, JsonValue]:
    """Whether the issue is in that status, and which one this account moved it from."""
    async with _jira(context) as site:
        now = await site.status_of(issue)
        if not _same(now, status):
            return False
        return {"previous_status": await site.came_from(issue, status) or now}


@transition.dry_run
async def find_transition(
    issue: Issue, status: Status, context: Context, only_from: str = ""
) -> None:
    """Whether a transition leads to that status from where the issue is, and needs no more than that."""
    async with _jira(context) as site:
        before = await site.status_of(issue)
        if not only_from and not _same(before, status):
            await site.way_to(issue, before, status)


@transition.inspect
async def may_move(issue: Issue, context: Context) -> AsyncIterator[Lack]:
    """Whether the issue is there, and whether this account may move it."""
    async for lack in _lacks(context, issue, "BROWSE_PROJECTS", "TRANSITION_ISSUES"):
        yield lack


@jira.action(
    idempotent=True,
    undo=Undo(
        action="delete-comment",
        params={"issue": "{{ params.issue }}", "comment_id": "{{ outputs.comment_id }}"},
    ),
    needs=_needs("BROWSE_PROJECTS", "ADD_COMMENTS"),
    outputs=["comment_id"],
)
async def comment(issue: Issue, body: Body, context: Context) -> dict[str, JsonValue]:
    """Comment on an issue. All attempts of one step in one run make one comment.

    issue: the key of the issue
    body: what it says: plain text, with an empty line between paragraphs
    """
    async with _jira(context) as site:
        made = None
        if context.attempt > 1:
            made = await site.comment_marked(issue, _MARK, context.idempotency_key)
        if made is None:
            made = await site.add_comment(issue, body, _MARK, context.idempotency_key)
            context.note(f"{issue} has the comment {made}")
    return {"comment_id": made}


@comment.check
async def is_commented(issue: Issue, context: Context) -> bool | dict[str, JsonValue]:
    """Whether a comment of this step in this run is there, and which one it is."""
    async with _jira(context) as site:
        made = await site.comment_marked(issue, _MARK, context.idempotency_key)
        return False if made is None else {"comment_id": made}


@comment.dry_run
async def find_issue(issue: Issue, context: Context) -> None:
    """Whether the issue can be read."""
    async with _jira(context) as site:
        await site.status_of(issue)


@comment.inspect
async def may_comment(issue: Issue, context: Context) -> AsyncIterator[Lack]:
    """Whether the issue is there, and whether this account may comment on it."""
    async for lack in _lacks(context, issue, "BROWSE_PROJECTS", "ADD_COMMENTS"):
        yield lack


@jira.action(risk="irreversible", idempotent=True, needs=_needs("DELETE_OWN_COMMENTS"))
async def delete_comment(issue: Issue, comment_id: CommentId, context: Context) -> None:
    """Delete a comment; one that is not there any more is no failure.

    issue: the key of the issue
    comment_id: the id of the comment, as `comment` gives it
    """
    async with _jira(context) as site:
        await site.delete_comment(issue, comment_id)


@delete_comment.check
async def is_deleted(issue: Issue, comment_id: CommentId, context: Context) -> bool:
    """Whether the comment is gone."""
    async with _jira(context) as site:
        return not await site.has_comment(issue, comment_id)


@delete_comment.dry_run
async def find_comment(issue: Issue, comment_id: CommentId, context: Context) -> None:
    """Whether the issue and the comment are there."""
    async with _jira(context) as site:
        await site.status_of(issue)
        if not await site.has_comment(issue, comment_id):
            raise ActionFailed(f"{issue} has no comment {comment_id}")


@delete_comment.inspect
async def may_delete(issue: Issue, context: Context) -> AsyncIterator[Lack]:
    """Whether the issue is there, and whether this account may delete comments of its own."""
    async for lack in _lacks(context, issue, "DELETE_OWN_COMMENTS"):
        yield lack


async def _lacks(context: Context, issue: str, *permissions: str) -> AsyncIterator[Lack]:
    from fsm.actions.net.jira_answers import NotThere

    if not all(context.env.get(name) for name in (*_ENVIRONMENT, "JIRA_TOKEN")):
        return  # that is told already, as what the action needs
    async with _jira(context) as site:
        try:
            await site.status_of(issue)
        except NotThere as error:
            yield Lack("targets", str(error), "mend `issue`, or ask for the right to see it")
            return
        for name in await site.refused(issue, *permissions):
            message = f"{context.env['JIRA_EMAIL']} has not the permission {name} on {issue}"
            yield Lack("permissions", message, "ask an administrator of the project for it")


def _jira(context: Context) -> Jira:
    from fsm.actions.net.jira import Jira

    return Jira(context.env, context.note)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
