"""Where one scenario happens: a folder, an environment, and the real command run in it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import fsm

from .journal import newest_run
from .waiting import PATIENCE_SECONDS, until

__all__ = ["SPECS", "Answer", "Place"]

SPECS = Path(__file__).parent
_FSM = [sys.executable, "-m", "fsm"]


@dataclass(frozen=True)
class Answer:
    """How one command ended, and what it printed."""

    command: str
    exit_code: int
    out: str
    error: str

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.out}{self.error}[exit {self.exit_code}]"


@dataclass
class Place:
    """`folder` is where commands are given; `env` is all of their environment.

    `answers` holds how the commands ended, the last one last; `runner` is the one still running.
    `within` is the command line that each command is put behind, such as one that sets a limit.
    """

    folder: Path
    env: dict[str, str]
    answers: list[Answer] = field(default_factory=list)
    runner: subprocess.Popen[str] | None = None
    noted: dict[str, object] = field(default_factory=dict)
    leaving: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    within: list[str] = field(default_factory=list)
    _command: str = ""
    _reader: int = -1

    @classmethod
    @contextlib.contextmanager
    def at(cls, root: Path) -> Iterator[Place]:
        folder, home = root / "work", root / "home"
        folder.mkdir()
        home.mkdir()
        env = {
            "PATH": f"{SPECS / 'tools'}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "COLUMNS": "100",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ann",
            "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "ann@example.org",
        }
        place = cls(folder, env)
        with place.leaving:
            try:
                yield place
            finally:
                place._leave_nothing_running()

    @property
    def answer(self) -> Answer:
        return self.answers[-1]

    @property
    def state(self) -> Path:
        """The database, or the folder of JSON lines, that the commands use."""
        _, _, path = self.env.get("FSM_STATE", "sqlite:.fsm/state.db").partition(":")
        return self.folder / path

    def path(self, name: str) -> Path:
        return self.folder / name

    def filled(self, text: str) -> str:
        """The text with `{digest}`, `{folder}`, `{run}`, `{version}` and what a scenario noted filled in."""
        known: dict[str, Callable[[], str]] = {
            "{digest}": self.digest,
            "{folder}": lambda: str(self.folder),
            "{run}": lambda: newest_run(self.state),
            "{version}": lambda: fsm.__version__,
            **{f"{{{name}}}": (lambda v=value: str(v)) for name, value in self.noted.items()},
        }
        for name, value in known.items():
            if name in text:
                text = text.replace(name, value())
        return text

    def digest(self) -> str:
        """The digest of plan.yaml as it stands now."""
        done = self.execute("fsm plan plan.yaml --json")
        return str(json.loads(done.out)["digest"])

    def execute(self, command: str, folder: str = ".", typed: str = "") -> Answer:
        """Run a command line that begins with `fsm` to its end, `typed` on its stdin."""
        done = subprocess.run(
            self.arguments(command),
            cwd=self.folder / folder,
            env=self.env,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=PATIENCE_SECONDS * 2,
            input=typed,
        )
        return Answer(command, done.returncode, done.stdout, done.stderr)

    def run(self, command: str) -> Answer:
        """Run a command to its end, and keep its answer."""
        self.answers.append(self.execute(self.filled(command)))
        return self.answer

    def run_into_closed_pipe(self, command: str) -> None:
        """Run a command whose output nobody reads any more, and keep its answer."""
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            done = subprocess.run(
                self.arguments(self.filled(command)),
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PATIENCE_SECONDS * 2,
            )
        finally:
            os.close(theirs)
        self.answers.append(Answer(command, done.returncode, "", done.stderr))

    def run_into(self, redirection: str, command: str) -> None:
        """Run a command with a redirection of a shell, and keep its answer."""
        done = subprocess.run(
            [
                "bash",
                "-c",
                f'exec "$@" {redirection}',
                "bash",
                *self.arguments(self.filled(command)),
            ],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 2,
        )
        self.answers.append(Answer(command, done.returncode, done.stdout, done.stderr))

    def start(self, command: str) -> None:
        """Run a command beside the scenario, which goes on."""
        out, error = self._output_files()
        with out.open("w") as out_file, error.open("w") as error_file:
            self._start(command, subprocess.DEVNULL, out_file.fileno(), error_file.fileno())

    def start_into_a_pipe(self, command: str) -> None:
        """The same, its output into a pipe; `nobody_reads` ends the reading."""
        self._reader, theirs = os.pipe()
        self._start(command, subprocess.DEVNULL, theirs, theirs)
        os.close(theirs)

    def start_on_a_terminal(self, command: str) -> None:
        """The same on a terminal that is its own; `nobody_reads` closes it."""
        self._reader, theirs = pty.openpty()
        self._start(command, theirs, theirs, theirs, "setsid", "--ctty")
        os.close(theirs)

    def nobody_reads(self) -> None:
        """The reader of what the running command prints goes away."""
        os.close(self._reader)

    def _start(self, command: str, stdin: int, out: int, error: int, *before: str) -> None:
        assert self.runner is None, "the scenario runs a command already"
        self._command = self.filled(command)
        self.runner = subprocess.Popen(
            [*before, *self.arguments(self._command)],
            cwd=self.folder,
            env=self.env,
            stdin=stdin,
            stdout=out,
            stderr=error,
            text=True,
        )
        self.noted["runner"] = self.runner.pid

    def so_far(self) -> str:
        """What the command that runs beside the scenario has printed yet."""
        return "".join(_text(path) for path in self._output_files())

    def finish(self) -> Answer:
        """Wait for the end of the command that runs beside the scenario, and keep its answer."""
        assert self.runner is not None, "the scenario runs no command"
        try:
            exit_code = self.runner.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on and on:\n{self.so_far()}") from None
        self.runner = None
        out, error = (_text(path) for path in self._output_files())
        self.answers.append(Answer(self._command, exit_code, out, error))
        return self.answer

    def wait_for(self, name: str) -> Path:
        """The file of that name, once it is there. Fails at once if the command beside it has ended."""

        def there() -> bool:
            if self.path(name).exists():
                return True
            ended = self.runner is not None and self.runner.poll() is not None
            assert not ended, f"it ended before there was {name}:\n{self.so_far()}"
            return False

        until(there, f"the file {name}")
        return self.path(name)

    def arguments(self, command: str) -> list[str]:
        program, *arguments = shlex.split(command)
        assert program == "fsm", command
        return [*self.within, *_FSM, *arguments]

    def _output_files(self) -> tuple[Path, Path]:
        return self.folder.parent / "out", self.folder.parent / "error"

    def _leave_nothing_running(self) -> None:
        """Let every step that `hold` keeps end by itself; end the command that still runs."""
        for began in self.folder.rglob("*.began"):
            began.with_suffix(".go").touch()
        if self.runner is not None and self.runner.poll() is None:
            self.runner.send_signal(signal.SIGKILL)
            self.runner.wait()


def _text(path: Path) -> str:
    return path.read_text(errors="backslashreplace") if path.exists() else ""
