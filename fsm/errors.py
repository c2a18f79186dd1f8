"""Every error that fsm raises on purpose: one tree, drawn here.

    FsmError                   70  a defect, unless a subclass says otherwise
    ├── Invalid                 2  a file or an argument is wrong; carries every Problem found
    ├── Refused                 6  asked for something that may not happen now
    │   ├── TransitionRefused   6  no row of a machine's table admits the trigger
    │   └── Held                6  another process holds the run
    └── StateUnavailable        7  the store cannot be read or written as promised
        ├── Damaged             7  what is stored breaks a rule or a hash
        └── Conflict            7  the journal moved on, or another runner took over

An error says what happened (`message`) and the next move (`hint`). The faces print both and exit with
`exit_code` (DESIGN.md, "Faces"); none of them shows a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = [
    "Conflict",
    "Damaged",
    "FsmError",
    "Held",
    "Invalid",
    "Problem",
    "Refused",
    "StateUnavailable",
    "TransitionRefused",
]


class Problem:
    """One finding in one file: where, what, and what to write instead.

    `line` and `column` count from 1; 0 means the problem has no place in the file (a missing file, an
    argument of the command line). `lacks` is the folder or program, absolute, of which it is that it is not
    there.
    """

    __slots__ = ("column", "hint", "lacks", "line", "message", "path")

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        path: str = "",
        line: int = 0,
        column: int = 0,
        lacks: str = "",
    ) -> None:
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line
        self.column = column
        self.lacks = lacks

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}  " if self.line else ""
        place = place or (f"{self.path}  " if self.path else "")
        return f"{place}{self.message}" + (f"; {self.hint}" if self.hint else "")

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"

    def as_dict(self) -> dict[str, str | int]:
        """The problem as the JSON that `--json` prints."""
        return {
            "file": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }


class FsmError(Exception):
    """The root: `message` says what happened, `hint` the next move, `exit_code` the process's end."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class Invalid(FsmError):
    """A file or an argument is wrong. `problems` holds every finding, in the order of the file.

    `secrets` names the variables whose values may stand in them, for who knows these to mask them.
    """

    exit_code = 2

    def __init__(
        self, problems: Iterable[Problem], hint: str = "", secrets: Iterable[str] = ()
    ) -> None:
        self.secrets: Sequence[str] = tuple(secrets)
        self.problems: Sequence[Problem] = tuple(
            sorted(problems, key=lambda p: (p.path, p.line, p.column))
        )
        super().__init__("\n".join(map(str, self.problems)), hint)


class Refused(FsmError):
    """Asked for something that may not happen now; nothing was changed."""

    exit_code = 6


class TransitionRefused(Refused):
    """No row of the table admits `trigger` in `state`.

    `failed` names the conditions that do not hold (empty: no row for this state and trigger at all);
    `allowed` names the triggers that have a row in this state.
    """

    def __init__(
        self,
        subject: str,
        state: str,
        trigger: str,
        failed: Sequence[str] = (),
        allowed: Sequence[str] = (),
    ) -> None:
        self.subject = subject
        self.state = state
        self.trigger = trigger
        self.failed = tuple(failed)
        self.allowed = tuple(allowed)
        names = " and ".join(f"`{name}`" for name in self.failed)
        holds = "does not hold" if len(self.failed) == 1 else "do not hold"
        because = f" because {names} {holds}" if names else ""
        can = ", ".join(self.allowed) or "nothing"
        super().__init__(
            f"{subject} is {state}: `{trigger}` is refused{because}", f"allowed now: {can}"
        )


class Held(Refused):
    """Another process holds the run; `pid` is its number, 0 if it cannot be told or is not of this machine.

    `elsewhere` says who it is, in words, if only its lease can be seen from here.
    """

    def __init__(self, run_id: str, pid: int = 0, elsewhere: str = "") -> None:
        self.run_id = run_id
        self.pid = pid
        by = elsewhere or (f"pid {pid}" if pid else "")
        super().__init__(
            f"run {run_id} is held by another process{f' ({by})' if by else ''}",
            "wait for it, or stop it where it runs; if it is dead, its lease ends by itself"
            if elsewhere
            else f"wait for it, or stop it with: fsm abort {run_id}",
        )


class StateUnavailable(FsmError):
    """The store cannot be read or written as promised; what was recorded before is still there."""

    exit_code = 7


class Damaged(StateUnavailable):
    """What is stored breaks a rule or a hash; it is shown, never guessed around."""


class Conflict(StateUnavailable):
    """The journal is not where this writer left it: another runner took over (I20)."""
