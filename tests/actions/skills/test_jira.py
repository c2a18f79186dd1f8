"""The skill `jira-write` against a site that behaves as its documentation says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fsm.actions.net.jira import document
from fsm.actions.python.action import PythonAction
from fsm.actions.skills.jira import jira
from fsm.engine.ports import Failed, Succeeded
from fsm.plan.skill import value_fault
from specs.stand_ins.jira import TOKEN, JiraSite, _is_document

from .performing import Performing

ISSUE = "PROJ-123"


@pytest.fixture
def site() -> Iterator[JiraSite]:
    with JiraSite() as site:
        yield site


@pytest.fixture
def perform(site: JiraSite, tmp_path: Path) -> Performing:
    performing = Performing(jira, tmp_path, site.environment)
    performing.secrets = (TOKEN.encode(),)
    return performing


def inspected(perform: Performing, action: str, **params: Any) -> Mapping[str, list[str]]:
    """What the inspection says of each aspect."""
    secrets = perform.secrets
    inspection = asyncio.run(
        PythonAction(jira, perform.folder).inspect(
            action, params, perform.folder, perform.env, secrets
        )
    )
    return {aspect: [str(problem) for problem in found] for aspect, found in inspection.items()}


def test_an_issue_is_moved_and_where_it_was_is_told(perform: Performing, site: JiraSite) -> None:
    outcome = perform("transition", issue=ISSUE, status="in progress")
    assert outcome == Succeeded({"previous_status": "To Do"})
    assert site.issues[ISSUE].status == "In Progress"
    assert [(sent.method, sent.body) for sent in site.writes] == [
        ("POST", b'{"transition": {"id": "11"}}')
    ]


def test_an_issue_that_is_there_already_is_left_alone(perform: Performing, site: JiraSite) -> None:
    site.move(ISSUE, "In Progress")
    outcome = perform("transition", issue=ISSUE, status="In Progress")
    assert outcome == Succeeded({"previous_status": "In Progress"})
    assert site.writes == []


@pytest.mark.parametrize("purpose", ["run", "dry_run"])
def test_a_status_that_cannot_be_reached_lists_those_that_can(
    perform: Performing, site: JiraSite, purpose: str
) -> None:
    outcome = perform("transition", purpose, issue=ISSUE, status="Done")
    assert outcome == Failed(
        "no transition leads PROJ-123 from `To Do` to `Done`; it can go to: `In Progress`, `Blocked`"
    )
    assert site.writes == []


@pytest.mark.parametrize("purpose", ["run", "dry_run"])
def test_a_transition_that_demands_a_field_is_named_with_it(
    perform: Performing, site: JiraSite, purpose: str
) -> None:
    site.issues[ISSUE].demands["11"] = ["resolution"]
    outcome = perform("transition", purpose, issue=ISSUE, status="In Progress")
    assert outcome == Failed(
        "the transition `Start Progress` of PROJ-123 demands `Resolution`; fill it in by hand"
    )
    assert site.writes == []


def test_a_dry_run_of_what_works_changes_nothing(perform: Performing, site: JiraSite) -> None:
    assert perform("transition", "dry_run", issue=ISSUE, status="In Progress") == Succeeded()
    assert perform("comment", "dry_run", issue=ISSUE, body="hello") == Succeeded()
    assert site.writes == []
    assert {sent.method for sent in site.received} == {"GET"}


def test_the_undo_takes_an_issue_back_to_where_it_was(perform: Performing, site: JiraSite) -> None:
    outcome = perform("transition", issue=ISSUE, status="In Progress")
    assert isinstance(outcome, Succeeded)
    back = {"issue": ISSUE, "status": outcome.outputs["previous_status"]}
    undone = perform("transition", "rollback", only_from="In Progress", **back)
    assert isinstance(undone, Succeeded)
    assert site.issues[ISSUE].status == "To Do"


def test_the_undo_leaves_an_issue_alone_that_somebody_else_moved(
    perform: Performing, site: JiraSite
) -> None:
    perform("transition", issue=ISSUE, status="In Progress")
    site.move(ISSUE, "Done")
    undone = perform("transition", "rollback", issue=ISSUE, status="To Do", only_from="In Progress")
    assert undone == Failed(
        "PROJ-123 is in `Done`, no longer in `In Progress`: somebody moved it; "
        "move it to `To Do` by hand if that is right"
    )
    assert site.issues[ISSUE].status == "Done"


def test_the_check_of_a_move_gives_the_outputs_that_its_answer_would_have(
    perform: Performing, site: JiraSite
) -> None:
    assert perform("transition", "check", issue=ISSUE, status="In Progress") == Failed(
        "it is not done", 1
    )
    perform("transition", issue=ISSUE, status="In Progress")
    assert perform("transition", "check", issue=ISSUE, status="In Progress") == Succeeded(
        {"previous_status": "To Do"}
    )


def test_the_check_takes_no_credit_for_a_move_of_somebody_else(
    perform: Performing, site: JiraSite
) -> None:
    site.move(ISSUE, "In Progress")
    assert perform("transition", "check", issue=ISSUE, status="In Progress") == Succeeded(
        {"previous_status": "In Progress"}
    )


def test_the_check_reads_a_long_history_to_its_end(perform: Performing, site: JiraSite) -> None:
    for _ in range(120):
        site.move(ISSUE, "In Progress")
        site.move(ISSUE, "Blocked")
    site.move(ISSUE, "In Progress", site.account)
    assert perform("transition", "check", issue=ISSUE, status="In Progress") == Succeeded(
        {"previous_status": "Blocked"}
    )


def test_a_comment_is_made_once_and_found_again(perform: Performing, site: JiraSite) -> None:
    assert perform("comment", "check", issue=ISSUE, body="hello") == Failed("it is not done", 1)
    first = perform("comment", issue=ISSUE, body="hello")
    assert first == Succeeded({"comment_id": "10001"})
    assert perform("comment", "check", issue=ISSUE, body="hello") == first
    assert perform("comment", issue=ISSUE, body="hello") == first  # a second attempt
    assert len(site.issues[ISSUE].comments) == 1
    perform.env["FSM_IDEMPOTENCY_KEY"] = "run-1:two"
    assert perform("comment", issue=ISSUE, body="hello") == Succeeded({"comment_id": "10002"})


def test_a_comment_is_deleted_and_its_absence_is_no_failure(
    perform: Performing, site: JiraSite
) -> None:
    perform("comment", issue=ISSUE, body="hello")
    which = {"issue": ISSUE, "comment_id": "10001"}
    assert perform("delete-comment", "dry_run", **which) == Succeeded()
    assert perform("delete-comment", "check", **which) == Failed("it is not done", 1)
    for _ in range(2):
        assert perform("delete-comment", **which) == Succeeded()
    assert site.issues[ISSUE].comments == {}
    assert perform("delete-comment", "check", **which) == Succeeded()
    assert perform("delete-comment", "dry_run", **which) == Failed("PROJ-123 has no comment 10001")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"JIRA_TOKEN": "wrong-token-1234"},
            "Jira takes neither JIRA_EMAIL nor JIRA_TOKEN for known: "
            "Client must be authenticated to access this resource",
        ),
        ({"JIRA_TOKEN": ""}, "the environment variable JIRA_TOKEN is not set"),
        (
            {"JIRA_BASE_URL": "http://jira.example.org"},
            "JIRA_BASE_URL is not https: everybody on the way could read the token",
        ),
        (
            {"JIRA_BASE_URL": "example.org"},
            "JIRA_BASE_URL must be the address of a site, such as https://example.atlassian.net",
        ),
        (
            {"JIRA_BASE_URL": "https://169.254.169.254"},
            "`169.254.169.254` is a link-local or metadata address, which is refused; "
            "JIRA_BASE_URL leads there: mend it",
        ),
    ],
)
def test_what_is_wrong_with_the_account_or_the_site_is_told(
    perform: Performing, change: dict[str, str], said: str
) -> None:
    perform.env.update(change)
    assert perform("transition", issue=ISSUE, status="Done") == Failed(said)


def test_an_issue_that_is_not_there_is_told(perform: Performing, site: JiraSite) -> None:
    outcome = perform("comment", issue="PROJ-9", body="hello")
    assert outcome == Failed(
        "PROJ-9 is not there, or JIRA_EMAIL may not see it: "
        "Issue does not exist or you do not have permission to see it"
    )


def test_a_write_that_is_not_allowed_is_told(perform: Performing, site: JiraSite) -> None:
    site.permissions -= {"ADD_COMMENTS", "TRANSITION_ISSUES"}
    assert perform("comment", issue=ISSUE, body="hello") == Failed(
        "Jira does not allow it on PROJ-123: "
        "You do not have the permission to comment on this issue"
    )
    assert perform("transition", issue=ISSUE, status="Done") == Failed(
        "no transition leads PROJ-123 from `To Do` to `Done`; none can be taken by this account"
    )


def test_a_site_that_limits_the_rate_is_asked_again_and_nothing_is_made_twice(
    perform: Performing, site: JiraSite
) -> None:
    site.busy = 2
    assert isinstance(perform("comment", issue=ISSUE, body="hello"), Succeeded)
    assert len(site.issues[ISSUE].comments) == 1


def test_what_is_no_jira_is_told(perform: Performing) -> None:
    from specs.stand_ins.web import Reply, Server

    with Server(lambda _: Reply(200, b"<html>Welcome</html>")) as other:
        perform.env["JIRA_BASE_URL"] = other.url
        outcome = perform("transition", issue=ISSUE, status="Done")
    assert isinstance(outcome, Failed)
    assert outcome.error.endswith("gave what Jira does not give; mend JIRA_BASE_URL")
    assert outcome.tail == ""


def test_an_inspection_finds_the_permission_that_is_missing(
    perform: Performing, site: JiraSite
) -> None:
    params = {"issue": ISSUE, "status": "Done"}
    assert inspected(perform, "transition", **params) == {
        "inputs": [],
        "permissions": [],
        "targets": [],
    }
    site.permissions -= {"TRANSITION_ISSUES"}
    assert inspected(perform, "transition", **params)["permissions"] == [
        "ann@example.org has not the permission TRANSITION_ISSUES on PROJ-123; "
        "ask an administrator of the project for it"
    ]
    assert site.writes == []


def test_an_inspection_finds_the_issue_that_is_missing(perform: Performing, site: JiraSite) -> None:
    found = inspected(perform, "comment", issue="PROJ-9", body="hello")
    assert found["permissions"] == []
    assert found["targets"] == [
        "PROJ-9 is not there, or JIRA_EMAIL may not see it: "
        "Issue does not exist or you do not have permission to see it; "
        "mend `issue`, or ask for the right to see it"
    ]


def test_neither_the_token_nor_what_is_sent_for_it_is_ever_told(
    perform: Performing, site: JiraSite
) -> None:
    from specs.stand_ins.web import Received, Reply

    def repeats(sent: Received) -> Reply:
        return Reply(500, f"{sent.headers['authorization']} {TOKEN}".encode(), {"Retry-After": "0"})

    site.answer = repeats
    outcome = perform("comment", issue=ISSUE, body="hello")
    assert outcome == Failed(
        f"POST {site.url}/rest/api/3/issue/PROJ-123/comment gave 500: Basic *** ***"
    )
    assert site.basic() not in perform.log
    assert TOKEN not in perform.log


HOSTILE_ISSUES = ["../../user", "PROJ-1/../2", "PROJ-1?x=1", "PROJ-1#", "PROJ-1\n", "-rf", "PROJ-1\0",
                  "$(id)-1", "`id`", "PROJ-01", "PROJ-1%2f..", "\udcff-1", "", "PRÖJ-1"]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE_ISSUES)
@pytest.mark.parametrize("action", ["transition", "comment", "delete-comment"])
def test_a_hostile_issue_is_asked_for_nowhere(
    perform: Performing, site: JiraSite, action: str, value: str
) -> None:
    more = {"transition": {"status": "Done"}, "comment": {"body": "x"}}
    for purpose in ("run", "check", "dry_run", "rollback"):
        outcome = perform(action, purpose, issue=value, **more.get(action, {"comment_id": "1"}))
        assert outcome == Failed("`issue` must be the key of an issue, such as `PROJ-123`")
    assert site.received == []


@pytest.mark.parametrize(
    "value",
    ["$(touch owned)", "`touch owned`", "'\"", "a\r\nb", "-- x", "../..", "nul\0", "{{ 7 }}"],
)
def test_hostile_text_is_a_comment_as_it_is(
    perform: Performing, site: JiraSite, value: str
) -> None:
    outcome = perform("comment", issue=ISSUE, body=value)
    assert isinstance(outcome, Succeeded), outcome
    (made,) = site.issues[ISSUE].comments.values()
    words = [each.get("text", "\n") for part in made["body"]["content"] for each in part["content"]]
    assert "".join(words) == value.replace("\r\n", "\n")


@pytest.mark.parametrize("value", ["$(id)", "`id`", "'\"", "-x", "../..", "{{ 7 }}"])
def test_a_hostile_status_is_only_ever_a_name(
    perform: Performing, site: JiraSite, value: str
) -> None:
    outcome = perform("transition", issue=ISSUE, status=value)
    assert isinstance(outcome, Failed)
    assert outcome.error.startswith(f"no transition leads PROJ-123 from `To Do` to `{value}`")
    assert site.writes == []


@pytest.mark.parametrize("value", ["", " ", "a\nb", "nul\0", "\udcff"])
def test_a_status_is_a_line_of_text(value: str) -> None:
    parameter = jira.actions["transition"].spec.parameter("status")
    assert parameter is not None
    words = "must be the name of a status, such as `In Progress`"
    assert value_fault(parameter, value) == words


@given(some.text(min_size=1).filter(str.strip))
def test_every_text_becomes_a_document_that_jira_takes(text: str) -> None:
    assert _is_document(document(text))


def test_empty_lines_part_paragraphs_and_other_line_ends_are_breaks() -> None:
    assert document("one\ntwo\r\n\r\nthree\n") == {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": "one"},
                    {"type": "hardBreak"},
                    {"type": "text", "text": "two"},
                ],
            },
            {"type": "paragraph", "content": [{"type": "text", "text": "three"}]},
        ],
    }
