"""Whether a call goes over the network, as far as the plan says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fsm.plan.model import Call, Plan

__all__ = ["over_the_network"]

_NETWORK = frozenset(
    {
        *(
            "ansible",
            "ansible-playbook",
            "aws",
            "az",
            "curl",
            "ftp",
            "gcloud",
            "gh",
            "helm",
            "kubectl",
        ),
        *("nc", "ping", "rsync", "scp", "sftp", "ssh", "terraform", "twine", "wget"),
    }
)
_NETWORK_VERBS: Mapping[str, frozenset[str]] = {
    "git": frozenset({"clone", "fetch", "pull", "push"}),
    "docker": frozenset({"login", "pull", "push"}),
    "podman": frozenset({"login", "pull", "push"}),
    "npm": frozenset({"ci", "install", "publish"}),
    "pip": frozenset({"download", "install"}),
}
_NETWORK_SKILLS = frozenset({"http", "jira-write", "wait-for"})
_WORDS = re.compile(r"(?:^|[\n;|&(])\s*(?:\w+=\S*\s+)*([\w./-]+)(?:\s+([\w-]+))?")


def over_the_network(plan: Plan, call: Call) -> str:
    """The hosts that its action needs, its skill, or the first such program of its command; "" if none is."""
    return _hosts(plan, call) or _program(call)


def _hosts(plan: Plan, call: Call) -> str:
    """The hosts that the action declares to need."""
    found: object = plan.skills
    for key in (call.skill, "actions", call.action, "needs", "hosts"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return ", ".join(map(str, found)) if isinstance(found, list) else ""


def _program(call: Call) -> str:
    if call.skill != "shell":
        return call.skill if call.skill in _NETWORK_SKILLS else ""
    command = call.params.get("command")
    if isinstance(command, list):
        words = [word if isinstance(word, str) else "" for word in command[:2]]
        found = [(words[0], words[1] if len(words) > 1 else "")]
    else:
        found = _WORDS.findall(command if isinstance(command, str) else "")
    for word, verb in found:
        program = word.rpartition("/")[2]
        if program in _NETWORK:
            return program
        if verb in _NETWORK_VERBS.get(program, ()):
            return f"{program} {verb}"
    return ""
