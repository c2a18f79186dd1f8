"""The plans that the tests of the views look at, and the snapshots they compare with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fsm.plan.model import Plan

SNAPSHOTS = Path(__file__).parent / "snapshots"


def resolved(data: Mapping[str, Any]) -> Plan:
    """The plan of a document that need not be in its canonical form."""
    return replace(Plan.from_document(json.dumps(data).encode()))


@pytest.fixture
def snapshot() -> Callable[[str, str], None]:
    """Compare a text with the stored one; `UPDATE_SNAPSHOTS=1 pytest tests/views` stores it instead."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def shell() -> Callable[..., dict[str, Any]]:
    """A call of the shell action: of one text, or of several arguments."""
    return _shell


@pytest.fixture
def plan_of() -> Callable[..., Plan]:
    """A plan of these steps; those without a call run `true`, those without an id get a number."""

    def build(*steps: dict[str, Any], **rest: Any) -> Plan:
        full = [
            {"id": f"s{n}", "name": f"s{n}", "call": _shell("true", "")} | step
            for n, step in enumerate(steps, 1)
        ]
        return resolved({"id": "p", "name": "Plan", "steps": full} | rest)

    return build


@pytest.fixture
def release() -> Plan:
    """A plan such as people write: six steps, of which every feature is used by one."""
    return resolved(
        {
            "id": "release-2.4.0",
            "name": "Release 2.4.0",
            "description": "Branch, test, build, deploy and announce version 2.4.0 of the shop.",
            "params": {"version": "2.4.0", "issue": "SHOP-17"},
            "secrets": ["REGISTRY_TOKEN", "JIRA_TOKEN"],
            "steps": [
                {
                    "id": "branch",
                    "name": "Create the release branch",
                    "call": _shell("git", "switch", "-c", "release/2.4.0"),
                    "check": _shell("git", "rev-parse", "--verify", "release/2.4.0"),
                    "timeout_seconds": 30,
                    "rollback": {"call": _shell("git", "branch", "-D", "release/2.4.0")},
                },
                {
                    "id": "test",
                    "name": "Run the tests",
                    "call": _shell("cd shop && pytest -q 2>&1 | tee test.log"),
                    "depends_on": ["branch"],
                    "timeout_seconds": 600,
                    "retry": {"attempts": 3},
                    "idempotent": True,
                },
                {
                    "id": "ticket",
                    "name": "Move the ticket",
                    "call": _jira("In Progress"),
                    "depends_on": ["branch"],
                    "on_failure": "continue",
                    "rollback": {
                        "call": _jira("To Do"),
                        "retry": {"attempts": 5, "delay_seconds": 2, "jitter": 0.1},
                        "timeout_seconds": 60,
                    },
                },
                {
                    "id": "image",
                    "name": "Build and push the image",
                    "call": _shell(
                        "docker", "buildx", "build", "--push",
                        "--platform", "linux/amd64,linux/arm64",
                        "--tag", "registry.example.com/shop/web:2.4.0", ".",
                    ),
                    "depends_on": ["test"],
                    "retry": {"attempts": 2, "delay_seconds": 10},
                    "timeout_seconds": 1200,
                    "cwd": "shop/web",
                    "env": {"DOCKER_BUILDKIT": "1"},
                    "rollback": {"call": _shell("./tools/unpublish.sh", "2.4.0"), "on": "started"},
                },
                {
                    "id": "deploy",
                    "name": "Deploy to production",
                    "call": _shell(
                        "kubectl", "set", "image", "deployment/web",
                        {"$template": "web={{ steps.image.outputs.digest }}"},
                    ),
                    "depends_on": ["image", "ticket"],
                    "condition": "params.issue != ''",
                    "dry_run": _shell("kubectl", "diff", "-f", "k8s/"),
                    "timeout_seconds": 300,
                    "rollback": {"call": _shell("kubectl", "rollout", "undo", "deployment/web")},
                },
                {
                    "id": "announce",
                    "name": "Tell the customers",
                    "call": _shell("curl", "--fail", "https://status.example.com/announce"),
                    "depends_on": ["deploy"],
                },
            ],
        }
    )  # fmt: skip


def _shell(*words: Any) -> dict[str, Any]:
    command = words[0] if len(words) == 1 else [word for word in words if word != ""]
    return {"skill": "shell", "action": "run", "params": {"command": command}}


def _jira(status: str) -> dict[str, Any]:
    params = {"issue": "SHOP-17", "status": status}
    return {"skill": "jira-write", "action": "transition", "params": params}
