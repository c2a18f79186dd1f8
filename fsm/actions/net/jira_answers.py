"""What Jira's answers say, read as it documents them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fsm.actions.net.exchange import Answer
from fsm.actions.python.skill import ActionFailed

__all__ = ["NotThere", "at", "demands", "failure", "objects", "read", "said_in"]


class NotThere(ActionFailed):
    """There is no such thing, or this account may not see it: Jira does not say which."""


def read(answer: Answer) -> dict[str, Any]:
    """The document of a success; empty if there is none. Raises `ActionFailed` if it is not Jira's."""
    if not answer.body.strip():
        return {}
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ActionFailed(f"{answer.request} gave what Jira does not give; mend JIRA_BASE_URL")
    return found


def said_in(answer: Answer) -> str:
    """What Jira says of an error: its messages, and those for single fields."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.excerpt()
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    words = [str(message) for message in found.get("errorMessages") or ()]
    words += [f"{key}: {text}" for key, text in errors.items()] if isinstance(errors, dict) else []
    return " ".join(words)[:500].rstrip(".")


def failure(answer: Answer, about: str, said: str) -> ActionFailed:
    """What an answer that is no success means for what it was `about`."""
    match answer.status:
        case 401:
            return ActionFailed(f"Jira takes neither JIRA_EMAIL nor JIRA_TOKEN for known{said}")
        case 403:
            return ActionFailed(f"Jira does not allow it on {about}{said}")
        case 404:
            return NotThere(f"{about} is not there, or JIRA_EMAIL may not see it{said}")
        case 409:
            return ActionFailed(f"somebody else changed {about} at the same time{said}")
    return ActionFailed(f"{answer.request} gave {answer.status}{said}")


def at(document: object, *keys: str) -> Any:
    """What stands there in an answer. Raises `ActionFailed` if it is not as Jira documents it."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            raise ActionFailed(f"Jira's answer has no `{'.'.join(keys)}`; mend JIRA_BASE_URL")
        document = document[key]
    return document


def objects(document: object, key: str) -> list[dict[str, Any]]:
    """The objects that stand there. Raises `ActionFailed` if there is no list."""
    found = at(document, key)
    if not isinstance(found, list):
        raise ActionFailed(f"Jira's answer has no list `{key}`; mend JIRA_BASE_URL")
    return [item for item in found if isinstance(item, dict)]


def demands(fields: object) -> Iterator[str]:
    """The names of the fields that must be filled in."""
    for key, field in (fields if isinstance(fields, dict) else {}).items():
        if field.get("required") and not field.get("hasDefaultValue"):
            yield str(field.get("name") or key)
