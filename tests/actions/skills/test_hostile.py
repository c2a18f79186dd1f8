"""Every action of every skill that ships is fed hostile values, one parameter at a time (F62 … F81).

The actions are asked of the table of what ships: a new one is tried without a word here, or with a sample of
what its parameters are in `SAMPLES`. Each value goes through all that the engine asks of an action: it is
inspected, tried, run, probed, and undone. Nothing of it may be executed, rendered or leave the plan's folder;
looking changes nothing; and what comes of it is a success or a failure in words, never a traceback of fsm.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.shell import ShellAction
from fsm.app.skills import SHIPPED, Library, actions_of
from fsm.engine.ports import Action, Failed, Purpose, Succeeded, Task
from fsm.plan.model import Call, Plan, Step
from fsm.plan.skill import ActionSpec, Parameter, SkillSpec

PRODUCT = 78_125 * 15_625
VALUES = {
    "substitution": "$(touch pwned)`touch pwned`",
    "quotes": "'\"; touch pwned; \"'; touch pwned; '",
    "lines": "a\ntouch pwned\n\r\nX-Pwned: yes",
    "option": "--output=pwned",
    "option that runs": "--upload-pack=touch pwned",
    "transport that runs": "ext::sh -c touch% pwned",
    "program": "__import__('os').system('touch pwned')",
    "parent": "../pwned",
    "hidden parent": "x/../../pwned",
    "absolute": "{root}/pwned",
    "link out": "out/pwned",
    "hook": ".git/hooks/post-checkout",
    "NUL": "a\0b",
    "not UTF-8": "a\udcff\udcfe",
    "template": "{{ 78125 * 15625 }}%s%n{0.__class__}${HOME}",
    "response file": "@pwned",
    "long": "x" * 200_000,
    "empty": "",
    "escape": "\x1b]0;pwned\x07\u202e",
}

SAMPLES: Mapping[str, Any] = {
    "args": {"value": "x"},
    "branch": "main",
    "command": ["true"],
    "function": "tasks.py:echo",
    "from": "side",
    "host": "127.0.0.1",
    "interval": 0.01,
    "issue": "A-1",
    "method": "GET",
    "network": "any",
    "path": "file.txt",
    "paths": ["file.txt"],
    "port": "{port}",
    "remote": "origin",
    "retries": 0,
    "source": "file.txt",
    "timeout": 0.2,
    "to": "main",
    "url": "http://127.0.0.1:{port}/a",
}
"""What parameters are by their name; any other is `plain`, or what is simplest of its kind."""

_SIMPLE = {"integer": 1, "number": 1, "boolean": False, "list": ["plain"], "mapping": {}}


def shipped() -> Iterator[tuple[str, SkillSpec]]:
    """Every skill that ships, and `shell`, which is none of them."""
    library = Library(Path())
    for name in SHIPPED:
        spec = library.find(name)
        assert spec is not None
        yield name, spec
    run = ActionSpec(name="run", params=(Parameter(name="command", kind="list", required=True),))
    yield "shell", SkillSpec(name="shell", actions={"run": run})


CASES = [
    pytest.param(skill, action, parameter, id=f"{name}.{action.name}-{parameter.name}")
    for name, skill in shipped()
    for action in skill.actions.values()
    for parameter in action.params
]


def test_everything_that_ships_is_tried() -> None:
    tried = {case.values[0].name for case in CASES}  # type: ignore[union-attr]
    assert tried == {*SHIPPED, "shell"}


@pytest.mark.parametrize(("skill", "action", "parameter"), CASES)
def test_a_hostile_value_is_data_everywhere(
    world: World, skill: SkillSpec, action: ActionSpec, parameter: Parameter
) -> None:
    attempts = Attempts(world, skill, action)
    for name, text in VALUES.items():
        value = text.replace("{root}", str(world.root))
        for params in attempts.given(parameter, value):
            attempts.make(params, what=f"{name}: {params!r:.200}")
            world.is_untouched(name)


EVIL = """
import os
import fsm

evil = fsm.Skill("evil")


@evil.action
def execute(value: str) -> None:
    os.system("true " + value.replace("\\0", ""))


@evil.action
def leave(value: str) -> None:
    open(os.path.join(os.environ["EVIL"], value.replace("\\0", "")), "a", errors="replace").close()


@evil.action
def render(value: str) -> str:
    return value.replace("{{ 78125 * 15625 }}", str(78125 * 15625))


@evil.action
def look(value: str) -> None:
    pass


@look.dry_run
def touch(value: str) -> None:
    open(os.path.join(os.environ["EVIL"], "dry"), "w").close()
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("execute", "was executed, or left the folder"),
        ("leave", "was executed, or left the folder"),
        ("render", "rendered"),
        ("look", "looking changed something"),
    ],
)
def test_what_is_wrong_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setenv("EVIL", str(world.folder))
    monkeypatch.chdir(world.folder)
    (world.folder / "evil.py").write_text(EVIL)
    spec = Library(world.folder, ("evil.py:evil",)).find("evil")
    assert spec is not None
    action = spec.actions[name]
    with pytest.raises(AssertionError, match=told):
        test_a_hostile_value_is_data_everywhere(world, spec, action, action.params[0])


@dataclass
class World:
    """`root` holds the plan's folder, a repository with a remote, and what is beside it; a server listens."""

    root: Path
    port: int
    requests: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.root / "plan"
        self._before = self._beside()

    def _beside(self) -> dict[str, bytes]:
        """All that an action may not touch: not the plan's folder, nor the remote that it may push to."""
        return picture(self.root, but=("plan", "remote"))

    def is_untouched(self, what: str) -> None:
        """Nothing was executed, and nothing beside the plan's folder changed."""
        assert not list(self.root.rglob("pwned")), f"{what} was executed, or left the folder"
        assert not Path("pwned").exists(), what
        assert self._beside() == self._before, what

    def contents(self) -> dict[str, bytes]:
        """The plan's folder without what fsm keeps there."""
        return picture(self.folder, but=(".fsm", "index"))


@dataclass
class Attempts:
    """All that the engine asks of one action."""

    world: World
    skill: SkillSpec
    action: ActionSpec
    number: int = 0

    def __post_init__(self) -> None:
        self.shell = ShellAction()
        self.performer: Action = self.shell
        if self.skill.name != "shell":
            call = Call(skill=self.skill.name, action=self.action.name)
            plan = Plan(
                id="p",
                name="p",
                skills={self.skill.name: self.skill.stored(self.skill.actions)},
                steps=(Step(id="s", name="s", call=call),),
            )
            self.performer = actions_of(plan, self.world.folder, self.shell)[self.skill.name]

    def given(self, parameter: Parameter, value: str) -> Iterator[dict[str, Any]]:
        """Parameters in which one is, or holds, the value; the others are as they should be."""
        others = {
            each.name: self.sample(each)
            for each in self.action.params
            if each.required or each.name in SAMPLES or each.default is not None
        }
        match parameter.kind:
            case "list" if parameter.name == "command":
                yield {**others, parameter.name: ["printf", "%s", value]}
                yield {**others, parameter.name: [value]}
            case "list":
                yield {**others, parameter.name: [value]}
            case "mapping":
                yield {**others, parameter.name: {"value": value}}
                yield {**others, parameter.name: {value: "x"}}
            case "any":
                yield {**others, parameter.name: value}
                yield {**others, parameter.name: [value, {value: value}]}
            case _:
                yield {**others, parameter.name: value}

    def sample(self, parameter: Parameter) -> Any:
        """What the parameter is when it is not hostile."""
        simple = parameter.default or _SIMPLE.get(parameter.kind, "plain")
        found = SAMPLES.get(parameter.name, simple)
        if parameter.choices and found not in parameter.choices:
            return parameter.choices[0]
        if isinstance(found, str):
            text = found.replace("{port}", str(self.world.port))
            return int(text) if parameter.kind == "integer" else text
        return found

    def make(self, params: Mapping[str, Any], what: str) -> None:
        """Inspect, try, probe, run and undo it; what only looks changes nothing.

        What its dry run refuses is never probed: no run of it begins. It must refuse to run all the same.
        """
        before = self.world.contents()
        self.inspect(params, what)
        is_fine = True
        if self.action.has_dry_run:
            is_fine = self.perform("dry_run", self.action.name, params, what)
        if self.action.has_check and is_fine:
            self.perform("check", self.action.name, params, what)
        assert self.world.contents() == before, f"looking changed something: {what}"
        done = self.perform("run", self.action.name, params, what)
        if self.action.undo is not None and done:
            undo = self.skill.actions[self.action.undo.action]
            names = {parameter.name for parameter in undo.params}
            lent = {name: value for name, value in params.items() if name in names}
            self.perform("rollback", undo.name, lent, what)

    def inspect(self, params: Mapping[str, Any], what: str) -> None:
        seen = asyncio.run(
            self.performer.inspect(
                self.action.name, params, self.world.folder, self.world.env, [b"hidden-7f3a9c"]
            )
        )
        for problems in seen.values():
            for problem in problems:
                self.is_told_well(str(problem), what)

    def perform(self, purpose: Purpose, action: str, params: Mapping[str, Any], what: str) -> bool:
        """Whether it succeeded. Fails the test if it ends in any other way than it may."""
        self.number += 1
        logs = self.world.folder / ".fsm/logs/run"
        stem = str(logs / f"s@{purpose}.{self.number}")
        task = Task(
            run_id="run",
            step_id="s",
            attempt=self.number,
            purpose=purpose,
            action=action,
            params=params,
            env={**self.world.env, "FSM_OUTPUT": f"{stem}.outputs"},
            cwd=str(self.world.folder),
            log=f"{stem}.log",
            outputs=f"{stem}.outputs",
            secrets=(b"hidden-7f3a9c",),
            grace_seconds=1.0,
        )

        async def bounded() -> object:
            async with asyncio.timeout(60):
                return await self.performer.perform(task)

        outcome = asyncio.run(bounded())
        assert isinstance(outcome, Succeeded | Failed), what
        if isinstance(outcome, Failed):
            self.is_told_well(outcome.error, what)
        for line in outcome.tail.splitlines():
            assert not line.lstrip().startswith('File "') or "/fsm/" not in line, f"{what}: {line}"
        assert str(PRODUCT) not in repr(outcome), f"rendered: {what}"
        return isinstance(outcome, Succeeded)

    def is_told_well(self, text: str, what: str) -> None:
        """In one printable line that a person can read."""
        assert text.strip(), what
        assert len(text) < 3_000, f"{len(text)} characters: {what}"
        assert all(char.isprintable() for char in text), f"{text!r:.500}: {what}"
        assert not any(word in text for word in ("Traceback", "TypeError", "AttributeError")), text
        assert str(PRODUCT) not in text, f"rendered: {what}"


def picture(folder: Path, but: tuple[str, ...]) -> dict[str, bytes]:
    """Every file, link and folder below by its path, with what it holds."""
    found = {}
    for here, folders, names in os.walk(os.fsencode(folder)):
        folders[:] = [name for name in folders if os.fsdecode(name) not in but]
        for name in (*folders, *names):
            path = os.path.join(here, name)  # noqa: PTH118
            if os.path.islink(path):  # noqa: PTH114
                found[os.fsdecode(path)] = os.readlink(path)  # noqa: PTH115
            elif os.path.isfile(path) and os.fsdecode(name) not in but:  # noqa: PTH113
                found[os.fsdecode(path)] = Path(os.fsdecode(path)).read_bytes()
            else:
                found[os.fsdecode(path)] = b""
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each world is a copy of."""
    root = tmp_path_factory.mktemp("model")
    for name in ("plan", "home", "beside"):
        (root / name).mkdir()
    (root / "beside" / "precious").write_text("precious")
    folder = root / "plan"
    (folder / "file.txt").write_text("text")
    (folder / "tasks.py").write_text("def echo(value=None):\n    return value\n")
    (folder / "out").symlink_to("../beside")
    commands = (
        "git init --quiet --initial-branch main && git add file.txt && git commit --quiet -m first && "
        "git branch side && git init --quiet --bare ../remote && git remote add origin ../remote && "
        "echo more > file.txt"
    )
    subprocess.run(commands, shell=True, cwd=folder, env=environment(root, 0), check=True)
    return root


@pytest.fixture
def world(
    tmp_path: Path, model: Path, site: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> World:
    """A world of its own, in which names of hosts lead nowhere."""
    root = tmp_path / "root"
    shutil.copytree(model, root, symlinks=True)
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        if host in ("127.0.0.1", b"127.0.0.1", "localhost"):
            return real(host, *rest, **more)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.chdir(root / "home")
    port, requests = site
    return World(root, port, requests, environment(root, port))


def environment(root: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root / "home"),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "ann@example.org"
           for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "JIRA_BASE_URL": f"http://127.0.0.1:{port}/site",
        "JIRA_EMAIL": "ann@example.org",
        "JIRA_TOKEN": "hidden-7f3a9c",
        "FSM_IDEMPOTENCY_KEY": "run:s",
    }  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine that answers everything with `{}`: its port, and the paths asked of it."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()
