"""A workspace: the folder commands are given in, the state that belongs to it, and the parts wired."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.engine.ports import FINAL_STATES
from fsm.engine.site import Site
from fsm.errors import Invalid, Problem, Refused
from fsm.values import Value

if TYPE_CHECKING:
    from fsm.engine.ports import Action, RunSummary, Store
    from fsm.plan.model import Plan

__all__ = ["BACKENDS", "Workspace", "backend_url", "whoami"]

_STATE = ".fsm"

BACKENDS: Mapping[str, str] = {
    "sqlite": "sqlite:{folder}/state.db",
    "json": "json:{folder}/state",
    "redis": "redis://localhost:6379/0",
}
"""The state of a workspace by the kind of its store; `FSM_REDIS_URL` names another server."""


def _any_chance() -> float:
    """A number in [0, 1), any as likely as another: of the system, as few runs have a use for `random`."""
    return int.from_bytes(os.urandom(6)) / 2**48


class Workspace(Value):
    """`cwd` is where commands were given; `state_url` names the store, and may hold a password.

    `more_actions` are actions of the caller's own, by the name of their skill; `now` gives seconds since the
    epoch, `chance` a number in [0, 1) that spreads retries with jitter.
    """

    cwd: Path
    state_url: str
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace_seconds: float = 10.0
    more_actions: Mapping[str, Action] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = _any_chance

    @classmethod
    def here(cls, state: str | None = None, grace_seconds: float = 10.0) -> Workspace:
        """The workspace of this folder; its state is `state`, `FSM_STATE`, or the nearest `.fsm/`."""
        cwd = Path.cwd()
        url = state or os.environ.get("FSM_STATE") or backend_url("sqlite")
        return cls(cwd, url, grace_seconds=grace_seconds)

    @cached_property
    def store(self) -> Store:
        """The store, opened on first use. Reading makes no folder and no file."""
        from fsm.stores import open_store

        return open_store(self.state_url, self.folder)

    @property
    def folder(self) -> Path:
        """The `.fsm/` of this folder, or of the nearest above it: what stays here of a state elsewhere."""
        return self.cwd / _nearest(self.cwd)

    @property
    def shown_url(self) -> str:
        """The name of the store as it may be printed: without a password."""
        from fsm.stores.redis.url import shown

        return shown(self.state_url)

    @cached_property
    def logs(self) -> Path:
        """The folder of all runs' logs: beside a file of state, within a folder of state, else here."""
        scheme, _, path = self.state_url.partition(":")
        match scheme:
            case "json":
                return self.cwd / Path(path).expanduser() / "logs"
            case "sqlite":
                return (self.cwd / Path(path).expanduser()).parent / "logs"
            case _:
                return self.folder / "logs"

    def actions_of(self, plan: Plan, cwd: Path | None = None) -> Mapping[str, Action]:
        """The actions of the skills that the plan uses, by the name of the skill.

        `cwd` is where its run was started, which file actions do not leave; else it is here.
        """
        from fsm.actions.shell import ShellAction

        shell = ShellAction()
        known = {"shell": shell, **self.more_actions}
        if plan.skills.keys() <= known.keys():
            return known
        from fsm.app.skills import actions_of

        return {**actions_of(plan, cwd or self.cwd, shell, but=known), **known}

    def site(self, run_id: str, plan: Plan, cwd: Path) -> Site:
        """Where that run of the plan works and logs."""
        from fsm.stores.redis.url import password

        hidden = password(self.state_url).encode(errors="surrogateescape")
        return Site(run_id, plan, cwd, self.logs / run_id, self.environ, hidden=hidden)

    def find(self, reference: str | None, runs: Sequence[RunSummary] | None = None) -> RunSummary:
        """The run of that id, or of an id that begins or ends so; the newest if `reference` is `None`.

        `runs` are those of the store, if they were read. Raises `Refused` if there is none, and `Invalid` if
        several fit or none does.
        """
        runs = self.store.runs() if runs is None else runs
        if not runs:
            raise Refused(
                f"no run is recorded in {self.shown_url}",
                "state belongs to the folder a run was started in; start one with: fsm run PLAN",
            )
        if reference is None:
            return runs[0]
        if not reference:
            hint = "leave it out for the newest, or name one of: fsm list"
            raise Invalid([Problem("the name of the run is empty", hint)])
        exact = [run for run in runs if run.run_id == reference]
        fitting = exact or [
            run
            for run in runs
            if run.run_id.startswith(reference) or run.run_id.endswith(reference)
        ]
        if len(fitting) == 1:
            return fitting[0]
        raise Invalid([Problem(*_which(reference, fitting, runs))])

    def refuse_unfinished(self, plan_id: str) -> None:
        """Raises `Refused` if a run of that plan has not ended: sooner than the store would.

        And says so of one that a living process drives: nothing but waiting and stopping it will do.
        """
        from fsm.stores.refusals import driven, unfinished

        for run in self.store.runs():
            if run.plan_id == plan_id and run.state not in FINAL_STATES:
                holder = self.store.holder(run.run_id)
                raise unfinished(run) if holder is None else driven(run, holder)


def backend_url(backend: str) -> str:
    """The state of this folder in a store of that kind, one of `BACKENDS`."""
    if backend == "redis" and (url := os.environ.get("FSM_REDIS_URL")):
        return url
    return BACKENDS[backend].format(folder=_nearest(Path.cwd()))


def new_run_id() -> str:
    """Sortable by time, short enough to type: `20261121-093015-k3f9`."""
    alphabet = "23456789abcdefghjkmnpqrstuvwxyz"
    tail = "".join(alphabet[byte % len(alphabet)] for byte in os.urandom(4))
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{tail}"


def whoami() -> str:
    """Who gives the commands: the login name and the machine, as the system tells them."""
    import pwd

    try:
        name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    return f"{name}@{os.uname().nodename}"


def _nearest(cwd: Path) -> str:
    """The `.fsm` of this folder, or of the nearest one above that has one; else the one to be made here.

    Above, only a real folder of the same file system counts that belongs to who asks: nobody can foist a
    state on those who work below a folder that others may write to. The home folder's own state is not
    that of everything in it.
    """
    if os.path.lexists(cwd / _STATE):
        return _STATE
    home = os.path.realpath(os.environ.get("HOME", "/"))
    device = cwd.stat().st_dev
    for folder in cwd.parents:
        with suppress(OSError):  # not there, or not for us to see
            if os.fspath(folder) == home or folder.stat().st_dev != device:
                break
            found = (folder / _STATE).lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                return os.fspath(folder / _STATE)
    return _STATE


def _which(
    reference: str, fitting: Sequence[RunSummary], runs: Sequence[RunSummary]
) -> tuple[str, str]:
    if fitting:
        return f"several runs fit `{reference}`", ", ".join(run.run_id for run in fitting)
    from difflib import get_close_matches

    near = get_close_matches(reference, [run.run_id for run in runs], n=3, cutoff=0.5)
    return (
        f"there is no run `{reference}`",
        f"did you mean {' or '.join(near)}?" if near else "list them with: fsm list",
    )
